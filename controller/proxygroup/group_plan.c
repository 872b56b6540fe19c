#include <stdio.h>
#include <string.h>

#include "controller/cluster/egress_group_plan.h"
#include "controller/proxygroup/group_plan_internal.h"
#include "controller/proxygroup/group_template.h"
#include "lib/base/mem.h"

/* The end of a foreign object in our way is seen by no watch. */
#define FOREIGN_AGAIN_MS 60000
#define FORMER_AGAIN_MS 5000

struct kube_target group_target(
	const struct group_view *v, enum cluster_kind kind, const char *name)
{
	return (struct kube_target){
		.resource = cluster_resource(kind),
		.ns = v->ns,
		.name = name,
	};
}

struct kube_target group_self(const struct group_view *v)
{
	return (struct kube_target){
		.resource = cluster_resource(CLUSTER_PROXY_GROUPS),
		.name = v->entry->name,
	};
}

bool group_owns(const struct group_view *v, const struct kube_entry *entry)
{
	const struct object *meta = entry->data;
	return meta != NULL && strcmp(meta->owner_uid, v->entry->uid) == 0;
}

void group_again(struct engine_plan *plan, uint64_t after_ms)
{
	if (plan->result != ENGINE_DONE && plan->result != ENGINE_AGAIN)
		return;
	if (plan->result == ENGINE_DONE || after_ms < plan->after_ms)
		plan->after_ms = after_ms;
	plan->result = ENGINE_AGAIN;
}

void group_warn(const struct group_view *v, enum group_stage stage, const char *reason,
	const char *message, struct engine_plan *plan)
{
	const struct kube_resource *self = cluster_resource(CLUSTER_PROXY_GROUPS);
	AUTO(mem_free) char *api_version = xasprintf("%s/%s", self->group, self->version);
	engine_plan_event(plan, (int)stage,
		&(struct kube_event){
			.api_version = api_version,
			.kind = self->kind,
			.name = v->entry->name,
			.uid = v->entry->uid,
			.version = v->entry->version,
			.is_warning = true,
			.reason = reason,
			.message = message,
		});
}

bool group_tailnet_is_usable(const struct group_view *v)
{
	const struct object_tailnet *tailnet = v->tailnet;
	if (tailnet == NULL || object_is_deleting(&tailnet->meta))
		return false;
	/* One that does not answer at the moment has accepted us before. */
	return strcmp(tailnet->ready, "True") == 0 ||
	       (strcmp(tailnet->ready, "Unknown") == 0 &&
		       strcmp(tailnet->ready_reason, "APIError") == 0);
}

