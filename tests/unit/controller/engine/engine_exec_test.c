#include "controller/engine/engine_exec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define ROUNDS 5000
#define STEPS_MAX 12
#define STAGES 4

enum state {
	WAITING,
	RUNNING,
	ENDED,
	FAILED,
	CANCELLED,
};

typedef void (*done_fn)(
	void *arg, enum engine_result result, uint64_t after_ms, const struct err *err);

/* A step whose end the test chooses. */
struct call {
	struct fixture *fixture;
	int stage;
	enum state state;
	done_fn done;
	void *done_arg;
};

struct fixture {
	uint32_t seed;
	struct engine_call interface;
	struct engine_plan plan;
	struct call calls[STEPS_MAX];
	size_t count;
	struct engine_exec *exec;
	unsigned int ends;
	enum engine_result result;
	const struct engine_step *failed;
};

static uint32_t draw(struct fixture *f, uint32_t below)
{
	f->seed = f->seed * 1664525 + 1013904223;
	return (f->seed >> 8) % below;
}

/* What must hold whenever a step begins. */
static void check_begin(const struct fixture *f, const struct call *call)
{
	assert_int_equal(call->state, WAITING);
	assert_int_equal(f->ends, 0);
	for (size_t i = 0; i < f->count; i++) {
		const struct call *other = &f->calls[i];
		if (other->stage < call->stage)
			assert_int_equal(other->state, ENDED);
		if (other->stage > call->stage)
			assert_int_equal(other->state, WAITING);
	}
}

static void *start(void *arg, const struct engine_step *step, done_fn done, void *done_arg)
{
	struct fixture *f = arg;
	struct call *call = &f->calls[step->number];
	check_begin(f, call);
	call->state = RUNNING;
	call->done = done;
	call->done_arg = done_arg;
	return call;
}

static void cancel(void *arg, void *handle)
{
	struct call *call = handle;
	(void)arg;
	assert_int_equal(call->state, RUNNING);
	call->state = CANCELLED;
}

static void on_end(void *arg, const struct engine_ending *ending)
{
	struct fixture *f = arg;
	assert_null(f->exec);
	f->ends++;
	f->result = ending->result;
	f->failed = ending->step;
}

static void begin(struct fixture *f)
{
	const struct engine_exec_options options = {.key = "k"};
	memset(f->calls, 0, sizeof(f->calls));
	f->interface = (struct engine_call){.start = start, .cancel = cancel, .arg = f};
	f->count = draw(f, STEPS_MAX + 1);
	f->ends = 0;
	for (size_t i = 0; i < f->count; i++) {
		f->calls[i].stage = (int)draw(f, STAGES) - 1;
		engine_plan_call(&f->plan, f->calls[i].stage, "call", &f->interface, NULL, (int)i);
	}
	engine_exec_start(&options, &f->plan, &f->exec, on_end, f);
}

/* One that is under way, NULL when there is none. */
static struct call *pick(struct fixture *f)
{
	size_t from = draw(f, STEPS_MAX);
	for (size_t i = 0; i < STEPS_MAX; i++) {
		struct call *call = &f->calls[(from + i) % STEPS_MAX];
		if (call->state == RUNNING)
			return call;
	}
	return NULL;
}

static void end_one(struct fixture *f, struct call *call)
{
	struct err e;
	bool fails = draw(f, 8) == 0;
	err_set(&e, -EIO, "planned");
	call->state = fails ? FAILED : ENDED;
	call->done(call->done_arg, fails ? ENGINE_FAILED : ENGINE_DONE, 0, fails ? &e : NULL);
}

static size_t count_of(const struct fixture *f, enum state state)
{
	size_t count = 0;
	for (size_t i = 0; i < f->count; i++)
		count += f->calls[i].state == state;
	return count;
}

static void check_end(struct fixture *f)
{
	size_t failed = count_of(f, FAILED);
	assert_int_equal(f->ends, 1);
	assert_int_equal(count_of(f, RUNNING), 0);
	assert_int_equal(f->result, failed > 0 ? ENGINE_FAILED : ENGINE_DONE);
	if (failed > 0)
		assert_int_equal(f->calls[f->failed->number].state, FAILED);
	else
		assert_int_equal(count_of(f, ENDED), f->count);
}

static void any_plan_keeps_the_order_of_its_stages(void **state)
{
	struct fixture f = {.seed = 1};
	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		begin(&f);
		bool is_cancelled = false;
		struct call *call;
		while (f.exec != NULL && (call = pick(&f)) != NULL) {
			if (draw(&f, 40) == 0) {
				engine_exec_cancel(f.exec);
				f.exec = NULL;
				is_cancelled = true;
			} else {
				end_one(&f, call);
			}
		}
		if (is_cancelled) {
			assert_int_equal(f.ends, 0);
			assert_int_equal(count_of(&f, RUNNING), 0);
		} else {
			check_end(&f);
		}
		engine_plan_fini(&f.plan);
	}
}

static void start_plan(struct fixture *f, unsigned int count)
{
	const struct engine_exec_options options = {.key = "k"};
	f->interface = (struct engine_call){.start = start, .cancel = cancel, .arg = f};
	f->count = count;
	for (unsigned int i = 0; i < count; i++)
		engine_plan_call(&f->plan, 0, "call", &f->interface, NULL, (int)i);
	engine_exec_start(&options, &f->plan, &f->exec, on_end, f);
}

static void a_call_may_ask_to_be_made_again_later(void **state)
{
	struct fixture f = {0};
	(void)state;
	start_plan(&f, 1);
	f.calls[0].done(f.calls[0].done_arg, ENGINE_AGAIN, 30000, NULL);
	assert_int_equal(f.ends, 1);
	assert_int_equal(f.result, ENGINE_AGAIN);
	engine_plan_fini(&f.plan);
}

/* What a person has to see counts more than what passes by itself. */
static void a_failure_to_be_shown_counts_more(void **state)
{
	struct fixture f = {0};
	struct err e;
	(void)state;
	err_set(&e, -EINVAL, "planned");
	start_plan(&f, 3);
	f.calls[0].done(f.calls[0].done_arg, ENGINE_AGAIN, 30000, NULL);
	f.calls[1].done(f.calls[1].done_arg, ENGINE_STUCK, 0, &e);
	f.calls[2].done(f.calls[2].done_arg, ENGINE_FAILED, 0, &e);
	assert_int_equal(f.ends, 1);
	assert_int_equal(f.result, ENGINE_STUCK);
	assert_int_equal(f.failed->number, 1);
	engine_plan_fini(&f.plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_plan_keeps_the_order_of_its_stages),
		cmocka_unit_test(a_call_may_ask_to_be_made_again_later),
		cmocka_unit_test(a_failure_to_be_shown_counts_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
