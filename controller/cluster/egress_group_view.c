#include "controller/cluster/egress_group_view.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_config.h"

const char *egress_group_suffix(const struct cluster *c, const struct object_proxy_group *group)
{
	const char *name = group->tailnet[0] != '\0' ? group->tailnet : cluster_default_tailnet(c);
	const struct kube_entry *entry =
		kube_cache_get(cluster_cache(c, CLUSTER_TAILNETS), NULL, name);
	const struct object_tailnet *tailnet = entry != NULL ? entry->data : NULL;
	if (tailnet == NULL)
		return "";
	return tailnet->suffix[0] != '\0' ? tailnet->suffix : tailnet->domain;
}

char *egress_group_config_name(const char *group)
{
	return xasprintf("%s-egress-config", group);
}

char *egress_group_slice_name(const char *child, size_t family)
{
	return xasprintf("%s-%s", child, family == 0 ? "ipv4" : "ipv6");
}

static const struct kube_entry *config_map_of(const struct cluster *c, const char *group)
{
	AUTO(mem_free) char *name = egress_group_config_name(group);
	return kube_cache_get(cluster_cache(c, CLUSTER_CONFIG_MAPS), cluster_namespace(c), name);
}

const struct egress_config *egress_group_written(const struct cluster *c, const char *group)
{
	const struct kube_entry *entry = config_map_of(c, group);
	const struct object_config_map *map = entry != NULL ? entry->data : NULL;
	return map != NULL && map->is_readable ? &map->egress : NULL;
}

bool egress_group_has(
	const struct cluster *c, const char *group, const char *key, const char *child)
{
	const struct egress_config *written = egress_group_written(c, group);
	const struct egress_service *entry =
		written != NULL ? egress_config_find(written, key) : NULL;
	if (entry == NULL)
		return false;
	AUTO(mem_free) char *host = xasprintf("http://%s.", child);
	return str_starts(entry->health_check_endpoint, host);
}

/* Another group still has it: what that one has is to go first. */
static bool is_held(const struct cluster *c, const struct egress_request *r)
{
	const struct kube_entry *child =
		kube_cache_get(cluster_cache(c, CLUSTER_SERVICES), cluster_namespace(c), r->child);
	if (child == NULL || child->data == NULL)
		return false;
	const char *group = object_label(child->data, CLUSTER_LABEL_GROUP);
	return group != NULL && strcmp(group, r->group) != 0 &&
	       egress_group_has(c, group, r->key, r->child);
}

static void gather_member(
	const struct cluster *c, const struct kube_entry *entry, struct egress_group_view *out)
{
	const struct object_service *service = entry->data;
	struct egress_member *member = &out->members[out->member_count];
	if (!egress_request_is_one(service) || object_is_deleting(&service->meta))
		return;
	egress_request_read(entry, out->suffix, &member->request);
	if (member->request.faults.len == 0 && !is_held(c, &member->request))
		out->member_count++;
	else
		egress_request_fini(&member->request);
}

/* The first of each key stays. */
static void drop_rivals(struct egress_group_view *out)
{
	size_t kept = 0;
	for (size_t i = 0; i < out->member_count; i++) {
		bool is_rival = false;
		for (size_t k = 0; k < kept && !is_rival; k++)
			is_rival = strcmp(out->members[k].request.key,
					   out->members[i].request.key) == 0;
		if (is_rival)
			egress_request_fini(&out->members[i].request);
		else
			out->members[kept++] = out->members[i];
	}
	out->member_count = kept;
}

static void gather_services(const struct cluster *c, struct egress_group_view *out)
{
	const struct kube_cache *services = cluster_cache(c, CLUSTER_SERVICES);
	const struct kube_entry *entry;
	size_t count = 0;
	while (kube_cache_indexed(services, CLUSTER_BY_GROUP, out->group->name, count) != NULL)
		count++;
	out->members = xcalloc(count + 1, sizeof(*out->members));
	out->children = xcalloc(count + 1, sizeof(const struct kube_entry *));
	for (size_t i = 0; i < count; i++) {
		entry = kube_cache_indexed(services, CLUSTER_BY_GROUP, out->group->name, i);
		if (object_label(entry->data, CLUSTER_LABEL_MANAGED) == NULL)
			gather_member(c, entry, out);
		else if (strcmp(entry->ns, out->ns) == 0)
			out->children[out->child_count++] = entry;
	}
	if (out->member_count > 0)
		qsort(out->members, out->member_count, sizeof(*out->members),
			egress_request_compare);
	drop_rivals(out);
}

static void gather_slices(const struct cluster *c, struct egress_group_view *out)
{
	const struct kube_cache *slices = cluster_cache(c, CLUSTER_SLICES);
	for (size_t i = 0; i < out->member_count; i++) {
		for (size_t f = 0; f < EGRESS_FAMILIES; f++) {
			AUTO(mem_free)
			char *name = egress_group_slice_name(out->members[i].request.child, f);
			out->members[i].slices[f] = kube_cache_get(slices, out->ns, name);
		}
	}
}

static void gather_target(const struct cluster *c, struct egress_group_view *out)
{
	AUTO(mem_free) char *name = xasprintf("%s-target", out->group->name);
	const struct kube_entry *entry =
		kube_cache_get(cluster_cache(c, CLUSTER_SERVICES), out->ns, name);
	const struct object_service *service = entry != NULL ? entry->data : NULL;
	if (service != NULL && strcmp(service->meta.owner_uid, out->group->uid) == 0)
		out->target = entry;
}

void egress_group_view_gather(const struct cluster *c, const struct kube_entry *group,
	const struct egress_group_options *options, struct egress_group_view *out)
{
	*out = (struct egress_group_view){
		.ns = cluster_namespace(c),
		.domain = options->domain,
		.now = options->now,
		.suffix = egress_group_suffix(c, group->data),
		.group = group,
		.config_map = config_map_of(c, group->name),
		.written = egress_group_written(c, group->name),
	};
	gather_services(c, out);
	gather_slices(c, out);
	gather_target(c, out);
	egress_pods_gather(c, group->name, &out->pods);
}

void egress_group_view_fini(struct egress_group_view *view)
{
	for (size_t i = 0; i < view->member_count; i++)
		egress_request_fini(&view->members[i].request);
	free(view->members);
	free(view->children);
	egress_pods_fini(&view->pods);
	memset(view, 0, sizeof(*view));
}
