#include "controller/tailnet/tailnet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/objects.h"
#include "controller/planes/planes.h"
#include "controller/tailnet/tailnet_events.h"
#include "controller/tailnet/tailnet_plan.h"
#include "controller/tailnet/tailnet_status.h"
#include "controller/tailnet/tailnet_sync.h"
#include "controller/tailnet/tailnet_view.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_time.h"

struct known {
	struct known *next;
	char *name;
	struct tailnet_memory memory;
};

struct tailnet {
	struct loop *loop_ref;
	struct cluster *cluster_ref;
	struct planes *planes_ref;
	struct tailnet_periods periods;
	struct engine_call call;
	struct known *known;
};

/* A step under way. */
struct running {
	struct tailnet *tailnet_ref;
	struct tailnet_sync *sync;
	char *name;
	uint64_t planes_generation;
	int64_t object_generation;
	void (*done)(void *done_arg, enum engine_result result, uint64_t after_ms,
		const struct err *err);
	void *done_arg;
};

static struct known **find(struct tailnet *t, const char *name)
{
	struct known **place = &t->known;
	while (*place != NULL && strcmp((*place)->name, name) != 0)
		place = &(*place)->next;
	return place;
}

static struct tailnet_memory *remember(struct tailnet *t, const char *name)
{
	struct known **place = find(t, name);
	if (*place == NULL) {
		*place = xcalloc(1, sizeof(**place));
		(*place)->name = xstrdup(name);
	}
	return &(*place)->memory;
}

static void forget(struct known **place)
{
	struct known *known = *place;
	if (known == NULL)
		return;
	*place = known->next;
	free(known->name);
	free(known);
}

static const struct kube_entry *entry_of(const struct tailnet *t, const char *name)
{
	return kube_cache_get(cluster_cache(t->cluster_ref, CLUSTER_TAILNETS), NULL, name);
}

/* From 0 to TAILNET_RANDOM_MAX. */
static uint32_t draw(void)
{
	return (uint32_t)backoff_jitter(2 * TAILNET_RANDOM_MAX) - TAILNET_RANDOM_MAX;
}

static void note_success(struct tailnet_memory *memory, const struct tailnet_result *result)
{
	memory->is_first = memory->synced[0] == '\0';
	memory->has_success = true;
	memory->success_ms = (int64_t)clock_now_ms();
	kube_time_format(clock_wall(), memory->synced);
	/* A key that could not be tried is tried with the next one. */
	if (result->with_key || memory->syncs % TAILNET_KEY_EVERY != 0)
		memory->syncs++;
}

static void note_result(struct tailnet *t, const struct running *running,
	const struct object_tailnet *object, const struct tailnet_result *result)
{
	struct tailnet_memory *memory = remember(t, running->name);
	bool has_answer = result->outcome != CONTROL_UNAVAILABLE &&
			  (result->outcome != CONTROL_LIMITED || result->retry_after_ms > 0);
	if (has_answer)
		memory->failures = 0;
	memory->has_result = true;
	memory->result = *result;
	memory->planes_generation = running->planes_generation;
	memory->object_generation = running->object_generation;
	memory->next_ms = clock_now_ms() + tailnet_pause(result, &t->periods,
						   tailnet_interval_ms(object, &t->periods),
						   memory->failures, draw());
	if (!has_answer)
		memory->failures++;
	if (result->outcome == CONTROL_OK)
		note_success(memory, result);
}

static void on_synced(void *arg, const struct tailnet_result *result)
{
	struct running *running = arg;
	struct tailnet *t = running->tailnet_ref;
	const struct kube_entry *entry = entry_of(t, running->name);
	if (entry != NULL && !result->is_void)
		note_result(t, running, entry->data, result);
	/* The plan that follows shows what has come out. */
	running->done(running->done_arg, ENGINE_DONE, 0, NULL);
	free(running->name);
	free(running);
}

