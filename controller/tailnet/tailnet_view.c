#include "controller/tailnet/tailnet_view.h"

#include <stdio.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/objects.h"
#include "controller/tailnet/tailnet_domain.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_time.h"

/* How long ago a time of the API was by the wall's clock: 0 for one in the future. -1: it is none.
 */
static int64_t age_of(const char *text)
{
	time_t at;
	struct err unreadable;
	if (text == NULL || text[0] == '\0' || kube_time_parse(text, &at, &unreadable) < 0)
		return -1;
	time_t now = clock_wall();
	return now > at ? (int64_t)(now - at) * 1000 : 0;
}

static const char *last_sync(const struct object_tailnet *object)
{
	return json_str(json_get(object->status, "lastSyncTime"));
}

/* An earlier run may have had a success; later only our own clock counts, since the wall's jumps.
 */
static void see_success(
	struct tailnet_memory *memory, const struct object_tailnet *object, int64_t now_ms)
{
	int64_t age = age_of(last_sync(object));
	if (memory->has_success || age < 0)
		return;
	memory->has_success = true;
	memory->success_ms = now_ms - age;
}

static void see_deletion(
	struct tailnet_memory *memory, const struct object_tailnet *object, int64_t now_ms)
{
	if (!object_is_deleting(&object->meta) || memory->is_deleting)
		return;
	int64_t age = age_of(object->meta.deleting);
	memory->is_deleting = true;
	memory->deleting_ms = now_ms - (age > 0 ? age : 0);
}

/* Domain of the first proxy that has one, in the order of names. */
static void gather_users(struct tailnet_view *out, const struct cluster *cluster)
{
	const struct kube_cache *groups = cluster_cache(cluster, CLUSTER_PROXY_GROUPS);
	const struct kube_cache *secrets = cluster_cache(cluster, CLUSTER_SECRETS);
	const struct kube_entry *group, *entry;
	for (size_t i = 0;
		(group = kube_cache_indexed(groups, CLUSTER_BY_TAILNET, out->name, i)) != NULL;
		i++) {
		strv_push(&out->users, group->name);
		AUTO(mem_free) char *parent = xasprintf("proxygroup//%s", group->name);
		for (size_t k = 0;
			out->domain_place[0] == '\0' &&
			(entry = kube_cache_indexed(secrets, CLUSTER_BY_PARENT, parent, k)) != NULL;
			k++) {
			const struct object_secret *secret = entry->data;
			if (secret != NULL && secret->device_fqdn != NULL)
				tailnet_domain_of(secret->device_fqdn, out->domain_place);
		}
	}
	out->proxy_domain = out->domain_place;
}

/* The time of the success, unless an earlier run had one within the interval: a restart is no
 * reason to write. */
static const char *synced(const struct tailnet_memory *memory, const struct tailnet_view *view)
{
	int64_t age = age_of(last_sync(view->object));
	if (memory->is_first && age >= 0 && age < view->interval_ms)
		return "";
	return memory->synced;
}

static void gather_sync(struct tailnet_view *out, struct tailnet_memory *memory,
	const struct object_tailnet *object, uint64_t now_ms)
{
	bool is_current = memory->has_result &&
			  memory->planes_generation == out->credentials->generation &&
			  memory->object_generation == object->meta.generation;
	if (!is_current)
		memory->syncs = 0;
	out->result = is_current ? &memory->result : NULL;
	out->is_due = out->credentials->credentials == PLANES_PRESENT &&
		      (!is_current || now_ms >= memory->next_ms);
	out->with_key = memory->syncs % TAILNET_KEY_EVERY == 0;
	out->next_in_ms = memory->next_ms > now_ms ? memory->next_ms - now_ms : 0;
	out->queues_groups = is_current && memory->result.outcome == CONTROL_OK &&
			     memory->announced != memory->planes_generation;
	out->synced = synced(memory, out);
}

int64_t tailnet_interval_ms(
	const struct object_tailnet *object, const struct tailnet_periods *periods)
{
	int64_t seconds = object->sync_interval_s > 0 ? object->sync_interval_s : 300;
	return seconds * 1000 / periods->interval_by;
}

void tailnet_view_gather(struct tailnet_view *out, const struct cluster *cluster,
	struct planes *planes, const char *name, struct tailnet_memory *memory,
	const struct tailnet_periods *periods)
{
	const struct kube_entry *entry =
		kube_cache_get(cluster_cache(cluster, CLUSTER_TAILNETS), NULL, name);
	*out = (struct tailnet_view){.name = name, .periods = periods};
	if (entry == NULL)
		return;
	uint64_t now_ms = clock_now_ms();
	const struct object_tailnet *object = entry->data;
	out->object = object;
	out->uid = entry->uid;
	out->version = entry->version;
	out->secret_ns =
		object->secret_ns[0] != '\0' ? object->secret_ns : cluster_namespace(cluster);
	out->credentials = planes_state(planes, name);
	kube_time_format(clock_wall(), out->now);
	gather_users(out, cluster);
	see_success(memory, object, (int64_t)now_ms);
	see_deletion(memory, object, (int64_t)now_ms);
	out->success_age_ms =
		memory->has_success ? (int64_t)now_ms - memory->success_ms : INT64_MAX;
	out->deleting_for_ms = memory->is_deleting ? (int64_t)now_ms - memory->deleting_ms : 0;
	out->has_listed_users = memory->has_listed_users;
	out->interval_ms = tailnet_interval_ms(object, periods);
	gather_sync(out, memory, object, now_ms);
}

void tailnet_view_fini(struct tailnet_view *view)
{
	strv_fini(&view->users);
}
