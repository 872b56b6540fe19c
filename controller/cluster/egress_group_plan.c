#include "controller/cluster/egress_group_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/egress_book.h"
#include "controller/engine/engine_diff.h"
#include "controller/engine/engine_plan.h"
#include "controller/manifests/manifest.h"
#include "lib/base/b64.h"
#include "lib/base/digest.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

#define PINGS_OF_REPLICA 3
#define SERVICE_PREFIX "svc:"

static const char *text_of(const struct json *obj, const char *key)
{
	const char *text = json_str(json_get(obj, key));
	return text != NULL ? text : "";
}

static const struct object_proxy_group *spec_of(const struct egress_group_view *view)
{
	return view->group->data;
}

static void make_book(const struct egress_group_view *view, struct egress_book *out)
{
	AUTO(mem_free)
	const struct egress_request **requests =
		xcalloc(view->member_count + 1, sizeof(const struct egress_request *));
	for (size_t i = 0; i < view->member_count; i++)
		requests[i] = &view->members[i].request;
	const struct egress_book_view book = {
		.group = view->group->name,
		.ns = view->ns,
		.domain = view->domain,
		.requests = requests,
		.request_count = view->member_count,
		.written = view->written,
		.children = view->children,
		.child_count = view->child_count,
	};
	egress_book_make(&book, out);
}

char *egress_group_refusal(const struct egress_group_view *view, const char *key)
{
	struct egress_book book;
	make_book(view, &book);
	char *refusal = xstrdup(egress_book_refusal(&book, key));
	egress_book_fini(&book);
	return refusal;
}

static void set_base64(struct json *values, const char *key, const char *text)
{
	AUTO(buf_fini) struct buf coded = BUF_INIT(MANIFEST_MAX);
	struct err e;
	if (b64_encode(text, strlen(text), &coded, &e) < 0)
		mem_exhausted();
	json_set_str(values, key, buf_cstr(&coded));
}

static struct json *group_values(const struct egress_group_view *view)
{
	struct json *values = json_new_object();
	json_set_str(values, "group", view->group->name);
	json_set_str(values, "namespace", view->ns);
	json_set_str(values, "uid", view->group->uid);
	return values;
}

/* One that is not in the cache is made, never overwritten. */
static void plan_creation(const struct egress_group_view *view, int stage,
	struct json *desired_take, struct engine_plan *out)
{
	const struct kube_op op = {
		.verb = KUBE_CREATE,
		.target = {cluster_resource(CLUSTER_CONFIG_MAPS), view->ns, NULL, NULL},
		.field_manager = ENGINE_FIELD_MANAGER,
	};
	engine_diff_seal(desired_take);
	engine_plan_request(out, stage, &op, desired_take);
}

/* Numbers are given out by what was read: with another version there the step fails. */
static void guard(struct engine_step *step, const struct kube_entry *live)
{
	struct json *metadata = json_dup(json_get(step->body, "metadata"));
	json_set_str(metadata, "resourceVersion", live->version);
	json_set(step->body, "metadata", metadata);
}

/* services: the text of the document. */
static void plan_config_map(const struct egress_group_view *view, int stage, const char *services,
	const char *pings, struct engine_plan *out)
{
	AUTO(json_freep) struct json *values = group_values(view);
	AUTO(mem_free) char *name = egress_group_config_name(view->group->name);
	const struct kube_target target = {
		cluster_resource(CLUSTER_CONFIG_MAPS), view->ns, name, NULL};
	struct err e;
	set_base64(values, "services", services);
	set_base64(values, "pings", pings);
	struct json *desired = manifest_fill("group-config-map", values, &e);
	if (desired == NULL)
		return;
	if (view->config_map == NULL)
		plan_creation(view, stage, desired, out);
	else if (engine_plan_apply(out, stage, &target, desired, view->config_map->text))
		guard(out->steps[out->count - 1], view->config_map);
}

static struct json *merge_patch_of_annotation(const char *key, const char *value)
{
	struct json *annotations = json_new_object();
	json_set_str(annotations, key, value);
	struct json *metadata = json_new_object();
	json_set(metadata, "annotations", annotations);
	struct json *patch = json_new_object();
	json_set(patch, "metadata", metadata);
	return patch;
}

