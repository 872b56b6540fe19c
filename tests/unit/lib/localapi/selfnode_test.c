#include "lib/localapi/selfnode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define NODE                                                               \
	"{\"ID\":7,\"StableID\":\"nSTABLE\",\"Name\":\"web.t.ts.net.\","   \
	"\"Addresses\":[\"100.64.0.1/32\",\"fd7a::1/128\"],\"KeyExpiry\":" \
	"\"2026-05-01T10:00:00.5+02:00\",\"Expired\":true,\"Online\":true,\"CapMap\":{\"x\":[{}]}}"

#define STATUS                                                            \
	"{\"ID\":\"nSTABLE\",\"NodeID\":7,\"DNSName\":\"web.t.ts.net.\"," \
	"\"TailscaleIPs\":[\"100.64.0.1\",\"fd7a::1\"],\"Online\":true,\"Addresses\":[\"x\"]}"

static int node(struct selfnode *s, const char *text, struct err *e)
{
	return selfnode_from_node(s, text, strlen(text), e);
}

static int status(struct selfnode *s, const char *text, struct err *e)
{
	return selfnode_from_status(s, text, strlen(text), e);
}

static void both_forms_mean_the_same(void **state)
{
	AUTO(selfnode_fini) struct selfnode a = {0};
	AUTO(selfnode_fini) struct selfnode b = {0};
	struct err e = {0};
	(void)state;
	assert_int_equal(node(&a, NODE, &e), 0);
	assert_int_equal(status(&b, STATUS, &e), 0);
	assert_true(a.known && b.known);
	assert_string_equal(a.stable_id, "nSTABLE");
	assert_string_equal(b.stable_id, "nSTABLE");
	assert_string_equal(a.fqdn, "web.t.ts.net.");
	assert_string_equal(b.fqdn, "web.t.ts.net.");
	assert_true(selfnode_same_addresses(&a, &b));
	assert_true(a.expired);
	assert_int_equal(a.key_expiry_s, 1777629600);
	assert_true(b.online);
	assert_int_equal(b.key_expiry_s, 0);
	AUTO(mem_free) char *ips = selfnode_format_ips(&b);
	assert_string_equal(ips, "[\"100.64.0.1\",\"fd7a::1\"]");
}

static void what_is_absent_is_unknown(void **state)
{
	static const char *const texts[] = {"{}",
		"{\"StableID\":null,\"Name\":null,\"Addresses\":null,\"KeyExpiry\":null}",
		"{\"Addresses\":[],\"KeyExpiry\":\"0001-01-01T00:00:00Z\"}",
		"{\"KeyExpiry\":\"soon\",\"Expired\":\"no\",\"Online\":1}", "{\"KeyExpiry\":7}"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(selfnode_fini) struct selfnode s = {0};
		struct err e = {0};
		assert_int_equal(node(&s, texts[i], &e), 0);
		assert_true(s.known);
		assert_string_equal(s.stable_id, "");
		assert_string_equal(s.fqdn, "");
		assert_int_equal(s.address_count, 0);
		assert_int_equal(s.key_expiry_s, 0);
		assert_false(s.expired);
		AUTO(mem_free) char *ips = selfnode_format_ips(&s);
		assert_string_equal(ips, "null");
	}
}

static void a_bad_node_changes_nothing(void **state)
{
	static const char *const bad[][2] = {
		{"", "own node: "},
		{"{", "own node: "},
		{"null", "own node is no object"},
		{"[]", "own node is no object"},
		{"{\"StableID\":7}", "StableID"},
		{"{\"Name\":[]}", "Name"},
		{"{\"Addresses\":{}}", "Addresses"},
		{"{\"Addresses\":[7]}", "Addresses"},
		{"{\"Addresses\":[\"100.64.0.1\"]}", "own node: Addresses: "},
		{"{\"Addresses\":[\"100.64.0.1/33\"]}", "own node: Addresses: "},
		{"{\"Addresses\":[\"::/0\",\"::/1\",\"::/2\",\"::/3\",\"::/4\",\"::/5\",\"::/6\",\"::/7\","
		 "\"::/8\",\"::/9\",\"::/10\",\"::/11\",\"::/12\",\"::/13\",\"::/14\",\"::/15\",\"::/16\"]}",
			"more than 16 own addresses"},
	};
	AUTO(selfnode_fini) struct selfnode s = {0};
	struct err e = {0};
	(void)state;
	assert_int_equal(node(&s, NODE, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_true(node(&s, bad[i][0], &e) < 0);
		assert_non_null(strstr(e.msg, bad[i][1]));
		assert_string_equal(s.stable_id, "nSTABLE");
		assert_int_equal(s.address_count, 2);
	}
	assert_int_equal(status(&s, "{\"TailscaleIPs\":[\"100.64.0.1/32\"]}", &e), -EINVAL);
	assert_int_equal(status(&s, "{\"ID\":7}", &e), -EINVAL);
}

static void a_copy_stands_alone(void **state)
{
	struct selfnode a = {0};
	struct err e = {0};
	(void)state;
	assert_int_equal(node(&a, NODE, &e), 0);
	AUTO(selfnode_fini) struct selfnode b = {0};
	selfnode_copy(&b, &a);
	selfnode_copy(&b, &a);
	selfnode_copy(&b, &b);
	selfnode_fini(&a);
	selfnode_fini(&a);
	assert_string_equal(b.fqdn, "web.t.ts.net.");
	assert_false(selfnode_same_addresses(&a, &b));
	selfnode_copy(&b, &a);
	assert_false(b.known);
	assert_null(b.fqdn);
	assert_true(selfnode_same_addresses(&a, &b));
}

static void addresses_compare_in_order(void **state)
{
	AUTO(selfnode_fini) struct selfnode a = {0};
	AUTO(selfnode_fini) struct selfnode b = {0};
	struct err e = {0};
	(void)state;
	assert_int_equal(status(&a, "{\"TailscaleIPs\":[\"::1\",\"::2\"]}", &e), 0);
	assert_int_equal(status(&b, "{\"TailscaleIPs\":[\"::1\",\"::3\"]}", &e), 0);
	assert_false(selfnode_same_addresses(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_mean_the_same),
		cmocka_unit_test(what_is_absent_is_unknown),
		cmocka_unit_test(a_bad_node_changes_nothing),
		cmocka_unit_test(a_copy_stands_alone),
		cmocka_unit_test(addresses_compare_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
