#include "controller/proxygroup/group_view.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/proxy_config.h"
#include "lib/contract/state_keys.h"
#include "lib/kube/kube_time.h"

#define ORDINAL_MAX 9999

const struct object_secret *group_state(const struct group_replica *r)
{
	return r->state != NULL ? r->state->data : NULL;
}

const struct object_secret *group_config(const struct group_replica *r)
{
	return r->config != NULL ? r->config->data : NULL;
}

const struct object_pod *group_pod(const struct group_replica *r)
{
	return r->pod != NULL ? r->pod->data : NULL;
}

bool group_is_surplus(const struct group_view *v, const struct group_replica *r)
{
	return r->ordinal >= v->group->replicas;
}

const char *group_device_id(const struct group_replica *r)
{
	const struct object_secret *state = group_state(r);
	if (state != NULL && state->device_id[0] != '\0')
		return state->device_id;
	const char *id = json_str(json_get(r->ledger, "nodeID"));
	return id != NULL ? id : "";
}

bool group_is_running(const struct group_replica *r)
{
	const struct object_secret *state = group_state(r);
	const struct object_pod *pod = group_pod(r);
	return state != NULL && pod != NULL && !object_is_deleting(&pod->meta) &&
	       str_equal_fold(state->pod_uid, r->pod->uid) &&
	       strchr(state->device_fqdn, '.') != NULL;
}

bool group_asks_for_key(const struct group_replica *r)
{
	const struct object_secret *state = group_state(r);
	const struct object_secret *config = group_config(r);
	if (state == NULL || !state->is_reissue || config == NULL)
		return false;
	struct err e;
	AUTO(proxy_config_fini) struct proxy_config now = {0};
	if (proxy_config_parse(secret_str(&config->config), config->config.len, &now, &e) < 0)
		return true;
	return !secret_is_set(&now.authkey) || secret_equal(&now.authkey, &state->reissue_authkey);
}

/* The number in "GROUP-NUMBER" and what follows it; -1 when the name is another one. */
static int ordinal_of(const char *group, const char *name, const char *suffix)
{
	size_t len = strlen(group);
	if (strncmp(name, group, len) != 0 || name[len] != '-')
		return -1;
	const char *digits = name + len + 1;
	size_t count = strspn(digits, "0123456789");
	bool is_canonical = count > 0 && (count == 1 || digits[0] != '0');
	if (!is_canonical || strcmp(digits + count, suffix) != 0)
		return -1;
	struct err e;
	uint64_t ordinal = 0;
	AUTO(mem_free) char *number = xstrndup(digits, count);
	return str_to_u64(number, ORDINAL_MAX, &ordinal, &e) < 0 ? -1 : (int)ordinal;
}

static struct group_replica *replica(struct group_view *v, size_t *cap, int ordinal)
{
	for (size_t i = 0; i < v->count; i++) {
		if (v->replicas[i].ordinal == ordinal)
			return &v->replicas[i];
	}
	v->replicas = xgrow(v->replicas, v->count, cap, 8, sizeof(*v->replicas));
	struct group_replica *r = &v->replicas[v->count++];
	*r = (struct group_replica){.ordinal = ordinal};
	return r;
}

static const struct kube_entry *child(
	const struct group_source *s, enum cluster_kind kind, const char *name)
{
	return kube_cache_get(cluster_cache(s->cluster, kind), cluster_namespace(s->cluster), name);
}

/* All numbers that there is something of: Secrets and pods with the group's labels. */
static void add_labelled(const struct group_source *s, struct group_view *v, size_t *cap)
{
	static const struct {
		enum cluster_kind kind;
		const char *suffix;
	} kinds[] = {{CLUSTER_SECRETS, ""}, {CLUSTER_SECRETS, "-config"}, {CLUSTER_PODS, ""}};
	const char *name = v->entry->name;
	AUTO(mem_free) char *parent = xasprintf("proxygroup//%s", name);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		const struct kube_cache *cache = cluster_cache(s->cluster, kinds[k].kind);
		const struct kube_entry *at;
		for (size_t i = 0;
			(at = kube_cache_indexed(cache, CLUSTER_BY_PARENT, parent, i)) != NULL;
			i++) {
			int ordinal = ordinal_of(name, at->name, kinds[k].suffix);
			if (ordinal >= 0)
				replica(v, cap, ordinal);
		}
	}
}