static void plan_refresh(const struct egress_group_view *view, int stage, const char *services,
	const char *pings, struct engine_plan *out)
{
	struct digest digest;
	char hash[17];
	AUTO(mem_free) char *text = xasprintf("%s\n%s", services, pings);
	digest_of(text, strlen(text), &digest);
	for (size_t i = 0; i < sizeof(hash) / 2; i++)
		snprintf(hash + 2 * i, 3, "%02x", digest.bytes[i]);
	for (size_t i = 0; i < view->pods.count; i++) {
		const struct egress_pod *pod = &view->pods.items[i];
		const struct object *meta = pod->entry->data;
		const char *has = object_annotation(meta, EGRESS_HASH_ANNOTATION);
		if (pod->is_terminating || (has != NULL && strcmp(has, hash) == 0))
			continue;
		const struct kube_op op = {
			.verb = KUBE_PATCH,
			.patch = KUBE_PATCH_MERGE,
			.target = {cluster_resource(CLUSTER_PODS), pod->entry->ns, pod->entry->name,
				NULL},
			.field_manager = ENGINE_FIELD_MANAGER,
		};
		engine_plan_request(
			out, stage, &op, merge_patch_of_annotation(EGRESS_HASH_ANNOTATION, hash))
			->accepts = ENGINE_ACCEPTS(KUBE_NOT_FOUND);
	}
}

static bool is_endpoint(const struct kube_entry *slice, const struct egress_pod *pod)
{
	const struct object_slice *data = slice->data;
	return strv_contains(&data->pods, pod->entry->uid);
}

static bool was_confirmed(const struct egress_member *member, const char *hash)
{
	for (size_t f = 0; f < EGRESS_FAMILIES; f++) {
		const char *has = member->slices[f] != NULL
					  ? object_annotation(member->slices[f]->data,
						    EGRESS_CONFIRMED_ANNOTATION)
					  : NULL;
		if (has != NULL && strcmp(has, hash) == 0)
			return true;
	}
	return false;
}

/* The pod is an endpoint of the Service by all its families, or nobody ever was. */
static bool is_served_by(const struct egress_member *member, const struct egress_service *entry,
	const struct egress_pod *pod)
{
	AUTO(mem_free) char *hash = egress_book_hash(entry);
	const char *const ips[EGRESS_FAMILIES] = {pod->ipv4, pod->ipv6};
	if (!was_confirmed(member, hash))
		return true;
	for (size_t f = 0; f < EGRESS_FAMILIES; f++) {
		if (ips[f][0] != '\0' && member->slices[f] != NULL &&
			!is_endpoint(member->slices[f], pod))
			return false;
	}
	return true;
}

static bool may_be_ready(const struct egress_group_view *view, const struct egress_config *config,
	const struct egress_pod *pod)
{
	if (pod->ipv4[0] == '\0' && pod->ipv6[0] == '\0')
		return false;
	for (size_t i = 0; i < view->member_count; i++) {
		const struct egress_member *member = &view->members[i];
		const struct egress_service *entry =
			egress_config_find(config, member->request.key);
		if (entry != NULL && !is_served_by(member, entry, pod))
			return false;
	}
	return true;
}

static struct json *gate_patch(const char *now)
{
	struct json *condition = json_new_object();
	json_set_str(condition, "type", CLUSTER_GATE);
	json_set_str(condition, "status", "True");
	json_set_str(condition, "lastTransitionTime", now);
	struct json *conditions = json_new_array();
	json_push(conditions, condition);
	struct json *status = json_new_object();
	json_set(status, "conditions", conditions);
	struct json *patch = json_new_object();
	json_set(patch, "status", status);
	return patch;
}

