/*
 * The wanted peers, and only those: by name, or by an address that one of their routes contains.
 * Others are not stored, so memory does not grow with the tailnet. A change of the wants increments
 * `wants_generation`; the owner then calls ipnbus_restart once, because the daemon reports peers
 * only at the start of a stream and when they change.
 *
 * Order: if several peers match, the one that has been kept longest is found, until it goes or no
 * longer matches. Within a peer, addresses and routes are in the daemon's order.
 *
 *	if (peers_want(peers, &names, NULL, 0))
 *		ipnbus_restart(bus);
 */
#ifndef LIB_LOCALAPI_PEERS_H
#define LIB_LOCALAPI_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"
#include "lib/base/str.h"

struct peer {
	int64_t id; /* numeric; 0 if the peer has none: then the name is its key */
	char *name; /* FQDN with trailing dot */
	struct ipprefix *addresses;
	size_t address_count;
	struct ipprefix *routes; /* those of its AllowedIPs that contain a wanted address */
	size_t route_count;
};

struct peers;

struct peers *peers_new(void);
void peers_free(struct peers *p);

/* Replaces the wants: FQDNs (trailing dot optional, case-insensitive; never the root) and
 * addresses reached through routes (never one with a zone). Both are copied and are sets: order and
 * duplicates do not matter. Peers that are no longer wanted are dropped. Returns true when the
 * wants have changed. */
bool peers_want(
	struct peers *p, const struct strv *names, const struct ipaddr *addresses, size_t count);
bool peers_wants_any(const struct peers *p);
bool peers_wants_addresses(const struct peers *p);
/* Whether a wanted address lies in it. */
bool peers_wants_route(const struct peers *p, const struct ipprefix *prefix);
uint64_t peers_wants_generation(const struct peers *p);

/* Fed by ipnbus. begin_full: the peers reported from here on replace all: those not reported again
 * are dropped at the end. Without an end nothing is dropped. */
void peers_begin_full(struct peers *p);
void peers_end_full(struct peers *p);
/* Considers one peer: kept when wanted, dropped when it was kept and is no longer wanted.
 * candidate is copied. A peer with an id replaces one that is known only by the same name. */
void peers_update(struct peers *p, const struct peer *candidate);
void peers_remove(struct peers *p, int64_t id);

/* Lookups: borrowed until the next change; NULL when it does not exist or was not wanted. */
const struct peer *peers_by_name(const struct peers *p, const char *fqdn);
/* The peer that advertises the address itself, as a full-length prefix: services of the
 * tailnet. */
const struct peer *peers_by_exact_route(const struct peers *p, const struct ipaddr *address);
/* The peer that advertises a prefix of any length that contains it, including 0.0.0.0/0 and ::/0:
 * 4via6. */
const struct peer *peers_by_route(const struct peers *p, const struct ipaddr *address);
size_t peers_count(const struct peers *p);
/* Incremented at each change of a kept peer. */
uint64_t peers_generation(const struct peers *p);

#endif