static void add_ledger(struct group_view *v, size_t *cap)
{
	const struct json *devices = json_get(v->group->status, "devices");
	for (const struct json *d = json_first(devices); d != NULL; d = json_next(d)) {
		const char *pod = json_str(json_get(d, "podName"));
		int ordinal = pod != NULL ? ordinal_of(v->entry->name, pod, "") : -1;
		if (ordinal >= 0)
			replica(v, cap, ordinal)->ledger = d;
	}
}

static int compare(const void *a, const void *b)
{
	return ((const struct group_replica *)a)->ordinal -
	       ((const struct group_replica *)b)->ordinal;
}

/* A key that the cache shows in its Secret needs no memory any more. */
static void drop_written_key(
	const struct group_source *s, const char *name, struct group_replica *r)
{
	struct err e;
	AUTO(proxy_config_fini) struct proxy_config now = {0};
	const struct object_secret *config = group_config(r);
	if (r->minted == NULL || config == NULL ||
		proxy_config_parse(secret_str(&config->config), config->config.len, &now, &e) < 0 ||
		!secret_equal(&now.authkey, r->minted))
		return;
	group_memory_drop_key(s->memory, name, r->ordinal);
}

static void read_replicas(const struct group_source *s, struct group_view *v)
{
	size_t cap = 0;
	const char *name = v->entry->name;
	for (int i = 0; i < v->group->replicas; i++)
		replica(v, &cap, i);
	add_labelled(s, v, &cap);
	add_ledger(v, &cap);
	if (v->count > 0)
		qsort(v->replicas, v->count, sizeof(*v->replicas), compare);
	for (size_t i = 0; i < v->count; i++) {
		struct group_replica *r = &v->replicas[i];
		AUTO(mem_free) char *pod = xasprintf("%s-%d", name, r->ordinal);
		AUTO(mem_free) char *config = xasprintf("%s-%d-config", name, r->ordinal);
		r->state = child(s, CLUSTER_SECRETS, pod);
		r->config = child(s, CLUSTER_SECRETS, config);
		r->pod = child(s, CLUSTER_PODS, pod);
		r->minted = group_memory_key(s->memory, name, r->ordinal);
		drop_written_key(s, name, r);
	}
	for (size_t i = 0; i < v->count; i++)
		v->replicas[i].minted = group_memory_key(s->memory, name, v->replicas[i].ordinal);
}

static bool is_ready(const struct object_proxy_group *group)
{
	const struct json *conditions = json_get(group->status, "conditions");
	for (const struct json *c = json_first(conditions); c != NULL; c = json_next(c)) {
		const char *type = json_str(json_get(c, "type"));
		const char *status = json_str(json_get(c, "status"));
		if (type != NULL && status != NULL && strcmp(type, "ProxyGroupReady") == 0)
			return strcmp(status, "True") == 0;
	}
	return false;
}

static bool is_rolled(const struct object_stateful_set *set)
{
	return set->observed_generation >= set->meta.generation &&
	       set->updated_replicas >= set->replicas && set->ready_replicas >= set->replicas &&
	       strcmp(set->current_revision, set->update_revision) == 0;
}

