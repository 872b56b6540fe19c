#include "controller/cleanup.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cli.h"
#include "controller/cluster/cluster.h"
#include "controller/cluster/objects.h"
#include "controller/controller_events.h"
#include "controller/program_internal.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_lease.h"

#define LOOK_MS 250

enum stage {
	STAGE_LEASE, /* until the one who led before can no longer write */
	STAGE_WAIT,
	STAGE_FORCE, /* finalizers are being taken off */
};

/* A request of ours about one object. */
struct request {
	struct request *next;
	struct cleanup *cleanup;
	struct kube_call *call;
	char *kind, *name;
};

struct cleanup {
	struct program *program_ref;
	struct timer look;
	enum stage stage;
	uint64_t start_ms;
	uint64_t led_ms; /* since when it leads, 0 = it does not yet */
	struct request *requests;
};

bool cleanup_may_begin(const struct cleanup *c)
{
	return c->stage != STAGE_LEASE;
}

static const struct cluster *cluster_of(const struct cleanup *c)
{
	return c->program_ref->cluster;
}

/* Each object of the kinds that can have our finalizer; pick says which. */
static size_t each(struct cleanup *c, enum cluster_kind kind,
	bool (*pick)(const struct object *meta),
	void (*fn)(struct cleanup *c, enum cluster_kind kind, const struct kube_entry *entry))
{
	const struct kube_cache *cache = cluster_cache(cluster_of(c), kind);
	const struct kube_entry *entry;
	size_t count = 0;
	for (size_t i = 0; (entry = kube_cache_at(cache, i)) != NULL; i++) {
		/* metadata is the first member of the data of each kind. */
		const struct object *meta = entry->data;
		if (meta == NULL || !pick(meta))
			continue;
		count++;
		if (fn != NULL)
			fn(c, kind, entry);
	}
	return count;
}

static bool is_any(const struct object *meta)
{
	return meta != NULL;
}

static bool is_held(const struct object *meta)
{
	return object_has_finalizer(meta, CLUSTER_FINALIZER);
}

static void on_answer(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct request *request = arg;
	request->call = NULL;
	enum kube_outcome outcome = kube_outcome(reply, err);
	if (outcome != KUBE_OK && outcome != KUBE_NOT_FOUND && outcome != KUBE_CONFLICT)
		log_event(EV_CLEANUP_LEFT, request->kind, request->name, err->msg);
}

static void start(struct cleanup *c, const struct kube_op *op)
{
	struct request *request = xcalloc(1, sizeof(*request));
	struct err e;
	request->cleanup = c;
	request->kind = xstrdup(op->target.resource->kind);
	request->name = xstrdup(op->target.name);
	request->next = c->requests;
	c->requests = request;
	request->call = kube_op_start(c->program_ref->kube_ref, op, on_answer, request, &e);
	if (request->call == NULL)
		log_event(EV_CLEANUP_LEFT, request->kind, request->name, e.msg);
}

static struct kube_target target_of(enum cluster_kind kind, const struct kube_entry *entry)
{
	return (struct kube_target){cluster_resource(kind), entry->ns, entry->name, NULL};
}

static void delete_one(struct cleanup *c, enum cluster_kind kind, const struct kube_entry *entry)
{
	const struct kube_op op = {
		.verb = KUBE_DELETE, .target = target_of(kind, entry), .uid = entry->uid};
	start(c, &op);
}

/* The finalizers without ours, as of this version. */
static struct json *without_ours(const struct kube_entry *entry)
{
	const struct object *meta = entry->data;
	struct json *list = json_new_array();
	struct json *metadata = json_new_object();
	struct json *patch = json_new_object();
	for (size_t i = 0; i < meta->finalizers.len; i++) {
		if (strcmp(meta->finalizers.items[i], CLUSTER_FINALIZER) != 0)
			json_push(list, json_new_str(meta->finalizers.items[i]));
	}
	json_set_str(metadata, "resourceVersion", entry->version);
	json_set(metadata, "finalizers", list);
	json_set(patch, "metadata", metadata);
	return patch;
}

