#include "lib/kube/kube_time.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void times_are_written_and_read(void **state)
{
	static const struct {
		const char *text;
		time_t at;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-01-31T23:59:59Z", 1769903999},
		{"2026-01-31T23:59:59.123456Z", 1769903999},
		{"2026-01-31T23:59:59.Z", 1769903999},
		{"2026-02-01T00:59:59+01:00", 1769903999},
		{"2026-01-31T18:29:59-05:30", 1769903999},
		{"2024-02-29T12:00:00z", 1709208000},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		time_t at = 0;
		struct err e = {0};
		assert_int_equal(kube_time_parse(rows[i].text, &at, &e), 0);
		assert_int_equal(at, rows[i].at);
	}
	char text[KUBE_TIME_MAX];
	kube_time_format(1769903999, text);
	assert_string_equal(text, "2026-01-31T23:59:59Z");
	kube_time_format_micro(1769903999, text);
	assert_string_equal(text, "2026-01-31T23:59:59.000000Z");
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = {"", "2026", "2026-01-31", "2026-01-31T23:59:59",
		"2026-01-31 23:59:59Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-01-32T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T23:60:00Z",
		"2026-01-31T23:59:61Z", "2026-01-31T23:59:59ZZ", "2026-01-31T23:59:59+1:00",
		"2026-01-31T23:59:59+24:00", "2026-01-31T23:59:59+01:60", "26-01-31T23:59:59Z",
		"-026-01-31T23:59:59Z", "2026-1-31T23:59:59Z"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		time_t at = 7;
		struct err e = {0};
		assert_int_equal(kube_time_parse(texts[i], &at, &e), -EINVAL);
		assert_int_equal(at, 7);
		assert_non_null(strstr(e.msg, " is no time"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_written_and_read),
		cmocka_unit_test(what_is_no_time_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
