#include "lib/nft/nft_model.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/address.h"

static struct ipaddr addr(const char *text)
{
	return text[0] != '\0' ? address_of(text) : (struct ipaddr){0};
}

struct map_case {
	uint8_t proto;
	uint16_t port;
	const char *target;
	uint16_t target_port;
	int code;
	const char *msg;
};

static void test_portmaps(void **state)
{
	static const struct map_case cases[] = {
		{IPPROTO_TCP, 1, "100.64.1.1", 65535, 0, ""},
		{IPPROTO_UDP, 65535, "100.64.1.1", 1, 0, ""},
		{IPPROTO_ICMP, 1, "100.64.1.1", 1, -EINVAL,
			"service s: protocol 1 is neither TCP nor UDP"},
		{IPPROTO_TCP, 0, "100.64.1.1", 1, -EINVAL, "service s: match port is 0"},
		{IPPROTO_TCP, 1, "100.64.1.1", 0, -EINVAL, "service s: target port is 0"},
		{IPPROTO_TCP, 1, "", 1, -EINVAL, "service s: target is no address"},
		{IPPROTO_TCP, 1, "0.0.0.0", 1, -EINVAL, "service s: target cannot be 0.0.0.0"},
		{IPPROTO_TCP, 1, "fe80::1%eth0", 1, -EINVAL,
			"service s: target cannot be fe80::1%eth0"},
		{IPPROTO_TCP, 1, "fd7a::1", 1, -EADDRNOTAVAIL,
			"service s: no tailscale IP matching family of fd7a::1"},
	};
	AUTO(nft_wanted_fini) struct nft_wanted w = {0};
	struct ipaddr own = addr("100.64.0.1");
	(void)state;
	nft_wanted_init(&w, "tailscale0", "a/b");
	nft_wanted_set_own(&w, &own);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct map_case *c = &cases[i];
		struct err e = {0};
		struct nft_portmap map = {
			(char[]){"s"}, c->proto, c->port, addr(c->target), c->target_port};
		assert_int_equal(nft_wanted_add_portmap(&w, &map, &e), c->code);
		assert_string_equal(e.msg, c->msg);
	}
	assert_int_equal(w.portmap_count, 2);
}

static void test_disabled_family(void **state)
{
	AUTO(nft_wanted_fini) struct nft_wanted w = {0};
	struct err e = {0};
	struct ipaddr own = addr("fd7a::1");
	struct nft_pair pair = {(char[]){"s"}, addr("fd7a::1"), addr("fd00::2")};
	(void)state;
	nft_wanted_init(&w, "tailscale0", "a/b");
	nft_wanted_disable(&w, NFT_MODEL_V6);
	nft_wanted_set_own(&w, &own);
	assert_int_equal(nft_wanted_add_pair(&w, &pair, &e), -EAFNOSUPPORT);
	assert_string_equal(
		e.msg, "service s: address fd7a::1: this kernel has no firewall for IPv6");
}

static void test_pairs(void **state)
{
	AUTO(nft_wanted_fini) struct nft_wanted w = {0};
	struct err e = {0};
	struct nft_pair mixed = {(char[]){"s"}, addr("100.64.0.1"), addr("fd00::2")};
	struct nft_pair good = {(char[]){"s"}, addr("100.64.0.1"), addr("10.0.0.1")};
	(void)state;
	nft_wanted_init(&w, "tailscale0", "a/b");
	assert_int_equal(nft_wanted_add_pair(&w, &mixed, &e), -EINVAL);
	assert_string_equal(e.msg, "service s: 100.64.0.1 and fd00::2 are of different families");
	assert_int_equal(nft_wanted_add_pair(&w, &good, &e), 0);
	assert_int_equal(w.pair_count, 1);
}

static void test_backends(void **state)
{
	AUTO(nft_wanted_fini) struct nft_wanted w = {0};
	struct err e = {0};
	struct ipaddr from = addr("100.64.0.1");
	struct ipaddr other = addr("100.64.0.2");
	struct ipaddr one = addr("10.0.0.1");
	(void)state;
	nft_wanted_init(&w, "tailscale0", "a/b");
	assert_int_equal(nft_wanted_add_backend(&w, &from, &one, &e), 0);
	assert_int_equal(nft_wanted_add_backend(&w, &from, &one, &e), 0);
	assert_int_equal(w.families[NFT_MODEL_V4].backends.len, 1);
	assert_int_equal(nft_wanted_add_backend(&w, &other, &one, &e), -EINVAL);
	for (uint32_t i = 2; i <= 1024; i++) {
		struct ipaddr next = {
			.family = IPADDR_V4, .bytes = {10, 1, (uint8_t)(i >> 8), (uint8_t)i}};
		assert_int_equal(nft_wanted_add_backend(&w, &from, &next, &e), 0);
	}
	assert_int_equal(nft_wanted_add_backend(&w, &from, &other, &e), -E2BIG);
}

static void test_copy(void **state)
{
	AUTO(nft_wanted_fini) struct nft_wanted w = {0};
	AUTO(nft_wanted_fini) struct nft_wanted copy = {0};
	struct err e = {0};
	struct ipaddr own = addr("100.64.0.1");
	struct nft_portmap map = {(char[]){"s"}, IPPROTO_TCP, 80, addr("100.64.1.1"), 81};
	(void)state;
	nft_wanted_init(&w, "an-interface-name-too-long", "a/b");
	assert_string_equal(w.tun, "an-interface-na");
	nft_wanted_set_own(&w, &own);
	assert_int_equal(nft_wanted_add_portmap(&w, &map, &e), 0);
	nft_wanted_add_live(&w, &own);
	nft_wanted_copy(&copy, &w);
	assert_string_equal(copy.portmaps[0].service, "s");
	assert_ptr_not_equal(copy.portmaps[0].service, w.portmaps[0].service);
	assert_true(nft_addresses_contain(&copy.live, &own));
	assert_true(ipaddr_equal(&copy.families[NFT_MODEL_V4].own, &own));
}

/* Fits into a comment, and still differs for each name. */
static void test_owners(void **state)
{
	char name[2][330];
	char *labels[2];
	(void)state;
	for (int i = 0; i < 2; i++) {
		AUTO(nft_wanted_fini) struct nft_wanted w = {0};
		AUTO(nft_wanted_fini) struct nft_wanted copy = {0};
		memset(name[i], 'n', sizeof(name[i]));
		memcpy(name[i] + 63, "/", 1);
		name[i][sizeof(name[i]) - 2] = (char)('0' + i);
		name[i][sizeof(name[i]) - 1] = '\0';
		nft_wanted_init(&w, "tailscale0", name[i]);
		assert_int_equal(strlen(w.owner), NFT_MODEL_OWNER_MAX);
		assert_memory_equal(w.owner, name[i], 80);
		nft_wanted_copy(&copy, &w);
		assert_string_equal(copy.owner, w.owner);
		labels[i] = xstrdup(w.owner);
	}
	assert_string_not_equal(labels[0], labels[1]);
	free(labels[0]);
	free(labels[1]);
	AUTO(nft_wanted_fini) struct nft_wanted odd = {0};
	nft_wanted_init(&odd, "tailscale0", "a b\" schema=7\n/\xc3\xa4.x-y_z:1");
	assert_string_equal(odd.owner, "a_b__schema_7_/__.x-y_z:1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_portmaps),
		cmocka_unit_test(test_disabled_family),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_backends),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_owners),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
