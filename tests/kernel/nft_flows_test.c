/* Flows that were there before the rules changed. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_kernel.h"
#include "lib/nft/nft_plan.h"
#include "lib/nft/nlsock.h"
#include "tests/kernel/netbed.h"
#include "tests/support/netns.h"

#define ONE "100.64.1.1"
#define TWO "100.64.1.2"
#define ONE6 "fd7a:115c:a1e0::1:1"

/* Dumps of conntrack that were requested; each walks the table of the whole machine. */
static unsigned int dumps;

int __real_nlsock_ask(struct nlsock *s, const struct nlwrite *w, nlsock_message_fn on_message,
	nlsock_done_fn on_done, void *arg, struct err *e);
int __wrap_nlsock_ask(struct nlsock *s, const struct nlwrite *w, nlsock_message_fn on_message,
	nlsock_done_fn on_done, void *arg, struct err *e);

int __wrap_nlsock_ask(struct nlsock *s, const struct nlwrite *w, nlsock_message_fn on_message,
	nlsock_done_fn on_done, void *arg, struct err *e)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)w->buf.data;
	dumps += nlh->nlmsg_type >> 8 == NFNL_SUBSYS_CTNETLINK;
	return __real_nlsock_ask(s, w, on_message, on_done, arg, e);
}

/* A UDP socket of the client's, towards a port of the pod. */
static int udp_client(struct netbed *b, uint16_t port)
{
	int fd = netbed_socket(b, NETBED_CLIENT, SOCK_DGRAM, "0.0.0.0");
	assert_int_equal(netbed_connect(fd, NETBED_POD4, port), 0);
	return fd;
}

static void send_byte(int fd)
{
	char byte = 'x';
	/* The first call returns the error of an earlier ICMP answer. */
	if (send(fd, &byte, 1, 0) < 0)
		assert_int_equal(send(fd, &byte, 1, 0), 1);
}

static void expect_datagram(int client, int server, const char *expected)
{
	char text[NETBED_TEXT_MAX];
	send_byte(client);
	assert_true(netbed_echo(server, text));
	assert_string_equal(text, expected);
}

static void apply_udp(struct netbed *b, const char *target, bool with_second)
{
	struct nft_wanted w;
	netbed_wanted_init(&w);
	if (target != NULL)
		firewall_portmap(&w, "s", IPPROTO_UDP, 10000, target, 53);
	if (with_second)
		firewall_portmap(&w, "t", IPPROTO_UDP, 10001, ONE, 53);
	netbed_apply(b, &w);
}

static void test_udp_before_rule(void **state)
{
	struct netbed *b = *state;
	int server = netbed_listen(b, NETBED_TAILNET, SOCK_DGRAM, 53);
	apply_udp(b, NULL, false);
	int client = udp_client(b, 10000);
	send_byte(client);
	apply_udp(b, ONE, false);
	assert_int_equal(b->firewall.result.flows_ended, 1);
	expect_datagram(client, server, "100.64.0.1 -> 100.64.1.1:53");
	close(client);
	close(server);
}

/* Senders of both families from before the rules; then only one family changes. */
static void test_both_families(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	int server = netbed_listen(b, NETBED_TAILNET, SOCK_DGRAM, 53);
	dumps = 0;
	apply_udp(b, NULL, false);
	assert_int_equal(dumps, 0); /* nothing is translated */
	int four = udp_client(b, 10000);
	int six = netbed_socket(b, NETBED_CLIENT, SOCK_DGRAM, "::");
	assert_int_equal(netbed_connect(six, NETBED_POD6, 10000), 0);
	send_byte(four);
	send_byte(six);
	netbed_wanted_init(&w);
	firewall_portmap(&w, "s", IPPROTO_UDP, 10000, ONE, 53);
	firewall_portmap(&w, "s", IPPROTO_UDP, 10000, ONE6, 53);
	netbed_apply(b, &w);
	assert_int_equal(b->firewall.result.flows_ended, 2);
	assert_int_equal(dumps, 1);
	expect_datagram(four, server, "100.64.0.1 -> 100.64.1.1:53");
	expect_datagram(six, server, "fd7a:115c:a1e0::1 -> fd7a:115c:a1e0::1:1:53");
	netbed_wanted_init(&w);
	firewall_portmap(&w, "s", IPPROTO_UDP, 10000, ONE, 53);
	netbed_apply(b, &w);
	assert_int_equal(b->firewall.result.flows_ended, 1);
	assert_int_equal(dumps, 2);
	expect_datagram(four, server, "100.64.0.1 -> 100.64.1.1:53");
	close(four);
	close(six);
	close(server);
}

static void test_udp_target_changes(void **state)
{
	struct netbed *b = *state;
	int server = netbed_listen(b, NETBED_TAILNET, SOCK_DGRAM, 53);
	apply_udp(b, ONE, true);
	int client = udp_client(b, 10000);
	int other = udp_client(b, 10001);
	expect_datagram(client, server, "100.64.0.1 -> 100.64.1.1:53");
	expect_datagram(other, server, "100.64.0.1 -> 100.64.1.1:53");
	apply_udp(b, TWO, true);
	/* Only one flow ended: the other is still the same entry. */
	assert_int_equal(b->firewall.result.flows_ended, 1);
	expect_datagram(client, server, "100.64.0.1 -> 100.64.1.2:53");
	expect_datagram(other, server, "100.64.0.1 -> 100.64.1.1:53");
	close(client);
	close(other);
	close(server);
}

