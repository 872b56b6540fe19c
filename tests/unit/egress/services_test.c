#include "egress/services.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "egress/egress_conditions.h"
#include "lib/base/mem.h"
#include "lib/nft/nft.h"
#include "tests/support/egress_bench.h"
#include "tests/support/tempdir.h"

#define PORTS(list) ",\"ports\":[" list "]"
#define PORT(protocol, match, target) \
	"{\"protocol\":\"" protocol "\",\"matchPort\":" #match ",\"targetPort\":" #target "}"
#define ADDRESS(name, ip, ports) "\"" name "\":{\"tailnetTarget\":{\"ip\":\"" ip "\"}" ports "}"
#define ROW(name, ports, targets, ip, fqdn)                                 \
	"\"" name "\":{\"ports\":[" ports "],\"tailnetTargetIPs\":" targets \
	",\"tailnetTarget\":{\"ip\":\"" ip "\",\"fqdn\":\"" fqdn "\"}}"
#define STATUS(rows) "{\"podIPv4\":\"10.0.0.9\",\"services\":{" rows "}}"
#define NO_SERVICES "{\"podIPv4\":\"10.0.0.9\",\"services\":null}"

#define WEB ADDRESS("web", "100.64.0.2", PORTS(PORT("TCP", 80, 8080)))
#define WEB_MAP "web tcp 80 100.64.0.2 8080"
#define WEB_ROW ROW("web", PORT("TCP", 80, 8080), "[\"100.64.0.2\"]", "100.64.0.2", "")
#define DNS ADDRESS("dns", "100.64.0.3", PORTS(PORT("UDP", 53, 53)))
#define DNS_ROW ROW("dns", PORT("UDP", 53, 53), "[\"100.64.0.3\"]", "100.64.0.3", "")

#define CHANGED "config file change detected, ensuring firewall config is up to date..."

static void test_without_services_there_is_no_status(void **state)
{
	struct egress_bench *b = *state;
	egress_bench_start(b);
	egress_bench_round(b, 0);
	egress_bench_expect(b, "");
	egress_bench_put(b, "");
	egress_bench_put(b, "{}");
	egress_bench_round(b, 0);
	assert_int_equal(b->place.place.writes.len, 0);
	assert_int_equal(b->changed, 0);
	assert_int_equal(b->place.log.texts.len, 1);
	assert_int_equal(
		egress_bench_logged(b, "configuring egress proxy using configuration file at /"),
		1);
}

static void test_what_a_predecessor_left_is_replaced(void **state)
{
	struct egress_bench *b = *state;
	statestore_known(b->place.store, STORE_KEY_EGRESS_SERVICES,
		"{\"podIPv4\":\"10.0.0.1\",\"services\":{}}");
	egress_bench_start(b);
	egress_bench_round(b, 0);
	egress_bench_expect_status(b, NO_SERVICES, 1);
}

static void pass_doubt(struct egress_bench *b)
{
	place_pass(&b->place, 300);
	place_turn(&b->place);
}

static void test_life_of_services(void **state)
{
	struct egress_bench *b = *state;
	egress_bench_write(b, "{" WEB "}");
	egress_bench_start(b);
	assert_int_equal(b->place.log.texts.len, 1);
	egress_bench_round(b, 0);
	egress_bench_expect(b, WEB_MAP);
	egress_bench_expect_status(b, STATUS(WEB_ROW), 1);
	egress_bench_put(b, "{" DNS "," WEB "}");
	assert_int_equal(b->changed, 1);
	assert_int_equal(egress_bench_logged(b, CHANGED), 1);
	egress_bench_round(b, 0);
	egress_bench_expect(b, "dns udp 53 100.64.0.3 53\n" WEB_MAP);
	egress_bench_expect_status(b, STATUS(DNS_ROW "," WEB_ROW), 2);
	assert_int_equal(
		egress_bench_logged(
			b, "syncegressservices: looking at svc dns rulesToAdd 1 rulesToDelete 0"),
		1);
	/* The same in other words. */
	egress_bench_put(b, " {" WEB "," DNS "}");
	assert_int_equal(b->changed, 1);
	egress_bench_put(b, "{" DNS "}");
	egress_bench_round(b, 0);
	assert_int_equal(egress_bench_logged(b, "service web is no longer required, deleting"), 1);
	egress_bench_expect_status(b, STATUS(DNS_ROW), 3);
	/* An empty file is accepted only after a while: it may be being rewritten in place. */
	egress_bench_put(b, "");
	egress_bench_put(b, "{" DNS "}");
	pass_doubt(b);
	egress_bench_put(b, NULL);
	egress_bench_round(b, 0);
	egress_bench_expect_status(b, STATUS(DNS_ROW), 3);
	pass_doubt(b);
	egress_bench_round(b, 0);
	egress_bench_expect(b, "");
	egress_bench_expect_status(b, NO_SERVICES, 4);
	egress_bench_round(b, 0);
	egress_bench_expect_status(b, NO_SERVICES, 4);
}

