#include "controller/engine/engine_queue.h"

#include <stdbool.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void expect_next(struct engine_queue *q, uint64_t now_ms, const char *key)
{
	const char *next = engine_queue_next(q, now_ms);
	if (key == NULL) {
		assert_null(next);
		return;
	}
	assert_non_null(next);
	assert_string_equal(next, key);
}

static void a_key_is_queued_once(void **state)
{
	struct engine_queue *q = engine_queue_new();
	(void)state;
	expect_next(q, 0, NULL);
	engine_queue_add(q, "a");
	engine_queue_add(q, "b");
	engine_queue_add(q, "a");
	assert_int_equal(engine_queue_ready(q), 2);
	expect_next(q, 0, "a");
	expect_next(q, 0, "b");
	expect_next(q, 0, NULL);
	assert_int_equal(engine_queue_running(q), 2);
	engine_queue_done(q, "a");
	engine_queue_done(q, "a");
	engine_queue_done(q, "unknown");
	assert_int_equal(engine_queue_running(q), 1);
	engine_queue_free(q);
	engine_queue_free(NULL);
}

static void an_addition_during_the_work_is_not_lost(void **state)
{
	struct engine_queue *q = engine_queue_new();
	(void)state;
	engine_queue_add(q, "a");
	expect_next(q, 0, "a");
	engine_queue_add(q, "a");
	engine_queue_add(q, "a");
	expect_next(q, 0, NULL);
	engine_queue_done(q, "a");
	expect_next(q, 0, "a");
	engine_queue_done(q, "a");
	expect_next(q, 0, NULL);
	engine_queue_free(q);
}

static void the_earliest_delay_counts(void **state)
{
	struct engine_queue *q = engine_queue_new();
	(void)state;
	assert_true(engine_queue_due(q) == ENGINE_QUEUE_NEVER);
	engine_queue_add_after(q, "a", 1000, 500);
	engine_queue_add_after(q, "a", 1000, 900);
	engine_queue_add_after(q, "b", 1000, 700);
	engine_queue_add_after(q, "b", 1000, 300);
	assert_int_equal(engine_queue_due(q), 1300);
	expect_next(q, 1299, NULL);
	expect_next(q, 1300, "b");
	/* One that comes now does not cancel the later one. */
	engine_queue_add_after(q, "a", 1300, 0);
	expect_next(q, 1300, "a");
	engine_queue_done(q, "a");
	expect_next(q, 1499, NULL);
	expect_next(q, 1500, "a");
	engine_queue_add_after(q, "c", 1500, UINT64_MAX);
	assert_int_equal(engine_queue_due(q), ENGINE_QUEUE_NEVER - 1);
	engine_queue_free(q);
}

static void failures_back_off_and_are_forgotten(void **state)
{
	struct engine_queue *q = engine_queue_new();
	uint64_t now_ms = 0;
	uint64_t expected = ENGINE_RETRY_MS;
	(void)state;
	for (unsigned int i = 0; i < 25; i++) {
		assert_int_equal(engine_queue_failures(q, "a"), i);
		assert_int_equal(engine_queue_add_failed(q, "a", now_ms, 0), expected);
		expect_next(q, now_ms + expected - 1, NULL);
		now_ms += expected;
		expect_next(q, now_ms, "a");
		engine_queue_done(q, "a");
		expected = expected * 2 < ENGINE_RETRY_MAX_MS ? expected * 2 : ENGINE_RETRY_MAX_MS;
	}
	/* Another key is not affected. */
	assert_int_equal(engine_queue_add_failed(q, "b", now_ms, 0), ENGINE_RETRY_MS);
	engine_queue_forget(q, "a");
	assert_int_equal(engine_queue_failures(q, "a"), 0);
	assert_int_equal(engine_queue_add_failed(q, "a", now_ms, 0), ENGINE_RETRY_MS);
	/* A longer pause that was asked for. */
	assert_int_equal(engine_queue_add_failed(q, "c", now_ms, 7000), 7000);
	engine_queue_forget(q, "unknown");
	engine_queue_free(q);
}

static void failures_of_all_share_a_bucket(void **state)
{
	struct engine_queue *q = engine_queue_new();
	(void)state;
	for (int i = 0; i < ENGINE_BUCKET_BURST + 3; i++) {
		AUTO(mem_free) char *key = xasprintf("k%d", i);
		uint64_t delay_ms = engine_queue_add_failed(q, key, 5000, 0);
		int over = i - ENGINE_BUCKET_BURST + 1;
		assert_int_equal(delay_ms, over > 0 ? over * ENGINE_BUCKET_MS : ENGINE_RETRY_MS);
	}
	/* It fills again. */
	assert_int_equal(engine_queue_add_failed(q, "late", 60000, 0), ENGINE_RETRY_MS);
	engine_queue_free(q);
}

/*
 * The same as lists that are searched, for a few keys.
 */
