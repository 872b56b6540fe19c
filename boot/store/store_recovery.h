/*
 * A daemon that starts while the place of its state does not answer runs without any state, reports
 * that with a health warning, and never reads it again. While that warning is raised, the place is
 * probed with back-off; when it answers, the daemon must be started again. If the new one warns
 * again, the pauses get longer.
 *
 *	store_recovery_init(&recovery, loop, &node_store, on_answer, me);
 *	store_recovery_begin(&recovery);
 *	... on_answer: restart the daemon
 *
 * Probing a folder reads one byte of the state, or writes two if there is no state yet. Probing a
 * Secret reads it.
 */
#ifndef BOOT_STORE_STORE_RECOVERY_H
#define BOOT_STORE_STORE_RECOVERY_H

#include <stdbool.h>

#include "lib/base/backoff.h"
#include "lib/io/timer.h"

struct kube_call;
struct loop;
struct node_store;

struct store_recovery {
	const struct node_store *store_ref;
	void (*on_answer)(void *arg); /* never from within a call */
	void *arg;
	struct timer timer;
	struct kube_call *call;
	bool is_asking;
	bool was_answered; /* since the last store_recovery_end */
	struct backoff questions;
	struct backoff restarts;
};

void store_recovery_init(struct store_recovery *r, struct loop *loop,
	const struct node_store *store, void (*on_answer)(void *arg), void *arg);
/* The warning was raised. Does nothing when a probe is already under way. */
void store_recovery_begin(struct store_recovery *r);
/* The daemon has ended, and the warning with it: there are no probes until the next one. Zeroed is
 * accepted. */
void store_recovery_pause(struct store_recovery *r);
/* A daemon has started with its state. */
void store_recovery_end(struct store_recovery *r);

#endif
