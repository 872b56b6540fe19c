/*
 * Which peers advertise which route: each prefix once, with its peers in order. A lookup costs one
 * probe, or one per prefix length in use. Zeroed is empty; private to this folder.
 */
#ifndef LIB_LOCALAPI_PEER_ROUTES_H
#define LIB_LOCALAPI_PEER_ROUTES_H

#include <stdint.h>

#include "lib/base/ipaddr.h"
#include "lib/localapi/hashed.h"

struct peer;
struct peer_route;

/* A prefix of a peer. Embedded in the owner's data about the peer; must not move. */
struct peer_route_holder {
	struct peer_route_holder *prev, *next;
	struct peer_route *route;
	const struct peer *peer_ref;
	uint64_t place; /* of the peer: the lowest is found first */
};

struct peer_routes {
	struct hashed table;
	uint32_t lengths[2][129]; /* number of prefixes of this length: IPv4, IPv6 */
};

void peer_routes_fini(struct peer_routes *r); /* must be empty */

/* peer_ref and place are set by the caller. */
void peer_routes_add(
	struct peer_routes *r, struct peer_route_holder *holder, const struct ipprefix *prefix);
void peer_routes_remove(struct peer_routes *r, struct peer_route_holder *holder);

/* The first peer with exactly this prefix (host bits do not matter), or NULL. */
const struct peer *peer_routes_exact(const struct peer_routes *r, const struct ipprefix *prefix);
/* The first peer with a prefix that contains the address, whatever its length, or NULL. */
const struct peer *peer_routes_containing(
	const struct peer_routes *r, const struct ipaddr *address);

/* Without host bits. */
struct ipprefix peer_routes_masked(const struct ipprefix *prefix);

#endif
