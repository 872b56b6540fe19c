#include "egress/services_plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "egress/egress_conditions.h"
#include "egress/services.h"
#include "lib/base/mem.h"
#include "tests/support/egress_bench.h"

#define PORT "{\"protocol\":\"TCP\",\"matchPort\":80,\"targetPort\":8080}"
#define NAMED(name, fqdn) \
	"\"" name "\":{\"tailnetTarget\":{\"fqdn\":\"" fqdn "\"},\"ports\":[" PORT "]}"
#define ADDRESSED(name, ip) \
	"\"" name "\":{\"tailnetTarget\":{\"ip\":\"" ip "\"},\"ports\":[" PORT "]}"
#define STATUS(name, targets, ip, fqdn)                                                            \
	"{\"podIPv4\":\"10.0.0.9\",\"services\":{\"" name "\":{\"ports\":[" PORT                   \
	"],\"tailnetTargetIPs\":" targets ",\"tailnetTarget\":{\"ip\":\"" ip "\",\"fqdn\":\"" fqdn \
	"\"}}}}"

#define FOO "foo.tailnetxyz.ts.net"
#define BAR "bar.tailnetxyz.ts.net"
#define SVC "svc.tailnetxyz.ts.net"
#define VIA "10-1-2-3-via-7.tailnetxyz.ts.net"
#define VIA_ADDRESS "fd7a:115c:a1e0:b1a:0:7:a01:203"
#define NETMAP_CHANGED "netmap change detected, ensuring firewall config is up to date..."

static void start(struct egress_bench *b, const char *document)
{
	egress_bench_write(b, document);
	egress_bench_start(b);
	egress_bench_want(b);
}

static void put(struct egress_bench *b, const char *document)
{
	egress_bench_put(b, document);
	egress_bench_want(b);
}

/* What the upstream tests see. */
static void test_name_without_ports(void **state)
{
	struct egress_bench *b = *state;
	start(b, "{\"foo\":{\"healthCheckEndpoint\":\"\",\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":"
		 "\"" FOO "\"},\"ports\":[]}}");
	tailnet_peer(&b->tailnet, 0, FOO ".", "100.64.0.2/32", "");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "");
	egress_bench_expect_status(b,
		"{\"podIPv4\":\"10.0.0.9\",\"services\":{\"foo\":{\"ports\":[],"
		"\"tailnetTargetIPs\":[\"100.64.0.2\"],\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":"
		"\"" FOO "\"}}}}",
		1);
}

static void test_name_appears_moves_and_vanishes(void **state)
{
	struct egress_bench *b = *state;
	start(b, "{" NAMED("web", FOO) "}");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "");
	egress_bench_expect_status(b, STATUS("web", "null", "", FOO), 1);
	assert_int_equal(egress_bench_logged(b, "egress service web: error fetching backend "
						"addresses for \"" FOO "\": could not find "),
		1);
	assert_string_not_equal(egress_bench_reason(b, CONDITION_EGRESS_SERVICE_FAILED), "");
	tailnet_peer(&b->tailnet, 1, FOO ".", "100.64.0.2/32 fd7a::2/128", "");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 100.64.0.2 8080\nweb tcp 80 fd7a::2 8080");
	egress_bench_expect_status(b, STATUS("web", "[\"100.64.0.2\",\"fd7a::2\"]", "", FOO), 2);
	assert_string_equal(egress_bench_reason(b, CONDITION_EGRESS_SERVICE_FAILED), "");
	tailnet_peer(&b->tailnet, 1, FOO ".", "100.64.0.3/32", "");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 100.64.0.3 8080");
	assert_string_equal(b->live, "[]");
	assert_int_equal(
		egress_bench_logged(b, "backend addresses for egress target \"" FOO ".\" have "
				       "changed old IPs [100.64.0.2/32 fd7a::2/128], new IPs "
				       "[100.64.0.3/32] trigger egress config resync"),
		1);
	assert_int_equal(egress_bench_logged(b, NETMAP_CHANGED), 2);
	tailnet_remove(&b->tailnet, 1);
	egress_bench_round(b, 0);
	egress_bench_round(b, 0);
	egress_bench_expect(b, "");
	egress_bench_expect_status(b, STATUS("web", "null", "", FOO), 4);
	assert_int_equal(egress_bench_logged(b, "tailnet target for egress service web does not "
						"have any backend addresses, deleting all rules"),
		1);
	assert_int_equal(egress_bench_logged(b, "could not find "), 4);
}

