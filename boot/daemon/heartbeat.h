/*
 * Checks whether the daemon still answers: a cheap call of its LocalAPI (its preferences: a short
 * read under its main lock, a kilobyte for any number of peers) at an interval. Any answer counts,
 * and so does a notification. Two calls in a row without an answer raise the condition DaemonMute;
 * a daemon that stays mute longer than a limit must be started again.
 *
 *	heartbeat_init(&heartbeat, &partners, &options, &events);
 *	heartbeat_start(&heartbeat); // its socket accepts connections
 *	... on_mute: restart the daemon
 */
#ifndef BOOT_DAEMON_HEARTBEAT_H
#define BOOT_DAEMON_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/io/timer.h"

struct condition_set;
struct localapi;
struct localapi_call;
struct loop;

struct heartbeat_options {
	uint32_t interval_ms;   /* from the begin of one call to the next */
	uint32_t patience_ms;   /* for one answer */
	uint64_t mute_limit_ms; /* since the begin of the first call that was not answered */
};

struct heartbeat_events {
	void (*on_change)(void *arg); /* of heartbeat_is_answered */
	void (*on_mute)(void *arg);   /* the limit has passed; once for each start */
	void *arg;
};

struct heartbeat {
	struct localapi *api_ref;
	struct condition_set *conditions_ref;
	struct heartbeat_options options;
	struct heartbeat_events events;
	struct localapi_call *call;
	struct timer next;
	struct timer limit;
	uint64_t asked_ms; /* begin of the newest call */
	uint64_t since_ms; /* begin of the first call that was missed */
	unsigned misses;   /* in a row */
};

/* api and conditions are borrowed. */
void heartbeat_init(struct heartbeat *h, struct loop *loop, struct localapi *api,
	struct condition_set *conditions, const struct heartbeat_options *options,
	const struct heartbeat_events *events);
/* For a daemon that has become ready: earlier misses do not count. */
void heartbeat_start(struct heartbeat *h);
/* The daemon has ended or is about to. The condition stays until another one has become ready.
 * Zeroed is accepted. */
void heartbeat_stop(struct heartbeat *h);
/* The daemon has sent something else. */
void heartbeat_heard(struct heartbeat *h);
/* The newest finished call was answered. */
bool heartbeat_is_answered(const struct heartbeat *h);

#endif
