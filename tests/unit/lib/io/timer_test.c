#include "lib/io/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"

#define LOG_MAX 64

struct bench {
	struct loop *loop;
	int fired[LOG_MAX];
	size_t count;
};

struct probe {
	struct timer timer;
	struct bench *bench_ref;
	struct probe *victim_ref;
	int id;
	bool again;
};

static uint64_t fake_ms;

static uint64_t fake_clock(void)
{
	return fake_ms * CLOCK_NS_PER_MS;
}

static int setup(void **state)
{
	struct bench *bench = xcalloc(1, sizeof(*bench));
	struct err e = {0};

	fake_ms = 5000;
	clock_set_source(fake_clock);
	bench->loop = loop_new(&e);
	*state = bench;
	return bench->loop ? 0 : -1;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	loop_free(bench->loop);
	free(bench);
	clock_set_source(NULL);
	return 0;
}

static void on_timer(void *arg)
{
	struct probe *probe = arg;

	assert_false(timer_is_armed(&probe->timer));
	assert_true(probe->bench_ref->count < LOG_MAX);
	probe->bench_ref->fired[probe->bench_ref->count++] = probe->id;
	if (probe->victim_ref)
		timer_stop(&probe->victim_ref->timer);
	if (probe->again)
		timer_start(&probe->timer, 0);
}

static void probe_init(struct probe *probe, struct bench *bench, int id)
{
	*probe = (struct probe){.bench_ref = bench, .id = id};
	timer_init(&probe->timer, bench->loop, on_timer, probe);
}

static void turn(struct bench *bench)
{
	struct err e = {0};

	assert_int_equal(loop_turn(bench->loop, 0, &e), 0);
}

static void test_order_of_deadlines(void **state)
{
	static const uint64_t delays[] = {70, 10, 40, 10, 90, 0, 30, 10, 80, 20, 60, 50};
	static const int order[] = {5, 1, 3, 7, 9, 6, 2, 11, 10, 0, 8, 4};
	struct bench *bench = *state;
	struct probe probes[ARRAY_LEN(delays)];

	for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
		probe_init(&probes[i], bench, (int)i);
		timer_start(&probes[i].timer, delays[i]);
		assert_true(timer_is_armed(&probes[i].timer));
	}
	assert_int_equal(bench->count, 0);
	fake_ms += 100;
	turn(bench);
	assert_int_equal(bench->count, ARRAY_LEN(order));
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		assert_int_equal(bench->fired[i], order[i]);
}

static void test_fires_when_due_and_once(void **state)
{
	struct bench *bench = *state;
	struct probe probe;

	probe_init(&probe, bench, 1);
	timer_start(&probe.timer, 100);
	fake_ms += 99;
	turn(bench);
	assert_int_equal(bench->count, 0);
	fake_ms += 1;
	turn(bench);
	turn(bench);
	assert_int_equal(bench->count, 1);
}

static void test_restart_moves_deadline(void **state)
{
	struct bench *bench = *state;
	struct probe early, late;

	probe_init(&early, bench, 1);
	probe_init(&late, bench, 2);
	timer_start(&early.timer, 10);
	timer_start(&late.timer, 20);
	timer_start(&early.timer, 30);
	fake_ms += 25;
	turn(bench);
	assert_int_equal(bench->count, 1);
	assert_int_equal(bench->fired[0], 2);
	timer_start_at(&early.timer, 1);
	turn(bench);
	assert_int_equal(bench->count, 2);
}

static void test_stop(void **state)
{
	struct bench *bench = *state;
	struct probe probe, killer;
	struct timer never_armed = {0};

	probe_init(&probe, bench, 1);
	probe_init(&killer, bench, 2);
	timer_stop(&never_armed);
	timer_stop(&probe.timer);
	timer_start(&probe.timer, 10);
	timer_stop(&probe.timer);
	assert_false(timer_is_armed(&probe.timer));
	fake_ms += 10;
	turn(bench);
	assert_int_equal(bench->count, 0);

	/* One that is due is stopped by another of the same turn. */
	killer.victim_ref = &probe;
	timer_start(&killer.timer, 10);
	timer_start(&probe.timer, 10);
	fake_ms += 10;
	turn(bench);
	assert_int_equal(bench->count, 1);
	assert_int_equal(bench->fired[0], 2);
}

static void test_no_delay_does_not_starve(void **state)
{
	struct bench *bench = *state;
	struct probe hog, other;

	probe_init(&hog, bench, 1);
	probe_init(&other, bench, 2);
	hog.again = true;
	timer_start(&hog.timer, 0);
	timer_start(&other.timer, 0);
	turn(bench);
	assert_int_equal(bench->count, 2);
	turn(bench);
	assert_int_equal(bench->count, 3);
	assert_int_equal(bench->fired[2], 1);
	hog.again = false;
	turn(bench);
	assert_false(timer_is_armed(&hog.timer));
}

static void test_longest_delay(void **state)
{
	struct bench *bench = *state;
	struct probe probe;

	probe_init(&probe, bench, 1);
	timer_start(&probe.timer, UINT64_MAX);
	assert_true(probe.timer.deadline_ms == UINT64_MAX);
	turn(bench);
	assert_int_equal(bench->count, 0);
	timer_stop(&probe.timer);
}

/* Arms, moves and stops at random and compares each turn with a plain list. */
static void test_random_against_list(void **state)
{
	struct bench *bench = *state;
	struct probe probes[40];
	uint64_t deadlines[40] = {0};
	unsigned int seed = 7;

	for (int i = 0; i < 40; i++)
		probe_init(&probes[i], bench, i);
	for (int round = 0; round < 3000; round++) {
		int i = rand_r(&seed) % 40;

		if (rand_r(&seed) % 4 == 0) {
			timer_stop(&probes[i].timer);
			deadlines[i] = 0;
		} else {
			uint64_t delay = (uint64_t)(rand_r(&seed) % 50);

			timer_start(&probes[i].timer, delay);
			deadlines[i] = fake_ms + delay;
		}
		fake_ms += (uint64_t)(rand_r(&seed) % 3);
		bench->count = 0;
		turn(bench);
		for (size_t k = 0; k < bench->count; k++) {
			int id = bench->fired[k];

			assert_true(deadlines[id] != 0 && deadlines[id] <= fake_ms);
			if (k > 0)
				assert_true(deadlines[bench->fired[k - 1]] <= deadlines[id]);
		}
		for (size_t k = 0; k < bench->count; k++)
			deadlines[bench->fired[k]] = 0;
		for (int k = 0; k < 40; k++)
			assert_true(deadlines[k] == 0 || deadlines[k] > fake_ms);
	}
	for (int i = 0; i < 40; i++)
		timer_stop(&probes[i].timer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order_of_deadlines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fires_when_due_and_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart_moves_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_delay_does_not_starve, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest_delay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_against_list, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
