/* Where packets go, seen from both ends. */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
#include "tests/support/netns.h"

#define TARGET4 "100.64.1.1"
#define TARGET6 "fd7a:115c:a1e0::1:1"
#define PORTS 1000
/* What the daemon does for packets from the tailnet: they leave with the pod's address. */
#define MASQUERADE(family)                                                           \
	"nft add table " family " nat; nft 'add chain " family " nat ts-postrouting" \
	" { type nat hook postrouting priority 100; }'; nft add rule " family        \
	" nat ts-postrouting iifname tailscale0 masquerade;"

static void test_every_port(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_wanted_init(&w);
	for (uint16_t i = 0; i < PORTS; i++) {
		firewall_portmap(&w, "s", IPPROTO_TCP, 10000 + i, TARGET4, 20000 + i);
		firewall_portmap(&w, "s", IPPROTO_UDP, 10000 + i, TARGET4, 20000 + i);
		firewall_portmap(&w, "s", IPPROTO_TCP, 10000 + i, TARGET6, 20000 + i);
		firewall_portmap(&w, "s", IPPROTO_UDP, 10000 + i, TARGET6, 20000 + i);
	}
	netbed_apply(b, &w);
	for (uint16_t i = 0; i < PORTS; i++) {
		char v4[NETBED_TEXT_MAX];
		char v6[NETBED_TEXT_MAX];
		snprintf(v4, sizeof(v4), "%s -> %s:%u", FIREWALL_OWN4, TARGET4, 20000 + i);
		snprintf(v6, sizeof(v6), "%s -> %s:%u", FIREWALL_OWN6, TARGET6, 20000 + i);
		int tcp = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 20000 + i);
		int udp = netbed_listen(b, NETBED_TAILNET, SOCK_DGRAM, 20000 + i);
		netbed_expect_tcp(b, NETBED_CLIENT, NETBED_POD4, 10000 + i, tcp, v4);
		netbed_expect_tcp(b, NETBED_CLIENT, NETBED_POD6, 10000 + i, tcp, v6);
		netbed_expect_udp(b, NETBED_POD4, 10000 + i, udp, v4);
		netbed_expect_udp(b, NETBED_POD6, 10000 + i, udp, v6);
		close(tcp);
		close(udp);
	}
}

static void test_local_listener(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_wanted_init(&w);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, TARGET4, 80);
	netbed_apply(b, &w);
	int health = netbed_listen(b, NETBED_PROXY, SOCK_STREAM, 9002);
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD4, 9002, health, "10.244.0.2 -> 10.244.0.1:9002");
	close(health);
}

/* The port of the last service that went belongs to the pod again. */
static void test_last_service_gone(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_wanted_init(&w);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, TARGET4, 80);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, TARGET6, 80);
	netbed_apply(b, &w);
	int target = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	int local = netbed_listen(b, NETBED_PROXY, SOCK_STREAM, 10000);
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD4, 10000, target, "100.64.0.1 -> 100.64.1.1:80");
	netbed_wanted_init(&w);
	netbed_apply(b, &w);
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD4, 10000, local, "10.244.0.2 -> 10.244.0.1:10000");
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD6, 10000, local, "fd00:c::4 -> fd00:c::1:10000");
	close(target);
	close(local);
}

static void test_no_relay(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_wanted_init(&w);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, "100.64.1.2", 80);
	netbed_apply(b, &w);
	int target = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	assert_int_equal(netbed_dial(b, NETBED_TAILNET, FIREWALL_OWN4, 10000), -ECONNREFUSED);
	close(target);
}

static unsigned int send_mss(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_snd_mss;
}

struct mss_case {
	const char *address;
	uint16_t port;
	enum netbed_place end;
	int limit; /* of the client, 0 = its link's */
	unsigned int at_server;
	unsigned int at_client;
};

