#include "tests/support/api_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/support/api_object.h"

#define TURNS_MAX 20000

struct stored {
	enum cluster_kind kind;
	struct json *object;
};

/* A change that the caches do not have yet. */
struct pending {
	enum cluster_kind kind;
	enum kube_change change;
	struct json *object;
};

struct api_world {
	char *ns;
	struct cluster *cluster;
	struct stored *items;
	size_t count, cap;
	struct pending *pending;
	size_t pending_count, pending_cap;
	struct strv keys; /* kind, namespace, name in turns */
	uint64_t version;
	size_t writes;
	unsigned int seed, kills, delays;
	bool is_killed;
	void (*watch)(void *arg, struct api_world *w);
	void *watch_arg;
};

static unsigned int draw(struct api_world *w, unsigned int below)
{
	w->seed = w->seed * 1103515245u + 12345u;
	return (w->seed >> 16) % below;
}

static void on_key(void *arg, const char *kind, const char *ns, const char *name)
{
	api_world_queue(arg, kind, ns, name);
}

void api_world_queue(struct api_world *w, const char *kind, const char *ns, const char *name)
{
	for (size_t i = 0; i < w->keys.len; i += 3) {
		if (strcmp(w->keys.items[i], kind) == 0 && strcmp(w->keys.items[i + 1], ns) == 0 &&
			strcmp(w->keys.items[i + 2], name) == 0)
			return;
	}
	strv_push(&w->keys, kind);
	strv_push(&w->keys, ns);
	strv_push(&w->keys, name);
}

static void open_cluster(struct api_world *w)
{
	const struct cluster_options options = {
		.ns = w->ns, .default_tailnet = "default", .on_key = on_key, .arg = w};
	w->cluster = cluster_new(&options);
}

struct api_world *api_world_new(const char *ns)
{
	struct api_world *w = xcalloc(1, sizeof(*w));
	w->ns = xstrdup(ns);
	open_cluster(w);
	return w;
}

struct cluster *api_world_cluster(struct api_world *w)
{
	return w->cluster;
}

static void drop_pending(struct api_world *w)
{
	for (size_t i = 0; i < w->pending_count; i++)
		json_free(w->pending[i].object);
	w->pending_count = 0;
}

void api_world_free(struct api_world *w)
{
	drop_pending(w);
	for (size_t i = 0; i < w->count; i++)
		json_free(w->items[i].object);
	cluster_free(w->cluster);
	strv_fini(&w->keys);
	free(w->items);
	free(w->pending);
	free(w->ns);
	free(w);
}

static void deliver(struct api_world *w, size_t at_least)
{
	struct err e;
	while (w->pending_count > at_least) {
		struct pending first = w->pending[0];
		w->pending_count--;
		memmove(w->pending, w->pending + 1, w->pending_count * sizeof(*w->pending));
		assert_int_equal(
			cluster_feed(w->cluster, first.kind, first.change, first.object, &e), 0);
		json_free(first.object);
	}
}

static void announce(struct api_world *w, enum cluster_kind kind, enum kube_change change,
	const struct json *object)
{
	w->pending = xgrow(w->pending, w->pending_count, &w->pending_cap, 16, sizeof(*w->pending));
	w->pending[w->pending_count++] = (struct pending){kind, change, json_dup(object)};
	if (w->watch != NULL)
		w->watch(w->watch_arg, w);
	if (draw(w, 100) >= w->delays)
		deliver(w, 0);
}

static struct stored *find(
	const struct api_world *w, enum cluster_kind kind, const char *ns, const char *name)
{
	for (size_t i = 0; i < w->count; i++) {
		struct stored *s = &w->items[i];
		if (s->kind == kind && api_object_is(s->object, ns, name))
			return s;
	}
	return NULL;
}

const struct json *api_world_get(
	const struct api_world *w, enum cluster_kind kind, const char *ns, const char *name)
{
	const struct stored *s = find(w, kind, ns, name);
	return s != NULL ? s->object : NULL;
}

const struct json *api_world_nth(const struct api_world *w, enum cluster_kind kind, size_t n)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->items[i].kind == kind && n-- == 0)
			return w->items[i].object;
	}
	return NULL;
}

