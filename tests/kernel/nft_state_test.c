/* The state of the kernel after each kind of change: listed by nft(8), counted in transactions. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/kernel/firewall.h"
#include "tests/support/address.h"
#include "tests/support/netns.h"

static void expect_no_text(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("\"%s\" in:\n%s", part, text);
}

static void two_ports(struct nft_wanted *w, uint16_t target_port)
{
	firewall_wanted_init(w);
	firewall_portmap(w, "a", IPPROTO_TCP, 10000, "100.64.1.1", target_port);
	firewall_portmap(w, "a", IPPROTO_UDP, 10001, "100.64.1.1", 53);
}

static void test_portmaps(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	uint32_t before = firewall_generation();
	two_ports(&w, 80);
	assert_int_equal(firewall_apply(f, &w), 0);
	assert_int_equal(f->result.transactions, 1);
	assert_true(f->result.was_read_back);
	assert_int_equal(firewall_generation(), before + 1);
	AUTO(mem_free) char *v4 = netns_run("nft list table ip ts_sidecar");
	AUTO(mem_free) char *v6 = netns_run("nft list map ip6 ts_sidecar egress_pm");
	firewall_expect_text(v4, "tcp . 10000 comment \"a\" : 100.64.1.1 . 80");
	firewall_expect_text(v4, "udp . 10001 comment \"a\" : 100.64.1.1 . 53");
	firewall_expect_text(v4, "elements = { 100.64.1.1 }");
	firewall_expect_text(v4, "comment \"owner=tailscale/egress-0 schema=1\"");
	expect_no_text(v6, "elements");
}

static void test_again(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	two_ports(&w, 80);
	assert_int_equal(firewall_apply(f, &w), 0);
	uint32_t generation = firewall_generation();
	two_ports(&w, 80);
	assert_int_equal(firewall_apply(f, &w), 0);
	assert_int_equal(f->result.transactions, 0);
	assert_int_equal(firewall_generation(), generation);
	/* A new process finds the same. */
	firewall_restart(f);
	two_ports(&w, 80);
	assert_int_equal(firewall_apply(f, &w), 0);
	assert_int_equal(f->result.transactions, 0);
	assert_int_equal(firewall_generation(), generation);
}

static void test_one_element(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	const char *chains = "nft -a list chain ip ts_sidecar prerouting;"
			     "nft -a list chain ip ts_sidecar postrouting";
	two_ports(&w, 80);
	assert_int_equal(firewall_apply(f, &w), 0);
	AUTO(mem_free) char *handles = netns_run(chains);
	uint32_t generation = firewall_generation();
	two_ports(&w, 81);
	assert_int_equal(firewall_apply(f, &w), 0);
	assert_int_equal(f->result.transactions, 1);
	assert_int_equal(f->result.elements, 2); /* one removed, one added */
	assert_false(f->result.was_read_back);   /* a dump costs more than the change */
	assert_int_equal(firewall_generation(), generation + 1);
	AUTO(mem_free) char *map = netns_run("nft list map ip ts_sidecar egress_pm");
	firewall_expect_text(map, "100.64.1.1 . 81");
	firewall_expect_text(map, "100.64.1.1 . 53");
	expect_no_text(map, "100.64.1.1 . 80");
	AUTO(mem_free) char *after = netns_run(chains);
	assert_string_equal(after, handles);
}

static void test_removed_services(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	two_ports(&w, 80);
	firewall_portmap(&w, "b", IPPROTO_TCP, 10002, "100.64.1.2", 80);
	firewall_portmap(&w, "c", IPPROTO_TCP, 10003, "100.64.1.1", 80);
	assert_int_equal(firewall_apply(f, &w), 0);

	firewall_wanted_init(&w);
	firewall_portmap(&w, "c", IPPROTO_TCP, 10003, "100.64.1.1", 80);
	assert_int_equal(firewall_apply(f, &w), 0);
	AUTO(mem_free) char *one = netns_run("nft list table ip ts_sidecar");
	firewall_expect_text(one, "elements = { tcp . 10003 comment \"c\" : 100.64.1.1 . 80 }");
	firewall_expect_text(one, "elements = { 100.64.1.1 }");

	firewall_wanted_init(&w);
	assert_int_equal(firewall_apply(f, &w), 0);
	AUTO(mem_free) char *none = netns_run("nft list table ip ts_sidecar");
	expect_no_text(none, "elements");
	firewall_expect_text(none, "egress-portmap");
}

