#include "controller/egress/egress_service_view.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/egress_book.h"
#include "controller/cluster/egress_group_plan.h"
#include "controller/cluster/egress_ports.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

static const struct kube_entry *group_of(const struct cluster *c, const char *name)
{
	const struct kube_entry *group =
		kube_cache_get(cluster_cache(c, CLUSTER_PROXY_GROUPS), NULL, name);
	return group != NULL && !object_is_deleting(group->data) ? group : NULL;
}

/* Its parent is this Service. */
static bool is_child_of(const struct kube_entry *entry, const char *ns, const char *name)
{
	const char *type = object_label(entry->data, CLUSTER_LABEL_PARENT_TYPE);
	const char *parent = object_label(entry->data, CLUSTER_LABEL_PARENT);
	const char *parent_ns = object_label(entry->data, CLUSTER_LABEL_PARENT_NS);
	return object_label(entry->data, CLUSTER_LABEL_MANAGED) != NULL && type != NULL &&
	       strcmp(type, "svc") == 0 && parent != NULL && strcmp(parent, name) == 0 &&
	       parent_ns != NULL && strcmp(parent_ns, ns) == 0;
}

/* All of one kind, but for those with a place in the view. */
static size_t gather_further(const struct kube_cache *cache, const struct egress_service_view *v,
	const struct kube_entry ***out)
{
	AUTO(mem_free) char *parent = xasprintf("svc/%s/%s", v->ns, v->name);
	const struct kube_entry *entry;
	size_t count = 0, cap = 0;
	for (size_t i = 0;
		(entry = kube_cache_indexed(cache, CLUSTER_BY_PARENT, parent, i)) != NULL; i++) {
		if (entry == v->child || entry == v->slices[0] || entry == v->slices[1] ||
			strcmp(entry->ns, v->own_ns) != 0 ||
			object_label(entry->data, CLUSTER_LABEL_MANAGED) == NULL)
			continue;
		*out = xgrow(*out, count, &cap, 4, sizeof(const struct kube_entry *));
		(*out)[count++] = entry;
	}
	return count;
}

static void gather_children(const struct cluster *c, struct egress_service_view *v)
{
	const struct kube_cache *services = cluster_cache(c, CLUSTER_SERVICES);
	const struct kube_cache *slices = cluster_cache(c, CLUSTER_SLICES);
	v->child_name = egress_request_child(v->ns, v->name);
	const struct kube_entry *child = kube_cache_get(services, v->own_ns, v->child_name);
	if (child != NULL && child->data != NULL && is_child_of(child, v->ns, v->name))
		v->child = child;
	for (size_t f = 0; f < EGRESS_FAMILIES; f++) {
		AUTO(mem_free) char *name = egress_group_slice_name(v->child_name, f);
		const struct kube_entry *slice = kube_cache_get(slices, v->own_ns, name);
		if (slice != NULL && is_child_of(slice, v->ns, v->name))
			v->slices[f] = slice;
	}
	v->service_count = gather_further(services, v, &v->services);
	v->further_count = gather_further(slices, v, &v->further);
}

/* The other Service is one that the group would serve under the same key. */
static bool is_served(const struct cluster *c, const struct egress_service_view *v,
	const struct kube_entry *other)
{
	const struct object_service *service = other->data;
	struct egress_request request;
	if (v->group == NULL || !egress_request_is_one(service) ||
		object_is_deleting(&service->meta))
		return false;
	egress_request_read(other, egress_group_suffix(c, v->group->data), &request);
	bool is = request.faults.len == 0 && strcmp(request.group, v->request.group) == 0 &&
		  egress_request_compare(&request, &v->request) < 0;
	egress_request_fini(&request);
	return is;
}

/* "a-b-c" is the key of a/b-c and of a-b/c. */
static void gather_rival(const struct cluster *c, struct egress_service_view *v)
{
	AUTO(mem_free) char *key = xstrdup(v->request.key);
	for (char *at = strchr(key, '-'); at != NULL && v->rival == NULL;
		at = strchr(at + 1, '-')) {
		*at = '\0';
		const struct kube_entry *other =
			kube_cache_get(cluster_cache(c, CLUSTER_SERVICES), key, at + 1);
		if (other != NULL && other != v->entry && is_served(c, v, other))
			v->rival = other;
		*at = '-';
	}
}

/* It is in the document of a group that is there. */
static bool is_in(const struct cluster *c, const struct egress_service_view *v, const char *group)
{
	AUTO(mem_free) char *key = xasprintf("%s-%s", v->ns, v->name);
	return group != NULL && group_of(c, group) != NULL &&
	       egress_group_has(c, group, key, v->child_name);
}

