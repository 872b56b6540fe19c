#include "controller/tailnet/tailnet_domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct row {
	const char *devices[9]; /* name and id in turns */
	const char *domain;
};

static const struct row rows[] = {
	{{NULL}, ""},
	{{"web", "1", "web.", "2", ".", "3"}, ""},
	{{"web.tail1.ts.net", "1"}, "tail1.ts.net"},
	{{"web.tail1.ts.net.", "1"}, "tail1.ts.net"},
	/* One that is shared does not win. */
	{{"x.other.ts.net", "1", "a.own.ts.net", "2", "b.own.ts.net", "3"}, "own.ts.net"},
	{{"a.own.ts.net", "2", "b.own.ts.net", "3", "x.other.ts.net", "1"}, "own.ts.net"},
	/* As many: the least id counts. */
	{{"a.one.test", "10", "b.two.test", "9"}, "two.test"},
	{{"b.two.test", "9", "a.one.test", "10"}, "two.test"},
};

static void most_devices_decide(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tailnet_domains d = {0};
		for (size_t k = 0; rows[i].devices[k] != NULL; k += 2)
			tailnet_domains_add(&d, rows[i].devices[k], rows[i].devices[k + 1]);
		assert_string_equal(tailnet_domains_best(&d), rows[i].domain);
	}
}

static void what_does_not_fit_is_left_out(void **state)
{
	struct tailnet_domains d = {0};
	char name[1024];
	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[1] = '.';
	name[sizeof(name) - 1] = '\0';
	tailnet_domains_add(&d, name, "1");
	assert_int_equal(d.len, 0);
	for (int i = 0; i < 10 * TAILNET_DOMAINS; i++) {
		snprintf(name, sizeof(name), "a.domain%d.test", i);
		tailnet_domains_add(&d, name,
			"a very long id that is cut and never read behind "
			"its end, whatever a server has sent us");
	}
	assert_int_equal(d.len, TAILNET_DOMAINS);
	tailnet_domains_add(&d, "b.domain3.test", "1");
	assert_string_equal(tailnet_domains_best(&d), "domain3.test");
}

static void the_organization_is_a_guess(void **state)
{
	(void)state;
	assert_string_equal(tailnet_organization(""), "");
	assert_string_equal(tailnet_organization("tail1234.ts.net"), "Personal");
	assert_string_equal(tailnet_organization("corp.ts.net"), "Organization");
	assert_string_equal(tailnet_organization("tail.test"), "Organization");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(most_devices_decide),
		cmocka_unit_test(what_does_not_fit_is_left_out),
		cmocka_unit_test(the_organization_is_a_guess),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
