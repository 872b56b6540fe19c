#include "lib/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/support/fake_clock.h"

static void kernel_time_moves_on(void **state)
{
	(void)state;
	uint64_t first = clock_now_ns();
	uint64_t later = clock_now_ns();
	assert_true(later >= first);
	assert_true(clock_now_ms() >= first / CLOCK_NS_PER_MS);
	assert_true(clock_wall() >= 1577836800);
}

static void fake_time_moves_on_demand(void **state)
{
	(void)state;
	fake_clock_install(5000);
	assert_int_equal(clock_now_ms(), 5000);
	assert_int_equal(clock_now_ms(), 5000);
	fake_clock_advance_ms(250);
	assert_int_equal(clock_now_ms(), 5250);
	assert_int_equal(clock_now_ns(), 5250000000);
	fake_clock_remove();
	uint64_t first = clock_now_ns();
	while (clock_now_ns() == first)
		;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_time_moves_on),
		cmocka_unit_test(fake_time_moves_on_demand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
