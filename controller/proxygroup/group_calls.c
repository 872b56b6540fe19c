#include "controller/proxygroup/group_calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/objects.h"
#include "controller/planes/planes.h"
#include "controller/proxygroup/group_events.h"
#include "controller/proxygroup/group_view.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"

#define DEFAULT_TAG "tag:k8s"

/* A step under way. */
struct running {
	struct group_partners *partners_ref;
	struct planes_use use;
	struct control *control_ref;
	struct control_call *call;
	struct timer begin; /* the first call is made in a turn of its own */
	char *group;
	char *device; /* "" = none is to be deleted */
	int ordinal;
	bool with_key;
	bool is_replaced;
	void (*done)(void *done_arg, enum engine_result result, uint64_t after_ms,
		const struct err *err);
	void *done_arg;
};

static void release(struct running *r)
{
	control_cancel(r->call);
	planes_end(&r->use);
	timer_stop(&r->begin);
	free(r->group);
	free(r->device);
	free(r);
}

static void finish(
	struct running *r, enum engine_result result, uint64_t after_ms, const struct err *err)
{
	const struct running copy = *r;
	release(r);
	copy.done(copy.done_arg, result, after_ms, err);
}

static void fail(struct running *r, const struct control_result *result, const struct err *err)
{
	uint64_t after_ms = 0;
	if (result->outcome == CONTROL_LIMITED)
		after_ms = result->retry_after_ms;
	else if (result->outcome != CONTROL_UNAVAILABLE)
		after_ms = r->partners_ref->settings->refused_ms;
	finish(r, ENGINE_FAILED, after_ms, err);
}

static const struct object_proxy_group *group_of(const struct running *r)
{
	const struct kube_entry *entry = kube_cache_get(
		cluster_cache(r->partners_ref->cluster, CLUSTER_PROXY_GROUPS), NULL, r->group);
	return entry != NULL ? entry->data : NULL;
}

/* NULL when one of the objects is gone. */
static const struct object_tailnet *tailnet_of(const struct running *r, const char **name)
{
	const struct cluster *cluster = r->partners_ref->cluster;
	const struct object_proxy_group *group = group_of(r);
	if (group == NULL)
		return NULL;
	*name = group->tailnet[0] != '\0' ? group->tailnet : cluster_default_tailnet(cluster);
	const struct kube_entry *entry =
		kube_cache_get(cluster_cache(cluster, CLUSTER_TAILNETS), NULL, *name);
	return entry != NULL ? entry->data : NULL;
}

static void on_key(void *arg, const struct control_key *key, const struct control_result *result,
	const struct err *err)
{
	struct running *r = arg;
	r->call = NULL;
	if (result->outcome != CONTROL_OK) {
		fail(r, result, err);
		return;
	}
	log_event(EV_GROUP_KEY, r->group, key->id, r->ordinal);
	group_memory_keep_key(r->partners_ref->memory, r->group, r->ordinal, key->key);
	finish(r, ENGINE_DONE, 0, NULL);
}

/* Of the group, else of the tailnet; an older schema gives the latter no default. */
static void tags_of(const struct object_proxy_group *group, const struct object_tailnet *tailnet,
	struct strv *out)
{
	strv_copy(out, group->tags.len > 0 ? &group->tags : &tailnet->proxy_tags);
	if (out->len == 0)
		strv_push(out, DEFAULT_TAG);
}

static void make_key(struct running *r)
{
	AUTO(strv_fini) struct strv tags = {0};
	const char *name = NULL;
	struct err e;
	const struct object_proxy_group *group = group_of(r);
	const struct object_tailnet *tailnet = tailnet_of(r, &name);
	if (tailnet == NULL) {
		err_set(&e, -ENOENT, "the group or its TailscaleTailnet is gone");
		finish(r, ENGINE_FAILED, 0, &e);
		return;
	}
	tags_of(group, tailnet, &tags);
	AUTO(mem_free) char *description = xasprintf("%s-%d", r->group, r->ordinal);
	const struct control_key_request request = {
		.tags = &tags,
		.expiry_s = GROUP_KEY_EXPIRY_S,
		.description = description,
	};
	r->call = control_create_key(r->control_ref, &request, on_key, r);
}

