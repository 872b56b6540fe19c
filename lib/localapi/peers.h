/*
 * The peers somebody asked for, and only those: by name, or by an address that one of their routes
 * contains. Nothing is kept of the others, so memory does not grow with the tailnet. A change of
 * what is wanted bumps `wants_generation`; the owner then calls ipnbus_restart once, because the
 * daemon tells peers only at the begin of a stream and when they change.
 *
 * Order: where several peers fit, the one that has been kept for the longest time is found, until
 * it goes or fits no more. Within a peer, addresses and routes stand as the daemon told them.
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
	int64_t id; /* numeric; 0 where a peer has none, then the name is its key */
	char *name; /* FQDN with trailing dot */
	struct ipprefix *addresses;
	size_t address_count;
	struct ipprefix *routes; /* of its AllowedIPs those that contain a wanted address */
	size_t route_count;
};

struct peers;

struct peers *peers_new(void);
void peers_free(struct peers *p);

/* Replaces what is wanted: FQDNs (trailing dot optional, case-insensitive; never the root) and
 * addresses reached through routes (never one with a zone). Both are copied and are sets: order and
 * repeats do not matter. Peers that are not wanted any more are dropped. Returns true when the
 * wants changed. */
bool peers_want(
	struct peers *p, const struct strv *names, const struct ipaddr *addresses, size_t count);
bool peers_wants_any(const struct peers *p);
bool peers_wants_addresses(const struct peers *p);
/* Whether a wanted address lies in it. */
bool peers_wants_route(const struct peers *p, const struct ipprefix *prefix);
uint64_t peers_wants_generation(const struct peers *p);

/* Fed by ipnbus. begin_full: what is told from here on replaces all peers: those not told again are
 * dropped at the end. Without an end it changes nothing. */
void peers_begin_full(struct peers *p);
void peers_end_full(struct peers *p);
/* Considers one peer: kept when wanted, dropped when it was kept and is not wanted any more. Takes
 * nothing. A peer with an id takes the place of one that is known by the same name alone. */
void peers_update(struct peers *p, const struct peer *candidate);
void peers_remove(struct peers *p, int64_t id);

/* Look-ups: borrowed until the next change; NULL for what is not there or was not wanted. */
const struct peer *peers_by_name(const struct peers *p, const char *fqdn);
/* Who carries the address alone, as its full-length prefix: services of the tailnet. */
const struct peer *peers_by_exact_route(const struct peers *p, const struct ipaddr *address);
/* Who carries a prefix of any length that contains it, 0.0.0.0/0 and ::/0 included: 4via6. */
const struct peer *peers_by_route(const struct peers *p, const struct ipaddr *address);
size_t peers_count(const struct peers *p);
/* Bumped at each change of a kept peer. */
uint64_t peers_generation(const struct peers *p);

#endif