static void plan_gates(const struct egress_group_view *view, int stage,
	const struct egress_config *config, struct engine_plan *out)
{
	for (size_t i = 0; i < view->pods.count; i++) {
		const struct egress_pod *pod = &view->pods.items[i];
		if (pod->has_gate || pod->is_terminating || !may_be_ready(view, config, pod))
			continue;
		const struct kube_op op = {
			.verb = KUBE_PATCH,
			.patch = KUBE_PATCH_STRATEGIC,
			.target = {cluster_resource(CLUSTER_PODS), pod->entry->ns, pod->entry->name,
				"status"},
			.field_manager = ENGINE_FIELD_MANAGER,
		};
		engine_plan_request(out, stage, &op, gate_patch(view->now))->accepts =
			ENGINE_ACCEPTS(KUBE_NOT_FOUND);
	}
}

/* The name behind spec.tailnetTarget.serviceName, "" when it cannot be known. */
static char *name_of_service(const struct egress_group_view *view, const char *service)
{
	const char *name =
		str_starts(service, SERVICE_PREFIX) ? service + strlen(SERVICE_PREFIX) : service;
	if (service[0] == '\0' || view->suffix[0] == '\0')
		return xstrdup("");
	return xasprintf("%s.%s", name, view->suffix);
}

char *egress_group_fault(const struct egress_group_view *view)
{
	const struct json *target = spec_of(view)->target;
	if (target == NULL || text_of(target, "serviceName")[0] == '\0' || view->suffix[0] != '\0')
		return NULL;
	return xstrdup(
		"spec.tailnetTarget.serviceName: the domain of the tailnet is not known: set "
		"spec.domain of the TailscaleTailnet, or use spec.tailnetTarget.fqdn");
}

static struct json *target_ports(const struct json *target)
{
	struct json *out = json_new_array();
	const struct json *ports = json_get(target, "ports");
	for (const struct json *p = json_first(ports); p != NULL; p = json_next(p)) {
		struct json *port = json_dup(p);
		if (json_type(port) == JSON_OBJECT && text_of(port, "protocol")[0] == '\0')
			json_set_str(port, "protocol", "TCP");
		json_push(out, port);
	}
	return out;
}

static void set_text(struct json *values, const char *key, const char *text)
{
	if (text[0] != '\0')
		json_set_str(values, key, text);
}

static struct json *target_service(
	const struct egress_group_view *view, const struct json *target, const char *name)
{
	AUTO(json_freep) struct json *values = group_values(view);
	AUTO(mem_free)
	char *service = name_of_service(view, text_of(target, "serviceName"));
	AUTO(mem_free) char *child = egress_request_child(view->ns, name);
	struct err e;
	set_text(values, "fqdn", text_of(target, "fqdn"));
	set_text(values, "fqdn", service);
	set_text(values, "ip", text_of(target, "ip"));
	json_set(values, "ports", target_ports(target));
	json_set_str(values, "child", child);
	json_set_str(values, "domain", view->domain);
	return manifest_fill("egress-target", values, &e);
}

static void plan_target(const struct egress_group_view *view, int stage, struct engine_plan *out)
{
	const struct json *spec = spec_of(view)->target;
	AUTO(mem_free) char *name = xasprintf("%s-target", view->group->name);
	AUTO(mem_free) char *fault = egress_group_fault(view);
	const struct kube_target target = {
		cluster_resource(CLUSTER_SERVICES), view->ns, name, NULL};
	if (fault != NULL)
		return;
	if (spec == NULL) {
		if (view->target != NULL && !object_is_deleting(view->target->data))
			engine_plan_delete(out, stage, &target, view->target->uid);
		return;
	}
	struct json *desired = target_service(view, spec, name);
	if (desired != NULL)
		engine_plan_apply(out, stage, &target, desired,
			view->target != NULL ? view->target->text : NULL);
}

void egress_group_plan(const struct egress_group_view *view, int stage, struct engine_plan *out)
{
	struct egress_book book;
	int64_t replicas = spec_of(view)->replicas;
	AUTO(mem_free) char *pings = xasprintf("%lld", (long long)replicas * PINGS_OF_REPLICA);
	make_book(view, &book);
	AUTO(mem_free)
	char *services = egress_config_print(book.config.services, book.config.count);
	plan_config_map(view, stage, services, pings, out);
	plan_target(view, stage, out);
	plan_refresh(view, stage + 1, services, pings, out);
	plan_gates(view, stage + 1, &book.config, out);
	egress_book_fini(&book);
}
