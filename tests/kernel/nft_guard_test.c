/* Nothing leaves unencrypted while there is no tunnel. */
#include <linux/if_packet.h>
#include <net/ethernet.h>
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
#include "tests/support/netns.h"

#define TARGET4 "100.64.1.1"
#define TARGET6 "fd7a:115c:a1e0::1:1"
/* The tunnel is gone, and there is a default route. */
#define LOSE_TUNNEL                                                       \
	"ip link delete tailscale0; ip route add default via 10.245.0.2;" \
	" ip -6 route add default via fd00:e::2"

/* Every packet of either family to a tailnet address that is seen on a wire. */
static unsigned int count_leaks(int capture)
{
	static const unsigned char net4[] = {100, 64};
	static const unsigned char net6[] = {0xfd, 0x7a, 0x11, 0x5c, 0xa1, 0xe0};
	unsigned char frame[2048];
	unsigned int leaks = 0;
	ssize_t n;
	while ((n = recv(capture, frame, sizeof(frame), MSG_DONTWAIT)) > 0) {
		bool is_v4 = n > 33 && frame[12] == 0x08 && frame[13] == 0x00;
		bool is_v6 = n > 53 && frame[12] == 0x86 && frame[13] == 0xdd;
		if ((is_v4 && memcmp(frame + 30, net4, sizeof(net4)) == 0) ||
			(is_v6 && memcmp(frame + 38, net6, sizeof(net6)) == 0))
			leaks++;
	}
	return leaks;
}

static int open_capture(const struct netbed *b, enum netbed_place place)
{
	netbed_enter(b, place);
	int capture = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	assert_true(capture >= 0);
	return capture;
}

/* A guard of the family has dropped something. */
static void expect_counted(const struct netbed *b, const char *family)
{
	char command[80];
	snprintf(command, sizeof(command),
		"nft list chain %s ts_sidecar forward | grep -v 'packets 0 '", family);
	netbed_enter(b, NETBED_PROXY);
	AUTO(mem_free) char *guards = netns_run(command);
	assert_non_null(strstr(guards, "counter packets "));
}

static void test_leak_guard(void **state)
{
	static const char *const pods[] = {NETBED_POD4, NETBED_POD6};
	static const char *const families[] = {"ip", "ip6"};
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_wanted_init(&w);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, TARGET4, 80);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, TARGET6, 80);
	netbed_apply(b, &w);
	netbed_do(b, NETBED_PROXY, LOSE_TUNNEL);
	/* Both remaining wires. */
	int other = open_capture(b, NETBED_OTHER);
	int client = open_capture(b, NETBED_CLIENT);
	for (size_t i = 0; i < ARRAY_LEN(pods); i++) {
		assert_true(netbed_dial(b, NETBED_CLIENT, pods[i], 10000) < 0);
		assert_int_equal(count_leaks(other), 0);
		assert_int_equal(count_leaks(client), 0);
		expect_counted(b, families[i]);
		/* The capture would have seen them: without the guard they leave unencrypted. */
		netns_do("nft flush chain %s ts_sidecar forward", families[i]);
		assert_true(netbed_dial(b, NETBED_CLIENT, pods[i], 10000) < 0);
		assert_true(count_leaks(other) > 0);
	}
	close(other);
	close(client);
}

/* A target in the cluster keeps answering a peer after the tunnel is gone. */
static void test_answers_to_peers(void **state)
{
	static const char *const own[] = {FIREWALL_OWN4, FIREWALL_OWN6};
	static const char *const families[] = {"ip", "ip6"};
	struct netbed *b = *state;
	struct nft_wanted w;
	int answering[ARRAY_LEN(own)];
	int peers[ARRAY_LEN(own)];
	char text[NETBED_TEXT_MAX];
	netbed_wanted_init(&w);
	firewall_pair(&w, "single", FIREWALL_OWN4, "10.244.0.2");
	firewall_pair(&w, "single", FIREWALL_OWN6, "fd00:c::2");
	netbed_apply(b, &w);
	netbed_do(b, NETBED_CLIENT,
		"ip route add default via 10.244.0.1; ip -6 route add default via fd00:c::1");
	int listener = netbed_listen(b, NETBED_CLIENT, SOCK_STREAM, 80);
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		peers[i] = netbed_dial(b, NETBED_TAILNET, own[i], 80);
		assert_true(peers[i] >= 0);
		answering[i] = netbed_accept(listener, text);
		assert_true(netbed_is_alive(answering[i], peers[i]));
	}
	netbed_do(b, NETBED_PROXY, LOSE_TUNNEL);
	int other = open_capture(b, NETBED_OTHER);
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		assert_false(netbed_is_alive(answering[i], peers[i]));
		assert_int_equal(count_leaks(other), 0);
		expect_counted(b, families[i]);
	}
	/* The capture would have seen them. */
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		netns_do("nft flush chain %s ts_sidecar forward", families[i]);
		assert_false(netbed_is_alive(answering[i], peers[i]));
		assert_true(count_leaks(other) > 0);
	}
	close(other);
	close(listener);
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		netbed_abort(answering[i]);
		netbed_abort(peers[i]);
	}
}

/* A client that is no peer gets its answers the way it came. */
static void test_answers_to_the_cluster(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_wanted_init(&w);
	firewall_pair(&w, "single", FIREWALL_OWN4, "10.245.0.2");
	netbed_apply(b, &w);
	netbed_do(b, NETBED_CLIENT, "ip route add " FIREWALL_OWN4 "/32 via 10.244.0.1");
	int listener = netbed_listen(b, NETBED_OTHER, SOCK_STREAM, 80);
	netbed_expect_tcp(
		b, NETBED_CLIENT, FIREWALL_OWN4, 80, listener, "10.244.0.2 -> 10.245.0.2:80");
	close(listener);
}

/* A cluster whose Pods have addresses of the tailnet's ranges gets the answers from the tunnel. */
static void test_clients_of_the_range(void **state)
{
	static const char *const pods[] = {"100.70.0.1", "fd7a:115c:a1e0:70::1"};
	static const char *const expected[] = {
		"100.64.0.1 -> 100.64.1.1:80", "fd7a:115c:a1e0::1 -> fd7a:115c:a1e0::1:1:80"};
	struct netbed *b = *state;
	struct nft_wanted w;
	netbed_do(b, NETBED_PROXY,
		"ip addr add 100.70.0.1/24 dev c0;"
		" ip addr add fd7a:115c:a1e0:70::1/64 dev c0 nodad");
	netbed_do(b, NETBED_CLIENT,
		"ip addr add 100.70.0.2/24 dev e0;"
		" ip addr add fd7a:115c:a1e0:70::2/64 dev e0 nodad");
	netbed_wanted_init(&w);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, TARGET4, 80);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, TARGET6, 80);
	netbed_apply(b, &w);
	int listener = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	for (size_t i = 0; i < ARRAY_LEN(pods); i++)
		netbed_expect_tcp(b, NETBED_CLIENT, pods[i], 10000, listener, expected[i]);
	close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, netbed_open, netbed_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_leak_guard),
		TEST(test_answers_to_peers),
		TEST(test_answers_to_the_cluster),
		TEST(test_clients_of_the_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