static void erase(struct api_world *w, struct stored *s)
{
	const enum cluster_kind kind = s->kind;
	struct json *object = s->object;
	size_t at = (size_t)(s - w->items);
	w->count--;
	memmove(s, s + 1, (w->count - at) * sizeof(*w->items));
	announce(w, kind, KUBE_DELETED, object);
	/* What it owned goes as well. */
	for (size_t i = 0; i < w->count; i++) {
		if (api_object_is_owned_by(w->items[i].object, object)) {
			AUTO(mem_free) char *ns = api_object_text(w->items[i].object, "namespace");
			AUTO(mem_free) char *name = api_object_text(w->items[i].object, "name");
			size_t before = w->count;
			api_world_delete(w, w->items[i].kind, ns, name);
			i = w->count < before ? (size_t)-1 : i;
		}
	}
	json_free(object);
}

/* Becomes the owner of what is to be there now. */
static void store(struct api_world *w, enum cluster_kind kind, struct stored *s, struct json *take)
{
	char version[24];
	snprintf(version, sizeof(version), "%llu", (unsigned long long)++w->version);
	api_object_stamp(take, version, s == NULL);
	if (s == NULL) {
		w->items = xgrow(w->items, w->count, &w->cap, 16, sizeof(*w->items));
		w->items[w->count++] = (struct stored){kind, take};
		announce(w, kind, KUBE_ADDED, take);
		return;
	}
	json_free(s->object);
	s->object = take;
	if (api_object_is_released(take))
		erase(w, s);
	else
		announce(w, kind, KUBE_MODIFIED, take);
}

void api_world_put(struct api_world *w, enum cluster_kind kind, const char *text)
{
	struct err e;
	AUTO(json_freep) struct json *object = json_parse(text, strlen(text), &e);
	if (object == NULL)
		fail_msg("%s in %s", e.msg, text);
	AUTO(mem_free) char *ns = api_object_text(object, "namespace");
	AUTO(mem_free) char *name = api_object_text(object, "name");
	struct stored *s = find(w, kind, ns, name);
	store(w, kind, s, s == NULL ? json_dup(object) : api_object_merge(s->object, object));
}

void api_world_delete(struct api_world *w, enum cluster_kind kind, const char *ns, const char *name)
{
	struct stored *s = find(w, kind, ns, name);
	if (s == NULL)
		return;
	if (!api_object_has_finalizers(s->object)) {
		erase(w, s);
		return;
	}
	store(w, kind, s, api_object_mark_deleted(s->object));
}

static enum cluster_kind kind_of(const struct kube_resource *resource)
{
	for (int k = 0; k < CLUSTER_KINDS; k++) {
		if (cluster_resource((enum cluster_kind)k) == resource)
			return (enum cluster_kind)k;
	}
	fail_msg("a kind that is in no cache: %s", resource->kind);
	return CLUSTER_KINDS;
}

static enum kube_outcome change(struct api_world *w, const struct engine_step *step)
{
	const struct kube_op *op = &step->op;
	enum cluster_kind kind = kind_of(op->target.resource);
	struct err e;
	/* As the client would. */
	if (kube_op_check(op, &e) < 0)
		fail_msg("%s", e.msg);
	AUTO(mem_free)
	char *name = op->target.name != NULL ? xstrdup(op->target.name)
					     : api_object_text(step->body, "name");
	struct stored *s = find(w, kind, op->target.ns, name);
	if (s == NULL) {
		if (op->verb == KUBE_DELETE)
			return KUBE_OK;
		if (op->verb == KUBE_PATCH)
			return KUBE_NOT_FOUND;
		store(w, kind, NULL, api_object_create(step->body));
		return KUBE_OK;
	}
	if (op->verb == KUBE_CREATE || (op->verb == KUBE_APPLY && step->is_new))
		return KUBE_EXISTS;
	if (!api_object_is_version(s->object, op->uid, step->body))
		return KUBE_CONFLICT;
	if (op->verb == KUBE_DELETE)
		api_world_delete(w, kind, op->target.ns, op->target.name);
	else if (op->verb == KUBE_APPLY)
		store(w, kind, s, api_object_apply(s->object, step->body));
	else if (op->patch == KUBE_PATCH_STRATEGIC)
		store(w, kind, s, api_object_strategic(s->object, step->body));
	else
		store(w, kind, s, api_object_merge(s->object, step->body));
	return KUBE_OK;
}

