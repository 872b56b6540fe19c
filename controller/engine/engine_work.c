#include "controller/engine/engine_work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine_events.h"
#include "controller/engine/engine_exec.h"
#include "controller/engine/engine_repeat.h"
#include "controller/engine/engine_seen.h"
#include "controller/engine/engine_step.h"
#include "lib/base/clock.h"
#include "lib/base/keyed.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"

/* Plans of one handling of a key that are made anew at once. */
#define ROUNDS_MAX 8
#define ROUNDS_AGAIN_MS 1000

/* A key that is being handled. */
struct job {
	const char *key_ref;
	struct engine_work *work;
	char *kind, *ns, *name;
	const struct engine_feature *feature;
	struct engine_plan plan;
	struct engine_exec *exec;
	unsigned int rounds;
	uint64_t begun_ms;
	/* The plan has ended so, and its writes have to be seen. */
	struct engine_ending ending;
	struct engine_unseen unseen;
	bool is_waiting;
	struct timer limit;
	/* A failure that the status is to show, and the plan that had it. */
	bool is_showing;
	struct engine_ending shown;
	struct engine_plan failed;
};

struct engine_work {
	struct loop *loop_ref;
	struct kube *kube_ref;
	struct kube_events *events_ref;
	const struct engine_feature *features_ref;
	size_t feature_count;
	struct engine_work_options options;
	struct engine_run *run;
	struct keyed jobs;
	struct engine_repeat repeat;
	struct strv refused; /* permissions that were said to be missing */
};

static const struct engine_feature *feature_of(const struct engine_work *w, const char *kind)
{
	for (size_t i = 0; i < w->feature_count; i++) {
		if (strcmp(w->features_ref[i].kind, kind) == 0)
			return &w->features_ref[i];
	}
	return NULL;
}

static void on_limit(void *arg);

static void job_free(void *item)
{
	struct job *job = item;
	timer_stop(&job->limit);
	engine_unseen_fini(&job->unseen);
	engine_exec_cancel(job->exec);
	engine_plan_fini(&job->plan);
	engine_plan_fini(&job->failed);
	free(job->kind);
	free(job->ns);
	free(job->name);
	free(job);
}

static struct job *job_new(struct engine_work *w, const char *key)
{
	struct job *job = xcalloc(1, sizeof(*job));
	const char *ns = strchr(key, '/') + 1;
	const char *name = strchr(ns, '/') + 1;
	job->key_ref = key;
	job->work = w;
	job->kind = xstrndup(key, (size_t)(ns - 1 - key));
	job->ns = xstrndup(ns, (size_t)(name - 1 - ns));
	job->name = xstrdup(name);
	job->feature = feature_of(w, job->kind);
	job->begun_ms = clock_now_ms();
	timer_init(&job->limit, w->loop_ref, on_limit, job);
	keyed_put(&w->jobs, job);
	return job;
}

/* A missing permission is said once, with what to add. */
static void log_forbidden(struct engine_work *w, const struct engine_ending *failure)
{
	const struct kube_target *target = &failure->step->op.target;
	const char *rule = engine_step_rule(failure->step);
	bool has_sub = target->subresource != NULL;
	AUTO(mem_free)
	char *resource = xasprintf("%s%s%s", target->resource->plural, has_sub ? "/" : "",
		has_sub ? target->subresource : "");
	AUTO(mem_free) char *what = xasprintf("%s %s %s", rule, target->resource->group, resource);
	if (strv_contains(&w->refused, what))
		return;
	strv_push(&w->refused, what);
	log_event(EV_ENGINE_FORBIDDEN, rule, resource, target->resource->group, failure->err.msg);
}

static void log_failure(struct engine_work *w, const char *key, const struct engine_ending *failure)
{
	if (failure->outcome == KUBE_FORBIDDEN)
		log_forbidden(w, failure);
	else if (failure->outcome == KUBE_CONFLICT || failure->outcome == KUBE_GONE)
		log_event(EV_ENGINE_CONFLICT, key, failure->err.msg);
	else if (failure->result == ENGINE_STUCK)
		log_event(EV_ENGINE_STUCK, key, failure->err.msg);
	else if (failure->result == ENGINE_FAILED)
		log_event(EV_ENGINE_FAILED, key, failure->err.msg);
}

static void report(const struct job *job, enum engine_result result, const struct err *err)
{
	const struct engine_work_options *options = &job->work->options;
	if (options->on_handled != NULL)
		options->on_handled(options->arg, job->kind, job->ns, job->name, result,
			clock_now_ms() - job->begun_ms, err);
}

/* The key is handled. The job is gone after this. */
static void job_end(
	struct job *job, enum engine_result result, uint64_t after_ms, const struct err *err)
{
	struct engine_work *w = job->work;
	const char *key = job->key_ref;
	report(job, result, err);
	keyed_remove(&w->jobs, key);
	job_free(job);
	engine_run_finish(w->run, key, result, after_ms);
}

static void job_round(struct job *job, const struct engine_failure *failure);

/* All steps of a plan are done. */
static void plan_done(struct job *job)
{
	struct engine_work *w = job->work;
	const struct engine_plan *plan = &job->plan;
	const struct engine_step *repeated = engine_repeat_note(&w->repeat, job->key_ref, plan);
	if (repeated != NULL) {
		AUTO(mem_free) char *name = engine_step_name(repeated);
		log_event(EV_ENGINE_REPEATED, job->key_ref, name, repeated->difference);
	}
	for (size_t i = 0; i + 2 < plan->also.len; i += 3)
		engine_work_add(
			w, plan->also.items[i], plan->also.items[i + 1], plan->also.items[i + 2]);
	if (!plan->is_partial)
		job_end(job, plan->result, plan->after_ms, NULL);
	else if (++job->rounds < ROUNDS_MAX)
		job_round(job, NULL);
	else
		job_end(job, ENGINE_AGAIN, ROUNDS_AGAIN_MS, NULL);
}

