#include "lib/io/retry_after.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)

static const struct row {
	const char *value;
	uint64_t ms;
} rows[] = {
	{NULL, 0},
	{"", 0},
	{"0", 0},
	{"1", 1000},
	{"120", 120000},
	{"0120", 120000},
	{"86400", DAY_MS},
	{"86401", DAY_MS},
	{"18446744073709551615", DAY_MS},
	{"18446744073709551616", 0},
	{"-1", 0},
	{"+1", 0},
	{"1.5", 0},
	{" 1", 0},
	{"1s", 0},
	{"soon", 0},
	/* Long past. */
	{"Fri, 31 Dec 1999 23:59:59 GMT", 0},
	/* Long ahead. */
	{"Fri, 31 Dec 2100 23:59:59 GMT", DAY_MS},
	{"Fri, 31 Dec 2100 23:59:59 GMT ", 0},
	{"Fri, 31 Dec 2100 23:59:59", 0},
	{"Fri, 31 Dec 2100 23:59:59 CET", 0},
	{"2100-12-31T23:59:59Z", 0},
};

static void a_value_is_a_pause(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(retry_after_ms(rows[i].value) == rows[i].ms);
}

static void a_date_is_a_pause_from_now(void **state)
{
	char text[64];
	struct tm tm;
	(void)state;
	time_t then = clock_wall() + 3600;
	assert_non_null(gmtime_r(&then, &tm));
	assert_true(strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
	uint64_t ms = retry_after_ms(text);
	assert_true(ms > 3500 * 1000 && ms <= 3600 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_a_pause),
		cmocka_unit_test(a_date_is_a_pause_from_now),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
