/*
 * The single target in the tailnet of TS_TAILNET_TARGET_IP or TS_TAILNET_TARGET_FQDN: all traffic
 * that does not come from the tunnel is sent there. When the addresses of a name change, they are
 * followed; while it cannot be found, the last ones stay in use.
 */
#ifndef EGRESS_TARGET_H
#define EGRESS_TARGET_H

#include "egress/resolve.h"

struct condition_set;
struct nft_result;
struct egress_target;

/* One of the two; "" or NULL is none. */
struct egress_target_options {
	const char *ip;
	const char *fqdn;
};

/* conditions are borrowed, options are copied. */
struct egress_target *egress_target_new(
	struct condition_set *conditions, const struct egress_target_options *options);
void egress_target_free(struct egress_target *t);

/* As egress_services_wants. */
void egress_target_wants(const struct egress_target *t, const struct records *records,
	struct strv *names, struct nft_addresses *routes);

/* Adds the target to w, whose own addresses and families are set already. 0; -EAGAIN while the name
 * cannot be resolved; any other code when this node cannot reach the target: -EINVAL when the text
 * is not an address, -EADDRNOTAVAIL and -EAFNOSUPPORT for families. In each of these cases the
 * previous target is added again, as far as it can still be reached. */
int egress_target_contribute(struct egress_target *t, const struct egress_netmap *netmap,
	struct nft_wanted *w, struct err *e) MUST_CHECK;
void egress_target_applied(
	struct egress_target *t, const struct nft_result *result, const struct err *e);

#endif
