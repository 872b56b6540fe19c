#include "controller/engine/engine_quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static const char *const same[][2] = {
	{"1", "1"},
	{"1", "1000m"},
	{"0.1", "100m"},
	{"1.5Gi", "1536Mi"},
	{"1Ki", "1024"},
	{"1k", "1000"},
	{"1e3", "1k"},
	{"1E3", "1000"},
	{"1e-3", "1m"},
	{"12E", "12000P"},
	{"2Ei", "2048Pi"},
	{"+5", "5"},
	{"-1500m", "-1.5"},
	{"0", "0Gi"},
	{"0", "-0"},
	{".5", "500m"},
	{"5.", "5"},
	{"1n", "0.000000001"},
	{"100u", "0.1m"},
	{"007", "7"},
};

static const char *const other[][2] = {
	{"1", "2"},
	{"1", "1m"},
	{"1Ki", "1k"},
	{"1", "-1"},
	{"", ""},
	{"a", "a"},
	{".", "."},
	{"1x", "1x"},
	{"1 ", "1 "},
	{" 1", " 1"},
	{"1e", "1e"},
	{"1e 3", "1e 3"},
	{"1e99", "1e99"},
	{"1.2.3", "1.2.3"},
	{"1KiB", "1KiB"},
	{"--1", "--1"},
	{"99999999999999999999999999999999999999", "99999999999999999999999999999999999999"},
	{"1e-20", "1e-20"},
};

static void quantities_are_compared_by_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		if (!engine_quantity_equal(same[i][0], same[i][1]))
			fail_msg("%s is not %s", same[i][0], same[i][1]);
	}
	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		if (engine_quantity_equal(other[i][0], other[i][1]))
			fail_msg("%s is %s", other[i][0], other[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantities_are_compared_by_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