static void *start(void *arg, const struct engine_step *step,
	void (*done)(void *done_arg, enum engine_result result, uint64_t after_ms,
		const struct err *err),
	void *done_arg)
{
	struct tailnet *t = arg;
	static const struct strv none;
	const struct kube_entry *entry = entry_of(t, step->text);
	const struct object_tailnet *object = entry != NULL ? entry->data : NULL;
	struct running *running = xcalloc(1, sizeof(*running));
	running->tailnet_ref = t;
	running->name = xstrdup(step->text);
	running->planes_generation = planes_state(t->planes_ref, step->text)->generation;
	running->object_generation = object != NULL ? object->meta.generation : 0;
	running->done = done;
	running->done_arg = done_arg;
	const struct tailnet_request request = {
		.tailnet = step->text,
		.tags = object != NULL ? &object->tags : &none,
		.with_key = step->number != 0,
	};
	running->sync =
		tailnet_sync_start(t->loop_ref, t->planes_ref, &request, on_synced, running);
	return running;
}

static void cancel(void *arg, void *handle)
{
	struct running *running = handle;
	(void)arg;
	tailnet_sync_cancel(running->sync);
	free(running->name);
	free(running);
}

/* Says once what the situation is now. */
static void say(struct tailnet_memory *memory, const struct tailnet_view *view)
{
	AUTO(tailnet_verdict_fini) struct tailnet_verdict verdict = {0};
	tailnet_decide(view, &verdict);
	const char *reason = tailnet_row(verdict.situation)->ready.reason;
	if (verdict.situation == TAILNET_NEW || reason == NULL ||
		(memory->said != NULL && strcmp(memory->said, reason) == 0))
		return;
	memory->said = reason;
	if (verdict.situation == TAILNET_FINE)
		log_event(EV_TAILNET_READY, view->name, reason, verdict.sentence);
	else
		log_event(EV_TAILNET_TROUBLE, view->name, reason, verdict.sentence);
}

static void plan(void *arg, const char *ns, const char *name, const struct engine_failure *failure,
	struct engine_plan *out)
{
	struct tailnet *t = arg;
	(void)ns;
	(void)failure;
	planes_refresh(t->planes_ref, name);
	if (entry_of(t, name) == NULL) {
		forget(find(t, name));
		return;
	}
	struct tailnet_memory *memory = remember(t, name);
	AUTO(tailnet_view_fini) struct tailnet_view view;
	tailnet_view_gather(&view, t->cluster_ref, t->planes_ref, name, memory, &t->periods);
	tailnet_plan(&view, &t->call, out);
	if (out->is_partial)
		return;
	say(memory, &view);
	if (view.queues_groups)
		memory->announced = memory->planes_generation;
	if (memory->is_deleting && view.users.len > 0)
		memory->has_listed_users = true;
}

struct tailnet *tailnet_new(struct loop *loop, struct cluster *cluster, struct planes *planes,
	const struct tailnet_options *options)
{
	struct tailnet *t = xcalloc(1, sizeof(*t));
	uint32_t divisor = options->divisor > 0 ? options->divisor : 1;
	t->loop_ref = loop;
	t->cluster_ref = cluster;
	t->planes_ref = planes;
	t->periods = TAILNET_PERIODS;
	t->periods.refused_ms /= divisor;
	t->periods.secret_ms /= divisor;
	t->periods.interval_by = divisor;
	if (options->release_ms > 0)
		t->periods.release_ms = options->release_ms;
	t->call = (struct engine_call){.start = start, .cancel = cancel, .arg = t};
	return t;
}

void tailnet_free(struct tailnet *t)
{
	if (t == NULL)
		return;
	while (t->known != NULL)
		forget(&t->known);
	free(t);
}

void tailnet_feature(struct tailnet *t, struct engine_feature *out)
{
	*out = (struct engine_feature){.kind = CLUSTER_KEY_TAILNET, .plan = plan, .arg = t};
}
