#include "controller/engine/engine_exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine_events.h"
#include "controller/engine/engine_owner.h"
#include "controller/engine/engine_step.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

/* A foreign object in the way is not seen by a watch: looked for again after this. */
#define FOREIGN_AGAIN_MS 60000
/* A permission may be given later. */
#define FORBIDDEN_AGAIN_MS 60000

/* A step that is under way. */
struct run {
	struct engine_exec *exec;
	const struct engine_step *step;
	struct kube_call *request;
	void *handle; /* of a call */
};

struct engine_exec {
	struct engine_exec_options options;
	const struct engine_plan *plan_ref;
	engine_exec_fn done;
	void *arg;
	struct run *runs; /* one for each step */
	bool has_begun;
	int stage;
	size_t waiting; /* steps of this stage that are not done */
	struct engine_exec **slot;
	struct engine_ending ending;
};

/* What a failure of a request leads to. */
struct row {
	enum engine_result result;
	uint64_t after_ms;
	bool is_shown;
};

static const struct row rows[] = {
	[KUBE_NOT_FOUND] = {ENGINE_FAILED, 0, true},
	[KUBE_EXISTS] = {ENGINE_FAILED, FOREIGN_AGAIN_MS, true},
	[KUBE_CONFLICT] = {ENGINE_FAILED, 0, false},
	[KUBE_GONE] = {ENGINE_FAILED, 0, false},
	[KUBE_INVALID] = {ENGINE_STUCK, 0, true},
	[KUBE_TOO_LARGE] = {ENGINE_STUCK, 0, true},
	[KUBE_UNAUTHORIZED] = {ENGINE_FAILED, 0, false},
	[KUBE_FORBIDDEN] = {ENGINE_FAILED, FORBIDDEN_AGAIN_MS, true},
	[KUBE_TOO_MANY] = {ENGINE_FAILED, 0, false},
	[KUBE_UNAVAILABLE] = {ENGINE_FAILED, 0, false},
	[KUBE_REFUSED] = {ENGINE_STUCK, 0, true},
};

static void on_looked_up(void *arg, const struct kube_reply *reply, const struct err *err);
static void on_reply(void *arg, const struct kube_reply *reply, const struct err *err);

static bool may_write(const struct engine_exec *x)
{
	return x->options.may_write == NULL || x->options.may_write(x->options.may_write_arg);
}

/* The first failure counts, but one that a person has to see counts more. */
static void note(struct engine_exec *x, const struct engine_ending *failure)
{
	if (x->ending.result != ENGINE_DONE && (x->ending.is_shown || !failure->is_shown))
		return;
	x->ending = *failure;
}

/* What is to be changed is gone meanwhile: as normal as a conflict. */
static bool is_gone_meanwhile(const struct engine_step *step, enum kube_outcome outcome)
{
	return outcome == KUBE_NOT_FOUND &&
	       (step->op.verb == KUBE_PATCH || step->op.verb == KUBE_UPDATE);
}

static void note_request(
	struct run *run, enum kube_outcome outcome, uint64_t retry_after_ms, const struct err *err)
{
	if (is_gone_meanwhile(run->step, outcome))
		outcome = KUBE_CONFLICT;
	const struct row *row = &rows[outcome];
	AUTO(mem_free) char *name = engine_step_name(run->step);
	struct engine_ending failure = {
		.result = row->result,
		.after_ms = retry_after_ms > row->after_ms ? retry_after_ms : row->after_ms,
		.step = run->step,
		.outcome = outcome,
		.is_shown = row->is_shown,
		.err = *err,
	};
	err_wrap(&failure.err, "%s", name);
	note(run->exec, &failure);
}

static void note_lost(struct run *run)
{
	struct engine_ending failure = {
		.result = ENGINE_FAILED, .step = run->step, .outcome = KUBE_UNAVAILABLE};
	err_set(&failure.err, -ECANCELED, "another controller leads, or none");
	note(run->exec, &failure);
}

/* False when it could not be sent. */
static bool send(struct run *run, const struct kube_op *op, kube_fn fn)
{
	struct err e;
	struct kube_op sent = *op;
	/* A creation goes to the collection; the name is in the document, and in the step for the
	 * log. */
	if (op->verb == KUBE_CREATE)
		sent.target.name = NULL;
	run->request = kube_op_start(run->exec->options.kube, &sent, fn, run, &e);
	if (run->request != NULL)
		return true;
	note_request(run, KUBE_REFUSED, 0, &e);
	return false;
}

static bool send_write(struct run *run)
{
	if (may_write(run->exec))
		return send(run, &run->step->op, on_reply);
	note_lost(run);
	return false;
}

static bool send_read(struct run *run)
{
	const struct kube_op op = {.verb = KUBE_GET, .target = run->step->op.target};
	return send(run, &op, on_looked_up);
}

static void advance(struct engine_exec *x);

static void run_ended(struct run *run)
{
	struct engine_exec *x = run->exec;
	if (--x->waiting == 0)
		advance(x);
}

static void note_written(struct run *run, const struct json *answer)
{
	const struct engine_exec_options *options = &run->exec->options;
	if (options->on_written != NULL)
		options->on_written(options->on_written_arg, run->step, answer);
}

