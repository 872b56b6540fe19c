/* Connections that were open before the rules: of the pod itself, with a target for everything. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/kernel/netbed.h"
#include "tests/support/netns.h"

#define CONTROL4 "10.245.0.2"
#define CONTROL_PORT 8443

/* As before the daemon starts: no own address, no service. */
static void claim(struct netbed *b, const char *owner)
{
	AUTO(nft_wanted_fini) struct nft_wanted none = {0};
	struct err e = {0};
	nft_wanted_init(&none, "tailscale0", owner);
	netbed_enter(b, NETBED_PROXY);
	if (nft_claim(b->firewall.nft, &none, &e) < 0)
		fail_msg("%s", e.msg);
}

static void apply_catch_all(struct netbed *b)
{
	struct nft_wanted w;
	netbed_wanted_init_catch_all(&w);
	netbed_apply(b, &w);
}

struct connection {
	int listener;
	int near; /* in the pod */
	int far;
};

static struct connection connect_out(struct netbed *b)
{
	char text[NETBED_TEXT_MAX];
	struct connection c;
	c.listener = netbed_listen(b, NETBED_OTHER, SOCK_STREAM, CONTROL_PORT);
	c.near = netbed_dial(b, NETBED_PROXY, CONTROL4, CONTROL_PORT);
	assert_true(c.near >= 0);
	c.far = netbed_accept(c.listener, text);
	assert_true(netbed_is_alive(c.near, c.far));
	assert_true(netbed_is_alive(c.far, c.near));
	return c;
}

static void disconnect(struct connection *c)
{
	netbed_abort(c->near);
	netbed_abort(c->far);
	close(c->listener);
}

/* The purpose of the claim: otherwise the kernel would treat the next segment as the first of a new
 * connection. */
static void test_untracked_connection_is_lost(void **state)
{
	struct netbed *b = *state;
	char byte = 'x';
	struct connection c = connect_out(b);
	apply_catch_all(b);
	assert_int_equal(send(c.far, &byte, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(c.near, &byte, 1, 0), -1);
	disconnect(&c);
}

static void test_connection_goes_on(void **state)
{
	struct netbed *b = *state;
	claim(b, FIREWALL_OWNER);
	struct connection c = connect_out(b);
	apply_catch_all(b);
	for (int i = 0; i < 3; i++) {
		assert_true(netbed_is_alive(c.far, c.near));
		assert_true(netbed_is_alive(c.near, c.far));
	}
	int listener = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 4321);
	netbed_expect_tcp(
		b, NETBED_CLIENT, NETBED_POD4, 4321, listener, "100.64.0.1 -> 100.64.1.1:4321");
	assert_true(netbed_is_alive(c.far, c.near));
	close(listener);
	disconnect(&c);
}

/* A predecessor's rules stay until they are replaced, and those of another owner are not
 * touched. */
static void test_tables_that_are_there(void **state)
{
	struct netbed *b = *state;
	apply_catch_all(b);
	netbed_enter(b, NETBED_PROXY);
	AUTO(mem_free) char *before = netns_run("nft -a list ruleset");
	firewall_restart(&b->firewall);
	claim(b, FIREWALL_OWNER);
	claim(b, "another/pod");
	AUTO(mem_free) char *after = netns_run("nft -a list ruleset");
	assert_string_equal(before, after);
	apply_catch_all(b);
	assert_int_equal(b->firewall.result.transactions, 0);
}

/* Nothing is left of it. */
static void test_claim_and_end(void **state)
{
	struct netbed *b = *state;
	claim(b, FIREWALL_OWNER);
	assert_int_equal(netns_try("nft list table ip ts_sidecar"), 0);
	assert_int_equal(netns_try("nft list table ip6 ts_sidecar"), 0);
	assert_int_equal(firewall_remove(&b->firewall), 0);
	AUTO(mem_free) char *left = netns_run("nft list ruleset");
	assert_string_equal(left, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, netbed_open, netbed_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_untracked_connection_is_lost),
		TEST(test_connection_goes_on),
		TEST(test_tables_that_are_there),
		TEST(test_claim_and_end),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
