/*
 * All that decides about one Service that may ask for egress, gathered: borrowed plain data.
 * (private)
 */
#ifndef CONTROLLER_EGRESS_EGRESS_SERVICE_VIEW_H
#define CONTROLLER_EGRESS_EGRESS_SERVICE_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "controller/cluster/egress_group_view.h"
#include "controller/cluster/egress_request.h"
#include "lib/kube/kube_time.h"

/* A deletion does not wait longer for the group. */
#define EGRESS_WAIT_S 60

struct cluster;
struct egress_service;
struct kube_entry;

/* The same for all Services. */
struct egress_setting {
	const char *domain;        /* of the cluster */
	bool leaves_external_name; /* spec.externalName is left to the user */
	bool has_upstream;         /* the kind ProxyGroup of another operator is there */
	bool is_leaving;           /* no Service asks any more, and no group is waited for */
};

struct egress_service_view {
	const struct egress_setting *setting;
	char now[KUBE_TIME_MAX];
	const char *own_ns; /* of the controller */
	const char *ns, *name;
	const struct kube_entry *entry;       /* NULL: there is none */
	const struct object_service *service; /* NULL: there is none, or it has nothing of ours */
	bool is_one;                          /* asks for egress, and is not being deleted */
	struct egress_request request;        /* of one that asks */
	bool waits_too_long;                  /* it has been deleted a while ago */
	const struct kube_entry *group;       /* NULL: none, or it is being deleted */
	const struct kube_entry *rival;       /* an older one with the same key in the group */
	/* What the ConfigMap of the group has for it: NULL when that is not what it asks for. */
	const struct egress_service *booked;
	bool has_config;         /* the group has such a ConfigMap */
	char *refusal;           /* why the group will not have it; NULL */
	const char *other;       /* a group that has it and is not to have it; NULL */
	struct egress_pods pods; /* of the group */
	char *child_name;
	const struct kube_entry *child; /* NULL: there is none that is ours */
	const struct kube_entry *slices[EGRESS_FAMILIES];
	/* Further objects of its own, not to be there. */
	const struct kube_entry **services, **further;
	size_t service_count, further_count;
};

void egress_service_view_gather(const struct cluster *c, const struct egress_setting *setting,
	const char *ns, const char *name, struct egress_service_view *out);
void egress_service_view_fini(struct egress_service_view *view);

#endif
