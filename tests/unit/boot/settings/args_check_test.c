#include "boot/settings/args_check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct check_case {
	const char *value;
	const char *want; /* NULL: nothing is wrong */
};

static void assert_case(const struct check_case *c, int (*check)(const char *, struct err *))
{
	struct err e;
	int code = check(c->value, &e);
	if (c->want == NULL) {
		assert_int_equal(code, 0);
		return;
	}
	assert_int_equal(code, -EINVAL);
	if (strstr(e.msg, c->want) == NULL)
		fail_msg("%s: %s", c->value, e.msg);
}

static void routes(void **state)
{
	static const struct check_case cases[] = {
		{"", NULL},
		{"10.0.0.0/8", NULL},
		{"10.0.0.0/8,fd00:1::/32,192.0.2.1/32,::1/128", NULL},
		{"0.0.0.0/0,::/0", NULL},
		{"10.1.0.0/8", "10.1.0.0/8 has host bits: 10.0.0.0/8 is meant"},
		{"10.0.0.0/8,192.0.2.129/25", "192.0.2.129/25 has host bits: 192.0.2.128/25"},
		{"192.0.2.131/31", "192.0.2.130/31 is meant"},
		{"1.0.0.0/0,::/0", "0.0.0.0/0 is meant"},
		{"fd00::1:2/112", "fd00::1:0/112 is meant"},
		{"10.0.0.0/8, 192.0.2.0/24", "\" 192.0.2.0/24\" has a blank"},
		{"10.0.0.0/8 ", "\"10.0.0.0/8 \" has a blank"},
		{"10.0.0.0/8,", "\"\" is not a network"},
		{"10.0.0.0", "\"10.0.0.0\" is not a network"},
		{"\"10.0.0.0/8\"", "is not a network"},
		{"0.0.0.0/0", "both or not at all"},
		{"10.0.0.0/8,::/0", "both or not at all"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_case(&cases[i], args_check_routes);
}

static void words(void **state)
{
	static const struct check_case cases[] = {
		{"", NULL},
		{"--ssh --advertise-tags=tag:a,tag:b", NULL},
		{"--ssh --advertise-tags=\"tag:a\"", "argument 2 (--advertise-tags…) has a quote"},
		{"--operator='x'", "argument 1 (--operator…) has a quote"},
		{"'--ssh'", "argument 1 (…) has a quote"},
		{"--ssh secret\"", "argument 2 (…) has a quote"},
		{"--a\"b", "argument 1 (--a…) has a quote"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_case(&cases[i], args_check_words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes),
		cmocka_unit_test(words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
