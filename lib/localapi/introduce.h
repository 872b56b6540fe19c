/*
 * A restarted daemon has a new discovery key, and so has the first one of a Pod that replaces
 * another. Its peers learn of it from the control server, some time after the first packets have
 * set up a WireGuard session, and then drop the session: packets that only this side sends are lost
 * until the daemon gives up on it, 15 s later. A ping inside the tunnel (TSMP) carries the key, and
 * the peer keeps the session. It also sets a session up, without which a peer that asks uses the
 * one with the former daemon for some seconds.
 *
 * So peers that matter are pinged when the daemon is back, and once more for the direct path when
 * they know its key: the daemon's own first try came too early, the next one follows after 5 s.
 * Nothing depends on the answers; absent peers are not waited for.
 *
 *	introduce_stop(&i);
 *	introduce_add(&i, &address);
 *	introduce_begin(&i);
 */
#ifndef LIB_LOCALAPI_INTRODUCE_H
#define LIB_LOCALAPI_INTRODUCE_H

#include <stddef.h>

#include "lib/base/ipaddr.h"

/* The most targets to ping, in total and at a time. */
#define INTRODUCE_MAX 256
#define INTRODUCE_CALLS_MAX 16

struct localapi;
struct localapi_call;

struct introduce {
	struct localapi *api_ref;
	struct ipaddr targets[INTRODUCE_MAX];
	size_t count;
	size_t next; /* of targets */
	struct introduce_slot {
		struct introduce *owner_ref;
		const struct ipaddr *target;
		struct localapi_call *call; /* NULL = free */
	} slots[INTRODUCE_CALLS_MAX];
};

/* Fills a zeroed struct; api is borrowed. */
void introduce_init(struct introduce *i, struct localapi *api);

/* A target that is there already, or one too many, is ignored. */
void introduce_add(struct introduce *i, const struct ipaddr *target);
void introduce_begin(struct introduce *i);
/* The daemon has ended, or other targets follow: pings under way are cancelled. Zeroed is
 * accepted. */
void introduce_stop(struct introduce *i);

#endif
