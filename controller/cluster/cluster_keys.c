#include "controller/cluster/cluster_keys.h"

#include <string.h>

#include "controller/cluster/objects.h"

struct change {
	const struct cluster *cluster_ref;
	enum cluster_kind kind;
	const struct kube_entry *before, *after;
	cluster_key_fn fn;
	void *arg;
};

static void give(const struct change *change, const char *kind, const char *ns, const char *name)
{
	change->fn(change->arg, kind, ns, name);
}

static void give_parent(const struct change *change, const struct object *meta)
{
	const char *name = object_label(meta, CLUSTER_LABEL_PARENT);
	const char *ns = object_label(meta, CLUSTER_LABEL_PARENT_NS);
	if (name != NULL)
		give(change, CLUSTER_KEY_SERVICE, ns != NULL ? ns : "", name);
}

/* The Services of users that name the group, or did while they were served. */
static void give_services(const struct change *change, const char *group)
{
	const struct kube_entry *s;
	const struct kube_cache *services = cluster_cache(change->cluster_ref, CLUSTER_SERVICES);
	for (size_t i = 0; (s = kube_cache_indexed(services, CLUSTER_BY_GROUP, group, i)) != NULL;
		i++) {
		if (object_user_annotation(s->data, "proxy-group") == NULL)
			give_parent(change, s->data);
		else
			give(change, CLUSTER_KEY_SERVICE, s->ns, s->name);
	}
}

static bool same_names(const struct object_tailnet *a, const struct object_tailnet *b)
{
	return strcmp(a->suffix, b->suffix) == 0 && strcmp(a->domain, b->domain) == 0;
}

static void give_groups(const struct change *change, const char *tailnet)
{
	bool is_renamed = change->before == NULL || change->after == NULL ||
			  !same_names(change->before->data, change->after->data);
	const struct kube_entry *g;
	const struct kube_cache *groups = cluster_cache(change->cluster_ref, CLUSTER_PROXY_GROUPS);
	for (size_t i = 0; (g = kube_cache_indexed(groups, CLUSTER_BY_TAILNET, tailnet, i)) != NULL;
		i++) {
		give(change, CLUSTER_KEY_PROXY_GROUP, "", g->name);
		/* What names a Service may ask for. */
		if (is_renamed)
			give_services(change, g->name);
	}
}

static bool same_pod(const struct object_pod *a, const struct object_pod *b)
{
	return strv_equal(&a->ips, &b->ips) &&
	       object_is_deleting(&a->meta) == object_is_deleting(&b->meta) &&
	       strcmp(a->phase, b->phase) == 0;
}

static bool same_state(const struct object_secret *a, const struct object_secret *b)
{
	return strcmp(a->egress_services, b->egress_services) == 0 &&
	       strcmp(a->pod_uid, b->pod_uid) == 0;
}

/* Whether the endpoints of Services depend on what has changed. */
static bool moves_endpoints(const struct change *change)
{
	const struct kube_entry *before = change->before;
	const struct kube_entry *after = change->after;
	if (change->kind != CLUSTER_PODS && change->kind != CLUSTER_SECRETS)
		return false;
	if (before == NULL || after == NULL || strcmp(before->uid, after->uid) != 0)
		return true;
	return change->kind == CLUSTER_PODS ? !same_pod(before->data, after->data)
					    : !same_state(before->data, after->data);
}

/* A managed object: its parent, and what else looks at it. */
static void child_keys(const struct change *change, const struct object *meta)
{
	const char *type = object_label(meta, CLUSTER_LABEL_PARENT_TYPE);
	const char *name = object_label(meta, CLUSTER_LABEL_PARENT);
	const char *group = object_label(meta, CLUSTER_LABEL_GROUP);
	if (type == NULL || name == NULL)
		return;
	if (strcmp(type, "svc") == 0) {
		give_parent(change, meta);
		if (group != NULL)
			give(change, CLUSTER_KEY_PROXY_GROUP, "", group);
	} else if (strcmp(type, "proxygroup") == 0) {
		give(change, CLUSTER_KEY_PROXY_GROUP, "", name);
		if (moves_endpoints(change) || change->kind == CLUSTER_CONFIG_MAPS)
			give_services(change, name);
	}
}

static void service_keys(const struct change *change, const struct kube_entry *entry)
{
	const struct object *meta = entry->data;
	const char *group = object_user_annotation(meta, "proxy-group");
	/* The target of a group: its owner looks at it as well. */
	if (strcmp(meta->owner_kind, CLUSTER_KEY_PROXY_GROUP) == 0)
		give(change, CLUSTER_KEY_PROXY_GROUP, "", meta->owner_name);
	/* Its numbers are those of the group. */
	if (group != NULL)
		give(change, CLUSTER_KEY_PROXY_GROUP, "", group);
	if (group != NULL || object_has_finalizer(meta, CLUSTER_FINALIZER))
		give(change, CLUSTER_KEY_SERVICE, entry->ns, entry->name);
}

static void group_keys(const struct change *change, const struct kube_entry *entry)
{
	const struct object_proxy_group *group = entry->data;
	const char *tailnet = group->tailnet[0] != '\0'
				      ? group->tailnet
				      : cluster_default_tailnet(change->cluster_ref);
	give(change, CLUSTER_KEY_PROXY_GROUP, "", entry->name);
	give(change, CLUSTER_KEY_TAILNET, "", tailnet);
	give_services(change, entry->name);
}

static void entry_keys(const struct change *change, const struct kube_entry *entry)
{
	if (entry == NULL || entry->data == NULL)
		return;
	if (change->kind == CLUSTER_TAILNETS) {
		give(change, CLUSTER_KEY_TAILNET, "", entry->name);
		give_groups(change, entry->name);
	} else if (change->kind == CLUSTER_PROXY_GROUPS) {
		group_keys(change, entry);
	} else {
		if (object_label(entry->data, CLUSTER_LABEL_MANAGED) != NULL)
			child_keys(change, entry->data);
		if (change->kind == CLUSTER_SERVICES)
			service_keys(change, entry);
	}
}

void cluster_keys(const struct cluster *c, enum cluster_kind kind, const struct kube_entry *before,
	const struct kube_entry *after, cluster_key_fn fn, void *arg)
{
	const struct change change = {c, kind, before, after, fn, arg};
	bool is_same = before != NULL && after != NULL && strcmp(before->uid, after->uid) == 0 &&
		       before->version[0] != '\0' && strcmp(before->version, after->version) == 0;
	/* As after a list: nothing has happened to it. */
	if (is_same)
		return;
	entry_keys(&change, before);
	entry_keys(&change, after);
}

void cluster_own_keys(const struct cluster *c, enum cluster_kind kind,
	const struct kube_entry *entry, cluster_key_fn fn, void *arg)
{
	const struct change change = {c, kind, NULL, entry, fn, arg};
	if (kind == CLUSTER_TAILNETS)
		give(&change, CLUSTER_KEY_TAILNET, "", entry->name);
	else if (kind == CLUSTER_PROXY_GROUPS)
		give(&change, CLUSTER_KEY_PROXY_GROUP, "", entry->name);
	else if (kind == CLUSTER_SERVICES || kind == CLUSTER_SLICES)
		entry_keys(&change, entry);
}
