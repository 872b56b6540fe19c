/*
 * A daemon that was started again has a new discovery key. Its peers hear of it from the control
 * server, some time after the first packets have set a WireGuard session up, and drop the session
 * for that: what a client sends is lost until the daemon gives up on it, 15 s later. A ping inside
 * the tunnel (TSMP) brings the key along, and the peer keeps the session.
 *
 * So every target of egress is pinged once when the daemon is back: it matters where all that is
 * sent comes from this side. Nothing depends on the answers; who is away is not waited for.
 *
 *	introduce_to(&i, &wanted);
 *	introduce_stop(&i);
 */
#ifndef BOOT_DATAPATH_INTRODUCE_H
#define BOOT_DATAPATH_INTRODUCE_H

#include <stddef.h>

#include "lib/nft/nft_model.h"

/* Targets that are pinged at most, and those at a time. */
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

/* Pings all targets of egress in w; what is under way is forgotten. */
void introduce_to(struct introduce *i, const struct nft_wanted *w);
/* The daemon is gone. */
void introduce_stop(struct introduce *i);

#endif
