/*
 * From the name of a target to its addresses, by what the daemon told about the tailnet: a peer of
 * that name, a Tailscale Service (a DNS record whose address some peer carries), or a 4via6 name
 * whose route some peer carries; the first that fits. Pure.
 *
 * Only peers that were asked for are known, so what a name needs is asked for first:
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
	bool is_known; /* all is told of what was asked for: what is absent does not exist */
};

/* Adds the addresses to out, each once, in the order of the network map; a peer may have none.
 * -EINVAL for what is no name, -ENOENT when nothing of that name can be reached. */
int egress_resolve(const char *fqdn, const struct egress_netmap *netmap, struct nft_addresses *out,
	struct err *e) MUST_CHECK;

/* Adds what peers have to be asked for; nothing for what is no name. */
void egress_resolve_wants(const char *fqdn, const struct records *records, struct strv *names,
	struct nft_addresses *routes);

#endif
