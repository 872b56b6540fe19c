#include "controller/egress/egress_service_plan.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/egress/egress_children.h"
#include "controller/egress/egress_conditions.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

#define WAIT_MS 5000 /* for the group: its change comes first, this is for a lost one */

enum stage {
	STAGE_USER, /* finalizer and name */
	STAGE_SERVICE,
	STAGE_SLICES,
	STAGE_STATUS,
	/* A clean-up. */
	STAGE_DELETE_SLICES,
	STAGE_DELETE_SERVICES,
	STAGE_LAST, /* the finalizer */
};

static struct kube_target target_of(const struct kube_entry *entry, enum cluster_kind kind)
{
	return (struct kube_target){cluster_resource(kind), entry->ns, entry->name, NULL};
}

static void remove_one(
	const struct kube_entry *entry, enum cluster_kind kind, int stage, struct engine_plan *out)
{
	const struct kube_target target = target_of(entry, kind);
	if (!object_is_deleting(entry->data))
		engine_plan_delete(out, stage, &target, entry->uid);
}

static void remove_further(const struct egress_service_view *v, struct engine_plan *out)
{
	for (size_t i = 0; i < v->further_count; i++)
		remove_one(v->further[i], CLUSTER_SLICES, STAGE_DELETE_SLICES, out);
	for (size_t i = 0; i < v->service_count; i++)
		remove_one(v->services[i], CLUSTER_SERVICES, STAGE_DELETE_SERVICES, out);
}

static void remove_children(const struct egress_service_view *v, struct engine_plan *out)
{
	for (size_t f = 0; f < EGRESS_FAMILIES; f++) {
		if (v->slices[f] != NULL)
			remove_one(v->slices[f], CLUSTER_SLICES, STAGE_DELETE_SLICES, out);
	}
	if (v->child != NULL)
		remove_one(v->child, CLUSTER_SERVICES, STAGE_DELETE_SERVICES, out);
	remove_further(v, out);
}

/* The entry in a ConfigMap goes first: true while it is there. */
static bool waits_for_group(const struct egress_service_view *v, struct engine_plan *out)
{
	if (v->other == NULL)
		return false;
	engine_plan_also(out, CLUSTER_KEY_PROXY_GROUP, "", v->other);
	if (v->waits_too_long)
		return false;
	out->result = ENGINE_AGAIN;
	out->after_ms = WAIT_MS;
	return true;
}

static void release(const struct egress_service_view *v, struct engine_plan *out)
{
	const struct kube_target target = target_of(v->entry, CLUSTER_SERVICES);
	engine_plan_finalizer(out, STAGE_LAST, &target, v->entry->version,
		&v->service->meta.finalizers, CLUSTER_FINALIZER, false);
}

/* shows: the Service has conditions that say why. */
static void clean_up(const struct egress_service_view *v, bool shows, struct engine_plan *out)
{
	if (waits_for_group(v, out))
		return;
	remove_children(v, out);
	if (v->service == NULL || shows ||
		!object_has_finalizer(&v->service->meta, CLUSTER_FINALIZER))
		return;
	bool is_deleting = object_is_deleting(&v->service->meta);
	if (!is_deleting && egress_conditions_remove(v, STAGE_STATUS, out))
		return; /* the finalizer with the next pass: this one has changed the version */
	release(v, out);
}

/* One that is refused has conditions, and nothing else of ours. */
static void refuse(
	const struct egress_service_view *v, struct json *conditions_take, struct engine_plan *out)
{
	bool changes = egress_conditions_plan(v, conditions_take, STAGE_STATUS, out);
	clean_up(v, true, out);
	if (!changes && out->result == ENGINE_DONE)
		release(v, out);
}

/* NULL when there are none; the caller frees. */
static char *faults_of(const struct egress_service_view *v)
{
	AUTO(strv_fini) struct strv all = {0};
	const struct object_proxy_group *group = v->group != NULL ? v->group->data : NULL;
	strv_copy(&all, &v->request.faults);
	if (group != NULL && strcmp(group->type, "egress") != 0)
		strv_pushf(&all,
			"TailscaleProxyGroup %s is of type %s: name one whose spec.type is egress",
			v->request.group, group->type);
	if (v->rival != NULL)
		strv_pushf(&all,
			"Service %s/%s is older and has the same key %s in TailscaleProxyGroup %s: "
			"rename this Service, or use another group",
			v->rival->ns, v->rival->name, v->request.key, v->request.group);
	return all.len > 0 ? strv_join(&all, "; ") : NULL;
}

static struct json *metadata_with_finalizer(const struct egress_service_view *v)
{
	struct json *list = json_new_array();
	const struct strv *has = &v->service->meta.finalizers;
	for (size_t i = 0; i < has->len; i++)
		json_push(list, json_new_str(has->items[i]));
	json_push(list, json_new_str(CLUSTER_FINALIZER));
	struct json *metadata = json_new_object();
	json_set_str(metadata, "resourceVersion", v->entry->version);
	json_set(metadata, "finalizers", list);
	return metadata;
}

