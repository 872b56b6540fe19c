#include "controller/cluster/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster_keys.h"
#include "controller/cluster/cluster_kinds.h"
#include "controller/cluster/objects.h"
#include "lib/base/backoff.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"

enum slot_state {
	SLOT_PENDING,
	SLOT_COMPLETE,  /* also: there is no such kind */
	SLOT_FORBIDDEN, /* not complete, and not soon */
};

/* A kind. */
struct slot {
	struct cluster *cluster;
	enum cluster_kind kind;
	struct kube_index indexes[CLUSTER_INDEXES];
	struct kube_cache_kind cache_kind;
	struct kube_cache *cache;
	struct kube_watch_sink sink; /* of the cache */
	struct kube_watch *watch;
	enum slot_state state;
	enum kube_outcome said; /* trouble that was reported; KUBE_OK = none */
};

struct cluster {
	struct cluster_options options; /* its texts are owned */
	char *ns, *default_tailnet;
	struct slot slots[CLUSTER_KINDS];
	bool is_synced;
	struct timer resync;
};

/* Whether what the key is about can be known. */
static bool is_known(const struct cluster *c, const char *kind)
{
	bool is_tailnet = strcmp(kind, CLUSTER_KEY_TAILNET) == 0;
	for (size_t i = 0; i < CLUSTER_KINDS; i++) {
		bool is_needed = !is_tailnet || i == CLUSTER_TAILNETS || i == CLUSTER_PROXY_GROUPS;
		if (is_needed && c->slots[i].state == SLOT_FORBIDDEN)
			return false;
	}
	return true;
}

static void on_key(void *arg, const char *kind, const char *ns, const char *name)
{
	struct cluster *c = arg;
	if (c->options.on_key != NULL && is_known(c, kind))
		c->options.on_key(c->options.arg, kind, ns, name);
}

static void on_entry(void *arg, const struct kube_entry *before, const struct kube_entry *after)
{
	struct slot *slot = arg;
	/* All keys are given when the caches are complete. */
	if (!slot->cluster->is_synced)
		return;
	cluster_keys(slot->cluster, slot->kind, before, after, on_key, slot->cluster);
}

void cluster_queue_all(struct cluster *c)
{
	for (size_t i = 0; i < CLUSTER_KINDS; i++) {
		const struct kube_entry *entry;
		const struct kube_cache *cache = c->slots[i].cache;
		for (size_t at = 0; (entry = kube_cache_at(cache, at)) != NULL; at++)
			cluster_own_keys(c, (enum cluster_kind)i, entry, on_key, c);
	}
}

static void start_resync(struct cluster *c)
{
	/* From nine tenths to eleven. */
	uint32_t whole = c->options.resync_ms;
	timer_start(&c->resync, whole - whole * 3 / 10 + backoff_jitter(whole * 4 / 10));
}

static void on_resync(void *arg)
{
	struct cluster *c = arg;
	cluster_queue_all(c);
	start_resync(c);
}

static bool is_pending(const struct cluster *c)
{
	for (size_t i = 0; i < CLUSTER_KINDS; i++) {
		if (c->slots[i].state == SLOT_PENDING)
			return true;
	}
	return false;
}

static void set_state(struct slot *slot, enum slot_state state)
{
	struct cluster *c = slot->cluster;
	bool was_forbidden = slot->state == SLOT_FORBIDDEN;
	slot->state = state;
	if (was_forbidden && state == SLOT_COMPLETE)
		cluster_queue_all(c);
	if (c->is_synced || is_pending(c))
		return;
	c->is_synced = true;
	cluster_queue_all(c);
	if (c->options.on_synced != NULL)
		c->options.on_synced(c->options.arg);
}

static void on_begin(void *arg)
{
	struct slot *slot = arg;
	slot->sink.on_begin(slot->sink.arg);
}

static int on_item(void *arg, struct json *object, struct err *e)
{
	struct slot *slot = arg;
	return slot->sink.on_item(slot->sink.arg, object, e);
}

static int on_item_gone(void *arg, struct json *object, struct err *e)
{
	struct slot *slot = arg;
	return slot->sink.on_item_gone(slot->sink.arg, object, e);
}

static void on_complete(void *arg)
{
	struct slot *slot = arg;
	slot->said = KUBE_OK;
	slot->sink.on_complete(slot->sink.arg);
	set_state(slot, SLOT_COMPLETE);
}

static int on_change(void *arg, enum kube_change change, struct json *object, struct err *e)
{
	struct slot *slot = arg;
	slot->said = KUBE_OK;
	return slot->sink.on_change(slot->sink.arg, change, object, e);
}

static void on_trouble(void *arg, enum kube_outcome outcome, const struct err *err)
{
	struct slot *slot = arg;
	const struct cluster_options *options = &slot->cluster->options;
	if (outcome != slot->said && options->on_trouble != NULL)
		options->on_trouble(
			options->arg, &cluster_kinds[slot->kind].resource, outcome, err);
	slot->said = outcome;
	if (slot->state == SLOT_COMPLETE)
		return;
	if (outcome == KUBE_NOT_FOUND)
		set_state(slot, SLOT_COMPLETE);
	else if (outcome == KUBE_FORBIDDEN)
		set_state(slot, SLOT_FORBIDDEN);
}

