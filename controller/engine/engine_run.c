#include "controller/engine/engine_run.h"

#include <stdlib.h>

#include "controller/engine/engine_queue.h"
#include "lib/base/clock.h"
#include "lib/base/keyed.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"

/* A key that is being handled. */
struct job {
	const char *key_ref;
	struct engine_run *run;
	struct timer deadline;
};

struct engine_run {
	struct loop *loop_ref;
	struct engine_run_options options;
	struct engine_queue *queue;
	struct keyed jobs;
	struct timer next;
	bool holds;
};

/* The next look at the queue: now, when a key is due, or not at all. */
static void schedule(struct engine_run *r)
{
	bool has_room = r->jobs.len < r->options.at_once;
	uint64_t due_ms = engine_queue_due(r->queue);
	if (r->holds || !has_room)
		timer_stop(&r->next);
	else if (engine_queue_ready(r->queue) > 0)
		timer_start(&r->next, 0);
	else if (due_ms != ENGINE_QUEUE_NEVER)
		timer_start_at(&r->next, due_ms);
	else
		timer_stop(&r->next);
}

static void job_end(struct engine_run *r, struct job *job)
{
	timer_stop(&job->deadline);
	keyed_remove(&r->jobs, job->key_ref);
	free(job);
}

static void on_deadline(void *arg)
{
	struct job *job = arg;
	struct engine_run *r = job->run;
	const char *key = job->key_ref;
	job_end(r, job);
	r->options.expire(r->options.arg, key);
	engine_queue_add_failed(r->queue, key, clock_now_ms(), 0);
	engine_queue_done(r->queue, key);
	schedule(r);
}

static void on_next(void *arg)
{
	struct engine_run *r = arg;
	/* One for each call: a start may take a while, and others wait for this turn. */
	const char *key = engine_queue_next(r->queue, clock_now_ms());
	if (key != NULL) {
		struct job *job = xcalloc(1, sizeof(*job));
		job->key_ref = key;
		job->run = r;
		timer_init(&job->deadline, r->loop_ref, on_deadline, job);
		timer_start(&job->deadline, r->options.deadline_ms);
		keyed_put(&r->jobs, job);
		r->options.start(r->options.arg, key);
	}
	schedule(r);
}

struct engine_run *engine_run_new(struct loop *loop, const struct engine_run_options *options)
{
	struct engine_run *r = xcalloc(1, sizeof(*r));
	r->loop_ref = loop;
	r->options = *options;
	if (r->options.deadline_ms == 0)
		r->options.deadline_ms = ENGINE_DEADLINE_MS;
	r->queue = engine_queue_new();
	timer_init(&r->next, loop, on_next, r);
	return r;
}

void engine_run_free(struct engine_run *r)
{
	if (r == NULL)
		return;
	timer_stop(&r->next);
	while (r->jobs.len > 0)
		job_end(r, r->jobs.items[0]);
	keyed_fini(&r->jobs, NULL);
	engine_queue_free(r->queue);
	free(r);
}

void engine_run_add(struct engine_run *r, const char *key)
{
	engine_queue_add(r->queue, key);
	schedule(r);
}

void engine_run_add_after(struct engine_run *r, const char *key, uint64_t delay_ms)
{
	engine_queue_add_after(r->queue, key, clock_now_ms(), delay_ms);
	schedule(r);
}

void engine_run_finish(
	struct engine_run *r, const char *key, enum engine_result result, uint64_t after_ms)
{
	struct job *job = keyed_find(&r->jobs, key);
	if (job == NULL)
		return;
	/* The name lives until the queue is done with it. */
	key = job->key_ref;
	uint64_t now_ms = clock_now_ms();
	job_end(r, job);
	if (result != ENGINE_FAILED)
		engine_queue_forget(r->queue, key);
	if (result == ENGINE_AGAIN)
		engine_queue_add_after(r->queue, key, now_ms, after_ms);
	if (result == ENGINE_FAILED)
		engine_queue_add_failed(r->queue, key, now_ms, after_ms);
	engine_queue_done(r->queue, key);
	schedule(r);
}

void engine_run_hold(struct engine_run *r, bool holds)
{
	r->holds = holds;
	schedule(r);
}

size_t engine_run_ready(const struct engine_run *r)
{
	return engine_queue_ready(r->queue);
}

size_t engine_run_running(const struct engine_run *r)
{
	return engine_queue_running(r->queue);
}
