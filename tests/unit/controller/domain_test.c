#include "controller/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void domain_comes_from_the_search_list(void **state)
{
	static const struct {
		const char *text, *domain;
	} rows[] = {
		{"search ns.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n",
			"cluster.local"},
		{"nameserver 10.96.0.10\n\tsearch\tns.svc.corp.test.\tsvc.corp.test.\n",
			"corp.test"},
		{"search svc.a.test\nsearch svc.b.test\n", "b.test"},
		{"search example.test svc. svc\noptions ndots:5\n", NULL},
		{"# search svc.a.test\n", NULL},
		{"", NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(mem_free) char *domain = domain_parse(rows[i].text);
		if (rows[i].domain == NULL)
			assert_null(domain);
		else
			assert_string_equal(domain, rows[i].domain);
	}
}

static void configured_domain_goes_first(void **state)
{
	AUTO(mem_free) char *domain = domain_of_cluster("corp.test");
	(void)state;
	assert_string_equal(domain, "corp.test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domain_comes_from_the_search_list),
		cmocka_unit_test(configured_domain_goes_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
