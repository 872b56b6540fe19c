/* Foreign rules beside ours: by nft, by iptables of both kinds, and as the daemon makes them. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/kernel/netbed.h"
#include "tests/support/address.h"
#include "tests/support/loop_wait.h"
#include "tests/support/netns.h"

#define TARGET4 "100.64.1.1"
#define TARGET6 "fd7a:115c:a1e0::1:1"

/* Arguments of iptables of either kind, for both families. */
#define IPTABLES(kind)                                                                      \
	"set -e; for t in iptables-" kind " ip6tables-" kind "; do"                         \
	" $t -t nat -A PREROUTING -p tcp --dport 10000 -j REDIRECT --to-ports 9;"           \
	" $t -t nat -A POSTROUTING -o eth9 -j MASQUERADE;"                                  \
	" $t -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1200;" \
	" $t -N other; $t -A other -m comment --comment 'not yours' -j RETURN;"             \
	" $t -A FORWARD -j other; done"
/* Without the lines that contain the time. */
#define SAVE(kind)                                                       \
	"for t in iptables-" kind "-save ip6tables-" kind "-save; do $t" \
	" | grep -v '^#'; done"

struct others {
	const char *name;
	const char *make;
	const char *list;
};

static const struct others others[] = {
	{"tables by nft",
		"set -e; nft add table ip nat; nft 'add chain ip nat PREROUTING"
		" { type nat hook prerouting priority -100; }';"
		" nft add rule ip nat PREROUTING tcp dport 10000 dnat to 192.0.2.1;"
		" nft add table ip filter; nft 'add chain ip filter FORWARD"
		" { type filter hook forward priority 0; }';"
		" nft add rule ip filter FORWARD ip saddr 192.0.2.7 counter accept;"
		" nft add table inet x; nft 'add set inet x s { type ipv4_addr; }';"
		" nft add table ip6 ts_sidecar_2; nft add table netdev ts_sidecar",
		"nft -s list table ip nat; nft list table ip filter; nft list table inet x;"
		" nft list table ip6 ts_sidecar_2; nft list table netdev ts_sidecar"},
	{"iptables of the old kind", IPTABLES("legacy"), SAVE("legacy")},
	{"iptables by nf_tables", IPTABLES("nft"), SAVE("nft")},
	{"both kinds at once", IPTABLES("legacy") ";" IPTABLES("nft"),
		SAVE("legacy") ";" SAVE("nft")},
};

static void wanted_init(struct nft_wanted *w, unsigned int ports)
{
	firewall_wanted_init(w);
	for (unsigned int i = 0; i < ports; i++) {
		firewall_portmap(w, "s", IPPROTO_TCP, (uint16_t)(10000 + i), TARGET4, 80);
		firewall_portmap(w, "s", IPPROTO_UDP, (uint16_t)(10000 + i), TARGET6, 53);
	}
}

static void expect_same(const struct others *o, const char *before, const char *when)
{
	AUTO(mem_free) char *now = netns_run(o->list);
	if (strcmp(now, before) != 0)
		fail_msg("%s, %s:\n%s\ninstead of\n%s", o->name, when, now, before);
}

static bool is_repaired(void *arg)
{
	const struct firewall *f = arg;
	return f->repairs > 0;
}

static void live_beside(struct firewall *f, const struct others *o)
{
	struct nft_wanted w;
	struct ipaddr own = address_of("100.64.0.9");
	AUTO(mem_free) char *before = netns_run(o->list);
	assert_true(strlen(before) > 100);
	wanted_init(&w, 2);
	assert_int_equal(firewall_apply(f, &w), 0);
	expect_same(o, before, "apply");
	wanted_init(&w, 5);
	assert_int_equal(firewall_apply(f, &w), 0);
	expect_same(o, before, "update of elements");
	wanted_init(&w, 5);
	nft_wanted_set_own(&w, &own);
	firewall_backend(&w, FIREWALL_OWN6, "fd00::2");
	firewall_backend(&w, FIREWALL_OWN6, "fd00::3");
	assert_int_equal(firewall_apply(f, &w), 0);
	expect_same(o, before, "update of rules");
	firewall_watch(f);
	netns_do("nft delete table ip ts_sidecar");
	assert_true(loop_wait(f->loop, is_repaired, f, LOOP_WAIT_MS));
	expect_same(o, before, "repair");
	firewall_restart(f);
	wanted_init(&w, 1);
	assert_int_equal(firewall_apply(f, &w), 0);
	expect_same(o, before, "take-over");
	assert_int_equal(firewall_remove(f), 0);
	expect_same(o, before, "removal");
	assert_true(netns_try("nft list table ip ts_sidecar") != 0);
	assert_true(netns_try("nft list table ip6 ts_sidecar") != 0);
}

