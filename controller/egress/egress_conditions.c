#include "controller/egress/egress_conditions.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/egress_book.h"
#include "controller/egress/egress_children.h"
#include "controller/engine/engine_plan.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

#define ROUTE_MESSAGE "%d out of %d replicas are ready to route traffic"

static const char *const types[] = {
	EGRESS_VALID, EGRESS_CONFIGURED, EGRESS_READY, EGRESS_CONFIRMED};

static const struct json *live_one(const struct egress_service_view *view, const char *type)
{
	const struct json *live = view->service->conditions;
	for (const struct json *c = json_first(live); c != NULL; c = json_next(c)) {
		const char *is = json_str(json_get(c, "type"));
		if (is != NULL && strcmp(is, type) == 0)
			return c;
	}
	return NULL;
}

static void add(const struct egress_service_view *view, struct json *list, const char *type,
	const char *status, const char *reason, const char *message)
{
	const struct engine_condition condition = {
		.type = type, .status = status, .reason = reason, .message = message};
	engine_condition_push(list, &condition, view->service->conditions, view->now);
}

static bool plan_patch(const struct egress_service_view *view, struct json *list, int stage,
	struct engine_plan *out)
{
	if (json_len(list) == 0) {
		json_free(list);
		return false;
	}
	struct json *status = json_new_object();
	json_set(status, "conditions", list);
	struct json *patch = json_new_object();
	json_set(patch, "status", status);
	const struct kube_op op = {
		.verb = KUBE_PATCH,
		.patch = KUBE_PATCH_STRATEGIC,
		.target = {cluster_resource(CLUSTER_SERVICES), view->ns, view->name, "status"},
		.field_manager = ENGINE_FIELD_MANAGER,
	};
	engine_plan_request(out, stage, &op, patch)->accepts = ENGINE_ACCEPTS(KUBE_NOT_FOUND);
	return true;
}

bool egress_conditions_plan(const struct egress_service_view *view, struct json *conditions_take,
	int stage, struct engine_plan *out)
{
	struct json *changed = json_new_array();
	for (const struct json *c = json_first(conditions_take); c != NULL; c = json_next(c)) {
		if (!json_equal(c, live_one(view, json_str(json_get(c, "type")))))
			json_push(changed, json_dup(c));
	}
	json_free(conditions_take);
	return plan_patch(view, changed, stage, out);
}

/* It says nothing any more. */
static void drop(const struct egress_service_view *view, struct json *list, const char *type)
{
	if (live_one(view, type) == NULL)
		return;
	struct json *item = json_new_object();
	json_set_str(item, "$patch", "delete");
	json_set_str(item, "type", type);
	json_push(list, item);
}

bool egress_conditions_remove(
	const struct egress_service_view *view, int stage, struct engine_plan *out)
{
	struct json *removed = json_new_array();
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		drop(view, removed, types[i]);
	return plan_patch(view, removed, stage, out);
}

struct json *egress_conditions_invalid(const struct egress_service_view *view, const char *faults)
{
	struct json *list = json_new_array();
	add(view, list, EGRESS_VALID, "False", "EgressSvcInvalid", faults);
	add(view, list, EGRESS_READY, "False", "ClusterResourcesNotReady",
		"the Service is not valid: see condition " EGRESS_VALID);
	drop(view, list, EGRESS_CONFIGURED);
	drop(view, list, EGRESS_CONFIRMED);
	return list;
}

struct json *egress_conditions_without_group(const struct egress_service_view *view)
{
	struct json *list = json_new_array();
	AUTO(mem_free)
	char *message = xasprintf("there is no TailscaleProxyGroup %s, or it is being deleted: "
				  "create it, or change annotation proxy-group",
		view->request.group);
	add(view, list, EGRESS_VALID, "Unknown", "ProxyGroupNotReady", message);
	add(view, list, EGRESS_READY, "False", "ClusterResourcesNotReady", message);
	drop(view, list, EGRESS_CONFIGURED);
	drop(view, list, EGRESS_CONFIRMED);
	return list;
}

static void add_valid(const struct egress_service_view *view, struct json *list)
{
	add(view, list, EGRESS_VALID, "True", "EgressSvcValid", "EgressSvcValid");
}

struct json *egress_conditions_failed(
	const struct egress_service_view *view, const char *reason, const char *message)
{
	struct json *list = json_new_array();
	AUTO(mem_free)
	char *hash = view->booked != NULL ? egress_book_hash(view->booked) : xstrdup("");
	AUTO(mem_free)
	char *full =
		xasprintf("ConfigurationFailed:ProxyGroup:%s:Config:%s", view->request.group, hash);
	add_valid(view, list);
	add(view, list, EGRESS_CONFIGURED, "False", reason != NULL ? reason : full, message);
	add(view, list, EGRESS_READY, "False", "ClusterResourcesNotReady", message);
	drop(view, list, EGRESS_CONFIRMED);
	return list;
}

/* A replica that has not been asked for does not count. */
static int count_ready(const struct egress_service_view *view, int64_t replicas)
{
	int ready = 0;
	for (size_t i = 0; i < view->pods.count; i++) {
		const struct egress_pod *pod = &view->pods.items[i];
		if (pod->ordinal < replicas && egress_confirm(pod, view->booked) != 0)
			ready++;
	}
	return ready;
}

static void add_ready(const struct egress_service_view *view, struct json *list)
{
	const struct object_proxy_group *group = view->group->data;
	int replicas = (int)group->replicas;
	int ready = count_ready(view, replicas);
	AUTO(mem_free) char *message = xasprintf(ROUTE_MESSAGE, ready, replicas);
	if (replicas == 0)
		add(view, list, EGRESS_READY, "False", "NoProxiesConfigured", message);
	else if (ready == 0)
		add(view, list, EGRESS_READY, "False", "NotReadyToRouteTraffic", message);
	else
		add(view, list, EGRESS_READY, "True",
			ready >= replicas ? "ReadyToRouteTraffic" : "PartiallyReadyToRouteTraffic",
			message);
}

/* A target that no replica has ever found holds no roll-out up, and is named. */
static void add_confirmed(const struct egress_service_view *view, struct json *list)
{
	bool by_ip = view->booked->target_ip[0] != '\0';
	const char *target = by_ip ? view->booked->target_ip : view->booked->target_fqdn;
	if (egress_children_confirmed(view, view->booked)) {
		add(view, list, EGRESS_CONFIRMED, "True", "Confirmed",
			"a replica has confirmed that it forwards to the target");
		return;
	}
	AUTO(mem_free)
	char *message =
		xasprintf("no replica of %s has confirmed that it forwards to %s: "
			  "check that a node of this %s is in the tailnet, and that its "
			  "policy lets the tags of the group reach it; replicas do not wait "
			  "for it to become ready",
			view->request.group, target, by_ip ? "address" : "name");
	add(view, list, EGRESS_CONFIRMED, "False", "NeverConfirmed", message);
}

struct json *egress_conditions_served(const struct egress_service_view *view)
{
	struct json *list = json_new_array();
	AUTO(mem_free) char *hash = egress_book_hash(view->booked);
	AUTO(mem_free)
	char *reason =
		xasprintf("ConfiguredFor:ProxyGroup:%s:Config:%s", view->request.group, hash);
	AUTO(mem_free)
	char *message = xasprintf("in the cluster the target is reached at %s.%s.svc.%s",
		view->child_name, view->own_ns, view->setting->domain);
	add_valid(view, list);
	add(view, list, EGRESS_CONFIGURED, "True", reason, message);
	add_ready(view, list);
	add_confirmed(view, list);
	return list;
}
