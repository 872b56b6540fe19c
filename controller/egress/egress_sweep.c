#include "controller/egress/egress_sweep.h"

#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/objects.h"
#include "controller/engine/engine_plan.h"

/* A slice goes first: without its Service it has no use. */
enum stage {
	STAGE_SLICES,
	STAGE_SERVICES,
};

static bool is_child(const struct kube_entry *entry)
{
	if (entry->data == NULL || object_label(entry->data, CLUSTER_LABEL_MANAGED) == NULL)
		return false;
	const char *type = object_label(entry->data, CLUSTER_LABEL_SVC_TYPE);
	return type != NULL && strcmp(type, "egress") == 0;
}

static bool is_orphan(const struct cluster *c, const struct kube_entry *entry)
{
	const char *name = object_label(entry->data, CLUSTER_LABEL_PARENT);
	const char *ns = object_label(entry->data, CLUSTER_LABEL_PARENT_NS);
	return name == NULL || ns == NULL ||
	       kube_cache_get(cluster_cache(c, CLUSTER_SERVICES), ns, name) == NULL;
}

static void sweep(
	const struct cluster *c, enum cluster_kind kind, int stage, struct engine_plan *out)
{
	const struct kube_cache *cache = cluster_cache(c, kind);
	for (size_t i = 0; i < kube_cache_count(cache); i++) {
		const struct kube_entry *entry = kube_cache_at(cache, i);
		if (strcmp(entry->ns, cluster_namespace(c)) != 0 || !is_child(entry) ||
			object_is_deleting(entry->data) || !is_orphan(c, entry))
			continue;
		const struct kube_target target = {
			cluster_resource(kind), entry->ns, entry->name, NULL};
		engine_plan_delete(out, stage, &target, entry->uid);
	}
}

void egress_sweep(const struct cluster *c, struct engine_plan *out)
{
	out->result = ENGINE_DONE;
	if (!cluster_is_complete(c, CLUSTER_SERVICES))
		return;
	sweep(c, CLUSTER_SLICES, STAGE_SLICES, out);
	sweep(c, CLUSTER_SERVICES, STAGE_SERVICES, out);
}