/* While the peers are not reported, the last targets stay in force, and nothing is missing. */
static void test_netmap_is_not_known(void **state)
{
	struct egress_bench *b = *state;
	b->is_unknown = true;
	start(b, "{" NAMED("web", FOO) "}");
	egress_bench_round(b, 0);
	assert_int_equal(b->place.place.writes.len, 0);
	assert_string_equal(egress_bench_reason(b, CONDITION_EGRESS_SERVICE_FAILED), "");
	tailnet_peer(&b->tailnet, 1, FOO ".", "100.64.0.2/32", "");
	egress_bench_round(b, 0);
	egress_bench_expect_status(b, STATUS("web", "[\"100.64.0.2\"]", "", FOO), 1);
	/* Another name, and another port with it: both wait. */
	put(b, "{\"web\":{\"tailnetTarget\":{\"fqdn\":\"" BAR "\"}}}");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 100.64.0.2 8080");
	egress_bench_expect_status(b, STATUS("web", "[\"100.64.0.2\"]", "", FOO), 1);
	tailnet_remove(&b->tailnet, 1);
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 100.64.0.2 8080");
	b->is_unknown = false;
	egress_bench_round(b, 0);
	egress_bench_expect(b, "");
	assert_string_equal(b->live, "[]");
	egress_bench_expect_status(b,
		"{\"podIPv4\":\"10.0.0.9\",\"services\":{\"web\":{\"ports\":[],"
		"\"tailnetTargetIPs\":null,\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":\"" BAR "\"}}}}",
		2);
}

/* Connections to where it led go on for as long as that exists. */
static void test_retarget(void **state)
{
	struct egress_bench *b = *state;
	start(b, "{" NAMED("web", FOO) "}");
	tailnet_peer(&b->tailnet, 1, FOO ".", "100.64.0.2/32", "100.64.0.2/32");
	egress_bench_round(b, 0);
	put(b, "{" ADDRESSED("web", "100.64.0.9") "}");
	tailnet_peer(&b->tailnet, 1, FOO ".", "100.64.0.2/32", "100.64.0.2/32");
	tailnet_peer(&b->tailnet, 2, BAR ".", "100.64.0.9/32", "100.64.0.9/32");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 100.64.0.9 8080");
	assert_string_equal(b->live, "[100.64.0.2]");
	put(b, "{" NAMED("web", BAR) "}");
	tailnet_peer(&b->tailnet, 2, BAR ".", "100.64.0.9/32 fd7a::9/128", "100.64.0.9/32");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 100.64.0.9 8080\nweb tcp 80 fd7a::9 8080");
	assert_string_equal(b->live, "[100.64.0.2 100.64.0.9]");
	put(b, "{" ADDRESSED("web", "100.64.0.20") "}");
	tailnet_remove(&b->tailnet, 1);
	tailnet_peer(&b->tailnet, 2, BAR ".", "100.64.0.9/32", "100.64.0.9/32");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 100.64.0.20 8080");
	assert_string_equal(b->live, "[100.64.0.9 100.64.0.9]");
	tailnet_remove(&b->tailnet, 2);
	egress_bench_round(b, 0);
	assert_string_equal(b->live, "[]");
	egress_bench_expect_status(b, STATUS("web", "[\"100.64.0.20\"]", "100.64.0.20", ""), 4);
}

static void test_tailscale_service(void **state)
{
	struct egress_bench *b = *state;
	start(b, "{" NAMED("web", SVC) "}");
	tailnet_record(&b->tailnet, SVC, "100.100.0.1");
	egress_bench_want(b);
	egress_bench_round(b, 0);
	egress_bench_expect(b, "");
	tailnet_peer(&b->tailnet, 1, FOO ".", "100.64.0.2/32", "100.100.0.1/32");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 100.100.0.1 8080");
	tailnet_record(&b->tailnet, SVC, "100.100.0.2");
	egress_bench_want(b);
	tailnet_peer(&b->tailnet, 1, FOO ".", "100.64.0.2/32", "100.100.0.1/32 100.100.0.2/32");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 100.100.0.2 8080");
	tailnet_record(&b->tailnet, SVC, "");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "");
}

