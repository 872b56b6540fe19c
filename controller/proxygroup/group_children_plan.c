#include <stdio.h>
#include <string.h>

#include "controller/manifests/manifest.h"
#include "controller/proxygroup/group_plan_internal.h"
#include "controller/proxygroup/group_template.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

/* One of the group's objects. */
struct child {
	enum cluster_kind kind;
	enum group_stage stage;
	const char *manifest;
	const struct kube_entry *live;
};

static struct json *common_values(const struct group_view *v)
{
	struct json *values = json_new_object();
	json_set_str(values, "group", v->entry->name);
	json_set_str(values, "namespace", v->ns);
	json_set_str(values, "uid", v->entry->uid);
	return values;
}

static int apply(const struct group_view *v, const struct child *child, const struct json *values,
	struct engine_plan *plan, struct err *e)
{
	struct json *doc = manifest_fill(child->manifest, values, e);
	if (doc == NULL)
		return e->code;
	AUTO(mem_free) char *name = xstrdup(json_str(json_path(doc, "metadata", "name", NULL)));
	const struct kube_target target = group_target(v, child->kind, name);
	engine_plan_apply(plan, (int)child->stage, &target, doc,
		child->live != NULL ? child->live->text : NULL);
	return 0;
}

/* Names of the Secrets that the pods may use: of all slots, so that a scaling changes nothing. */
static void set_secrets(const struct group_view *v, struct json *values)
{
	struct json *names = json_new_array();
	for (int i = 0; i < group_template_slots(v); i++) {
		AUTO(mem_free) char *state = xasprintf("%s-%d", v->entry->name, i);
		AUTO(mem_free) char *config = xasprintf("%s-%d-config", v->entry->name, i);
		json_push(names, json_new_str(state));
		json_push(names, json_new_str(config));
	}
	json_set(values, "secrets", names);
}

static const struct object_stateful_set *live_set(const struct group_view *v)
{
	return v->stateful_set != NULL ? v->stateful_set->data : NULL;
}

/* No pod is added that would have to wait for its key. */
static int64_t replicas_of(const struct group_view *v)
{
	const struct object_stateful_set *set = live_set(v);
	bool may_grow = group_tailnet_is_usable(v) || set == NULL;
	return may_grow || set->replicas > v->group->replicas ? v->group->replicas : set->replicas;
}

/* While the pods' template waits for its turn, their number does not. */
static void scale_only(const struct group_view *v, struct engine_plan *plan)
{
	int64_t replicas = replicas_of(v);
	if (live_set(v)->replicas == replicas)
		return;
	struct json *spec = json_new_object();
	json_set(spec, "replicas", json_new_i64(replicas));
	struct json *patch = json_new_object();
	json_set(patch, "spec", spec);
	const struct kube_op op = {
		.verb = KUBE_PATCH,
		.patch = KUBE_PATCH_MERGE,
		.target = group_target(v, CLUSTER_STATEFUL_SETS, v->entry->name),
		.field_manager = ENGINE_FIELD_MANAGER,
	};
	engine_plan_request(plan, GROUP_STAGE_WORKLOAD, &op, patch);
}

static int plan_workload(const struct group_view *v, struct engine_plan *plan, struct err *e)
{
	const struct child child = {
		CLUSTER_STATEFUL_SETS, GROUP_STAGE_WORKLOAD, "group-stateful-set", v->stateful_set};
	AUTO(mem_free) char *origin = group_template_origin(v);
	if (group_rollout_waits(v, origin)) {
		scale_only(v, plan);
		return 0;
	}
	AUTO(json_freep) struct json *values = common_values(v);
	group_template_fill(v, values);
	json_set(values, "replicas", json_new_i64(replicas_of(v)));
	json_set_str(values, "made_by", v->settings->made_by);
	json_set_str(values, "made_from", origin);
	return apply(v, &child, values, plan, e);
}

/* A budget for a single pod would keep its node from being emptied. */
static int plan_budget(const struct group_view *v, const struct json *values,
	struct engine_plan *plan, struct err *e)
{
	const struct child child = {
		CLUSTER_BUDGETS, GROUP_STAGE_SERVICE, "group-budget", v->budget};
	if (v->group->replicas >= 2)
		return apply(v, &child, values, plan, e);
	if (v->budget != NULL) {
		const struct kube_target target = group_target(v, CLUSTER_BUDGETS, v->entry->name);
		engine_plan_delete(plan, GROUP_STAGE_SERVICE, &target, v->budget->uid);
	}
	return 0;
}

int group_plan_children(const struct group_view *v, struct engine_plan *plan, struct err *e)
{
	const struct child children[] = {
		{CLUSTER_SERVICE_ACCOUNTS, GROUP_STAGE_ACCOUNT, "group-service-account",
			v->account},
		{CLUSTER_ROLES, GROUP_STAGE_ACCOUNT, "group-role", v->role},
		{CLUSTER_ROLE_BINDINGS, GROUP_STAGE_ACCOUNT, "group-role-binding", v->role_binding},
		{CLUSTER_SERVICES, GROUP_STAGE_SERVICE, "group-service", v->service},
	};
	AUTO(json_freep) struct json *values = common_values(v);
	set_secrets(v, values);
	int code = 0;
	for (size_t i = 0; code == 0 && i < ARRAY_LEN(children); i++)
		code = apply(v, &children[i], values, plan, e);
	if (code == 0)
		code = plan_budget(v, values, plan, e);
	return code < 0 ? code : plan_workload(v, plan, e);
}

static const struct kube_entry *foreign_replica(const struct group_view *v)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct group_replica *r = &v->replicas[i];
		if (group_is_surplus(v, r))
			continue;
		if (r->state != NULL && !group_owns(v, r->state))
			return r->state;
		if (r->config != NULL && !group_owns(v, r->config))
			return r->config;
	}
	return NULL;
}

const struct kube_entry *group_find_foreign(
	const struct group_view *v, const struct kube_resource **resource)
{
	const struct {
		enum cluster_kind kind;
		const struct kube_entry *entry;
	} children[] = {
		{CLUSTER_SECRETS, foreign_replica(v)},
		{CLUSTER_SERVICE_ACCOUNTS, v->account},
		{CLUSTER_ROLES, v->role},
		{CLUSTER_ROLE_BINDINGS, v->role_binding},
		{CLUSTER_CONFIG_MAPS, v->config_map},
		{CLUSTER_SERVICES, v->service},
		{CLUSTER_BUDGETS, v->budget},
		{CLUSTER_STATEFUL_SETS, v->stateful_set},
	};
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		if (children[i].entry == NULL || group_owns(v, children[i].entry))
			continue;
		*resource = cluster_resource(children[i].kind);
		return children[i].entry;
	}
	return NULL;
}