static void slot_init(struct slot *slot, struct cluster *c, enum cluster_kind kind)
{
	const struct cluster_kind_row *row = &cluster_kinds[kind];
	slot->cluster = c;
	slot->kind = kind;
	slot->state = SLOT_COMPLETE;
	cluster_indexes(kind, c->default_tailnet, slot->indexes);
	slot->cache_kind = (struct kube_cache_kind){
		.decode = row->decode,
		.free = row->free,
		.keeps_text = row->keeps_text,
		.indexes = slot->indexes,
		.index_count = CLUSTER_INDEXES,
	};
	slot->cache = kube_cache_new(&slot->cache_kind, on_entry, slot);
	kube_cache_sink(slot->cache, &slot->sink);
}

struct cluster *cluster_new(const struct cluster_options *options)
{
	struct cluster *c = xcalloc(1, sizeof(*c));
	c->options = *options;
	c->ns = xstrdup(options->ns);
	c->default_tailnet = xstrdup(options->default_tailnet);
	c->options.ns = c->ns;
	c->options.default_tailnet = c->default_tailnet;
	c->is_synced = true;
	if (c->options.resync_ms == 0)
		c->options.resync_ms = CLUSTER_RESYNC_MS;
	for (size_t i = 0; i < CLUSTER_KINDS; i++)
		slot_init(&c->slots[i], c, (enum cluster_kind)i);
	return c;
}

void cluster_free(struct cluster *c)
{
	if (c == NULL)
		return;
	if (c->slots[0].watch != NULL)
		timer_stop(&c->resync);
	for (size_t i = 0; i < CLUSTER_KINDS; i++) {
		kube_watch_free(c->slots[i].watch);
		kube_cache_free(c->slots[i].cache);
	}
	free(c->ns);
	free(c->default_tailnet);
	free(c);
}

void cluster_watch(struct cluster *c, struct loop *loop, struct kube *k)
{
	for (size_t i = 0; i < CLUSTER_KINDS; i++) {
		struct slot *slot = &c->slots[i];
		const struct cluster_kind_row *row = &cluster_kinds[i];
		const struct kube_selection selection = {
			.target = {.resource = &row->resource,
				.ns = row->is_managed ? c->ns : NULL},
			.label_selector = row->is_managed ? CLUSTER_LABEL_MANAGED "=true" : NULL,
		};
		const struct kube_watch_sink sink = {
			.on_begin = on_begin,
			.on_item = on_item,
			.on_item_gone = on_item_gone,
			.on_complete = on_complete,
			.on_change = on_change,
			.on_trouble = on_trouble,
			.arg = slot,
		};
		slot->state = SLOT_PENDING;
		slot->watch = kube_watch_new(k, &selection, NULL, &sink);
	}
	c->is_synced = false;
	timer_init(&c->resync, loop, on_resync, c);
	start_resync(c);
}

bool cluster_is_synced(const struct cluster *c)
{
	return c->is_synced;
}

bool cluster_is_complete(const struct cluster *c, enum cluster_kind kind)
{
	return c->slots[kind].state == SLOT_COMPLETE;
}

/* Versions are compared for equality. That they grow as numbers in fact is only used here, where an
 * error costs a moment. */
static bool is_as_late(const char *version, const char *other)
{
	struct err e;
	uint64_t a;
	uint64_t b;
	if (strcmp(version, other) == 0)
		return true;
	return str_to_u64(version, UINT64_MAX, &a, &e) == 0 &&
	       str_to_u64(other, UINT64_MAX, &b, &e) == 0 && a > b;
}

static const struct slot *slot_of(const struct cluster *c, const struct kube_target *target)
{
	for (size_t i = 0; i < CLUSTER_KINDS; i++) {
		const struct kube_resource *resource = &cluster_kinds[i].resource;
		if (strcmp(resource->plural, target->resource->plural) == 0 &&
			strcmp(resource->group, target->resource->group) == 0)
			return &c->slots[i];
	}
	return NULL;
}

bool cluster_has_seen(const struct cluster *c, const struct kube_target *target, const char *uid,
	const char *version)
{
	const struct slot *slot = slot_of(c, target);
	if (slot == NULL)
		return true;
	const struct kube_entry *entry = kube_cache_get(slot->cache, target->ns, target->name);
	if (version != NULL)
		return entry != NULL && is_as_late(entry->version, version);
	if (entry == NULL || strcmp(entry->uid, uid) != 0)
		return true;
	/* It lives on until its finalizers are gone. */
	return entry->data != NULL && object_is_deleting(entry->data);
}

const struct kube_cache *cluster_cache(const struct cluster *c, enum cluster_kind kind)
{
	return c->slots[kind].cache;
}

const struct kube_resource *cluster_resource(enum cluster_kind kind)
{
	return &cluster_kinds[kind].resource;
}

const char *cluster_namespace(const struct cluster *c)
{
	return c->ns;
}

const char *cluster_default_tailnet(const struct cluster *c)
{
	return c->default_tailnet;
}

int cluster_feed(struct cluster *c, enum cluster_kind kind, enum kube_change change,
	struct json *object, struct err *e)
{
	return on_change(&c->slots[kind], change, object, e);
}
