#include "boot/settings/times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A back-off grows, and a shortened interval is a shorter one. */
static void test_sense(void **state)
{
	(void)state;
	for (int fast = 0; fast <= 1; fast++) {
		const struct times *t = times_get(fast == 1);
		assert_true(t->retry_base_ms > 0 && t->retry_base_ms < t->retry_max_ms);
		assert_true(t->bus_retry_base_ms > 0 && t->bus_retry_base_ms < t->bus_retry_max_ms);
		assert_true(t->daemon_backoff_base_ms > 0 &&
			    t->daemon_backoff_base_ms < t->daemon_backoff_max_ms);
		assert_true(t->login_retry_base_ms > 0 &&
			    t->login_retry_base_ms < t->login_retry_max_ms);
		assert_true(t->refusal_grace_ms > 0 && t->refusal_grace_ms < 2000);
		assert_true(t->debounce_ms > 0);
		assert_true(t->bus_stall_ms > 0 && t->stop_flush_ms > 0);
	}
}

static void test_production(void **state)
{
	const struct times *t = times_get(false);
	(void)state;
	assert_int_equal(t->retry_base_ms, 250);
	assert_int_equal(t->retry_max_ms, 30000);
	assert_int_equal(t->bus_stall_ms, 10000);
	assert_int_equal(t->reissue_limit_ms, 600000);
	assert_int_equal(t->withdraw_grace_ms, 20000);
}

static void test_fast_is_never_slower(void **state)
{
	const struct times *slow = times_get(false), *fast = times_get(true);
	(void)state;
	const uint32_t *a = (const uint32_t *)slow, *b = (const uint32_t *)fast;
	assert_int_equal(sizeof(*slow) % sizeof(*a), 0);
	for (size_t i = 0; i < sizeof(*slow) / sizeof(*a); i++)
		assert_true(b[i] < a[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sense),
		cmocka_unit_test(test_production),
		cmocka_unit_test(test_fast_is_never_slower),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