static void restart(struct api_world *w)
{
	drop_pending(w);
	strv_reset(&w->keys);
	cluster_free(w->cluster);
	open_cluster(w);
	for (size_t i = 0; i < w->count; i++) {
		struct err e;
		AUTO(json_freep) struct json *copy = json_dup(w->items[i].object);
		assert_int_equal(
			cluster_feed(w->cluster, w->items[i].kind, KUBE_ADDED, copy, &e), 0);
	}
}

/* In the order of stages; false when one failed or the process was killed. */
static bool carry_out(struct api_world *w, const struct engine_plan *plan)
{
	for (int stage = 0; stage < 100; stage++) {
		for (size_t i = 0; i < plan->count; i++) {
			const struct engine_step *step = plan->steps[i];
			if (step->stage != stage || step->kind != ENGINE_STEP_REQUEST)
				continue;
			w->is_killed = draw(w, 100) < w->kills;
			if (w->is_killed)
				return false;
			w->writes++;
			enum kube_outcome outcome = change(w, step);
			if (outcome != KUBE_OK && (step->accepts & ENGINE_ACCEPTS(outcome)) == 0)
				return false;
		}
	}
	return true;
}

static void handle(
	struct api_world *w, const struct engine_feature *feature, const char *ns, const char *name)
{
	struct engine_plan plan = {0};
	feature->plan(feature->arg, ns, name, NULL, &plan);
	bool is_done = carry_out(w, &plan);
	if (w->is_killed) {
		restart(w);
	} else if (!is_done || plan.result == ENGINE_AGAIN || plan.result == ENGINE_FAILED) {
		deliver(w, 0);
		api_world_queue(w, feature->kind, ns, name);
	}
	w->is_killed = false;
	for (size_t i = 0; i + 2 < plan.also.len; i += 3)
		api_world_queue(
			w, plan.also.items[i], plan.also.items[i + 1], plan.also.items[i + 2]);
	engine_plan_fini(&plan);
}

static void next(struct api_world *w, const struct engine_feature *features, size_t count)
{
	/* By chance, since several keys are at work at the same time. */
	size_t at = 3 * (w->delays > 0 ? draw(w, (unsigned int)(w->keys.len / 3)) : 0);
	AUTO(mem_free) char *kind = xstrdup(w->keys.items[at]);
	AUTO(mem_free) char *ns = xstrdup(w->keys.items[at + 1]);
	AUTO(mem_free) char *name = xstrdup(w->keys.items[at + 2]);
	struct strv rest = {0};
	for (size_t i = 0; i < w->keys.len; i++) {
		if (i < at || i >= at + 3)
			strv_push(&rest, w->keys.items[i]);
	}
	strv_fini(&w->keys);
	w->keys = rest;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(features[i].kind, kind) == 0)
			handle(w, &features[i], ns, name);
	}
}

void api_world_run(struct api_world *w, const struct engine_feature *features, size_t feature_count)
{
	for (size_t turns = 0; w->keys.len > 0 || w->pending_count > 0; turns++) {
		if (turns == TURNS_MAX)
			fail_msg("no end after %d turns; next key %s/%s/%s", TURNS_MAX,
				w->keys.items[0], w->keys.items[1], w->keys.items[2]);
		if (w->keys.len > 0)
			next(w, features, feature_count);
		if (w->pending_count > 0 && (w->keys.len == 0 || draw(w, 100) >= w->delays))
			deliver(w, w->pending_count - 1);
	}
}

size_t api_world_writes(struct api_world *w)
{
	size_t writes = w->writes;
	w->writes = 0;
	return writes;
}

void api_world_trouble(
	struct api_world *w, unsigned int seed, unsigned int kills, unsigned int delays)
{
	w->seed = seed;
	w->kills = kills;
	w->delays = delays;
}

void api_world_watch(struct api_world *w, void (*fn)(void *arg, struct api_world *w), void *arg)
{
	w->watch = fn;
	w->watch_arg = arg;
}
