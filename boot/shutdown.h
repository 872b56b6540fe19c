/*
 * The steps of the stop: withdraw Services, make sure of the daemon's state and publish what is
 * left, end the daemon, remove the firewall's rules. One budget for all of it, spent once; each
 * step gets what the later ones can spare. Which step is next is decided by the node's table.
 *
 *	shutdown_begin(&shutdown);
 *	shutdown_withdraw(&shutdown, &publish, is_running);
 *	... on_step: shutdown_await_state
 *
 * on_step never comes from within a call. A step that returns false has nothing to wait for, and
 * no call follows.
 */
#ifndef BOOT_SHUTDOWN_H
#define BOOT_SHUTDOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/io/timer.h"

struct daemon;
struct datapath;
struct loop;
struct publish;
struct settings;
struct statestore;
struct times;

struct shutdown_events {
	void (*on_step)(void *arg);         /* the step is done */
	void (*on_budget_spent)(void *arg); /* what is under way is given up */
	void *arg;
};

struct shutdown {
	struct shutdown_events events;
	const struct settings *settings_ref;
	const struct times *times_ref;
	struct timer budget;
	uint64_t deadline_ms;
	bool is_withdrawing;
	unsigned waits; /* of the state step: flush, consistency */
	struct statestore *store_ref;
};

void shutdown_init(struct shutdown *s, struct loop *loop, const struct settings *settings,
	const struct times *times, const struct shutdown_events *events);
void shutdown_begin(struct shutdown *s);      /* the budget runs */
void shutdown_stop_clock(struct shutdown *s); /* zeroed is accepted */

/* is_running: the node carries traffic, clients get time to go elsewhere. */
void shutdown_withdraw(struct shutdown *s, struct publish *publish, bool is_running);
/* store NULL: none. A daemon that is gone writes nothing any more that could be waited for; when it
 * goes during a step, this begins anew and the step before is over. */
bool shutdown_await_state(struct shutdown *s, struct statestore *store, bool has_daemon);
/* The event of the daemon reports the end. */
void shutdown_stop_daemon(struct shutdown *s, struct daemon *daemon);
/* datapath NULL: none. */
bool shutdown_remove_rules(struct shutdown *s, struct datapath *datapath);

#endif
