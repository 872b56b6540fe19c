#include "controller/engine/engine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/loop.h"
#include "tests/support/fake_clock.h"

struct fixture {
	struct loop *loop;
	struct engine_run *run;
	struct strv seen;
	bool finishes_at_once;
	enum engine_result result;
	uint64_t after_ms;
};

static void start(void *arg, const char *key)
{
	struct fixture *f = arg;
	strv_pushf(&f->seen, "%s", key);
	if (f->finishes_at_once)
		engine_run_finish(f->run, key, f->result, f->after_ms);
}

static void expire(void *arg, const char *key)
{
	struct fixture *f = arg;
	strv_pushf(&f->seen, "%s expired", key);
	/* Of no effect. */
	engine_run_finish(f->run, key, ENGINE_DONE, 0);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e;
	fake_clock_install(1000000);
	f->loop = loop_new(&e);
	const struct engine_run_options options = {
		.at_once = 2, .start = start, .expire = expire, .arg = f};
	f->run = engine_run_new(f->loop, &options);
	*state = f;
	return f->loop != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	engine_run_free(f->run);
	loop_free(f->loop);
	strv_fini(&f->seen);
	free(f);
	fake_clock_remove();
	return 0;
}

/* What was started and expired by now. */
static void expect(struct fixture *f, const char *seen)
{
	struct err e;
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_turn(f->loop, 0, &e), 0);
	AUTO(mem_free) char *joined = f->seen.len > 0 ? strv_join(&f->seen, ", ") : xstrdup("");
	assert_string_equal(joined, seen);
	strv_reset(&f->seen);
}

static void so_many_keys_are_handled_at_once(void **state)
{
	struct fixture *f = *state;
	engine_run_add(f->run, "a");
	engine_run_add(f->run, "b");
	engine_run_add(f->run, "c");
	engine_run_add(f->run, "a");
	assert_int_equal(f->seen.len, 0);
	expect(f, "a, b");
	assert_int_equal(engine_run_running(f->run), 2);
	assert_int_equal(engine_run_ready(f->run), 1);
	engine_run_add(f->run, "a");
	engine_run_finish(f->run, "b", ENGINE_DONE, 0);
	expect(f, "c");
	/* What was added during the work. */
	engine_run_finish(f->run, "a", ENGINE_DONE, 0);
	expect(f, "a");
	engine_run_finish(f->run, "a", ENGINE_DONE, 0);
	engine_run_finish(f->run, "a", ENGINE_DONE, 0);
	engine_run_finish(f->run, "c", ENGINE_DONE, 0);
	expect(f, "");
	assert_int_equal(engine_run_running(f->run), 0);
}

static void each_end_has_its_sequel(void **state)
{
	struct fixture *f = *state;
	f->finishes_at_once = true;
	f->result = ENGINE_AGAIN;
	f->after_ms = 30;
	engine_run_add(f->run, "a");
	expect(f, "a");
	fake_clock_advance_ms(29);
	expect(f, "");
	f->result = ENGINE_FAILED;
	f->after_ms = 0;
	fake_clock_advance_ms(1);
	expect(f, "a");
	/* 5, 10 ms, and then what the server asked for. */
	fake_clock_advance_ms(4);
	expect(f, "");
	fake_clock_advance_ms(1);
	expect(f, "a");
	fake_clock_advance_ms(9);
	expect(f, "");
	f->after_ms = 7000;
	fake_clock_advance_ms(1);
	expect(f, "a");
	fake_clock_advance_ms(6999);
	expect(f, "");
	/* A key that is stuck waits for a change, and its failures are forgotten. */
	f->result = ENGINE_STUCK;
	fake_clock_advance_ms(1);
	expect(f, "a");
	fake_clock_advance_ms(100000000);
	expect(f, "");
	f->result = ENGINE_FAILED;
	f->after_ms = 0;
	engine_run_add(f->run, "a");
	expect(f, "a");
	fake_clock_advance_ms(5);
	expect(f, "a");
}

static void a_key_has_a_deadline(void **state)
{
	struct fixture *f = *state;
	engine_run_add(f->run, "a");
	expect(f, "a");
	engine_run_add(f->run, "b");
	fake_clock_advance_ms(ENGINE_DEADLINE_MS - 1);
	expect(f, "b");
	fake_clock_advance_ms(1);
	expect(f, "a expired");
	/* It counts as a failure. */
	fake_clock_advance_ms(5);
	expect(f, "a");
	engine_run_finish(f->run, "a", ENGINE_DONE, 0);
	engine_run_finish(f->run, "b", ENGINE_DONE, 0);
	fake_clock_advance_ms(ENGINE_DEADLINE_MS);
	expect(f, "");
}

static void all_are_held_back(void **state)
{
	struct fixture *f = *state;
	engine_run_hold(f->run, true);
	engine_run_add(f->run, "a");
	engine_run_add_after(f->run, "b", 10);
	fake_clock_advance_ms(10);
	expect(f, "");
	engine_run_hold(f->run, false);
	expect(f, "a, b");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(so_many_keys_are_handled_at_once),
		TEST(each_end_has_its_sequel),
		TEST(a_key_has_a_deadline),
		TEST(all_are_held_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