static void test_mss(void **state)
{
	static const struct mss_case cases[] = {
		{NETBED_POD4, 10000, NETBED_TAILNET, 0, 1240, 1240},
		{NETBED_POD6, 10000, NETBED_TAILNET, 0, 1220, 1220},
		{NETBED_POD4, 10000, NETBED_TAILNET, 500, 500, 500},
		{"10.245.0.2", 80, NETBED_OTHER, 0, 1460, 1460},
		{"fd00:e::2", 80, NETBED_OTHER, 0, 1440, 1440},
	};
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_wanted_init(&w);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, TARGET4, 80);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, TARGET6, 80);
	netbed_apply(b, &w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct mss_case *c = &cases[i];
		char text[NETBED_TEXT_MAX];
		int listener = netbed_listen(b, c->end, SOCK_STREAM, 80);
		bool is_v6 = strchr(c->address, ':') != NULL;
		int client = netbed_socket(b, NETBED_CLIENT, SOCK_STREAM, is_v6 ? "::" : "0.0.0.0");
		if (c->limit != 0)
			assert_int_equal(setsockopt(client, IPPROTO_TCP, TCP_MAXSEG, &c->limit,
						 sizeof(c->limit)),
				0);
		if (netbed_connect(client, c->address, c->port) < 0)
			fail_msg("no connection to %s, limit %d", c->address, c->limit);
		int server = netbed_accept(listener, text);
		assert_true(netbed_is_alive(client, server));
		assert_int_equal(send_mss(server), c->at_server);
		assert_int_equal(send_mss(client), c->at_client);
		netbed_abort(client);
		netbed_abort(server);
		close(listener);
	}
}

static void test_single_target(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_wanted_init(&w);
	firewall_pair(&w, "single", FIREWALL_OWN4, "10.244.0.2");
	firewall_pair(&w, "single", FIREWALL_OWN6, "fd00:c::2");
	netbed_apply(b, &w);
	netbed_do(b, NETBED_PROXY, MASQUERADE("ip") MASQUERADE("ip6"));
	netbed_expect_ingress(b);
}

static void test_two_vips(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_do(b, NETBED_PROXY, MASQUERADE("ip"));
	netbed_wanted_init(&w);
	firewall_pair(&w, "svc:one", "100.99.0.1", "10.244.0.2");
	firewall_pair(&w, "svc:two", "100.99.0.2", "10.244.0.3");
	netbed_apply(b, &w);
	int backend = netbed_listen(b, NETBED_CLIENT, SOCK_STREAM, 80);
	netbed_expect_tcp(
		b, NETBED_TAILNET, "100.99.0.1", 80, backend, "10.244.0.1 -> 10.244.0.2:80");
	netbed_expect_tcp(
		b, NETBED_TAILNET, "100.99.0.2", 80, backend, "10.244.0.1 -> 10.244.0.3:80");
	netbed_wanted_init(&w);
	firewall_pair(&w, "svc:two", "100.99.0.2", "10.244.0.3");
	netbed_apply(b, &w);
	assert_true(netbed_dial(b, NETBED_TAILNET, "100.99.0.1", 80) < 0);
	netbed_expect_tcp(
		b, NETBED_TAILNET, "100.99.0.2", 80, backend, "10.244.0.1 -> 10.244.0.3:80");
	close(backend);
}

static void test_cluster_via_ingress(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_wanted_init(&w);
	firewall_pair(&w, "via-ingress", NETBED_POD4, FIREWALL_OWN4);
	netbed_apply(b, &w);
	int serve = netbed_listen(b, NETBED_PROXY, SOCK_STREAM, 443);
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD4, 443, serve, "10.244.0.2 -> 100.64.0.1:443");
	close(serve);
}

