/*
 * The steps of the stop: withdraw Services, check the daemon's state and publish pending values,
 * end the daemon, remove the firewall's rules. One budget for all steps; each step gets what the
 * later ones can spare. The node's table decides which step is next.
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
	void (*on_budget_spent)(void *arg); /* the step under way is abandoned */
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
void shutdown_begin(struct shutdown *s);      /* starts the budget */
void shutdown_stop_clock(struct shutdown *s); /* zeroed is accepted */

/* is_running: the node carries traffic, clients get time to go elsewhere. */
void shutdown_withdraw(struct shutdown *s, struct publish *publish, bool is_running);
/* store NULL: none. A daemon that has ended writes nothing more to wait for; when it ends during a
 * step, this step begins anew and the previous one is done. */
bool shutdown_await_state(struct shutdown *s, struct statestore *store, bool has_daemon);
/* The event of the daemon reports the end. */
void shutdown_stop_daemon(struct shutdown *s, struct daemon *daemon);
/* datapath NULL: none. */
bool shutdown_remove_rules(struct shutdown *s, struct datapath *datapath);

#endif