static void test_via(void **state)
{
	struct egress_bench *b = *state;
	start(b, "{" NAMED("web", VIA) "}");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "");
	assert_int_equal(egress_bench_logged(b, "but no peer advertises a route containing it"), 2);
	tailnet_peer(&b->tailnet, 1, FOO ".", "100.64.0.2/32", "fd7a:115c:a1e0:b1a:0:7::/96");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 " VIA_ADDRESS " 8080");
}

/* A family that is out of reach concerns those services alone that need it. */
static void test_families(void **state)
{
	struct egress_bench *b = *state;
	b->own = "100.64.0.1";
	start(b, "{" ADDRESSED("four", "100.64.0.4") "," ADDRESSED("six", "fd7a::6") "}");
	egress_bench_round(b, 0);
	egress_bench_round(b, 0);
	egress_bench_expect(b, "four tcp 80 100.64.0.4 8080");
	assert_int_equal(egress_bench_logged(b, "egress service six: no tailscale IP matching "
						"family of fd7a::6 found in [100.64.0.1/32]"),
		1);
	assert_int_equal(egress_bench_logged(b, "node addresses have changed"), 0);
	assert_string_equal(egress_bench_reason(b, CONDITION_EGRESS_SERVICE_FAILED),
		"six: no tailscale IP matching family of fd7a::6 found in [100.64.0.1/32]");
	b->own = "100.64.0.1 fd7a::1";
	egress_bench_round(b, 0);
	egress_bench_expect(b, "four tcp 80 100.64.0.4 8080\nsix tcp 80 fd7a::6 8080");
	assert_int_equal(egress_bench_logged(b, "node addresses have changed, trigger egress "
						"config resync"),
		1);
	assert_string_equal(egress_bench_reason(b, CONDITION_EGRESS_SERVICE_FAILED), "");
	b->has_no_v6 = true;
	egress_bench_round(b, 0);
	egress_bench_round(b, 0);
	egress_bench_expect(b, "four tcp 80 100.64.0.4 8080");
	assert_int_equal(
		egress_bench_logged(b, "egress service six: tailnet target fd7a::6 is an IPv6 "
				       "address, but this host does not support IPv6 in the chosen "
				       "firewall mode, skipping."),
		1);
}

/* Of several addresses of a family the first is used, and the status says so. */
static void test_one_address_of_a_family(void **state)
{
	struct egress_bench *b = *state;
	start(b, "{" NAMED("web", FOO) "}");
	tailnet_peer(&b->tailnet, 1, FOO ".", "100.64.0.2/32 100.64.0.3/32 10.0.0.0/8", "");
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 100.64.0.2 8080");
	egress_bench_expect_status(b, STATUS("web", "[\"100.64.0.2\"]", "", FOO), 1);
	b->own = "fd7a::1";
	b->is_unknown = true;
	tailnet_remove(&b->tailnet, 1);
	egress_bench_round(b, 0);
	egress_bench_expect(b, "");
}

static void test_wants_name_each_once(void **state)
{
	struct egress_bench *b = *state;
	AUTO(strv_fini) struct strv names = {0};
	struct nft_addresses routes = {0};
	struct egress_netmap netmap = {b->tailnet.peers, b->tailnet.records, true};
	start(b, "{" NAMED("a", FOO) "," NAMED("b", VIA) "," NAMED("c", FOO) "," ADDRESSED(
			 "d", "100.64.0.2") "}");
	egress_services_wants(b->services, netmap.records, &names, &routes);
	AUTO(mem_free) char *joined = strv_join(&names, " ");
	AUTO(mem_free) char *printed = tailnet_print(&routes);
	assert_string_equal(joined, VIA ". " FOO ".");
	assert_string_equal(printed, "[" VIA_ADDRESS "]");
	nft_addresses_fini(&routes);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, egress_bench_open, egress_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(test_name_without_ports),
		TEST(test_name_appears_moves_and_vanishes),
		TEST(test_netmap_is_not_known),
		TEST(test_retarget),
		TEST(test_tailscale_service),
		TEST(test_via),
		TEST(test_families),
		TEST(test_one_address_of_a_family),
		TEST(test_wants_name_each_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