struct tcp_flow {
	int client;
	int server;
};

static struct tcp_flow tcp_flow(struct netbed *b, int listener, uint16_t port, const char *expected)
{
	char text[NETBED_TEXT_MAX];
	struct tcp_flow flow;
	flow.client = netbed_dial(b, NETBED_CLIENT, NETBED_POD4, port);
	assert_true(flow.client >= 0);
	flow.server = netbed_accept(listener, text);
	assert_string_equal(text, expected);
	return flow;
}

static void end_flow(struct tcp_flow *flow)
{
	netbed_abort(flow->client);
	netbed_abort(flow->server);
}

static void apply_tcp(struct netbed *b, const char *target, bool is_one_live)
{
	struct nft_wanted w;
	struct ipaddr one = address_of(ONE);
	netbed_wanted_init(&w);
	if (target != NULL)
		firewall_portmap(&w, "s", IPPROTO_TCP, 10000, target, 80);
	firewall_portmap(&w, "t", IPPROTO_TCP, 10001, "100.64.1.3", 80);
	if (is_one_live)
		nft_wanted_add_live(&w, &one);
	netbed_apply(b, &w);
}

static void expect_reset(struct tcp_flow *flow)
{
	char byte = 'x';
	/* The segment goes out untranslated and is answered with a reset. */
	assert_int_equal(send(flow->client, &byte, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(flow->client, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
}

static void test_tcp_service_deleted(void **state)
{
	struct netbed *b = *state;
	int listener = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	apply_tcp(b, ONE, false);
	struct tcp_flow flow = tcp_flow(b, listener, 10000, "100.64.0.1 -> 100.64.1.1:80");
	struct tcp_flow other = tcp_flow(b, listener, 10001, "100.64.0.1 -> 100.64.1.3:80");
	assert_true(netbed_is_alive(flow.client, flow.server));
	apply_tcp(b, NULL, true);
	assert_int_equal(b->firewall.result.flows_ended, 1);
	expect_reset(&flow);
	assert_true(netbed_is_alive(other.client, other.server));
	end_flow(&flow);
	end_flow(&other);
	close(listener);
}

static void test_tcp_retarget(void **state)
{
	struct netbed *b = *state;
	int listener = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	apply_tcp(b, ONE, false);
	struct tcp_flow flow = tcp_flow(b, listener, 10000, "100.64.0.1 -> 100.64.1.1:80");
	apply_tcp(b, TWO, true);
	assert_int_equal(b->firewall.result.flows_ended, 0);
	assert_true(netbed_is_alive(flow.client, flow.server));
	struct tcp_flow next = tcp_flow(b, listener, 10000, "100.64.0.1 -> 100.64.1.2:80");
	end_flow(&next);
	end_flow(&flow);
	close(listener);
}

static void test_tcp_target_gone(void **state)
{
	struct netbed *b = *state;
	int listener = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	apply_tcp(b, ONE, false);
	struct tcp_flow flow = tcp_flow(b, listener, 10000, "100.64.0.1 -> 100.64.1.1:80");
	apply_tcp(b, TWO, false);
	assert_int_equal(b->firewall.result.flows_ended, 1);
	expect_reset(&flow);
	end_flow(&flow);
	close(listener);
}

static void test_own_address(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	struct ipaddr moved = address_of("100.64.0.2");
	int listener = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	apply_tcp(b, ONE, false);
	struct tcp_flow flow = tcp_flow(b, listener, 10000, "100.64.0.1 -> 100.64.1.1:80");
	netbed_do(b, NETBED_PROXY,
		"ip addr add 100.64.0.2/32 dev tailscale0; ip addr del 100.64.0.1/32 dev"
		" tailscale0; ip route replace 100.64.0.0/10 dev tailscale0 src 100.64.0.2");
	netbed_wanted_init(&w);
	firewall_portmap(&w, "s", IPPROTO_TCP, 10000, ONE, 80);
	firewall_portmap(&w, "t", IPPROTO_TCP, 10001, "100.64.1.3", 80);
	nft_wanted_set_own(&w, &moved);
	netbed_apply(b, &w);
	assert_int_equal(b->firewall.result.flows_ended, 1);
	struct tcp_flow next = tcp_flow(b, listener, 10000, "100.64.0.2 -> 100.64.1.1:80");
	end_flow(&next);
	end_flow(&flow);
	close(listener);
}

static void test_restart_unchanged(void **state)
{
	struct netbed *b = *state;
	int listener = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	apply_tcp(b, ONE, false);
	struct tcp_flow flow = tcp_flow(b, listener, 10000, "100.64.0.1 -> 100.64.1.1:80");
	/* Sockets belong to the namespace that we are in. */
	netbed_enter(b, NETBED_PROXY);
	firewall_restart(&b->firewall);
	apply_tcp(b, ONE, false);
	assert_int_equal(b->firewall.result.transactions, 0);
	assert_int_equal(b->firewall.result.flows_ended, 0);
	assert_true(netbed_is_alive(flow.client, flow.server));
	end_flow(&flow);
	close(listener);
}

static void test_restart_with_change(void **state)
{
	struct netbed *b = *state;
	int listener = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	int server = netbed_listen(b, NETBED_TAILNET, SOCK_DGRAM, 53);
	apply_udp(b, ONE, false);
	int client = udp_client(b, 10000);
	expect_datagram(client, server, "100.64.0.1 -> 100.64.1.1:53");
	/* The rules of the previous process are known only from the kernel. */
	netbed_enter(b, NETBED_PROXY);
	firewall_restart(&b->firewall);
	apply_udp(b, TWO, false);
	assert_int_equal(b->firewall.result.flows_ended, 1);
	expect_datagram(client, server, "100.64.0.1 -> 100.64.1.2:53");
	close(client);
	close(server);
	close(listener);
}

/* A child that takes the table over in full, again and again, until it is killed. */
static void takeover_forever(struct netbed *b)
{
	struct err e = {0};
	struct nft_wanted w;
	struct nft_desired desired = {0};
	const struct nft_image *unknown[NFT_MODEL_FAMILIES] = {NULL, NULL};
	netbed_enter(b, NETBED_PROXY);
	struct loop *loop = loop_new(&e);
	struct nft_backend *kernel = nft_kernel_new(loop, &e);
	netbed_wanted_init(&w);
	for (uint16_t i = 0; i < 1000; i++)
		firewall_portmap(&w, "s", IPPROTO_TCP, 10000 + i, ONE, 80);
	if (nft_compile(&w, true, &desired, &e) < 0)
		_exit(1);
	for (;;) {
		struct nft_plan plan = {0};
		nft_plan_make(&plan, &desired, unknown);
		struct nft_commit c = {.plan = &plan, .wanted = &w, .desired = &desired};
		if (kernel->ops->commit(kernel, &c, &e) < 0)
			_exit(1);
		nft_plan_fini(&plan);
	}
}

/* Packets that conntrack has counted for a flow: a new entry would begin at zero. */
static unsigned long packets_of(const struct netbed *b, const struct tcp_flow *flow)
{
	char command[160];
	struct sockaddr_in local;
	socklen_t len = sizeof(local);
	assert_int_equal(getsockname(flow->client, (struct sockaddr *)&local, &len), 0);
	snprintf(command, sizeof(command),
		"grep 'sport=%u dport=10007 ' /proc/net/nf_conntrack | grep -o 'packets=[0-9]*'"
		" | head -1",
		ntohs(local.sin_port));
	netbed_enter(b, NETBED_PROXY);
	AUTO(mem_free) char *text = netns_run(command);
	assert_true(strncmp(text, "packets=", 8) == 0);
	return strtoul(text + 8, NULL, 10);
}

static void test_takeover_under_load(void **state)
{
	struct netbed *b = *state;
	struct nft_wanted w;
	int listener = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	netbed_wanted_init(&w);
	for (uint16_t i = 0; i < 1000; i++)
		firewall_portmap(&w, "s", IPPROTO_TCP, 10000 + i, ONE, 80);
	netbed_apply(b, &w);
	netbed_do(b, NETBED_PROXY, "sysctl -qw net.netfilter.nf_conntrack_acct=1");
	struct tcp_flow flow = tcp_flow(b, listener, 10007, "100.64.0.1 -> 100.64.1.1:80");
	for (int i = 0; i < 50; i++)
		assert_true(netbed_is_alive(flow.client, flow.server));
	unsigned long packets = packets_of(b, &flow);
	assert_true(packets >= 50);
	pid_t pid = fork();
	if (pid == 0)
		takeover_forever(b);
	assert_true(pid > 0);
	unsigned int failed = 0;
	for (unsigned int i = 0; i < 20000; i++) {
		char text[NETBED_TEXT_MAX];
		int client = netbed_dial(b, NETBED_CLIENT, NETBED_POD4, 10000 + i % 1000);
		if (client < 0) {
			failed++;
			continue;
		}
		int server = netbed_accept(listener, text);
		netbed_abort(client);
		netbed_abort(server);
	}
	int status = 0;
	/* The child still runs: it ends by itself only when a batch is refused. */
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(failed, 0);
	assert_true(netbed_is_alive(flow.client, flow.server));
	assert_true(packets_of(b, &flow) > packets);
	end_flow(&flow);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_udp_before_rule, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_both_families, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_udp_target_changes, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(
			test_tcp_service_deleted, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_tcp_retarget, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_tcp_target_gone, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_own_address, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(test_restart_unchanged, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(
			test_restart_with_change, netbed_open, netbed_close),
		cmocka_unit_test_setup_teardown(
			test_takeover_under_load, netbed_open, netbed_close),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
