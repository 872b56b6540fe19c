#include "lib/base/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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
	backoff_set_random(fixed_random);
	fixed = 0x80000000; /* factor 1 */
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_int_equal(backoff_next(&b), want[i]);
	assert_int_equal(b.attempts, 6);
	backoff_reset(&b);
	assert_int_equal(backoff_next(&b), 100);
	backoff_set_random(NULL);
}

static void factor_is_half_to_one_and_a_half(void **state)
{
	(void)state;
	struct backoff b = BACKOFF_INIT(100, 1000);
	backoff_set_random(fixed_random);
	fixed = 0;
	assert_int_equal(backoff_next(&b), 50);
	backoff_reset(&b);
	fixed = UINT32_MAX;
	assert_int_equal(backoff_next(&b), 149);
	backoff_set_random(NULL);
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

static void jitter_differs(void **state)
{
	(void)state;
	uint64_t first = 0;
	int different = 0;
	for (int i = 0; i < 100; i++) {
		struct backoff b = BACKOFF_INIT(1000000, 2000000);
		uint64_t delay = backoff_next(&b);
		assert_in_range(delay, 500000, 1500000);
		different += i > 0 && delay != first;
		first = delay;
	}
	assert_true(different > 90);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_up_to_the_cap),
		cmocka_unit_test(factor_is_half_to_one_and_a_half),
		cmocka_unit_test(never_above_the_cap),
		cmocka_unit_test(jitter_differs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