static void test_untouched(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct firewall f;
		firewall_open(&f);
		netns_do("%s", others[i].make);
		live_beside(&f, &others[i]);
		firewall_close(&f);
	}
}

/* As the daemon makes them, in its mode for iptables. */
#define DAEMON(kind)                                                                  \
	"set -e; for t in iptables-" kind " ip6tables-" kind "; do"                   \
	" case $t in ip6*) net=fd7a:115c:a1e0::/48;; *) net=100.64.0.0/10;; esac;"    \
	" $t -N ts-input; $t -N ts-forward; $t -t nat -N ts-postrouting;"             \
	" $t -I INPUT -j ts-input; $t -I FORWARD -j ts-forward;"                      \
	" $t -t nat -I POSTROUTING -j ts-postrouting;"                                \
	" $t -A ts-input -s $net ! -i tailscale0 -j DROP;"                            \
	" $t -A ts-input -i tailscale0 -j ACCEPT;"                                    \
	" $t -A ts-forward -i tailscale0 -j MARK --set-mark 0x40000/0xff0000;"        \
	" $t -A ts-forward -m mark --mark 0x40000/0xff0000 -j ACCEPT;"                \
	" $t -A ts-forward -s $net -o tailscale0 -j DROP;"                            \
	" $t -A ts-forward -o tailscale0 -j ACCEPT;"                                  \
	" $t -t nat -A ts-postrouting -m mark --mark 0x40000/0xff0000 -j MASQUERADE;" \
	" done"

static void expect_egress(const struct netbed *b)
{
	int tcp = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	int udp = netbed_listen(b, NETBED_TAILNET, SOCK_DGRAM, 53);
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD4, 10000, tcp, "100.64.0.1 -> " TARGET4 ":80");
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD6, 10000, tcp, "fd7a:115c:a1e0::1 -> " TARGET6 ":80");
	netbed_expect_udp(b, NETBED_POD4, 10001, udp, "100.64.0.1 -> " TARGET4 ":53");
	netbed_expect_udp(b, NETBED_POD6, 10001, udp, "fd7a:115c:a1e0::1 -> " TARGET6 ":53");
	close(tcp);
	close(udp);
}

static void work_beside(struct netbed *b, const char *daemon)
{
	struct nft_wanted w;
	netbed_do(b, NETBED_PROXY, daemon);
	netbed_wanted_init(&w);
	firewall_pair(&w, "single", FIREWALL_OWN4, "10.244.0.2");
	firewall_pair(&w, "single", FIREWALL_OWN6, "fd00:c::2");
	firewall_portmap(&w, "svc:a", IPPROTO_TCP, 10000, TARGET4, 80);
	firewall_portmap(&w, "svc:a", IPPROTO_TCP, 10000, TARGET6, 80);
	firewall_portmap(&w, "svc:b", IPPROTO_UDP, 10001, TARGET4, 53);
	firewall_portmap(&w, "svc:b", IPPROTO_UDP, 10001, TARGET6, 53);
	netbed_apply(b, &w);
	netbed_expect_ingress(b);
	expect_egress(b);
}

static void test_daemon_with_old_iptables(void **state)
{
	work_beside(*state, DAEMON("legacy"));
}

static void test_daemon_with_new_iptables(void **state)
{
	work_beside(*state, DAEMON("nft"));
}

/* A foreign rule translates the same port at the usual priority: ours comes first. */
static void test_before_others(void **state)
{
	struct netbed *b = *state;
	netbed_do(b, NETBED_PROXY,
		"set -e; for kind in legacy nft; do"
		" iptables-$kind -t nat -A PREROUTING -p tcp --dport 10000 -j DNAT"
		" --to-destination 10.245.0.2:9;"
		" ip6tables-$kind -t nat -A PREROUTING -p udp --dport 10001 -j DNAT"
		" --to-destination [fd00:e::2]:9; done");
	work_beside(b, DAEMON("legacy"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_untouched),
		cmocka_unit_test_setup_teardown(
			test_daemon_with_old_iptables, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(
			test_daemon_with_new_iptables, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_before_others, netbed_open, netbed_close),
	};
	netns_require();
	netns_require_program("/usr/sbin/iptables-legacy");
	netns_require_program("/usr/sbin/iptables-nft");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
