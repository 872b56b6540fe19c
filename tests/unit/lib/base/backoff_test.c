#include "lib/base/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static uint32_t fixed;

static uint32_t fixed_random(void)
{
	return fixed;
}

static void doubles_up_to_the_cap(void **state)
{
	(void)state;
	static const uint64_t want[] = {100, 200, 400, 800, 1000, 1000};
	struct backoff b = BACKOFF_INIT(100, 1000);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_int_equal(backoff_step(&b), want[i]);
		backoff_next(&b);
	}
	assert_int_equal(b.attempts, 6);
	backoff_reset(&b);
	assert_int_equal(backoff_step(&b), 100);
}

static void a_delay_is_half_a_step_to_a_whole_one(void **state)
{
	(void)state;
	static const struct {
		uint32_t base_ms;
		uint64_t least, middle, most;
	} rows[] = {{100, 50, 75, 100}, {800, 400, 600, 800}, {1000, 500, 750, 1000},
		{5000, 500, 750, 1000}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct backoff b = BACKOFF_INIT(rows[i].base_ms, 1000);
		backoff_set_random(fixed_random);
		fixed = 0;
		assert_int_equal(backoff_next(&b), rows[i].least);
		backoff_reset(&b);
		fixed = 0x80000000;
		assert_int_equal(backoff_next(&b), rows[i].middle);
		backoff_reset(&b);
		fixed = UINT32_MAX;
		assert_int_equal(backoff_next(&b), rows[i].most);
	}
	assert_int_equal(backoff_jitter(100), 100);
	fixed = 0;
	assert_int_equal(backoff_jitter(100), 50);
	backoff_set_random(NULL);
}

static void what_is_asked_is_obeyed_up_to_a_limit(void **state)
{
	(void)state;
	static const struct {
		uint64_t asked, least, most;
	} rows[] = {{0, 0, 0}, {1, 1, 1}, {120, 120, 180}, {900, 900, 1000}, {1000, 500, 1000},
		{120000, 500, 1000}, {UINT64_MAX, 500, 1000}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int draw = 0; draw < 1000; draw++)
			assert_in_range(
				backoff_asked(rows[i].asked, 1000), rows[i].least, rows[i].most);
	}
}

static void never_above_the_cap(void **state)
{
	(void)state;
	struct backoff b = {.base_ms = UINT32_MAX, .max_ms = UINT32_MAX};
	struct backoff small = BACKOFF_INIT(500, 100);
	for (int i = 0; i < 1000; i++) {
		assert_true(backoff_next(&b) <= UINT32_MAX);
		assert_true(backoff_next(&small) <= 100);
		assert_true(backoff_next(&small) >= 50);
	}
	b.attempts = UINT32_MAX;
	backoff_next(&b);
	assert_int_equal(b.attempts, UINT32_MAX);
}

/* At every step no delay is more frequent than another, not even the cap. */
static void no_delay_is_preferred(void **state)
{
	enum {
		DRAWS = 2000,
		BINS = 10
	};
	(void)state;
	for (uint32_t base_ms = 100; base_ms <= 1000000; base_ms *= 10) {
		for (uint32_t attempts = 0; attempts < 24; attempts++) {
			struct backoff b = {base_ms, 60000, attempts};
			uint64_t step = backoff_step(&b);
			uint64_t bin = (step - step / 2) / BINS + 1;
			unsigned int bins[BINS] = {0};
			for (int draw = 0; draw < DRAWS; draw++) {
				b.attempts = attempts;
				uint64_t delay = backoff_next(&b);
				assert_in_range(delay, step / 2, step);
				bins[(delay - step / 2) / bin]++;
			}
			/* 200 each are expected; ten standard deviations are 130. */
			for (int i = 0; i < BINS - 1; i++)
				assert_in_range(bins[i], 70, 330);
			assert_true(bins[BINS - 1] < 330);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_up_to_the_cap),
		cmocka_unit_test(a_delay_is_half_a_step_to_a_whole_one),
		cmocka_unit_test(what_is_asked_is_obeyed_up_to_a_limit),
		cmocka_unit_test(never_above_the_cap),
		cmocka_unit_test(no_delay_is_preferred),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