static void read_neighbours(const struct group_source *s, struct group_view *v)
{
	const struct kube_cache *groups = cluster_cache(s->cluster, CLUSTER_PROXY_GROUPS);
	const struct kube_entry *at;
	size_t cap = 0;
	for (size_t i = 0;
		(at = kube_cache_indexed(groups, CLUSTER_BY_TAILNET, v->tailnet_name, i)) != NULL;
		i++) {
		const struct object_proxy_group *group = at->data;
		const struct kube_entry *entry = child(s, CLUSTER_STATEFUL_SETS, at->name);
		const struct object_stateful_set *set = entry != NULL ? entry->data : NULL;
		if (at == v->entry || set == NULL || object_is_deleting(&group->meta))
			continue;
		const char *made_by = object_annotation(&set->meta, GROUP_MADE_BY);
		v->neighbours =
			xgrow(v->neighbours, v->neighbour_count, &cap, 8, sizeof(*v->neighbours));
		v->neighbours[v->neighbour_count++] = (struct group_neighbour){
			.name = at->name,
			.is_ready = is_ready(group),
			.is_current = made_by != NULL && strcmp(made_by, s->settings->made_by) == 0,
			.is_rolled = is_rolled(set),
		};
	}
}

static void read_time(struct group_view *v)
{
	time_t now = clock_wall();
	time_t deleting;
	struct err e;
	_Static_assert(sizeof(v->now) >= KUBE_TIME_MAX, "a time has room");
	kube_time_format(now, v->now);
	if (object_is_deleting(&v->group->meta) &&
		kube_time_parse(v->group->meta.deleting, &deleting, &e) == 0)
		v->deleting_s = now > deleting ? (int64_t)(now - deleting) : 0;
}

struct group_bucket group_bucket_of(
	const struct object_proxy_group *group, const struct group_settings *settings)
{
	return (struct group_bucket){
		.burst = group->replicas > 0 ? (unsigned int)group->replicas : 1,
		.interval_ms = settings->token_ms != 0 ? settings->token_ms : GROUP_TOKEN_MS,
		.now_ms = clock_now_ms(),
	};
}

bool group_view_read(const struct group_source *s, const char *name, struct group_view *out)
{
	const struct kube_entry *entry =
		kube_cache_get(cluster_cache(s->cluster, CLUSTER_PROXY_GROUPS), NULL, name);
	if (entry == NULL)
		return false;
	out->settings = s->settings;
	out->ns = cluster_namespace(s->cluster);
	out->entry = entry;
	out->group = entry->data;
	group_memory_begin(s->memory, name, entry->uid);
	out->tailnet_name = out->group->tailnet[0] != '\0' ? out->group->tailnet
							   : cluster_default_tailnet(s->cluster);
	const struct kube_entry *tailnet = kube_cache_get(
		cluster_cache(s->cluster, CLUSTER_TAILNETS), NULL, out->tailnet_name);
	out->tailnet = tailnet != NULL ? tailnet->data : NULL;
	out->has_control = s->has_control(s->arg, out->tailnet_name);
	AUTO(mem_free) char *config_map = xasprintf("%s-egress-config", name);
	out->stateful_set = child(s, CLUSTER_STATEFUL_SETS, name);
	out->config_map = child(s, CLUSTER_CONFIG_MAPS, config_map);
	out->account = child(s, CLUSTER_SERVICE_ACCOUNTS, name);
	out->role = child(s, CLUSTER_ROLES, name);
	out->role_binding = child(s, CLUSTER_ROLE_BINDINGS, name);
	out->service = child(s, CLUSTER_SERVICES, name);
	out->budget = child(s, CLUSTER_BUDGETS, name);
	out->deleted = group_memory_deleted(s->memory, name);
	read_replicas(s, out);
	read_neighbours(s, out);
	read_time(out);
	const struct egress_group_options egress = {s->settings->cluster_domain, out->now};
	egress_group_view_gather(s->cluster, entry, &egress, &out->egress);
	const struct group_bucket bucket = group_bucket_of(out->group, s->settings);
	out->tokens = group_memory_tokens(s->memory, name, &bucket, &out->next_token_ms);
	return true;
}

void group_view_fini(struct group_view *v)
{
	free(v->replicas);
	free(v->neighbours);
	if (v->entry != NULL)
		egress_group_view_fini(&v->egress);
	*v = (struct group_view){0};
}
