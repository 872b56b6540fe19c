#include "egress/services_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/tailnet.h"

#define FQDN(name, fqdn) "\"" name "\":{\"tailnetTarget\":{\"fqdn\":\"" fqdn "\"}}"
#define ADDRESS(name, ip) "\"" name "\":{\"tailnetTarget\":{\"ip\":\"" ip "\"}}"
#define FAULTY(name) "\"" name "\":{}"

static bool take(struct egress_rows *rows, const char *text)
{
	struct egress_config config = {0};
	struct err e;
	assert_int_equal(egress_config_parse(text, strlen(text), &config, &e), 0);
	return egress_rows_update(rows, &config);
}

/* As a plan does. */
static void resolve(struct egress_rows *rows, const char *target)
{
	struct ipaddr addr = tailnet_addr(target);
	egress_rows_purge(rows);
	for (size_t i = 0; i < rows->len; i++) {
		struct egress_row *row = &rows->items[i];
		egress_row_drop_held(row);
		row->is_resolved = row->has_version;
		row->targets.len = 0;
		nft_addresses_add(&row->targets, &addr);
	}
}

/* "a-held=b.x" */
static void expect(const struct egress_rows *rows, const char *want)
{
	AUTO(strv_fini) struct strv words = {0};
	for (size_t i = 0; i < rows->len; i++) {
		const struct egress_row *row = &rows->items[i];
		const struct egress_service *s = row->has_version ? egress_row_version(row) : NULL;
		strv_pushf(&words, "%s%s%s%s=%s%s", row->name, row->is_removed ? "-removed" : "",
			row->fault != NULL ? "-fault" : "", row->is_held ? "-held" : "",
			s == NULL ? "none" : s->target_fqdn, s == NULL ? "" : s->target_ip);
	}
	AUTO(mem_free) char *joined = strv_join(&words, " ");
	assert_string_equal(joined, want);
}

static void test_services_come_and_go(void **state)
{
	(void)state;
	struct egress_rows rows = {0};
	assert_false(take(&rows, ""));
	assert_true(take(&rows, "{" FQDN("b", "b.x") "," FQDN("a", "a.x") "}"));
	expect(&rows, "a=a.x b=b.x");
	assert_false(take(&rows, "{" FQDN("a", "a.x") "," FQDN("b", "b.x") "}"));
	resolve(&rows, "100.64.0.2");
	assert_true(take(&rows, "{" FQDN("b", "b.x") "," FQDN("c", "c.x") "}"));
	expect(&rows, "a-removed=a.x b=b.x c=c.x");
	assert_false(take(&rows, "{" FQDN("b", "b.x") "," FQDN("c", "c.x") "}"));
	assert_true(take(&rows, "{" FQDN("a", "a.x") "}"));
	expect(&rows, "a=a.x b-removed=b.x c-removed=c.x");
	resolve(&rows, "100.64.0.2");
	expect(&rows, "a=a.x");
	assert_true(take(&rows, "{}"));
	egress_rows_purge(&rows);
	expect(&rows, "");
	egress_rows_fini(&rows);
}

static void test_what_is_carried_out_is_held(void **state)
{
	(void)state;
	struct egress_rows rows = {0};
	take(&rows, "{" FQDN("a", "a.x") "}");
	/* Nothing was carried out yet. */
	assert_true(take(&rows, "{" FQDN("a", "b.x") "}"));
	expect(&rows, "a=b.x");
	resolve(&rows, "100.64.0.2");
	assert_true(take(&rows, "{" FQDN("a", "c.x") "}"));
	expect(&rows, "a-held=b.x");
	assert_true(take(&rows, "{" ADDRESS("a", "100.64.0.9") "}"));
	expect(&rows, "a-held=b.x");
	assert_int_equal(rows.items[0].former_count, 1);
	assert_string_equal(rows.items[0].formers[0].fqdn, "b.x");
	resolve(&rows, "100.64.0.9");
	expect(&rows, "a=100.64.0.9");
	/* Where it leads is not where it led. */
	assert_true(take(&rows, "{" FQDN("a", "B.x.") "}"));
	assert_int_equal(rows.items[0].former_count, 1);
	assert_string_equal(rows.items[0].formers[0].fqdn, "");
	resolve(&rows, "100.64.0.2");
	assert_true(take(&rows, "{" ADDRESS("a", "100.64.0.9") "}"));
	assert_int_equal(rows.items[0].former_count, 1);
	assert_string_equal(rows.items[0].formers[0].fqdn, "B.x.");
	egress_rows_fini(&rows);
}

static void test_former_targets_are_bounded(void **state)
{
	(void)state;
	struct egress_rows rows = {0};
	for (int i = 1; i <= 100; i++) {
		AUTO(mem_free) char *ip = xasprintf("100.64.0.%d", i);
		AUTO(mem_free)
		char *text = xasprintf("{\"a\":{\"tailnetTarget\":{\"ip\":\"%s\"}}}", ip);
		assert_true(take(&rows, text));
		resolve(&rows, ip);
	}
	assert_int_equal(rows.items[0].former_count, 16);
	/* The newest are kept. */
	struct ipaddr last = tailnet_addr("100.64.0.99");
	assert_true(nft_addresses_contain(&rows.items[0].formers[15].addresses, &last));
	egress_rows_fini(&rows);
}

static void test_faults(void **state)
{
	(void)state;
	struct egress_rows rows = {0};
	assert_false(take(&rows, "{" FAULTY("a") "}"));
	expect(&rows, "a-fault=none");
	assert_true(rows.items[0].is_new_fault);
	assert_false(take(&rows, "{" FAULTY("a") "}"));
	assert_false(rows.items[0].is_new_fault);
	assert_true(take(&rows, "{" FQDN("a", "a.x") "}"));
	expect(&rows, "a=a.x");
	assert_false(take(&rows, "{" FAULTY("a") "}"));
	expect(&rows, "a-fault=a.x");
	assert_true(rows.items[0].is_new_fault);
	assert_false(take(&rows, "{\"a\":7}"));
	assert_true(rows.items[0].is_new_fault);
	assert_false(take(&rows, "{" FQDN("a", "a.x") "}"));
	expect(&rows, "a=a.x");
	assert_false(take(&rows, "{" FQDN("a", "a.x") "," FAULTY("z") "}"));
	assert_false(take(&rows, "{" FQDN("a", "a.x") "}"));
	expect(&rows, "a=a.x z-removed=none");
	egress_rows_fini(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services_come_and_go),
		cmocka_unit_test(test_what_is_carried_out_is_held),
		cmocka_unit_test(test_former_targets_are_bounded),
		cmocka_unit_test(test_faults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
