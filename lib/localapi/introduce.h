/*
 * A restarted daemon has a new discovery key, and so has the first one of a Pod that replaces
 * another. Its peers learn of it from the control server, some time after the first packets have
 * set up a WireGuard session, and then drop the session: packets that only this side sends are lost
 * until the daemon gives up on it, 15 s later. A ping inside the tunnel (TSMP) carries the key, and
 * the peer keeps the session. It also sets a session up, without which a peer that asks uses the
 * one with the former daemon for some seconds.
 *
 * So peers that matter are pinged when the daemon is back, each again and again until it answers or
 * for INTRODUCE_PATIENCE_MS, and once more for the direct path when they know its key: the daemon's
 * own first try came too early, the next one follows after 5 s. An answer proves that the tunnel to
 * the target carries packets both ways.
 *
 * The peer may drop the session all the same: when the control server's news arrives between the
 * handshake and the key, or when the key is followed by older news that was still under way. So a
 * target that has answered is watched for INTRODUCE_WATCH_MS; one that is known to be alive and
 * does not answer twice is reported as lost: the daemon needs new sessions.
 *
 *	introduce_stop(&i);
 *	introduce_add(&i, &address);
 *	introduce_begin(&i);
 *	...
 *	if (introduce_state(&i, &address) == INTRODUCE_ANSWERED)
 */
#ifndef LIB_LOCALAPI_INTRODUCE_H
#define LIB_LOCALAPI_INTRODUCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/backoff.h"
#include "lib/base/ipaddr.h"
#include "lib/io/timer.h"

/* The most targets to ping, in total and at a time. */
#define INTRODUCE_MAX 256
#define INTRODUCE_CALLS_MAX 16
/* How long a target is tried, from its first ping on. */
#define INTRODUCE_PATIENCE_MS 15000
/* How long one that has answered is watched. */
#define INTRODUCE_WATCH_MS 5000

struct localapi;
struct localapi_call;

enum introduce_state {
	INTRODUCE_UNKNOWN, /* not added since introduce_stop, or one too many */
	INTRODUCE_ASKING,
	INTRODUCE_ANSWERED,
	INTRODUCE_SILENT, /* no answer; not asked any more */
};

struct introduce_target {
	struct ipaddr address;
	enum introduce_state state;
	bool is_alive; /* has answered, maybe a former daemon */
	bool is_under_way;
	unsigned int misses; /* of one that is alive, in a row */
	uint64_t due_ms;     /* of the next ping; 0 = the first one */
	uint64_t until_ms;   /* of the last ping */
	uint64_t asked_ms;
	uint32_t answer_ms; /* of the last answer, maybe to a former daemon; 0 = unknown */
	struct backoff backoff;
};

struct introduce {
	struct localapi *api_ref;
	void (*on_change)(void *arg);
	void *change_arg;
	void (*on_lost)(void *arg, const struct ipaddr *target);
	void *lost_arg;
	struct introduce_target targets[INTRODUCE_MAX];
	size_t count;
	struct introduce_alive {
		struct ipaddr address;
		uint32_t answer_ms;
	} alive[INTRODUCE_MAX]; /* have answered former daemons */
	size_t alive_count;
	struct introduce_slot {
		struct introduce *owner_ref;
		struct introduce_target *target;
		struct localapi_call *call; /* NULL = free */
	} slots[INTRODUCE_CALLS_MAX];
	struct timer next;
};

/* Fills a zeroed struct; api is borrowed. */
void introduce_init(struct introduce *i, struct loop *loop, struct localapi *api);
/* fn is called, from the loop, when a target has answered or is given up. It may stop and begin
 * again. */
void introduce_observe(struct introduce *i, void (*fn)(void *arg), void *arg);

/* fn is called, from the loop, when a target that is alive no longer answers; once until it answers
 * again. */
void introduce_report_lost(
	struct introduce *i, void (*fn)(void *arg, const struct ipaddr *target), void *arg);

/* A target that is there already, or one too many, is ignored. */
void introduce_add(struct introduce *i, const struct ipaddr *target);
/* The same; it is alive as far as one knows. */
void introduce_add_alive(struct introduce *i, const struct ipaddr *target);
void introduce_begin(struct introduce *i);
/* The sessions may be gone: all targets are pinged as at first. */
void introduce_again(struct introduce *i);
/* News of this node may be under way to the peers: those that have answered are watched again. */
void introduce_watch(struct introduce *i);
enum introduce_state introduce_state(const struct introduce *i, const struct ipaddr *target);
/* The daemon has ended, or other targets follow: pings under way are cancelled, and all is
 * forgotten but who has answered. Zeroed is accepted. */
void introduce_stop(struct introduce *i);

#endif