static void set_fault(struct group_fault *fault, const char *reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void set_fault(struct group_fault *fault, const char *reason, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fault->reason = reason;
	vsnprintf(fault->message, sizeof(fault->message), fmt, args);
	va_end(args);
}

static void check_tailnet(const struct group_view *v, struct group_fault *fault)
{
	if (v->tailnet == NULL)
		set_fault(fault, GROUP_REASON_TAILNET,
			"there is no TailscaleTailnet %s; make it, or name another one in "
			"spec.tailnet",
			v->tailnet_name);
	else if (!group_tailnet_is_usable(v))
		set_fault(fault, GROUP_REASON_TAILNET, "TailscaleTailnet %s is not ready: %s",
			v->tailnet_name,
			v->tailnet->ready_reason[0] != '\0' ? v->tailnet->ready_reason : "Pending");
}

static void check_spec(const struct group_view *v, struct group_fault *fault)
{
	AUTO(strv_fini) struct strv faults = {0};
	AUTO(mem_free) char *target = egress_group_fault(&v->egress);
	group_template_check(v, &faults);
	if (target != NULL)
		strv_push(&faults, target);
	if (faults.len == 0)
		return;
	AUTO(mem_free) char *all = strv_join(&faults, "; ");
	set_fault(fault, GROUP_REASON_INVALID, "%s", all);
}

/* An object of another owner, or of a former group of this name that is not cleaned up yet. */
static void check_foreign(
	const struct group_view *v, struct group_fault *fault, struct engine_plan *plan)
{
	const struct kube_resource *resource = NULL;
	const struct kube_entry *entry = group_find_foreign(v, &resource);
	if (entry == NULL)
		return;
	const struct object *meta = entry->data;
	bool is_former = meta != NULL && strcmp(meta->owner_kind, CLUSTER_KEY_PROXY_GROUP) == 0 &&
			 strcmp(meta->owner_name, v->entry->name) == 0;
	if (is_former)
		set_fault(fault, GROUP_REASON_CREATING,
			"waiting for %s %s of a former group of this name to be removed",
			resource->kind, entry->name);
	else
		set_fault(fault, GROUP_REASON_INVALID,
			"%s %s in namespace %s is there and not of this group; rename the group or "
			"remove the object",
			resource->kind, entry->name, v->ns);
	group_again(plan, is_former ? FORMER_AGAIN_MS : FOREIGN_AGAIN_MS);
}

/* What failed, for the condition; no reason for what passes by itself. */
static void read_failure(const struct engine_failure *failure, struct group_fault *fault)
{
	const struct engine_step *step = failure->step;
	if (step->kind == ENGINE_STEP_CALL) {
		set_fault(fault, GROUP_REASON_FAILED, "%s: %s", step->name, failure->err->msg);
		return;
	}
	bool is_ours_to_mend = failure->outcome == KUBE_INVALID ||
			       failure->outcome == KUBE_TOO_LARGE ||
			       failure->outcome == KUBE_EXISTS;
	bool passes = failure->outcome == KUBE_CONFLICT || failure->outcome == KUBE_UNAVAILABLE ||
		      failure->outcome == KUBE_TOO_MANY || failure->outcome == KUBE_GONE;
	if (!passes)
		set_fault(fault, is_ours_to_mend ? GROUP_REASON_INVALID : GROUP_REASON_FAILED, "%s",
			failure->err->msg);
}

static void plan_failure(
	const struct group_view *v, const struct engine_failure *failure, struct engine_plan *out)
{
	struct group_fault fault = {0};
	read_failure(failure, &fault);
	if (fault.reason != NULL)
		group_plan_status(v, &fault, out);
}

/* Steps 5 to 10 of a group without faults. */
static void plan_objects(const struct group_view *v, const struct group_calls *calls,
	struct group_fault *fault, struct engine_plan *out)
{
	struct err e;
	out->is_partial = group_plan_secrets(v, calls, out);
	if (out->is_partial)
		return;
	if (group_plan_children(v, out, &e) < 0) {
		set_fault(fault, GROUP_REASON_INVALID, "spec.template: %s", e.msg);
		return;
	}
	egress_group_plan(&v->egress, GROUP_STAGE_EGRESS, out);
	group_plan_surplus(v, calls, out);
	group_rollout_pass_on(v, out);
}

/* A Service that goes waits for its entry to go, and not for what ails the group. */
static void plan_egress_alone(const struct group_view *v, struct engine_plan *out)
{
	const struct object *meta = v->config_map != NULL ? v->config_map->data : NULL;
	if (meta != NULL && strcmp(meta->owner_uid, v->entry->uid) == 0)
		egress_group_plan(&v->egress, GROUP_STAGE_EGRESS, out);
}

void group_plan(const struct group_view *v, const struct group_calls *calls,
	const struct engine_failure *failure, struct engine_plan *out)
{
	struct group_fault fault = {0};
	out->shows_failure = true;
	if (object_is_deleting(&v->group->meta)) {
		group_plan_deletion(v, calls, failure, out);
		return;
	}
	if (failure != NULL) {
		plan_failure(v, failure, out);
		return;
	}
	check_tailnet(v, &fault);
	/* What runs is kept as it is, with or without the tailnet's control plane. */
	bool goes_on = fault.reason == NULL || (v->tailnet != NULL && v->stateful_set != NULL);
	if (goes_on && !object_has_finalizer(&v->group->meta, CLUSTER_FINALIZER)) {
		const struct kube_target self = group_self(v);
		engine_plan_finalizer(out, GROUP_STAGE_FINALIZER, &self, v->entry->version,
			&v->group->meta.finalizers, CLUSTER_FINALIZER, true);
		return;
	}
	struct group_fault invalid = {0};
	if (goes_on)
		check_spec(v, &invalid);
	if (goes_on && invalid.reason == NULL)
		check_foreign(v, &invalid, out);
	if (goes_on && invalid.reason == NULL)
		plan_objects(v, calls, &invalid, out);
	if (!goes_on || invalid.reason != NULL)
		plan_egress_alone(v, out);
	if (!out->is_partial)
		group_plan_status(v, invalid.reason != NULL ? &invalid : &fault, out);
}