static void test_both_families(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	firewall_wanted_init(&w);
	firewall_portmap(&w, "a", IPPROTO_TCP, 10000, "100.64.1.1", 443);
	firewall_portmap(&w, "a", IPPROTO_TCP, 10000, "fd7a:115c:a1e0::7", 443);
	assert_int_equal(firewall_apply(f, &w), 0);
	AUTO(mem_free) char *v4 = netns_run("nft list map ip ts_sidecar egress_pm");
	AUTO(mem_free) char *v6 = netns_run("nft list map ip6 ts_sidecar egress_pm");
	firewall_expect_text(v4, "tcp . 10000 comment \"a\" : 100.64.1.1 . 443");
	firewall_expect_text(v6, "tcp . 10000 comment \"a\" : fd7a:115c:a1e0::7 . 443");
}

static void test_family_disabled(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	struct err e = {0};
	struct nft_portmap map = {.service = (char[]){"six"},
		.proto = IPPROTO_TCP,
		.match_port = 10009,
		.target = address_of("fd7a::1"),
		.target_port = 1};
	two_ports(&w, 80);
	nft_wanted_disable(&w, NFT_MODEL_V6);
	assert_int_equal(nft_wanted_add_portmap(&w, &map, &e), -EAFNOSUPPORT);
	assert_int_equal(firewall_apply(f, &w), 0);
	AUTO(mem_free) char *tables = netns_run("nft list tables");
	assert_string_equal(tables, "table ip ts_sidecar\n");
}

static void test_own_address(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	struct ipaddr moved = address_of("100.64.0.2");
	two_ports(&w, 80);
	firewall_pair(&w, "single", FIREWALL_OWN4, "10.0.0.5");
	assert_int_equal(firewall_apply(f, &w), 0);
	AUTO(mem_free) char *map = netns_run("nft list map ip ts_sidecar egress_pm");

	two_ports(&w, 80);
	nft_wanted_set_own(&w, &moved);
	firewall_pair(&w, "single", "100.64.0.2", "10.0.0.5");
	assert_int_equal(firewall_apply(f, &w), 0);
	assert_int_equal(f->result.transactions, 1);
	AUTO(mem_free) char *table = netns_run("nft list table ip ts_sidecar");
	AUTO(mem_free) char *map_after = netns_run("nft list map ip ts_sidecar egress_pm");
	firewall_expect_text(table, "snat to 100.64.0.2");
	firewall_expect_text(table, "elements = { 100.64.0.2 comment \"single\" : 10.0.0.5 }");
	expect_no_text(table, "100.64.0.1 ");
	assert_string_equal(map_after, map);
}

static void test_conflict(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	firewall_wanted_init(&w);
	firewall_portmap(&w, "zebra", IPPROTO_TCP, 10000, "100.64.1.1", 80);
	firewall_portmap(&w, "ant", IPPROTO_TCP, 10000, "100.64.1.2", 80);
	assert_int_equal(firewall_apply(f, &w), 0);
	assert_string_equal(f->conflicts, "zebra ant tcp 10000;");
	AUTO(mem_free) char *table = netns_run("nft list table ip ts_sidecar");
	firewall_expect_text(table, "tcp . 10000 comment \"ant\" : 100.64.1.2 . 80");
	expect_no_text(table, "100.64.1.1");
}

/* Names that are longer than a comment: still ours after a restart, still foreign to another
 * owner. */
