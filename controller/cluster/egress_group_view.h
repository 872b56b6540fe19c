/*
 * What the key of an egress group needs to know about its Services: gathered from the caches.
 *
 *	AUTO(egress_group_view_fini) struct egress_group_view view = {0};
 *	egress_group_view_gather(cluster, group, &options, &view);
 *	egress_group_plan(&view, STAGE, plan)
 */
#ifndef CONTROLLER_CLUSTER_EGRESS_GROUP_VIEW_H
#define CONTROLLER_CLUSTER_EGRESS_GROUP_VIEW_H

#include "controller/cluster/egress_pods.h"
#include "controller/cluster/egress_request.h"

/* Of slices: the families. */
#define EGRESS_FAMILIES 2

struct cluster;
struct egress_config;
struct kube_entry;

struct egress_group_options {
	const char *domain; /* of the cluster: "cluster.local" */
	const char *now;    /* RFC 3339 */
};

/* A Service that the group is to serve: without faults, and the oldest of its key. */
struct egress_member {
	struct egress_request request;
	const struct kube_entry *slices[EGRESS_FAMILIES]; /* IPv4, IPv6; NULL without one */
};

/* Borrows from the caches and the options. */
struct egress_group_view {
	const char *ns; /* of the controller */
	const char *domain, *now;
	const char *suffix; /* of the names in the tailnet, "" when unknown */
	const struct kube_entry *group;
	struct egress_member *members; /* the older ones first */
	size_t member_count;
	const struct kube_entry *config_map; /* NULL without one */
	const struct egress_config *written; /* what it has; NULL when it has nothing readable */
	const struct kube_entry **children;  /* Services of ours that carry the group's label */
	size_t child_count;
	struct egress_pods pods;
	const struct kube_entry *target; /* the Service of tailnetTarget, when it is ours */
};

/* group: an entry of CLUSTER_PROXY_GROUPS. out is overwritten. */
void egress_group_view_gather(const struct cluster *c, const struct kube_entry *group,
	const struct egress_group_options *options, struct egress_group_view *out);
void egress_group_view_fini(struct egress_group_view *view);

/* For the views of Services. */

/* Of the names in the tailnet of a group; "" when unknown. */
const char *egress_group_suffix(const struct cluster *c, const struct object_proxy_group *group);
/* What the ConfigMap of a group has; NULL when it has nothing readable, or there is none. */
const struct egress_config *egress_group_written(const struct cluster *c, const char *group);
/* It has an entry, and this Service is the one it is for. */
bool egress_group_has(
	const struct cluster *c, const char *group, const char *key, const char *child);
/* Name of the slice of a child; the caller frees. */
char *egress_group_slice_name(const char *child, size_t family);
/* The ConfigMap of a group; the caller frees. */
char *egress_group_config_name(const char *group);

#endif