/* The planner is asked once more, for what the object's status and Events say about it. */
static void show_failure(struct job *job, const struct engine_ending *ending)
{
	job->is_showing = true;
	job->shown = *ending;
	job->failed = job->plan;
	job->plan = (struct engine_plan){0};
	const struct engine_failure failure = {
		.step = job->shown.step,
		.outcome = job->shown.outcome,
		.err = &job->shown.err,
	};
	job_round(job, &failure);
}

/* The plan has ended, and what it has written has been seen. */
static void job_next(struct job *job)
{
	const struct engine_ending *ending = &job->ending;
	bool is_done = ending->result == ENGINE_DONE;
	if (job->is_showing) {
		/* What could not be shown is tried again. */
		struct engine_ending shown = job->shown;
		bool is_tried = !is_done && shown.result == ENGINE_STUCK;
		job_end(job, is_tried ? ending->result : shown.result, shown.after_ms, &shown.err);
		return;
	}
	if (is_done)
		plan_done(job);
	else if (ending->is_shown && job->plan.shows_failure)
		show_failure(job, ending);
	else
		job_end(job, ending->result, ending->after_ms,
			ending->result != ENGINE_AGAIN ? &ending->err : NULL);
}

static bool has_unseen(struct job *job)
{
	const struct engine_work_options *options = &job->work->options;
	return engine_unseen_check(&job->unseen, options->is_seen, options->arg);
}

static void job_resume(struct job *job)
{
	job->is_waiting = false;
	timer_stop(&job->limit);
	engine_unseen_fini(&job->unseen);
	job->unseen = (struct engine_unseen){0};
	job_next(job);
}

static void on_limit(void *arg)
{
	job_resume(arg);
}

static void on_done(void *arg, const struct engine_ending *ending)
{
	struct job *job = arg;
	if (ending->result != ENGINE_DONE)
		log_failure(job->work, job->key_ref, ending);
	job->ending = *ending;
	if (has_unseen(job)) {
		job->is_waiting = true;
		timer_start(&job->limit, ENGINE_SEEN_MS);
		return;
	}
	job_next(job);
}

static void on_written(void *arg, const struct engine_step *step, const struct json *answer)
{
	struct job *job = arg;
	engine_unseen_add(&job->unseen, step, answer);
}

/* One plan and its steps. */
static void job_round(struct job *job, const struct engine_failure *failure)
{
	struct engine_work *w = job->work;
	const struct engine_exec_options options = {
		.kube = w->kube_ref,
		.events = w->events_ref,
		.may_write = w->options.may_write,
		.may_write_arg = w->options.arg,
		.on_written = on_written,
		.on_written_arg = job,
		.key = job->key_ref,
	};
	engine_plan_fini(&job->plan);
	job->feature->plan(job->feature->arg, job->ns, job->name, failure, &job->plan);
	engine_exec_start(&options, &job->plan, &job->exec, on_done, job);
}

static void on_start(void *arg, const char *key)
{
	struct engine_work *w = arg;
	job_round(job_new(w, key), NULL);
}

static void on_expire(void *arg, const char *key)
{
	struct engine_work *w = arg;
	struct err e;
	struct job *job = keyed_remove(&w->jobs, key);
	err_set(&e, -ETIMEDOUT, "not done within %u s", ENGINE_DEADLINE_MS / CLOCK_MS_PER_S);
	log_event(EV_ENGINE_EXPIRED, key, ENGINE_DEADLINE_MS / CLOCK_MS_PER_S);
	report(job, ENGINE_FAILED, &e);
	job_free(job);
}

struct engine_work *engine_work_new(struct loop *loop, struct kube *k, struct kube_events *events,
	const struct engine_feature *features, size_t feature_count,
	const struct engine_work_options *options)
{
	struct engine_work *w = xcalloc(1, sizeof(*w));
	w->loop_ref = loop;
	w->kube_ref = k;
	w->events_ref = events;
	w->features_ref = features;
	w->feature_count = feature_count;
	w->options = *options;
	const struct engine_run_options run = {
		.at_once = options->at_once,
		.start = on_start,
		.expire = on_expire,
		.arg = w,
	};
	w->run = engine_run_new(loop, &run);
	return w;
}

void engine_work_free(struct engine_work *w)
{
	if (w == NULL)
		return;
	keyed_fini(&w->jobs, job_free);
	engine_run_free(w->run);
	engine_repeat_fini(&w->repeat);
	strv_fini(&w->refused);
	free(w);
}

void engine_work_add(struct engine_work *w, const char *kind, const char *ns, const char *name)
{
	engine_work_add_after(w, kind, ns, name, 0);
}

void engine_work_add_after(struct engine_work *w, const char *kind, const char *ns,
	const char *name, uint64_t delay_ms)
{
	/* Nobody handles it. */
	if (feature_of(w, kind) == NULL)
		return;
	AUTO(mem_free) char *key = xasprintf("%s/%s/%s", kind, ns != NULL ? ns : "", name);
	if (delay_ms > 0) {
		engine_run_add_after(w->run, key, delay_ms);
		return;
	}
	engine_run_add(w->run, key);
	struct job *job = keyed_find(&w->jobs, key);
	if (job != NULL && job->is_waiting && !has_unseen(job))
		job_resume(job);
}

void engine_work_hold(struct engine_work *w, bool holds)
{
	engine_run_hold(w->run, holds);
}

size_t engine_work_ready(const struct engine_work *w)
{
	return engine_run_ready(w->run);
}

size_t engine_work_running(const struct engine_work *w)
{
	return engine_run_running(w->run);
}
