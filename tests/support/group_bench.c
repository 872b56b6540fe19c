#include "tests/support/group_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/proxygroup/group_memory.h"
#include "lib/base/b64.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

static struct json *parse(const char *text)
{
	struct err e;
	struct json *j = json_parse(text, strlen(text), &e);
	if (j == NULL)
		fail_msg("%s: %s", text, e.msg);
	return j;
}

static char *key_of(enum cluster_kind kind, const char *name)
{
	const struct kube_resource *r = cluster_resource(kind);
	return xasprintf("%s/%s/%s", r->plural, r->is_namespaced ? GROUP_BENCH_NS : "", name);
}

static enum cluster_kind kind_of(const struct kube_resource *resource)
{
	for (int k = 0; k < CLUSTER_KINDS; k++) {
		if (strcmp(cluster_resource((enum cluster_kind)k)->plural, resource->plural) == 0)
			return (enum cluster_kind)k;
	}
	fail_msg("no kind %s", resource->plural);
	return CLUSTER_KINDS;
}

static void set_in(struct json *object, const char *member, const char *key, struct json *value)
{
	const struct json *old = json_get(object, member);
	struct json *copy = old != NULL ? json_dup(old) : json_new_object();
	json_set(copy, key, value);
	json_set(object, member, copy);
}

/* Like a merge patch; tests have no deep ones. */
static void merge(struct json *into, const struct json *patch)
{
	for (const struct json *m = json_first(patch); m != NULL; m = json_next(m)) {
		if (json_type(m) == JSON_NULL) {
			json_remove(into, json_key(m));
		} else if (json_type(m) == JSON_OBJECT &&
			   json_type(json_get(into, json_key(m))) == JSON_OBJECT) {
			struct json *copy = json_dup(json_get(into, json_key(m)));
			merge(copy, m);
			json_set(into, json_key(m), copy);
		} else {
			json_set(into, json_key(m), json_dup(m));
		}
	}
}

static void feed(struct group_bench *b, enum cluster_kind kind, enum kube_change change,
	const struct json *object)
{
	struct err e;
	AUTO(json_freep) struct json *copy = json_dup(object);
	if (cluster_feed(b->cluster, kind, change, copy, &e) < 0)
		fail_msg("%s", e.msg);
}

/* Stores the object under a new version, with a new generation when the spec has changed. */
static void store(
	struct group_bench *b, enum cluster_kind kind, const char *name, struct json *object_take)
{
	AUTO(mem_free) char *key = key_of(kind, name);
	AUTO(mem_free) char *version = xasprintf("%u", ++b->numbers);
	const struct json *old = json_get(b->store, key);
	const struct json *uid = json_path(old, "metadata", "uid", NULL);
	int64_t generation = 0;
	json_i64(json_path(old, "metadata", "generation", NULL), &generation);
	if (old == NULL || !json_equal(json_get(old, "spec"), json_get(object_take, "spec")))
		generation++;
	set_in(object_take, "metadata", "resourceVersion", json_new_str(version));
	set_in(object_take, "metadata", "generation", json_new_i64(generation));
	AUTO(mem_free) char *fresh = xasprintf("uid-%s", version);
	if (uid != NULL)
		set_in(object_take, "metadata", "uid", json_dup(uid));
	else if (json_path(object_take, "metadata", "uid", NULL) == NULL)
		set_in(object_take, "metadata", "uid", json_new_str(fresh));
	enum kube_change change = old != NULL ? KUBE_MODIFIED : KUBE_ADDED;
	json_set(b->store, key, object_take);
	feed(b, kind, change, object_take);
}

void group_bench_put(struct group_bench *b, enum cluster_kind kind, const char *text)
{
	struct json *object = parse(text);
	AUTO(mem_free) char *name = xstrdup(json_str(json_path(object, "metadata", "name", NULL)));
	store(b, kind, name, object);
}

const struct json *group_bench_get(
	const struct group_bench *b, enum cluster_kind kind, const char *name)
{
	AUTO(mem_free) char *key = key_of(kind, name);
	return json_get(b->store, key);
}

void group_bench_patch(
	struct group_bench *b, enum cluster_kind kind, const char *name, const char *text)
{
	AUTO(json_freep) struct json *patch = parse(text);
	struct json *object = json_dup(group_bench_get(b, kind, name));
	assert_non_null(object);
	merge(object, patch);
	store(b, kind, name, object);
}

void group_bench_remove(struct group_bench *b, enum cluster_kind kind, const char *name)
{
	AUTO(mem_free) char *key = key_of(kind, name);
	const struct json *object = json_get(b->store, key);
	if (object == NULL)
		return;
	feed(b, kind, KUBE_DELETED, object);
	json_remove(b->store, key);
}

char *group_bench_secret(const struct group_bench *b, const char *name, const char *key)
{
	struct err e;
	struct buf out = BUF_INIT(1024 * 1024);
	const char *coded =
		json_str(json_path(group_bench_get(b, CLUSTER_SECRETS, name), "data", key, NULL));
	if (coded != NULL)
		assert_int_equal(b64_decode(coded, strlen(coded), &out, &e), 0);
	return buf_take(&out);
}

void group_bench_set_secret(
	struct group_bench *b, const char *name, const char *key, const char *value)
{
	struct err e;
	AUTO(buf_fini) struct buf coded = BUF_INIT(1024 * 1024);
	struct json *object = json_dup(group_bench_get(b, CLUSTER_SECRETS, name));
	assert_non_null(object);
	if (value == NULL) {
		AUTO(mem_free) char *text = xasprintf("{\"data\":{\"%s\":null}}", key);
		AUTO(json_freep) struct json *patch = parse(text);
		merge(object, patch);
	} else {
		assert_int_equal(b64_encode(value, strlen(value), &coded, &e), 0);
		set_in(object, "data", key, json_new_str(buf_cstr(&coded)));
	}
	store(b, CLUSTER_SECRETS, name, object);
}