/* What was looked for is there. Whether a write follows. */
static bool on_found(struct run *run, const struct json *live)
{
	struct err e;
	const struct json *wanted = run->step->body;
	enum kube_outcome whose = engine_owner_check(wanted, live, &e);
	if (whose != KUBE_OK) {
		note_request(run, whose, 0, &e);
		return false;
	}
	if (!engine_owner_is_applied(wanted, live))
		return send_write(run);
	/* By a former try, which the cache has not seen yet. */
	note_written(run, live);
	return false;
}

static void on_looked_up(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct run *run = arg;
	run->request = NULL;
	enum kube_outcome outcome = kube_outcome(reply, err);
	bool is_sent = false;
	if (outcome == KUBE_OK)
		is_sent = on_found(run, reply->body);
	else if (outcome == KUBE_NOT_FOUND)
		is_sent = send_write(run);
	else
		note_request(run, outcome, reply->retry_after_ms, err);
	if (!is_sent)
		run_ended(run);
}

static void on_reply(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct run *run = arg;
	run->request = NULL;
	enum kube_outcome outcome = kube_outcome(reply, err);
	if (err == NULL)
		note_written(run, reply->body);
	else if ((run->step->accepts & ENGINE_ACCEPTS(outcome)) == 0)
		note_request(run, outcome, reply->retry_after_ms, err);
	run_ended(run);
}

static void on_called(
	void *arg, enum engine_result result, uint64_t after_ms, const struct err *err)
{
	struct run *run = arg;
	run->handle = NULL;
	if (result != ENGINE_DONE) {
		struct engine_ending failure = {
			.result = result,
			.after_ms = after_ms,
			.step = run->step,
			.is_shown = err != NULL && result != ENGINE_AGAIN,
		};
		if (err != NULL)
			failure.err = *err;
		note(run->exec, &failure);
	}
	run_ended(run);
}

static void log_step(const struct engine_exec *x, const struct engine_step *step)
{
	AUTO(mem_free) char *name = engine_step_name(step);
	if (step->difference != NULL)
		log_event(EV_ENGINE_DIFFERENCE, x->options.key, name, step->difference);
	else
		log_event(EV_ENGINE_STEP, x->options.key, name);
}

/* Whether it is under way. */
static bool begin(struct run *run)
{
	const struct engine_step *step = run->step;
	const struct engine_exec *x = run->exec;
	log_step(x, step);
	if (step->kind == ENGINE_STEP_REQUEST)
		return step->is_new ? send_read(run) : send_write(run);
	if (!may_write(x)) {
		note_lost(run);
		return false;
	}
	if (step->kind == ENGINE_STEP_EVENT) {
		if (x->options.events != NULL)
			kube_event_emit(x->options.events, &step->event);
		return false;
	}
	run->handle = step->call->start(step->call->arg, step, on_called, run);
	return true;
}

/* The number of the stage that follows one. False when there is none. */
static bool next_stage(const struct engine_exec *x, bool is_first, int after, int *out)
{
	bool is_found = false;
	for (size_t i = 0; i < x->plan_ref->count; i++) {
		int stage = x->plan_ref->steps[i]->stage;
		if ((!is_first && stage <= after) || (is_found && stage >= *out))
			continue;
		*out = stage;
		is_found = true;
	}
	return is_found;
}

static void begin_stage(struct engine_exec *x, int stage)
{
	/* One more, so that the stage does not end while it begins. */
	x->waiting = 1;
	x->stage = stage;
	for (size_t i = 0; i < x->plan_ref->count; i++) {
		struct run *run = &x->runs[i];
		if (x->plan_ref->steps[i]->stage != stage)
			continue;
		run->exec = x;
		run->step = x->plan_ref->steps[i];
		x->waiting += begin(run);
	}
	x->waiting--;
}

static void exec_free(struct engine_exec *x)
{
	free(x->runs);
	free(x);
}

/* Goes on to the stage that follows, or ends. Nothing may be done with it after this. */
static void advance(struct engine_exec *x)
{
	int stage = 0;
	while (x->ending.result == ENGINE_DONE && next_stage(x, !x->has_begun, x->stage, &stage)) {
		x->has_begun = true;
		begin_stage(x, stage);
		if (x->waiting > 0)
			return;
	}
	struct engine_ending ending = x->ending;
	engine_exec_fn done = x->done;
	void *arg = x->arg;
	*x->slot = NULL;
	exec_free(x);
	done(arg, &ending);
}

void engine_exec_start(const struct engine_exec_options *options, const struct engine_plan *plan,
	struct engine_exec **slot, engine_exec_fn done, void *arg)
{
	struct engine_exec *x = xcalloc(1, sizeof(*x));
	x->options = *options;
	x->plan_ref = plan;
	x->slot = slot;
	x->done = done;
	x->arg = arg;
	x->runs = xcalloc(plan->count + 1, sizeof(*x->runs));
	*slot = x;
	advance(x);
}

void engine_exec_cancel(struct engine_exec *x)
{
	if (x == NULL)
		return;
	for (size_t i = 0; i < x->plan_ref->count; i++) {
		struct run *run = &x->runs[i];
		kube_cancel(run->request);
		if (run->handle != NULL)
			run->step->call->cancel(run->step->call->arg, run->handle);
	}
	exec_free(x);
}
