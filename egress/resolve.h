/*
 * Resolves the name of a target to its addresses, from what the daemon has reported about the
 * tailnet: a peer of that name, a Tailscale Service (a DNS record whose address some peer serves),
 * or a 4via6 name whose route some peer advertises; the first match counts. Pure.
 *
 * Only requested peers are known, so those that a name needs are requested first:
 *
 *	egress_resolve_wants(fqdn, records, &names, &routes);
 *	peers_want(peers, &names, routes.items, routes.len);
 *	... after the next full network map:
 *	egress_resolve(fqdn, &netmap, &addresses, e);
 */
#ifndef EGRESS_RESOLVE_H
#define EGRESS_RESOLVE_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/nft/nft_model.h"

struct peers;
struct records;

/* All borrowed. */
struct egress_netmap {
	const struct peers *peers;
	const struct records *records;
	bool is_known; /* all that was requested has been reported: what is absent does not exist */
};

/* Adds the addresses to out, without duplicates, in the order of the network map; a peer may have
 * none. -EINVAL for an invalid name, -ENOENT when nothing of that name can be reached. */
int egress_resolve(const char *fqdn, const struct egress_netmap *netmap, struct nft_addresses *out,
	struct err *e) MUST_CHECK;

/* Adds the peers and routes to request; nothing for an invalid name. */
void egress_resolve_wants(const char *fqdn, const struct records *records, struct strv *names,
	struct nft_addresses *routes);

#endif