static void on_deleted(void *arg, const struct control_result *result, const struct err *err)
{
	struct running *r = arg;
	r->call = NULL;
	if (result->outcome != CONTROL_OK && result->outcome != CONTROL_NOT_FOUND) {
		fail(r, result, err);
		return;
	}
	log_event(EV_GROUP_DEVICE, r->group, r->device);
	r->partners_ref->deleted++;
	group_memory_add_deleted(r->partners_ref->memory, r->group, r->device);
	if (r->with_key)
		make_key(r);
	else
		finish(r, ENGINE_DONE, 0, NULL);
}

static void on_retired(void *arg)
{
	struct running *r = arg;
	struct err e;
	control_cancel(r->call);
	r->call = NULL;
	err_set(&e, -ECANCELED, "the credentials of the tailnet have changed meanwhile");
	finish(r, ENGINE_FAILED, 0, &e);
}

static void note_replacement(const struct running *r)
{
	const struct object_proxy_group *group = group_of(r);
	if (group == NULL)
		return;
	const struct group_bucket bucket = group_bucket_of(group, r->partners_ref->settings);
	group_memory_use_token(r->partners_ref->memory, r->group, &bucket);
	r->partners_ref->replaced++;
}

static void on_begin(void *arg)
{
	struct running *r = arg;
	const char *name = NULL;
	struct err e;
	const struct object_tailnet *tailnet = tailnet_of(r, &name);
	r->control_ref =
		tailnet != NULL ? planes_begin(r->partners_ref->planes, name, &r->use) : NULL;
	if (r->control_ref == NULL) {
		err_set(&e, -ENOENT, "TailscaleTailnet %s has no usable credentials",
			name != NULL ? name : "of the group");
		finish(r, ENGINE_FAILED, 0, &e);
		return;
	}
	if (r->is_replaced)
		note_replacement(r);
	/* An empty id is never sent. */
	if (r->device[0] != '\0')
		r->call = control_delete_device(r->control_ref, r->device, on_deleted, r);
	else
		make_key(r);
}

/* The text of a step is "GROUP/DEVICE". */
static struct running *begin(struct group_partners *partners, const struct engine_step *step)
{
	struct running *r = xcalloc(1, sizeof(*r));
	const char *slash = strchr(step->text, '/');
	r->partners_ref = partners;
	r->use.on_retired = on_retired;
	r->use.arg = r;
	r->group = xstrndup(step->text, (size_t)(slash - step->text));
	r->device = xstrdup(slash + 1);
	r->ordinal = step->number;
	timer_init(&r->begin, partners->loop, on_begin, r);
	timer_start(&r->begin, 0);
	return r;
}

static void *start_mint(void *arg, const struct engine_step *step,
	void (*done)(void *done_arg, enum engine_result result, uint64_t after_ms,
		const struct err *err),
	void *done_arg)
{
	struct running *r = begin(arg, step);
	r->with_key = true;
	r->done = done;
	r->done_arg = done_arg;
	return r;
}

static void *start_replace(void *arg, const struct engine_step *step,
	void (*done)(void *done_arg, enum engine_result result, uint64_t after_ms,
		const struct err *err),
	void *done_arg)
{
	struct running *r = start_mint(arg, step, done, done_arg);
	r->is_replaced = true;
	return r;
}

static void *start_remove(void *arg, const struct engine_step *step,
	void (*done)(void *done_arg, enum engine_result result, uint64_t after_ms,
		const struct err *err),
	void *done_arg)
{
	struct running *r = begin(arg, step);
	r->done = done;
	r->done_arg = done_arg;
	return r;
}

static void cancel(void *arg, void *handle)
{
	(void)arg;
	release(handle);
}

struct engine_call group_call_mint(struct group_partners *partners)
{
	return (struct engine_call){start_mint, cancel, partners};
}

struct engine_call group_call_replace(struct group_partners *partners)
{
	return (struct engine_call){start_replace, cancel, partners};
}

struct engine_call group_call_remove(struct group_partners *partners)
{
	return (struct engine_call){start_remove, cancel, partners};
}
