/*
 * The single target in the cluster, TS_DEST_IP: everything that arrives at our own tailnet address
 * of its family is sent there. And the other way round: what arrives at the Pod's addresses is sent
 * to our own tailnet address of the family, where the daemon serves it
 * (EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS).
 */
#ifndef INGRESS_TARGET_H
#define INGRESS_TARGET_H

#include <stdbool.h>

#include "lib/base/err.h"

struct ingress_target;
struct nft_result;
struct nft_wanted;

struct ingress_target_options {
	const char *dest_ip; /* "" without one */
	const char *pod_ip;
	bool via_ingress; /* from pod_ip to our own address … */
	const char *pod_ipv4,
		*pod_ipv6; /* … and from the one of the other family; "" without one */
};

/* options are copied. */
struct ingress_target *ingress_target_new(const struct ingress_target_options *options);
void ingress_target_free(struct ingress_target *t);

/* Adds the pairs to w, whose own addresses are set already. -EADDRNOTAVAIL when the node has no
 * address of the family, -EAFNOSUPPORT when the firewall does not serve it, -EINVAL when the text
 * is not an address; a possible pair is still added. */
int ingress_target_contribute(
	struct ingress_target *t, struct nft_wanted *w, struct err *e) MUST_CHECK;
/* Logs what is in force now, once per change of addresses. */
void ingress_target_applied(
	struct ingress_target *t, const struct nft_result *result, const struct err *e);

#endif