#define KEYS 4
#define STEPS 14
#define SCHEDULES 100000

struct model {
	int fifo[KEYS];
	int ready;
	bool is_running[KEYS], is_added[KEYS];
	uint64_t due[KEYS]; /* 0 = not delayed */
	int order[KEYS];
	int orders;
};

static bool in_fifo(const struct model *m, int key)
{
	for (int i = 0; i < m->ready; i++) {
		if (m->fifo[i] == key)
			return true;
	}
	return false;
}

static void model_add(struct model *m, int key)
{
	if (m->is_running[key])
		m->is_added[key] = true;
	else if (!in_fifo(m, key))
		m->fifo[m->ready++] = key;
}

static void model_add_after(struct model *m, int key, uint64_t now_ms, uint64_t delay_ms)
{
	if (delay_ms == 0) {
		model_add(m, key);
		return;
	}
	if (m->due[key] == 0)
		m->order[key] = ++m->orders;
	if (m->due[key] == 0 || now_ms + delay_ms < m->due[key])
		m->due[key] = now_ms + delay_ms;
}

static int model_first_due(const struct model *m)
{
	int first = -1;
	for (int i = 0; i < KEYS; i++) {
		if (m->due[i] == 0)
			continue;
		if (first < 0 || m->due[i] < m->due[first] ||
			(m->due[i] == m->due[first] && m->order[i] < m->order[first]))
			first = i;
	}
	return first;
}

static int model_next(struct model *m, uint64_t now_ms)
{
	int due;
	while ((due = model_first_due(m)) >= 0 && m->due[due] <= now_ms) {
		m->due[due] = 0;
		model_add(m, due);
	}
	if (m->ready == 0)
		return -1;
	int key = m->fifo[0];
	memmove(m->fifo, m->fifo + 1, sizeof(m->fifo) - sizeof(m->fifo[0]));
	m->ready--;
	m->is_running[key] = true;
	return key;
}

static void model_done(struct model *m, int key)
{
	bool is_added = m->is_running[key] && m->is_added[key];
	m->is_running[key] = false;
	m->is_added[key] = false;
	if (is_added)
		model_add(m, key);
}

static const char *const names[KEYS] = {"a", "b", "c", "d"};

/* One step in both. */
static void step(struct engine_queue *q, struct model *m, unsigned int *seed, uint64_t *now_ms)
{
	int key = rand_r(seed) % KEYS;
	uint64_t delay_ms = (uint64_t)rand_r(seed) % 4;
	switch (rand_r(seed) % 6) {
	case 0:
		engine_queue_add(q, names[key]);
		model_add(m, key);
		break;
	case 1:
		engine_queue_add_after(q, names[key], *now_ms, delay_ms);
		model_add_after(m, key, *now_ms, delay_ms);
		break;
	case 2:
		engine_queue_done(q, names[key]);
		model_done(m, key);
		break;
	case 3:
		model_add_after(
			m, key, *now_ms, engine_queue_add_failed(q, names[key], *now_ms, 0));
		break;
	case 4:
		engine_queue_forget(q, names[key]);
		*now_ms += delay_ms;
		break;
	default: {
		const char *next = engine_queue_next(q, *now_ms);
		int expected = model_next(m, *now_ms);
		if ((next == NULL) != (expected < 0) ||
			(next != NULL && strcmp(next, names[expected]) != 0))
			fail_msg("next is %s", next != NULL ? next : "nothing");
	}
	}
	int due = model_first_due(m);
	assert_true(engine_queue_due(q) == (due >= 0 ? m->due[due] : ENGINE_QUEUE_NEVER));
}

static void random_schedules_agree_with_the_model(void **state)
{
	(void)state;
	for (unsigned int number = 0; number < SCHEDULES; number++) {
		struct engine_queue *q = engine_queue_new();
		struct model m = {0};
		unsigned int seed = number;
		uint64_t now_ms = 1;
		for (int i = 0; i < STEPS; i++)
			step(q, &m, &seed, &now_ms);
		/* In the end everything that was added is handled. */
		now_ms += 10 * ENGINE_RETRY_MAX_MS;
		for (int i = 0; i < KEYS; i++) {
			engine_queue_done(q, names[i]);
			model_done(&m, i);
		}
		int expected;
		while ((expected = model_next(&m, now_ms)) >= 0) {
			const char *next = engine_queue_next(q, now_ms);
			assert_non_null(next);
			assert_string_equal(next, names[expected]);
		}
		assert_null(engine_queue_next(q, now_ms));
		engine_queue_free(q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_queued_once),
		cmocka_unit_test(an_addition_during_the_work_is_not_lost),
		cmocka_unit_test(the_earliest_delay_counts),
		cmocka_unit_test(failures_back_off_and_are_forgotten),
		cmocka_unit_test(failures_of_all_share_a_bucket),
		cmocka_unit_test(random_schedules_agree_with_the_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
