/*
 * A daemon that comes up while the place of its state does not answer goes on without any state,
 * says so by a health warning, and never reads it again. While that warning stands, the place is
 * asked with back-off; when it answers, the daemon is to be started again. One that warns again
 * after that is given longer and longer pauses.
 *
 *	store_recovery_init(&recovery, loop, &node_store, on_answer, me);
 *	store_recovery_begin(&recovery);
 *	... on_answer: restart the daemon
 *
 * Asking a folder reads one byte of the state, or writes two where there is no state yet. Asking a
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
/* The warning stands. Nothing when it is being asked already. */
void store_recovery_begin(struct store_recovery *r);
/* The daemon is gone, the warning with it: nothing is asked until there is another one. Zeroed is
 * accepted. */
void store_recovery_pause(struct store_recovery *r);
/* A daemon has come up with its state. */
void store_recovery_end(struct store_recovery *r);

#endif
