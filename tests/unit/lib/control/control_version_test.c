#include "lib/control/control_version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct row {
	const char *body;
	const char *version; /* NULL = refused */
	bool is_known;
};

static const struct row rows[] = {
	{"{\"version\":\"v0.29.3\",\"commit\":\"x\"}", "0.29.3", true},
	{"{\"version\":\"0.28.0\"}", "0.28.0", true},
	{"{\"version\":\"v0.27.1\"}", "0.27.1", false},
	{"{\"version\":\"v0.9\"}", "0.9", false},
	{"{\"version\":\"v1.0.0-rc1\"}", "1.0.0-rc1", true},
	{"{\"version\":\"dev\"}", "dev", true},
	{"{\"version\":\"v0.0.0-20260101-abc\"}", "0.0.0-20260101-abc", true},
	{"{\"version\":\"(devel)\"}", "(devel)", true},
	{"{\"version\":\"\"}", NULL, false},
	{"{\"version\":7}", NULL, false},
	{"{\"version\":\"<b>\\n\"}", NULL, false},
	{"{}", NULL, false},
	{"[]", NULL, false},
	{"<html>", NULL, false},
	{"{\"version\":\"1111111111222222222233333333334444444444555555555566666666667777\"}", NULL,
		false},
};

static void each_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[64];
		struct err e = {0};
		int code = control_version_read(
			rows[i].body, strlen(rows[i].body), out, sizeof(out), &e);
		assert_int_equal(code == 0, rows[i].version != NULL);
		if (code < 0)
			continue;
		assert_string_equal(out, rows[i].version);
		assert_int_equal(control_version_is_known(out), rows[i].is_known);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_version)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