static void test_long_owners(void **state)
{
	struct firewall *f = *state;
	char name[300];
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 3; i++) {
		struct nft_wanted w;
		struct nft_wanted named;
		name[sizeof(name) - 2] = i < 2 ? 'a' : 'b';
		nft_wanted_init(&named, "tailscale0", name);
		two_ports(&w, 80);
		char *plain = w.owner;
		w.owner = named.owner;
		named.owner = plain;
		nft_wanted_fini(&named);
		firewall_restart(f);
		assert_int_equal(firewall_apply(f, &w), i < 2 ? 0 : -EEXIST);
		assert_int_equal(f->result.transactions, i == 0 ? 1 : 0);
	}
}

static void test_many_services(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	firewall_wanted_init(&w);
	for (unsigned int i = 0; i < 1100; i++) {
		char name[32];
		char target[32];
		snprintf(name, sizeof(name), "service-%u", i);
		snprintf(target, sizeof(target), "100.64.%u.%u", 1 + i / 250, 1 + i % 250);
		firewall_portmap(&w, name, IPPROTO_TCP, (uint16_t)(10000 + i), target, 80);
	}
	assert_int_equal(firewall_apply(f, &w), 0);
	assert_int_equal(f->result.transactions, 1);
	AUTO(mem_free)
	char *count = netns_run("nft list map ip ts_sidecar egress_pm | grep -o 'tcp . 1' | wc -l");
	assert_string_equal(count, "1100\n");
}

static void test_backends(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	firewall_wanted_init(&w);
	firewall_backend(&w, FIREWALL_OWN4, "10.200.0.2");
	firewall_backend(&w, FIREWALL_OWN4, "10.200.0.3");
	firewall_backend(&w, FIREWALL_OWN4, "10.200.0.4");
	assert_int_equal(firewall_apply(f, &w), 0);
	AUTO(mem_free) char *three = netns_run("nft list table ip ts_sidecar");
	firewall_expect_text(three,
		"ip daddr 100.64.0.1 dnat to numgen inc mod 3 map { 0 : 10.200.0.2, "
		"1 : 10.200.0.3, 2 : 10.200.0.4 } comment \"dns-target\"");

	firewall_wanted_init(&w);
	firewall_backend(&w, FIREWALL_OWN4, "10.200.0.3");
	assert_int_equal(firewall_apply(f, &w), 0);
	assert_int_equal(f->result.transactions, 1);
	AUTO(mem_free) char *one = netns_run("nft list table ip ts_sidecar");
	firewall_expect_text(one, "elements = { 100.64.0.1 comment \"dns-target\" : 10.200.0.3 }");
	expect_no_text(one, "numgen");
	expect_no_text(one, "__map");

	firewall_wanted_init(&w);
	assert_int_equal(firewall_apply(f, &w), 0);
	AUTO(mem_free) char *none = netns_run("nft list table ip ts_sidecar");
	expect_no_text(none, "10.200.0.3");
}

static void test_catch_all(void **state)
{
	struct firewall *f = *state;
	struct nft_wanted w;
	struct err e = {0};
	struct ipaddr target = address_of("100.64.1.9");
	firewall_wanted_init(&w);
	assert_int_equal(nft_wanted_set_catch_all(&w, &target, &e), 0);
	assert_int_equal(nft_wanted_add_local_port(&w, IPPROTO_TCP, 9002, &e), 0);
	assert_int_equal(firewall_apply(f, &w), 0);
	AUTO(mem_free) char *table = netns_run("nft list table ip ts_sidecar");
	firewall_expect_text(
		table, "iifname != \"tailscale0\" meta l4proto . th dport @local_ports return");
	firewall_expect_text(table, "iifname != \"tailscale0\" dnat to 100.64.1.9");
	firewall_expect_text(table, "elements = { tcp . 9002 }");
	firewall_expect_text(table, "elements = { 100.64.1.9 }");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_portmaps, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_again, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_one_element, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_removed_services, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_both_families, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_family_disabled, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_own_address, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_conflict, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_long_owners, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_many_services, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_backends, firewall_setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_catch_all, firewall_setup, firewall_teardown),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
