/*
 * A restarted daemon has a new discovery key. Its peers learn of it from the control server, some
 * time after the first packets have set up a WireGuard session, and then drop the session: packets
 * of a client are lost until the daemon gives up on it, 15 s later. A ping inside the tunnel (TSMP)
 * carries the key, and the peer keeps the session.
 *
 * So every target of egress is pinged once when the daemon is back: it matters if all packets come
 * from this side. Nothing depends on the answers; absent targets are not waited for.
 *
 *	introduce_to(&i, &wanted);
 *	introduce_stop(&i);
 */
#ifndef BOOT_DATAPATH_INTRODUCE_H
#define BOOT_DATAPATH_INTRODUCE_H

#include <stddef.h>

#include "lib/nft/nft_model.h"

/* The most targets to ping, in total and at a time. */
#define INTRODUCE_MAX 256
#define INTRODUCE_CALLS_MAX 16

struct localapi;
struct localapi_call;

struct introduce {
	struct localapi *api_ref;
	struct nft_addresses targets;
	size_t next; /* of targets */
	struct introduce_slot {
		struct introduce *owner_ref;
		struct localapi_call *call; /* NULL = free */
	} slots[INTRODUCE_CALLS_MAX];
};

/* Fills a zeroed struct; api is borrowed. */
void introduce_init(struct introduce *i, struct localapi *api);
void introduce_fini(struct introduce *i); /* zeroed is accepted */

/* Pings all targets of egress in w; pings under way are cancelled. */
void introduce_to(struct introduce *i, const struct nft_wanted *w);
/* The daemon has ended. */
void introduce_stop(struct introduce *i);

#endif
