/*
 * Waits until the daemon's own state in a place is complete, so that the daemon may be stopped:
 * lists the keys again with growing pauses. A place that does not exist is complete; if it does
 * not answer, the wait is given up soon, and likewise for a state without a profile, as left by a
 * node that is not logged in.
 */
#ifndef STATESTORE_STORE_AWAIT_H
#define STATESTORE_STORE_AWAIT_H

#include "lib/io/timer.h"
#include "statestore/statestore.h"

struct store_await {
	const struct statestore_backend *backend_ref; /* NULL: complete at once */
	struct store_consistency_events events;
	bool is_active; /* a poll may be under way */
	bool has_waited;
	uint32_t looks;
	uint32_t failures; /* in a row */
	struct timer pause;
	struct timer answer; /* until when a poll must have succeeded */
	struct timer limit;
	struct err failure;
};

void store_await_init(struct store_await *a, struct loop *loop);
/* backend_ref NULL: a store that keeps nothing. Callbacks are called from the loop. */
void store_await_start(struct store_await *a, const struct statestore_backend *backend_ref,
	uint32_t timeout_ms, const struct store_consistency_events *events);
void store_await_cancel(struct store_await *a);

#endif
