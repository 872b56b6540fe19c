#include "controller/egress/egress_children.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/egress_book.h"
#include "controller/cluster/egress_group_plan.h"
#include "controller/manifests/manifest.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_cache.h"

static const struct {
	const char *name, *type;
	unsigned int bit;
} families[EGRESS_FAMILIES] = {
	{"ipv4", "IPv4", EGRESS_BY_IPV4},
	{"ipv6", "IPv6", EGRESS_BY_IPV6},
};

static struct json *values_of(const struct egress_service_view *view)
{
	struct json *values = json_new_object();
	json_set_str(values, "child", view->child_name);
	json_set_str(values, "namespace", view->own_ns);
	json_set_str(values, "parent", view->name);
	json_set_str(values, "parent_namespace", view->ns);
	json_set_str(values, "group", view->request.group);
	return values;
}

static void add_port(
	struct json *ports, const char *name, int64_t port, int64_t target, const char *protocol)
{
	struct json *item = json_new_object();
	json_set_str(item, "name", name);
	json_set_str(item, "protocol", protocol);
	json_set(item, "port", json_new_i64(port));
	if (target != 0)
		json_set(item, "targetPort", json_new_i64(target));
	json_push(ports, item);
}

static const char *name_of(const struct object_port *port)
{
	return port->name[0] != '\0' ? port->name : EGRESS_UNNAMED;
}

static struct json *service_ports(const struct egress_service_view *view)
{
	const struct object_service *service = view->service;
	struct json *ports = json_new_array();
	for (size_t i = 0; i < service->port_count; i++) {
		const struct object_port *p = &service->ports[i];
		add_port(ports, name_of(p), p->port, egress_book_number(view->booked, p),
			p->protocol);
	}
	add_port(ports, EGRESS_HEALTH_NAME, egress_request_health_port(service), EGRESS_HEALTH_PORT,
		"TCP");
	return ports;
}

struct json *egress_children_service(const struct egress_service_view *view)
{
	AUTO(json_freep) struct json *values = values_of(view);
	struct err e;
	json_set(values, "ports", service_ports(view));
	return manifest_fill("egress-service", values, &e);
}

static struct json *slice_ports(
	const struct egress_service_view *view, const struct egress_service *entry)
{
	struct json *ports = json_new_array();
	for (size_t i = 0; i < view->service->port_count; i++) {
		const struct object_port *p = &view->service->ports[i];
		add_port(ports, name_of(p), egress_book_number(entry, p), 0, p->protocol);
	}
	add_port(ports, EGRESS_HEALTH_NAME, EGRESS_HEALTH_PORT, 0, "TCP");
	return ports;
}

static struct json *endpoint(const struct egress_pod *pod, const char *ip)
{
	struct json *conditions = json_new_object();
	json_set(conditions, "ready", json_new_bool(true));
	json_set(conditions, "serving", json_new_bool(true));
	json_set(conditions, "terminating", json_new_bool(false));
	struct json *addresses = json_new_array();
	json_push(addresses, json_new_str(ip));
	struct json *out = json_new_object();
	json_set(out, "addresses", addresses);
	json_set(out, "conditions", conditions);
	json_set_str(out, "hostname", pod->entry->uid);
	return out;
}

/* NULL when there are none. */
static struct json *endpoints(
	const struct egress_service_view *view, const struct egress_service *entry, size_t family)
{
	struct json *list = NULL;
	for (size_t i = 0; i < view->pods.count; i++) {
		const struct egress_pod *pod = &view->pods.items[i];
		if ((egress_confirm(pod, entry) & families[family].bit) == 0)
			continue;
		if (list == NULL)
			list = json_new_array();
		json_push(list, endpoint(pod, family == 0 ? pod->ipv4 : pod->ipv6));
	}
	return list;
}

/* A slice remembers that some replica has confirmed the entry. */
static bool is_remembered(
	const struct egress_service_view *view, const struct egress_service *entry)
{
	AUTO(mem_free) char *hash = egress_book_hash(entry);
	for (size_t f = 0; f < EGRESS_FAMILIES; f++) {
		const char *has = view->slices[f] != NULL ? object_annotation(view->slices[f]->data,
								    EGRESS_CONFIRMED_ANNOTATION)
							  : NULL;
		if (has != NULL && strcmp(has, hash) == 0)
			return true;
	}
	return false;
}

/* A target that has gone is no better than one that never was: it is not to hold pods up. */
bool egress_children_confirmed(
	const struct egress_service_view *view, const struct egress_service *entry)
{
	bool is_denied = false;
	for (size_t i = 0; i < view->pods.count; i++) {
		if (egress_confirm(&view->pods.items[i], entry) != 0)
			return true;
		is_denied |= egress_deny(&view->pods.items[i], entry);
	}
	return !is_denied && is_remembered(view, entry);
}

struct json *egress_children_slice(
	const struct egress_service_view *view, const struct egress_service *entry, size_t family)
{
	AUTO(json_freep) struct json *values = values_of(view);
	AUTO(mem_free) char *hash = egress_book_hash(entry);
	struct err e;
	json_set_str(values, "family", families[family].name);
	json_set_str(values, "address_type", families[family].type);
	json_set_str(values, "child_uid", view->child->uid);
	json_set(values, "ports", slice_ports(view, entry));
	if (egress_children_confirmed(view, entry))
		json_set_str(values, "confirmed", hash);
	struct json *list = endpoints(view, entry, family);
	if (list != NULL)
		json_set(values, "endpoints", list);
	return manifest_fill("egress-slice", values, &e);
}

bool egress_children_has_family(const struct egress_service_view *view, size_t family)
{
	const struct object_service *child = view->child->data;
	return strv_contains(&child->ip_families, families[family].type);
}