static void test_balanced(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_do(b, NETBED_PROXY, MASQUERADE("ip") MASQUERADE("ip6"));
	netbed_wanted_init(&w);
	firewall_backend(&w, FIREWALL_OWN4, "10.244.0.2");
	firewall_backend(&w, FIREWALL_OWN4, "10.244.0.3");
	firewall_backend(&w, FIREWALL_OWN4, "10.244.0.4");
	firewall_backend(&w, FIREWALL_OWN6, "fd00:c::2");
	firewall_backend(&w, FIREWALL_OWN6, "fd00:c::3");
	firewall_backend(&w, FIREWALL_OWN6, "fd00:c::4");
	netbed_apply(b, &w);
	int backend = netbed_listen(b, NETBED_CLIENT, SOCK_STREAM, 80);
	for (int family = 0; family < 2; family++) {
		unsigned int hits[3] = {0};
		for (int i = 0; i < 300; i++) {
			char text[NETBED_TEXT_MAX];
			int client = netbed_dial(
				b, NETBED_TAILNET, family == 0 ? FIREWALL_OWN4 : FIREWALL_OWN6, 80);
			assert_true(client >= 0);
			int server = netbed_accept(backend, text);
			assert_true(server >= 0);
			/* "… -> 10.244.0.N:80" */
			unsigned int digit = (unsigned int)(text[strlen(text) - 4] - '2');
			assert_true(digit < 3);
			hits[digit]++;
			netbed_abort(client);
			netbed_abort(server);
		}
		for (int i = 0; i < 3; i++)
			assert_int_equal(hits[i], 100);
	}
	close(backend);
}

static void test_catch_all(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	struct err e = {0};
	netbed_wanted_init_catch_all(&w);
	assert_int_equal(nft_wanted_add_local_port(&w, IPPROTO_TCP, 9002, &e), 0);
	netbed_apply(b, &w);
	int tcp = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 4321);
	int udp = netbed_listen(b, NETBED_TAILNET, SOCK_DGRAM, 4321);
	int health = netbed_listen(b, NETBED_PROXY, SOCK_STREAM, 9002);
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD4, 4321, tcp, "100.64.0.1 -> 100.64.1.1:4321");
	netbed_expect_tcp(b, NETBED_CLIENT, NETBED_POD6, 4321, tcp,
		"fd7a:115c:a1e0::1 -> fd7a:115c:a1e0::1:1:4321");
	netbed_expect_udp(b, NETBED_POD4, 4321, udp, "100.64.0.1 -> 100.64.1.1:4321");
	netbed_expect_udp(
		b, NETBED_POD6, 4321, udp, "fd7a:115c:a1e0::1 -> fd7a:115c:a1e0::1:1:4321");
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD4, 9002, health, "10.244.0.2 -> 10.244.0.1:9002");
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD6, 9002, health, "fd00:c::4 -> fd00:c::1:9002");
	/* Echo requests too: the answer has to come from the pod, so it was translated back. */
	netbed_do(b, NETBED_CLIENT, "set -e; ping -c 1 -W 2 10.244.0.1; ping -c 1 -W 2 fd00:c::1");
	netbed_enter(b, NETBED_PROXY);
	AUTO(mem_free) char *flows = netns_run("cat /proc/net/nf_conntrack | grep icmp");
	assert_non_null(strstr(flows, "src=100.64.1.1 dst=100.64.0.1"));
	assert_non_null(strstr(flows, "src=fd7a:115c:a1e0:0000:0000:0000:0001:0001"
				      " dst=fd7a:115c:a1e0:0000:0000:0000:0000:0001"));
	/* IPv6 neighbour discovery uses packets that a catch-all rule must not translate. */
	netbed_do(b, NETBED_PROXY, "ip -6 neigh flush all");
	netbed_do(b, NETBED_CLIENT, "ip -6 neigh flush all");
	netbed_expect_tcp(b, NETBED_CLIENT, NETBED_POD6, 4321, tcp,
		"fd7a:115c:a1e0::1 -> fd7a:115c:a1e0::1:1:4321");
	close(tcp);
	close(udp);
	close(health);
}

static void test_before_foreign_rules(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_do(b, NETBED_PROXY,
		"nft add table ip nat; nft 'add chain ip nat PREROUTING { type nat hook prerouting"
		" priority -100; }'; nft add rule ip nat PREROUTING tcp dport 10000 dnat to"
		" 10.245.0.2:9");
	netbed_wanted_init(&w);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, TARGET4, 80);
	netbed_apply(b, &w);
	int target = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD4, 10000, target, "100.64.0.1 -> 100.64.1.1:80");
	close(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_port, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_local_listener, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_last_service_gone, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_no_relay, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_mss, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_single_target, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_two_vips, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(
			test_cluster_via_ingress, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_balanced, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_catch_all, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(
			test_before_foreign_rules, netbed_open, netbed_close),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