/* -- the API server -- */

static bool is_stale(const struct json *old, const struct json *body)
{
	const char *version = json_str(json_path(body, "metadata", "resourceVersion", NULL));
	const char *live = json_str(json_path(old, "metadata", "resourceVersion", NULL));
	return version != NULL && live != NULL && strcmp(version, live) != 0;
}

static const char *name_of(const struct engine_step *step)
{
	const char *name = step->op.target.name;
	return name != NULL ? name : json_str(json_path(step->body, "metadata", "name", NULL));
}

/* Server-side apply: the document replaces all but what others have put there. */
static void apply(struct group_bench *b, const struct engine_step *step, const struct json *old)
{
	enum cluster_kind kind = kind_of(step->op.target.resource);
	struct json *object = json_dup(step->body);
	const struct json *status = json_get(old, "status");
	if (status != NULL)
		json_set(object, "status", json_dup(status));
	if (kind == CLUSTER_SECRETS && old != NULL) {
		struct json *data = json_dup(json_get(old, "data"));
		if (data == NULL)
			data = json_new_object();
		merge(data, json_get(step->body, "data"));
		json_set(object, "data", data);
	}
	if (old == NULL)
		strv_pushf(&b->created, "%s %s", step->op.target.resource->plural, name_of(step));
	store(b, kind, name_of(step), object);
}

static void patch(struct group_bench *b, const struct engine_step *step, const struct json *old)
{
	struct json *object = json_dup(old);
	AUTO(json_freep) struct json *change = json_dup(step->body);
	const struct json *finalizers = json_path(change, "metadata", "finalizers", NULL);
	enum cluster_kind kind = kind_of(step->op.target.resource);
	merge(object, change);
	bool is_gone = finalizers != NULL && json_len(finalizers) == 0 &&
		       json_path(old, "metadata", "deletionTimestamp", NULL) != NULL;
	store(b, kind, step->op.target.name, object);
	if (is_gone)
		group_bench_remove(b, kind, step->op.target.name);
}

static bool request(struct group_bench *b, const struct engine_step *step)
{
	enum cluster_kind kind = kind_of(step->op.target.resource);
	const struct json *old = group_bench_get(b, kind, name_of(step));
	struct err e;
	/* As the client would. */
	if (kube_op_check(&step->op, &e) < 0)
		fail_msg("%s", e.msg);
	b->writes++;
	if (kind == CLUSTER_SECRETS && b->conflicts > 0) {
		b->conflicts--;
		return false;
	}
	if (step->op.verb == KUBE_DELETE) {
		assert_non_null(step->op.uid);
		group_bench_remove(b, kind, step->op.target.name);
		return true;
	}
	if (is_stale(old, step->body))
		return false;
	if (step->op.verb == KUBE_APPLY || step->op.verb == KUBE_CREATE)
		apply(b, step, old);
	else if (old != NULL)
		patch(b, step, old);
	return true;
}

/* -- the control plane -- */

static size_t place_of(const struct strv *v, const char *text)
{
	size_t i = 0;
	while (i < v->len && strcmp(v->items[i], text) != 0)
		i++;
	return i;
}

static bool remove_device(struct group_bench *b, const char *device)
{
	struct strv left = {0};
	assert_string_not_equal(device, "");
	strv_push(&b->removed, device);
	if (b->remove_fails > 0) {
		b->remove_fails--;
		return false;
	}
	for (size_t i = 0; i < b->devices.len; i++) {
		if (i != place_of(&b->devices, device))
			strv_push(&left, b->devices.items[i]);
	}
	strv_fini(&b->devices);
	b->devices = left;
	group_memory_add_deleted(b->memory, GROUP_BENCH_NAME, device);
	return true;
}

static bool call(struct group_bench *b, const struct engine_step *step)
{
	const char *device = strchr(step->text, '/') + 1;
	const struct group_bucket bucket = {.burst = 1,
		.interval_ms = b->settings.token_ms != 0 ? b->settings.token_ms : GROUP_TOKEN_MS,
		.now_ms = clock_now_ms()};
	if (step->call == &b->remove)
		return remove_device(b, device);
	if (step->call == &b->replace)
		group_memory_use_token(b->memory, GROUP_BENCH_NAME, &bucket);
	if (device[0] != '\0' && !remove_device(b, device))
		return false;
	if (b->mint_fails > 0) {
		b->mint_fails--;
		return false;
	}
	AUTO(secret_fini) struct secret key = {0};
	AUTO(mem_free) char *text = xasprintf("tskey-%u", ++b->minted);
	secret_set_str(&key, text);
	group_memory_keep_key(b->memory, GROUP_BENCH_NAME, step->number, &key);
	return true;
}

bool group_bench_perform(struct group_bench *b, const struct engine_plan *plan, size_t most)
{
	bool is_fine = true;
	int stage = 0;
	for (size_t done = 0; is_fine && done < most;) {
		int next = INT32_MAX;
		for (size_t i = 0; i < plan->count; i++) {
			const struct engine_step *step = plan->steps[i];
			if (step->stage > stage && step->stage < next)
				next = step->stage;
			if (step->stage != stage || done >= most)
				continue;
			done++;
			if (step->kind == ENGINE_STEP_REQUEST)
				is_fine &= request(b, step);
			else if (step->kind == ENGINE_STEP_CALL)
				is_fine &= call(b, step);
		}
		if (next == INT32_MAX)
			break;
		stage = next;
	}
	return is_fine;
}