static void force_one(struct cleanup *c, enum cluster_kind kind, const struct kube_entry *entry)
{
	AUTO(json_freep) struct json *patch = without_ours(entry);
	const struct kube_op op = {
		.verb = KUBE_PATCH, .target = target_of(kind, entry), .body = patch};
	log_event(EV_CLEANUP_LEFT, cluster_resource(kind)->kind, entry->name,
		"its clean-up did not end in time; our finalizer is taken off by force");
	start(c, &op);
}

static size_t held(struct cleanup *c)
{
	return each(c, CLUSTER_PROXY_GROUPS, is_any, NULL) +
	       each(c, CLUSTER_SERVICES, is_held, NULL) + each(c, CLUSTER_TAILNETS, is_held, NULL);
}

static void begin(struct cleanup *c)
{
	c->stage = STAGE_WAIT;
	size_t groups = each(c, CLUSTER_PROXY_GROUPS, is_any, delete_one);
	size_t services = each(c, CLUSTER_SERVICES, is_held, NULL);
	log_event(EV_CLEANUP_BEGUN, groups, services);
	program_update_hold(c->program_ref);
	cluster_queue_all(c->program_ref->cluster);
}

static void force(struct cleanup *c)
{
	c->stage = STAGE_FORCE;
	engine_work_hold(c->program_ref->work, true);
	each(c, CLUSTER_PROXY_GROUPS, is_held, force_one);
	each(c, CLUSTER_SERVICES, is_held, force_one);
	each(c, CLUSTER_TAILNETS, is_held, force_one);
}

static bool is_busy(const struct cleanup *c)
{
	for (const struct request *request = c->requests; request != NULL;
		request = request->next) {
		if (request->call != NULL)
			return true;
	}
	return false;
}

static void end(struct cleanup *c)
{
	uint64_t took_ms = clock_now_ms() - c->start_ms;
	if (held(c) == 0)
		log_event(EV_CLEANUP_DONE, (unsigned long long)took_ms);
	program_end(c->program_ref, CLI_EXIT_OK);
}

/* Whether it leads long enough. Without an election nobody else writes. */
static bool has_lease(struct cleanup *c)
{
	struct program *p = c->program_ref;
	if (!cluster_is_synced(p->cluster) || !program_leads(p))
		return false;
	if (c->led_ms == 0)
		c->led_ms = clock_now_ms();
	return p->lease == NULL || clock_now_ms() - c->led_ms >= KUBE_LEASE_RENEW_MS;
}

static void on_look(void *arg)
{
	struct cleanup *c = arg;
	bool is_late = clock_now_ms() - c->start_ms >= CLEANUP_MAX_MS;
	timer_start(&c->look, LOOK_MS);
	if (c->stage == STAGE_LEASE && has_lease(c))
		begin(c);
	else if (c->stage == STAGE_WAIT && held(c) == 0 && !is_busy(c))
		end(c);
	else if (c->stage != STAGE_FORCE && is_late)
		force(c);
	else if (c->stage == STAGE_FORCE && !is_busy(c))
		end(c);
}

struct cleanup *cleanup_new(struct program *program)
{
	struct cleanup *c = xcalloc(1, sizeof(*c));
	c->program_ref = program;
	c->start_ms = clock_now_ms();
	timer_init(&c->look, program->loop, on_look, c);
	timer_start(&c->look, 0);
	return c;
}

void cleanup_free(struct cleanup *c)
{
	if (c == NULL)
		return;
	timer_stop(&c->look);
	while (c->requests != NULL) {
		struct request *request = c->requests;
		c->requests = request->next;
		kube_cancel(request->call);
		free(request->kind);
		free(request->name);
		free(request);
	}
	free(c);
}
