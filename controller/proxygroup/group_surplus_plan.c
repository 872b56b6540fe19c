#include <string.h>

#include "controller/proxygroup/group_plan_internal.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

#define MS_PER_S 1000

static bool is_deleted(const struct group_view *v, const char *device)
{
	return device[0] == '\0' || strv_contains(v->deleted, device);
}

static void plan_device(const struct group_view *v, const struct group_calls *calls,
	const char *device, struct engine_plan *plan)
{
	AUTO(mem_free) char *text = xasprintf("%s/%s", v->entry->name, device);
	engine_plan_call(plan, GROUP_STAGE_DEVICES, "delete device", calls->remove, text, 0);
}

/* The pod is gone, and no other one of its number will come. */
static bool is_pod_gone(const struct group_view *v, const struct group_replica *r)
{
	const struct object_stateful_set *set =
		v->stateful_set != NULL ? v->stateful_set->data : NULL;
	if (r->pod != NULL)
		return false;
	return set == NULL ||
	       (set->replicas <= r->ordinal && set->observed_generation >= set->meta.generation);
}

bool group_is_removable(const struct group_view *v, const struct group_replica *r)
{
	return group_is_surplus(v, r) && is_pod_gone(v, r) &&
	       (v->has_control || group_device_id(r)[0] == '\0');
}

static void delete_secret(const struct group_view *v, enum group_stage stage,
	const struct kube_entry *entry, struct engine_plan *plan)
{
	if (entry == NULL || !group_owns(v, entry))
		return;
	const struct kube_target target = group_target(v, CLUSTER_SECRETS, entry->name);
	engine_plan_delete(plan, (int)stage, &target, entry->uid);
}

void group_plan_surplus(
	const struct group_view *v, const struct group_calls *calls, struct engine_plan *plan)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct group_replica *r = &v->replicas[i];
		if (!group_is_removable(v, r))
			continue;
		const char *device = group_device_id(r);
		if (!is_deleted(v, device))
			plan_device(v, calls, device, plan);
		delete_secret(v, GROUP_STAGE_SURPLUS_CONFIG, r->config, plan);
		delete_secret(v, GROUP_STAGE_SURPLUS_STATE, r->state, plan);
	}
}

/* No pod is left, and none will come. */
static bool is_quiet(const struct group_view *v)
{
	const struct object_stateful_set *set =
		v->stateful_set != NULL ? v->stateful_set->data : NULL;
	if (set != NULL && group_owns(v, v->stateful_set) &&
		(set->replicas > 0 || set->observed_generation < set->meta.generation))
		return false;
	for (size_t i = 0; i < v->count; i++) {
		if (v->replicas[i].pod != NULL)
			return false;
	}
	return true;
}

static void scale_to_none(const struct group_view *v, struct engine_plan *plan)
{
	const struct object_stateful_set *set =
		v->stateful_set != NULL ? v->stateful_set->data : NULL;
	if (set == NULL || set->replicas == 0 || !group_owns(v, v->stateful_set))
		return;
	struct json *spec = json_new_object();
	json_set(spec, "replicas", json_new_i64(0));
	struct json *patch = json_new_object();
	json_set(patch, "spec", spec);
	const struct kube_op op = {
		.verb = KUBE_PATCH,
		.patch = KUBE_PATCH_MERGE,
		.target = group_target(v, CLUSTER_STATEFUL_SETS, v->entry->name),
		.field_manager = ENGINE_FIELD_MANAGER,
	};
	engine_plan_request(plan, GROUP_STAGE_WORKLOAD, &op, patch)->accepts =
		ENGINE_ACCEPTS(KUBE_NOT_FOUND);
}

/* Ids of devices that are not deleted yet: of the states and of the ledger. */
static void known_devices(const struct group_view *v, struct strv *out)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct group_replica *r = &v->replicas[i];
		const struct object_secret *state = group_state(r);
		const char *ids[] = {
			r->state != NULL && group_owns(v, r->state) ? state->device_id : "",
			json_str(json_get(r->ledger, "nodeID"))};
		for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
			if (ids[k] != NULL && !is_deleted(v, ids[k]) && !strv_contains(out, ids[k]))
				strv_push(out, ids[k]);
		}
	}
}

static void plan_release(const struct group_view *v, struct engine_plan *plan)
{
	const struct kube_target self = group_self(v);
	engine_plan_finalizer(plan, GROUP_STAGE_RELEASE, &self, v->entry->version,
		&v->group->meta.finalizers, CLUSTER_FINALIZER, false);
}

/* The group is let go although its devices are not deleted. */
static void plan_abandon(
	const struct group_view *v, const struct strv *devices, struct engine_plan *plan)
{
	AUTO(mem_free) char *ids = strv_join(devices, ", ");
	AUTO(mem_free)
	char *message = xasprintf(
		"the control plane of TailscaleTailnet %s could not be asked for %u s: delete these "
		"devices there yourself: %s",
		v->tailnet_name, v->settings->finalizer_timeout_s, ids);
	group_warn(v, GROUP_STAGE_STATUS, "DevicesLeft", message, plan);
	plan_release(v, plan);
}

/* Seconds until the time is over that the group waits for. */
static int64_t time_left(const struct group_view *v)
{
	return (int64_t)v->settings->finalizer_timeout_s - v->deleting_s;
}

static void wait_for_control(
	const struct group_view *v, const struct engine_failure *failure, struct engine_plan *plan)
{
	struct group_fault fault = {.reason = GROUP_REASON_TAILNET};
	struct err reason;
	err_set(&reason, -1, "%s",
		failure != NULL ? failure->err->msg : "it has no usable credentials");
	err_wrap(&reason, "waiting to delete devices in TailscaleTailnet %s", v->tailnet_name);
	memcpy(fault.message, reason.msg, sizeof(fault.message));
	group_plan_status(v, &fault, plan);
	if (failure == NULL)
		group_again(plan, (uint64_t)time_left(v) * MS_PER_S);
}

void group_plan_deletion(const struct group_view *v, const struct group_calls *calls,
	const struct engine_failure *failure, struct engine_plan *plan)
{
	AUTO(strv_fini) struct strv devices = {0};
	if (!object_has_finalizer(&v->group->meta, CLUSTER_FINALIZER))
		return;
	bool is_refused = failure != NULL && failure->step->kind == ENGINE_STEP_CALL;
	if (failure != NULL && !is_refused)
		return;
	/* A node that is lost keeps its pods for ever: not longer than a pod may take. */
	int64_t left = time_left(v);
	if (!is_quiet(v) && left + GROUP_GRACE_S > 0) {
		scale_to_none(v, plan);
		group_again(plan, (uint64_t)(left + GROUP_GRACE_S) * MS_PER_S);
		return;
	}
	known_devices(v, &devices);
	if (devices.len == 0) {
		plan_release(v, plan);
	} else if ((is_refused || !v->has_control) && left <= 0) {
		plan_abandon(v, &devices, plan);
	} else if (is_refused || !v->has_control) {
		wait_for_control(v, failure, plan);
	} else {
		for (size_t i = 0; i < devices.len; i++)
			plan_device(v, calls, devices.items[i], plan);
		plan_release(v, plan);
	}
}
