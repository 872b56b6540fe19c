#include "egress/reach.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/tailnet.h"

static const struct {
	bool has_v6;
	const char *own;
	const char *list;
	const char *want;
	int code;
	const char *why;
} rows[] = {
	{true, "100.64.0.1 fd7a::1", "100.64.0.2", "[100.64.0.2]", 0, ""},
	{true, "100.64.0.1 fd7a::1", "fd7a::2 100.64.0.2 fd7a::3 100.64.0.3",
		"[fd7a::2 100.64.0.2]", 0, ""},
	{true, "100.64.0.1", "100.64.0.2 fd7a::2", "[100.64.0.2]", -EADDRNOTAVAIL,
		"no tailscale IP matching family of fd7a::2 found in [100.64.0.1/32]"},
	{true, "", "100.64.0.2 fd7a::2", "[]", -EADDRNOTAVAIL,
		"no tailscale IP matching family of 100.64.0.2 found in []"},
	{false, "100.64.0.1 fd7a::1", "fd7a::2", "[]", -EAFNOSUPPORT,
		"tailnet target fd7a::2 is an IPv6 address, but this host does not support IPv6 in "
		"the chosen firewall mode, skipping."},
	{false, "fd7a::1", "100.64.0.2", "[]", -EADDRNOTAVAIL,
		"no tailscale IP matching family of 100.64.0.2 found in []"},
	{true, "100.64.0.1 fd7a::1", "0.0.0.0", "[]", -EINVAL, "tailnet target cannot be 0.0.0.0"},
	{true, "100.64.0.1 fd7a::1", "0.0.0.0 100.64.0.5", "[100.64.0.5]", 0, ""},
	{true, "100.64.0.1 fd7a::1", "fe80::1%eth0", "[]", -EINVAL,
		"tailnet target cannot be fe80::1%eth0"},
	{true, "100.64.0.1 fd7a::1", "", "[]", 0, ""},
};

static void add_all(const char *text, struct nft_addresses *out)
{
	AUTO(strv_fini) struct strv words = {0};
	str_words(text, &words);
	for (size_t i = 0; i < words.len; i++) {
		struct ipaddr addr = tailnet_addr(words.items[i]);
		nft_addresses_add(out, &addr);
	}
}

static void test_pick(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct nft_wanted w;
		struct nft_addresses own = {0};
		struct nft_addresses list = {0};
		struct nft_addresses got = {0};
		struct err e;
		nft_wanted_init(&w, "tailscale0", "a/b");
		add_all(rows[i].own, &own);
		for (size_t o = 0; o < own.len; o++)
			nft_wanted_set_own(&w, &own.items[o]);
		if (!rows[i].has_v6)
			nft_wanted_disable(&w, NFT_MODEL_V6);
		add_all(rows[i].list, &list);
		assert_int_equal(reach_pick(&w, &list, &got, &e), rows[i].code);
		assert_string_equal(e.msg, rows[i].why);
		AUTO(mem_free) char *text = tailnet_print(&got);
		assert_string_equal(text, rows[i].want);
		nft_addresses_fini(&own);
		nft_addresses_fini(&list);
		nft_addresses_fini(&got);
		nft_wanted_fini(&w);
	}
}

static void test_long_lists_are_cut(void **state)
{
	(void)state;
	struct nft_addresses list = {0};
	struct ipaddr addr = tailnet_addr("fd7a:115c:a1e0:b1a:1111:2222:3333:4444");
	char text[REACH_LIST_MAX];
	assert_string_equal(reach_format(&list, text), "[]");
	for (int i = 0; i < 50; i++)
		nft_addresses_add(&list, &addr);
	reach_format(&list, text);
	assert_int_equal(strlen(text), REACH_LIST_MAX - 1);
	nft_addresses_fini(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pick),
		cmocka_unit_test(test_long_lists_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