static void test_ports_are_a_set(void **state)
{
	struct egress_bench *b = *state;
	egress_bench_write(b, "{" ADDRESS("web", "100.64.0.2",
				      PORTS(PORT("udp", 53, 53) "," PORT("TCP", 80, 81) "," PORT(
					      "udp", 53, 53))) "}");
	egress_bench_start(b);
	egress_bench_round(b, 0);
	egress_bench_expect(b, "web tcp 80 100.64.0.2 81\nweb udp 53 100.64.0.2 53");
	egress_bench_put(b, "{" ADDRESS("web", "100.64.0.2",
				    PORTS(PORT("TCP", 80, 81) "," PORT("TCP", 82, 82))) "}");
	egress_bench_round(b, 0);
	assert_int_equal(
		egress_bench_logged(
			b, "syncegressservices: looking at svc web rulesToAdd 1 rulesToDelete 1"),
		1);
	assert_int_equal(egress_bench_logged(b, "ensureRulesAdded svc web "), 3);
	assert_int_equal(egress_bench_logged(b, "ensureRulesAdded svc web tailnetTarget 100.64.0.2 "
						"container port 53 tailnet port 53 protocol udp"),
		1);
	assert_int_equal(egress_bench_logged(b, "ensureRulesAdded svc web tailnetTarget 100.64.0.2 "
						"container port 80 tailnet port 81 protocol TCP"),
		1);
	assert_int_equal(egress_bench_logged(b, "ensureRulesAdded svc web tailnetTarget 100.64.0.2 "
						"container port 82 tailnet port 82 protocol TCP"),
		1);
	assert_int_equal(
		egress_bench_logged(b, "ensureRulesDeleted svc web tailnetTarget 100.64.0.2 "
				       "container port 53 tailnet port 53 protocol udp"),
		1);
	assert_int_equal(egress_bench_logged(b, "ensureRulesDeleted svc "), 1);
}

static void test_a_failed_run_is_not_published(void **state)
{
	struct egress_bench *b = *state;
	egress_bench_write(b, "{" WEB "}");
	egress_bench_start(b);
	egress_bench_round(b, -EBUSY);
	assert_int_equal(b->place.place.writes.len, 0);
	egress_bench_round(b, 0);
	egress_bench_expect_status(b, STATUS(WEB_ROW), 1);
	egress_bench_put(b, "{" DNS "}");
	egress_bench_round(b, -ECANCELED);
	egress_bench_expect_status(b, STATUS(WEB_ROW), 1);
}

/* What changes between a contribution and its result is not published with it. */
static void test_only_what_stands_is_published(void **state)
{
	struct egress_bench *b = *state;
	egress_bench_write(b, "{" DNS "," WEB "}");
	egress_bench_start(b);
	egress_bench_round(b, 0);
	egress_bench_put(b, "{" ADDRESS("web", "100.64.0.7", PORTS(PORT("TCP", 9, 9))) "}");
	egress_services_applied(
		b->services, &(struct nft_result){.code = 0}, &(struct err){.code = 0});
	place_turn(&b->place);
	egress_bench_expect_status(b, STATUS(DNS_ROW "," WEB_ROW), 1);
}

static void test_broken_document(void **state)
{
	struct egress_bench *b = *state;
	egress_bench_write(b, "{" WEB "}");
	egress_bench_start(b);
	egress_bench_round(b, 0);
	egress_bench_put(b, "{" DNS ",");
	assert_int_equal(b->changed, 0);
	AUTO(mem_free) char *path = tempdir_path(b->dir, "egress-services");
	const char *reason = egress_bench_reason(b, CONDITION_EGRESS_CONFIG_INVALID);
	assert_int_equal(strncmp(reason, path, strlen(path)), 0);
	assert_non_null(strstr(reason, "line 1"));
	egress_bench_round(b, 0);
	egress_bench_expect(b, WEB_MAP);
	egress_bench_expect_status(b, STATUS(WEB_ROW), 1);
	egress_bench_put(b, "{" WEB "}");
	assert_string_equal(egress_bench_reason(b, CONDITION_EGRESS_CONFIG_INVALID), "");
	assert_int_equal(b->changed, 0);
}

/* A directory in place of the file is tried again; it is no event when it can be read again. */
static void test_unreadable_document(void **state)
{
	struct egress_bench *b = *state;
	AUTO(mem_free) char *path = tempdir_path(b->dir, "egress-services");
	AUTO(mem_free) char *away = tempdir_path(b->dir, "away");
	assert_int_equal(mkdir(path, 0700), 0);
	egress_bench_start(b);
	assert_string_not_equal(egress_bench_reason(b, CONDITION_EGRESS_CONFIG_INVALID), "");
	egress_bench_round(b, 0);
	assert_int_equal(b->place.place.writes.len, 0);
	assert_int_equal(rename(path, away), 0);
	egress_bench_write(b, "{" WEB "}");
	place_pass(&b->place, 2000);
	place_turn(&b->place);
	assert_string_equal(egress_bench_reason(b, CONDITION_EGRESS_CONFIG_INVALID), "");
	assert_int_equal(b->changed, 1);
}

