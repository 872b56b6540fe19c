#include "lib/control/control_limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/control/control.h"
#include "tests/support/fake_clock.h"

#define START_MS 1000000

/* The fake clock gives all random pauses their longest value. */
static int setup(void **state)
{
	(void)state;
	fake_clock_install(START_MS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_clock_remove();
	return 0;
}

static void a_burst_then_an_even_pace(void **state)
{
	struct control_limiter l;
	(void)state;
	control_limiter_init(&l, START_MS);
	for (int i = 0; i < CONTROL_BURST; i++)
		assert_int_equal(control_limiter_place(&l, START_MS, 60000), 0);
	for (uint64_t i = 1; i <= 50; i++)
		assert_int_equal(control_limiter_place(&l, START_MS, 60000), i * 20);
	/* After all of them have gone there is no debt. */
	assert_int_equal(control_limiter_place(&l, START_MS + 1020, 60000), 0);
	/* It never holds more than the burst. */
	for (int i = 0; i < CONTROL_BURST; i++)
		assert_int_equal(control_limiter_place(&l, START_MS + 900000, 60000), 0);
	assert_int_equal(control_limiter_place(&l, START_MS + 900000, 60000), 20);
}

static void a_place_that_comes_too_late_is_none(void **state)
{
	struct control_limiter l;
	(void)state;
	control_limiter_init(&l, START_MS);
	for (int i = 0; i < CONTROL_BURST; i++)
		(void)control_limiter_place(&l, START_MS, 100);
	for (uint64_t i = 1; i <= 5; i++)
		assert_int_equal(control_limiter_place(&l, START_MS, 100), i * 20);
	assert_true(control_limiter_place(&l, START_MS, 100) == UINT64_MAX);
	assert_int_equal(control_limiter_place(&l, START_MS, 120), 120);
}

static void a_refusal_pauses_and_halves(void **state)
{
	struct control_limiter l;
	(void)state;
	control_limiter_init(&l, START_MS);
	assert_int_equal(control_limiter_paused_ms(&l, START_MS), 0);
	uint64_t pause = control_limiter_refused(&l, START_MS, 7000);
	assert_in_range(pause, 7000, 10500);
	assert_int_equal(control_limiter_paused_ms(&l, START_MS + 1000), pause - 1000);
	assert_int_equal(control_limiter_paused_ms(&l, START_MS + pause), 0);
	assert_int_equal(l.rate, 25000);
	/* Others of the same moment do not halve it again, nor shorten the pause. */
	(void)control_limiter_refused(&l, START_MS + 10, 1000);
	assert_int_equal(l.rate, 25000 + 10);
	assert_int_equal(control_limiter_paused_ms(&l, START_MS + 1000), pause - 1000);
	/* It recovers by one a second, up to where it was. */
	(void)control_limiter_place(&l, START_MS + 10000, 60000);
	assert_int_equal(l.rate, 35000);
	(void)control_limiter_place(&l, START_MS + 60000, 60000);
	assert_int_equal(l.rate, 50000);
	/* It never becomes 0. */
	for (uint64_t i = 0; i < 20; i++)
		(void)control_limiter_refused(&l, START_MS + 60000 + i, 0);
	uint64_t now = START_MS + 60000;
	for (int i = 0; i < 20; i++) {
		now += control_limiter_paused_ms(&l, now);
		l.rate = 1000;
		(void)control_limiter_refused(&l, now, 0);
		assert_true(l.rate >= 1000);
	}
}

static void a_long_pause_is_cut(void **state)
{
	struct control_limiter l;
	(void)state;
	control_limiter_init(&l, START_MS);
	assert_in_range(control_limiter_refused(&l, START_MS, 3600000),
		CONTROL_RETRY_AFTER_MAX_MS / 2, CONTROL_RETRY_AFTER_MAX_MS);
}

static void without_a_time_pauses_double(void **state)
{
	struct control_limiter l;
	(void)state;
	control_limiter_init(&l, START_MS);
	assert_int_equal(control_limiter_refused(&l, START_MS, 0), 1000);
	assert_int_equal(control_limiter_refused(&l, START_MS + 1000, 0), 2000);
	assert_int_equal(control_limiter_refused(&l, START_MS + 3000, 0), 4000);
	control_limiter_answered(&l);
	assert_int_equal(control_limiter_refused(&l, START_MS + 9000, 0), 1000);
	for (int i = 0; i < 20; i++)
		(void)control_limiter_refused(&l, START_MS + 9000, 0);
	assert_int_equal(
		control_limiter_refused(&l, START_MS + 9000, 0), CONTROL_RETRY_AFTER_MAX_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_then_an_even_pace),
		cmocka_unit_test(a_place_that_comes_too_late_is_none),
		cmocka_unit_test(a_refusal_pauses_and_halves),
		cmocka_unit_test(a_long_pause_is_cut),
		cmocka_unit_test(without_a_time_pauses_double),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
