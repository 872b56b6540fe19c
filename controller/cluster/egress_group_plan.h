/*
 * What the key of an egress group writes for its Services: the ConfigMap with the numbers of ports,
 * the Service of spec.tailnetTarget, the readiness gates of the pods. Pure.
 */
#ifndef CONTROLLER_CLUSTER_EGRESS_GROUP_PLAN_H
#define CONTROLLER_CLUSTER_EGRESS_GROUP_PLAN_H

#include "controller/cluster/egress_group_view.h"

/* On slices: hash of the entry (egress_book.h) that a replica has confirmed. */
#define EGRESS_CONFIRMED_ANNOTATION "gateway.tailscale.com/confirmed"
/* On pods: hash of what the ConfigMap has. A change makes the kubelet refresh volumes at once. */
#define EGRESS_HASH_ANNOTATION "gateway.tailscale.com/config-hash"

struct engine_plan;

/* Steps in the stage, and in the one after it. */
void egress_group_plan(const struct egress_group_view *view, int stage, struct engine_plan *out);
/* What is wrong with spec.tailnetTarget: a sentence, NULL for nothing. The caller frees. */
char *egress_group_fault(const struct egress_group_view *view);
/* Why the Service with this key is not to be in the ConfigMap, or NULL. The caller frees. */
char *egress_group_refusal(const struct egress_group_view *view, const char *key);

#endif