static void test_faulty_services(void **state)
{
	struct egress_bench *b = *state;
	egress_bench_write(
		b, "{" WEB "," ADDRESS("bad", "100.64.0.5", PORTS(PORT("SCTP", 1, 1))) "}");
	egress_bench_start(b);
	egress_bench_round(b, 0);
	egress_bench_expect(b, WEB_MAP);
	egress_bench_expect_status(b, STATUS(WEB_ROW), 1);
	assert_string_equal(egress_bench_reason(b, CONDITION_EGRESS_SERVICE_FAILED),
		"bad: ports[0].protocol: \"SCTP\" is neither TCP nor UDP");
	assert_int_equal(egress_bench_logged(b, "egress service bad: ports[0].protocol: "), 1);
	/* One that becomes faulty keeps what it had. */
	egress_bench_put(
		b, "{\"bad\":{}," ADDRESS("web", "100.64.0.2", PORTS(PORT("TCP", 0, 1))) "}");
	assert_int_equal(b->changed, 0);
	assert_string_equal(egress_bench_reason(b, CONDITION_EGRESS_SERVICE_FAILED),
		"bad (and 1 more): unexpected egress service config- neither tailnet target IP nor "
		"FQDN is set");
	assert_int_equal(egress_bench_logged(b, "egress service web: ports[0].matchPort: 0 "), 1);
	egress_bench_round(b, 0);
	egress_bench_expect(b, WEB_MAP);
	egress_bench_expect_status(b, STATUS(WEB_ROW), 1);
	egress_bench_put(b, "{" WEB "}");
	assert_string_equal(egress_bench_reason(b, CONDITION_EGRESS_SERVICE_FAILED), "");
}

static void test_two_services_on_one_port(void **state)
{
	struct egress_bench *b = *state;
	egress_bench_write(b, "{" WEB "," ADDRESS("wob", "100.64.0.3",
				      PORTS(PORT("TCP", 80, 80) "," PORT("UDP", 80, 80))) "}");
	egress_bench_start(b);
	egress_bench_round(b, 0);
	egress_bench_expect_status(b,
		STATUS(WEB_ROW
			"," ROW("wob", PORT("UDP", 80, 80), "[\"100.64.0.3\"]", "100.64.0.3", "")),
		1);
	assert_int_equal(
		egress_bench_logged(b, "egress service wob: tcp port 80 is served by web"), 1);
	assert_string_equal(egress_bench_reason(b, CONDITION_EGRESS_SERVICE_FAILED),
		"wob: tcp port 80 is served by web");
	egress_bench_round(b, 0);
	assert_int_equal(egress_bench_logged(b, "egress service wob: "), 1);
	egress_bench_put(b, "{" ADDRESS("wob", "100.64.0.3", PORTS(PORT("TCP", 80, 80))) "}");
	egress_bench_round(b, 0);
	egress_bench_expect_status(b,
		STATUS(ROW("wob", PORT("TCP", 80, 80), "[\"100.64.0.3\"]", "100.64.0.3", "")), 2);
	assert_string_equal(egress_bench_reason(b, CONDITION_EGRESS_SERVICE_FAILED), "");
}

/* Beyond a handful the log sums up. */
static void test_many_services(void **state)
{
	struct egress_bench *b = *state;
	AUTO(strv_fini) struct strv parts = {0};
	for (int i = 0; i < 30; i++)
		strv_pushf(&parts,
			"\"s%02d\":{\"tailnetTarget\":{\"ip\":\"100.64.0.2\"},\"ports\":[{"
			"\"protocol\":\"TCP\",\"matchPort\":%d,\"targetPort\":1}]}",
			i, i + 1);
	AUTO(mem_free) char *joined = strv_join(&parts, ",");
	AUTO(mem_free) char *text = xasprintf("{%s}", joined);
	egress_bench_write(b, text);
	egress_bench_start(b);
	egress_bench_round(b, 0);
	assert_int_equal(egress_bench_logged(b, "syncegressservices: looking at svc "), 20);
	assert_int_equal(
		egress_bench_logged(b, "looking at 10 more services rulesToAdd 10 rulesToDelete 0"),
		1);
	assert_int_equal(egress_bench_logged(b, "ensureRulesAdded svc s"), 20);
	assert_int_equal(
		egress_bench_logged(b, "... and 10 more rules of egress services are added"), 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, egress_bench_open, egress_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(test_without_services_there_is_no_status),
		TEST(test_what_a_predecessor_left_is_replaced),
		TEST(test_life_of_services),
		TEST(test_ports_are_a_set),
		TEST(test_a_failed_run_is_not_published),
		TEST(test_only_what_stands_is_published),
		TEST(test_broken_document),
		TEST(test_unreadable_document),
		TEST(test_faulty_services),
		TEST(test_two_services_on_one_port),
		TEST(test_many_services),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
