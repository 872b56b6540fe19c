/*
 * The parts of a group's plan. Private to them.
 */
#ifndef CONTROLLER_PROXYGROUP_GROUP_PLAN_INTERNAL_H
#define CONTROLLER_PROXYGROUP_GROUP_PLAN_INTERNAL_H

#include "controller/cluster/cluster.h"
#include "controller/proxygroup/group_plan.h"

#define GROUP_REASON_READY "ProxyGroupReady"
#define GROUP_REASON_CREATING "ProxyGroupCreating"
#define GROUP_REASON_AVAILABLE "ProxyGroupAvailable"
#define GROUP_REASON_FAILED "ProxyGroupCreationFailed"
#define GROUP_REASON_INVALID "ProxyGroupInvalid"
#define GROUP_REASON_TAILNET "ProxyGroupTailnetUnavailable"

/* Why the group is not ready; the reason is NULL when nothing is wrong. */
struct group_fault {
	const char *reason;
	char message[ERR_MSG_MAX];
};

/* -- group_plan.c -- */

/* An object in the namespace of the children. */
struct kube_target group_target(
	const struct group_view *v, enum cluster_kind kind, const char *name);
/* The group itself. */
struct kube_target group_self(const struct group_view *v);
/* Whether the group's present incarnation is the owner. */
bool group_owns(const struct group_view *v, const struct kube_entry *entry);
/* The plan is made again after that time at the latest. */
void group_again(struct engine_plan *plan, uint64_t after_ms);
/* A Warning about the group. */
void group_warn(const struct group_view *v, enum group_stage stage, const char *reason,
	const char *message, struct engine_plan *plan);
/* The tailnet exists, and its control plane has accepted our credentials. */
bool group_tailnet_is_usable(const struct group_view *v);

/* -- group_secrets_plan.c -- */

/* Returns whether keys have to be made first: nothing that needs them may follow. */
bool group_plan_secrets(
	const struct group_view *v, const struct group_calls *calls, struct engine_plan *plan);

/* -- group_children_plan.c -- */

/* All objects but the Secrets. -EINVAL, -EMSGSIZE: what the user has given cannot be sent. */
int group_plan_children(
	const struct group_view *v, struct engine_plan *plan, struct err *e) MUST_CHECK;
/* The first object in the way of ours: an owner that is another one. NULL when there is none. */
const struct kube_entry *group_find_foreign(
	const struct group_view *v, const struct kube_resource **resource);

/* -- group_rollout_plan.c -- */

/* Whether a change of the pods that no user has asked for has to wait for other groups. */
bool group_rollout_waits(const struct group_view *v, const char *origin);
/* Others may go on now. */
void group_rollout_pass_on(const struct group_view *v, struct engine_plan *plan);

/* -- group_surplus_plan.c -- */

/* Whether all that a number has left is removed by this plan. */
bool group_is_removable(const struct group_view *v, const struct group_replica *r);
void group_plan_surplus(
	const struct group_view *v, const struct group_calls *calls, struct engine_plan *plan);
void group_plan_deletion(const struct group_view *v, const struct group_calls *calls,
	const struct engine_failure *failure, struct engine_plan *plan);

/* -- group_status_plan.c -- */

void group_plan_status(
	const struct group_view *v, const struct group_fault *fault, struct engine_plan *plan);

#endif