/* The finalizer, guarded by the version, and the name, in one patch. */
static void plan_user(const struct egress_service_view *v, struct engine_plan *out)
{
	AUTO(mem_free)
	char *name = xasprintf("%s.%s.svc.%s", v->child_name, v->own_ns, v->setting->domain);
	bool has = object_has_finalizer(&v->service->meta, CLUSTER_FINALIZER);
	bool is_named =
		v->setting->leaves_external_name || strcmp(v->service->external_name, name) == 0;
	if (has && is_named)
		return;
	struct json *patch = json_new_object();
	if (!has)
		json_set(patch, "metadata", metadata_with_finalizer(v));
	if (!is_named) {
		struct json *spec = json_new_object();
		json_set_str(spec, "externalName", name);
		json_set(patch, "spec", spec);
	}
	const struct kube_op op = {
		.verb = KUBE_PATCH,
		.patch = KUBE_PATCH_MERGE,
		.target = {cluster_resource(CLUSTER_SERVICES), v->ns, v->name, NULL},
		.field_manager = ENGINE_FIELD_MANAGER,
	};
	engine_plan_request(out, STAGE_USER, &op, patch);
}

static void plan_slices(const struct egress_service_view *v, const struct egress_service *entry,
	struct engine_plan *out)
{
	for (size_t f = 0; f < EGRESS_FAMILIES; f++) {
		if (!egress_children_has_family(v, f)) {
			if (v->slices[f] != NULL)
				remove_one(v->slices[f], CLUSTER_SLICES, STAGE_SLICES, out);
			continue;
		}
		AUTO(mem_free) char *name = egress_group_slice_name(v->child_name, f);
		const struct kube_target target = {
			cluster_resource(CLUSTER_SLICES), v->own_ns, name, NULL};
		struct json *desired = egress_children_slice(v, entry, f);
		if (desired != NULL)
			engine_plan_apply(out, STAGE_SLICES, &target, desired,
				v->slices[f] != NULL ? v->slices[f]->text : NULL);
	}
}

/* It names no group of ours, and another operator is there that may have one of this name. */
static bool is_anothers(const struct egress_service_view *v)
{
	return v->group == NULL && v->setting->has_upstream &&
	       !object_has_finalizer(&v->service->meta, CLUSTER_FINALIZER);
}

/* Whether a replica goes on serving for now. */
static bool has_replica(const struct egress_service_view *v)
{
	for (size_t i = 0; i < v->pods.count; i++) {
		if (!v->pods.items[i].is_terminating)
			return true;
	}
	return false;
}

/* The group is gone: so are its replicas, sooner or later. One that ends waits in its hook until it
 * is no endpoint any more. */
static void without_group(const struct egress_service_view *v, struct engine_plan *out)
{
	egress_conditions_plan(v, egress_conditions_without_group(v), STAGE_STATUS, out);
	for (size_t f = 0; f < EGRESS_FAMILIES; f++) {
		if (v->slices[f] != NULL && !has_replica(v))
			remove_one(v->slices[f], CLUSTER_SLICES, STAGE_SLICES, out);
	}
}

/* In the group's document, but not yet, or not yet as it asks now. */
static void await_booking(const struct egress_service_view *v, struct engine_plan *out)
{
	plan_user(v, out);
	engine_plan_also(out, CLUSTER_KEY_PROXY_GROUP, "", v->request.group);
	if (v->has_config)
		return;
	AUTO(mem_free)
	char *message = xasprintf("TailscaleProxyGroup %s has no ConfigMap %s-egress-config yet: "
				  "see its conditions",
		v->request.group, v->request.group);
	egress_conditions_plan(
		v, egress_conditions_failed(v, "ProxyGroupNotReady", message), STAGE_STATUS, out);
}

static void serve(const struct egress_service_view *v, struct engine_plan *out)
{
	const struct kube_target target = {
		cluster_resource(CLUSTER_SERVICES), v->own_ns, v->child_name, NULL};
	out->shows_failure = true;
	plan_user(v, out);
	struct json *desired = egress_children_service(v);
	if (desired != NULL)
		engine_plan_apply(out, STAGE_SERVICE, &target, desired,
			v->child != NULL ? v->child->text : NULL);
	remove_further(v, out);
	/* Its families are known when the server has made it. */
	if (v->child == NULL)
		return;
	plan_slices(v, v->booked, out);
	egress_conditions_plan(v, egress_conditions_served(v), STAGE_STATUS, out);
}

void egress_service_plan(const struct egress_service_view *view,
	const struct engine_failure *failure, struct engine_plan *out)
{
	out->result = ENGINE_DONE;
	if (!view->is_one) {
		clean_up(view, false, out);
		return;
	}
	if (is_anothers(view))
		return;
	if (failure != NULL) {
		egress_conditions_plan(view,
			egress_conditions_failed(view, NULL, failure->err->msg), STAGE_STATUS, out);
		return;
	}
	AUTO(mem_free) char *faults = faults_of(view);
	if (view->group == NULL && view->request.faults.len == 0)
		without_group(view, out);
	else if (faults != NULL)
		refuse(view, egress_conditions_invalid(view, faults), out);
	else if (view->refusal != NULL)
		refuse(view,
			egress_conditions_failed(view, "EgressSvcCreationFailed", view->refusal),
			out);
	else if (waits_for_group(view, out))
		return;
	else if (view->booked == NULL)
		await_booking(view, out);
	else
		serve(view, out);
}
