/*
 * The single target in the tailnet of TS_TAILNET_TARGET_IP or TS_TAILNET_TARGET_FQDN: all that
 * does not come from the tunnel goes there. A name is followed when its addresses change; while it
 * cannot be found, what stood goes on.
 */
#ifndef EGRESS_TARGET_H
#define EGRESS_TARGET_H

#include "egress/resolve.h"

struct condition_set;
struct nft_result;
struct egress_target;

/* One of both; "" or NULL is none. */
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
 * cannot be resolved; any other code when this node cannot reach the target: -EINVAL for what is no
 * address, -EADDRNOTAVAIL and -EAFNOSUPPORT for families. In each of these cases what stood before
 * is added again, as far as it still can. */
int egress_target_contribute(struct egress_target *t, const struct egress_netmap *netmap,
	struct nft_wanted *w, struct err *e) MUST_CHECK;
void egress_target_applied(
	struct egress_target *t, const struct nft_result *result, const struct err *e);

#endif
