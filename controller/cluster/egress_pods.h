/*
 * The replicas of an egress group, and which of them forward a Service.
 *
 *	AUTO(egress_pods_fini) struct egress_pods pods = {0};
 *	egress_pods_gather(cluster, "egress", &pods);
 *	egress_confirm(&pods.items[i], entry) & EGRESS_BY_IPV4
 */
#ifndef CONTROLLER_CLUSTER_EGRESS_PODS_H
#define CONTROLLER_CLUSTER_EGRESS_PODS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EGRESS_BY_IPV4 1u
#define EGRESS_BY_IPV6 2u

struct cluster;
struct egress_service;
struct egress_status;
struct kube_entry;

/* Borrows from the caches. */
struct egress_pod {
	const struct kube_entry *entry;
	int64_t ordinal;
	const char *ipv4, *ipv6; /* the first of each; "" without one */
	bool is_terminating;
	bool has_gate;
	/* NULL when this pod has written none: that of a former one does not count. */
	const struct egress_status *status;
};

struct egress_pods {
	struct egress_pod *items; /* by ordinal */
	size_t count;
};

void egress_pods_gather(const struct cluster *c, const char *group, struct egress_pods *out);
void egress_pods_fini(struct egress_pods *pods);

/* The families by which the pod forwards what the entry says, as it has confirmed itself. */
unsigned int egress_confirm(const struct egress_pod *pod, const struct egress_service *entry);
/* The pod knows the entry, and says that it cannot forward to the target. */
bool egress_deny(const struct egress_pod *pod, const struct egress_service *entry);

#endif