static void gather_other(const struct cluster *c, struct egress_service_view *v, bool is_wanted)
{
	const char *former =
		v->child != NULL ? object_label(v->child->data, CLUSTER_LABEL_GROUP) : NULL;
	const char *group = v->service != NULL
				    ? object_user_annotation(&v->service->meta, "proxy-group")
				    : NULL;
	bool is_former = former != NULL && (group == NULL || strcmp(group, former) != 0);
	if (is_former && is_in(c, v, former))
		v->other = former;
	else if (!is_wanted && is_in(c, v, group))
		v->other = group;
	else if (!is_wanted && !is_former && is_in(c, v, former))
		v->other = former;
}

/* Too few numbers may be left. While there are enough, the group's key will book the Service. */
static bool is_nearly_full(const struct cluster *c, const struct egress_service_view *v)
{
	struct egress_ports ports = {0};
	const struct kube_cache *services = cluster_cache(c, CLUSTER_SERVICES);
	const struct egress_config *written = egress_group_written(c, v->request.group);
	const struct kube_entry *entry;
	for (size_t i = 0; written != NULL && i < written->count; i++) {
		for (size_t p = 0; p < written->services[i].port_count; p++)
			egress_ports_claim(&ports, written->services[i].ports[p].match);
	}
	for (size_t i = 0; (entry = kube_cache_indexed(
				    services, CLUSTER_BY_GROUP, v->request.group, i)) != NULL;
		i++) {
		const struct object_service *service = entry->data;
		for (size_t p = 0; p < service->port_count; p++)
			egress_ports_claim(&ports, service->ports[p].target);
	}
	return ports.used + v->service->port_count > EGRESS_PORTS_COUNT;
}

/* Why the group refuses it, as its own key would find out. */
static void gather_refusal(const struct cluster *c, struct egress_service_view *v)
{
	const struct egress_group_options options = {v->setting->domain, v->now};
	struct egress_group_view group;
	egress_group_view_gather(c, v->group, &options, &group);
	v->refusal = egress_group_refusal(&group, v->request.key);
	egress_group_view_fini(&group);
}

static void gather_group(const struct cluster *c, struct egress_service_view *v)
{
	v->group = group_of(c, v->request.group);
	const char *suffix = v->group != NULL ? egress_group_suffix(c, v->group->data) : "";
	egress_request_fini(&v->request);
	egress_request_read(v->entry, suffix, &v->request);
	egress_pods_gather(c, v->request.group, &v->pods);
	const struct egress_config *written = egress_group_written(c, v->request.group);
	v->has_config = written != NULL;
	if (v->group == NULL ||
		!egress_group_has(c, v->request.group, v->request.key, v->child_name))
		return;
	const struct egress_service *entry = egress_config_find(written, v->request.key);
	if (egress_book_serves(entry, &v->request))
		v->booked = entry;
}

static bool is_long_ago(const char *deleting, const char *now)
{
	time_t then, today;
	struct err e;
	return kube_time_parse(deleting, &then, &e) == 0 && kube_time_parse(now, &today, &e) == 0 &&
	       today - then > EGRESS_WAIT_S;
}

void egress_service_view_gather(const struct cluster *c, const struct egress_setting *setting,
	const char *ns, const char *name, struct egress_service_view *out)
{
	*out = (struct egress_service_view){
		.setting = setting, .own_ns = cluster_namespace(c), .ns = ns, .name = name};
	kube_time_format(clock_wall(), out->now);
	out->entry = kube_cache_get(cluster_cache(c, CLUSTER_SERVICES), ns, name);
	out->service = out->entry != NULL ? out->entry->data : NULL;
	gather_children(c, out);
	if (out->service != NULL) {
		out->is_one = egress_request_is_one(out->service) &&
			      !object_is_deleting(&out->service->meta) && !setting->is_leaving;
		out->waits_too_long =
			setting->is_leaving || is_long_ago(out->service->meta.deleting, out->now);
	}
	if (out->is_one) {
		egress_request_read(out->entry, "", &out->request);
		gather_group(c, out);
		gather_rival(c, out);
	}
	bool is_wanted = out->is_one && out->rival == NULL && out->request.faults.len == 0;
	if (is_wanted && out->group != NULL && out->booked == NULL && is_nearly_full(c, out))
		gather_refusal(c, out);
	gather_other(c, out, is_wanted && out->refusal == NULL);
}

void egress_service_view_fini(struct egress_service_view *view)
{
	if (view->is_one)
		egress_request_fini(&view->request);
	egress_pods_fini(&view->pods);
	free(view->refusal);
	free(view->child_name);
	free(view->services);
	free(view->further);
	memset(view, 0, sizeof(*view));
}
