#include "boot/datapath/datapath.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "boot/datapath/datapath_conditions.h"
#include "boot/settings/settings.h"
#include "ingress/ingress_conditions.h"
#include "lib/base/mem.h"
#include "lib/localapi/peers.h"
#include "tests/support/datapath_bench.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

#define STATUS "{\"podIPv4\":\"10.0.0.5\",\"services\":{\"web\":{\"ports\":"

static void a_target_is_applied_before_endpoints_are_published(void **state)
{
	struct datapath_bench *b = *state;
	datapath_bench_make(b, "TS_DEST_IP=10.0.0.9", true);
	datapath_bench_start(b);
	assert_true(loop_wait_idle(b->loop, 30));
	/* Without an address there is nothing to apply. */
	assert_int_equal(b->ready, 0);
	datapath_bench_set_self(b, "100.64.0.1/32", NULL);
	datapath_update(b->d, &b->self, true);
	assert_false(datapath_is_ready(b->d, &b->self));
	datapath_bench_wait_ready(b, 1);
	datapath_bench_set_self(b, "100.64.0.2/32", NULL);
	assert_false(datapath_is_ready(b->d, &b->self));
	datapath_update(b->d, &b->self, false);
	datapath_bench_wait_ready(b, 2);
	/* The same again changes nothing. */
	datapath_update(b->d, &b->self, true);
	assert_true(loop_wait_idle(b->loop, 30));
	assert_int_equal(b->ready, 2);
	assert_int_equal(log_capture_count_id(&b->log, "datapath.applied"), 2);
}

static void impossible_targets_are_reported_from_the_loop(void **state)
{
	struct datapath_bench *b = *state;
	datapath_bench_make(b, "TS_DEST_IP=fd00::9", true);
	datapath_bench_set_self(b, "100.64.0.1/32", NULL);
	datapath_bench_start(b);
	assert_int_equal(b->impossible, 0);
	assert_true(loop_wait_count(b->loop, &b->impossible, 1, LOOP_WAIT_MS));
	assert_non_null(strstr(b->why.msg, "no tailscale IP matching family of fd00::9"));
	assert_true(condition_is_raised(&b->conditions, CONDITION_INGRESS_TARGET_FAILED));
	assert_int_equal(b->ready, 0);
	/* It ends when the node has such an address. */
	datapath_bench_set_self(b, "100.64.0.1/32", "fd7a:115c:a1e0::1/128");
	datapath_update(b->d, &b->self, false);
	datapath_bench_wait_ready(b, 1);
	assert_false(condition_is_raised(&b->conditions, CONDITION_INGRESS_TARGET_FAILED));
}

static void a_name_is_waited_for(void **state)
{
	struct datapath_bench *b = *state;
	datapath_bench_make(b, "TS_TAILNET_TARGET_FQDN=db.tail.ts.net", true);
	datapath_bench_set_self(b, "100.64.0.1/32", NULL);
	datapath_bench_start(b);
	assert_true(peers_wants_any(b->peers));
	datapath_update(b->d, &b->self, true);
	assert_true(loop_wait_idle(b->loop, 30));
	assert_true(datapath_waits_for_target(b->d));
	assert_int_equal(b->ready, 0);
	assert_int_equal(b->impossible, 0);
	datapath_bench_report_peer(b, "db.tail.ts.net.", "100.64.0.9/32");
	datapath_update(b->d, &b->self, false);
	datapath_bench_wait_ready(b, 1);
	assert_false(datapath_waits_for_target(b->d));
}

static void services_wait_for_the_peers_they_name(void **state)
{
	struct datapath_bench *b = *state;
	tempdir_write(b->dir, "proxies/egress-services",
		"{\"web\":{\"tailnetTarget\":{\"fqdn\":\"web.tail.ts.net\"},\"ports\":"
		"[{\"protocol\":\"TCP\",\"matchPort\":80,\"targetPort\":8080}]}}");
	AUTO(mem_free)
	char *setting = xasprintf("TS_EGRESS_PROXIES_CONFIG_PATH=%s/proxies", b->dir);
	datapath_bench_make(b, setting, true);
	datapath_bench_set_self(b, "100.64.0.1/32", NULL);
	datapath_bench_start(b);
	/* The peers are about to arrive: no rules are written that would be reverted. */
	assert_true(loop_wait_idle(b->loop, 30));
	assert_int_equal(b->writes, 0);
	datapath_bench_report_peer(b, "web.tail.ts.net.", "100.64.0.9/32");
	datapath_update(b->d, &b->self, true);
	datapath_bench_wait_ready(b, 1);
	assert_true(loop_wait_count(b->loop, &b->writes, 1, LOOP_WAIT_MS));
	assert_string_equal(b->written,
		STATUS "[{\"protocol\":\"TCP\",\"matchPort\":80,\"targetPort\":8080}],"
		       "\"tailnetTargetIPs\":[\"100.64.0.9\"],\"tailnetTarget\":{\"ip\":\"\","
		       "\"fqdn\":\"web.tail.ts.net\"}}}}");
	/* The daemon is restarted: until the peers are reported anew, the present rules stay. */
	datapath_forget_netmap(b->d);
	datapath_start(b->d, b->store, NULL);
	datapath_update(b->d, &b->self, false);
	assert_true(loop_wait_idle(b->loop, 30));
	assert_int_equal(b->writes, 1);
	datapath_bench_report_peer(b, "web.tail.ts.net.", "100.64.0.10/32");
	datapath_update(b->d, &b->self, true);
	assert_true(loop_wait_count(b->loop, &b->writes, 2, LOOP_WAIT_MS));
	assert_non_null(strstr(b->written, "100.64.0.10"));
}

static void peers_that_are_never_reported_hold_nothing_up(void **state)
{
	struct datapath_bench *b = *state;
	tempdir_write(b->dir, "proxies/egress-services",
		"{\"gone\":{\"tailnetTarget\":{\"fqdn\":\"gone.tail.ts.net\"},\"ports\":[]},"
		"\"web\":{\"tailnetTarget\":{\"ip\":\"100.64.0.7\"},\"ports\":[]}}");
	AUTO(mem_free)
	char *setting = xasprintf("TS_EGRESS_PROXIES_CONFIG_PATH=%s/proxies", b->dir);
	datapath_bench_make(b, setting, true);
	datapath_bench_set_self(b, "100.64.0.1/32", NULL);
	datapath_bench_start(b);
	assert_true(loop_wait_count(b->loop, &b->writes, 1, LOOP_WAIT_MS));
	assert_non_null(strstr(b->written, "100.64.0.7"));
}

static void forwarding_follows_the_families_in_use(void **state)
{
	struct datapath_bench *b = *state;
	datapath_bench_make(b, "TS_TAILNET_TARGET_IP=fd7a:115c:a1e0::9", true);
	datapath_bench_set_self(b, "100.64.0.1/32", "fd7a:115c:a1e0::1/128");
	datapath_bench_start(b);
	datapath_bench_wait_ready(b, 1);
	AUTO(mem_free) char *four = tempdir_read(b->dir, "proc/sys/net/ipv4/ip_forward");
	AUTO(mem_free) char *six = tempdir_read(b->dir, "proc/sys/net/ipv6/conf/all/forwarding");
	assert_string_equal(four, "0\n");
	assert_string_equal(six, "1");
	assert_false(condition_is_raised(&b->conditions, CONDITION_FORWARDING_OFF));
}

static bool is_forwarding_off(void *arg)
{
	const struct datapath_bench *b = arg;
	return condition_is_raised(&b->conditions, CONDITION_FORWARDING_OFF);
}

static bool is_forwarding_on(void *arg)
{
	return !is_forwarding_off(arg);
}

/* A file that can be neither read nor written by any user. */
static void break_switch(struct datapath_bench *b, const char *name)
{
	AUTO(mem_free) char *path = tempdir_path(b->dir, name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void mend_switch(struct datapath_bench *b, const char *name, const char *value)
{
	AUTO(mem_free) char *path = tempdir_path(b->dir, name);
	assert_int_equal(rmdir(path), 0);
	tempdir_write(b->dir, name, value);
}

#define IPV4_SWITCH "proc/sys/net/ipv4/ip_forward"
#define IPV6_SWITCH "proc/sys/net/ipv6/conf/all/forwarding"

/* No endpoints are published for traffic that would be lost; another program may switch it on. */
static void a_single_target_waits_for_forwarding(void **state)
{
	struct datapath_bench *b = *state;
	datapath_bench_make(b, "TS_DEST_IP=10.0.0.9", false);
	break_switch(b, IPV4_SWITCH);
	datapath_bench_set_self(b, "100.64.0.1/32", NULL);
	datapath_bench_start(b);
	assert_true(loop_wait(b->loop, is_forwarding_off, b, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(b->loop, 300));
	assert_int_equal(b->ready, 0);
	assert_int_equal(b->impossible, 0);
	assert_false(datapath_was_ready(b->d));
	assert_false(datapath_waits_for_target(b->d));
	mend_switch(b, IPV4_SWITCH, "1\n");
	datapath_bench_wait_ready(b, 1);
	assert_false(is_forwarding_off(b));
	/* Off again, for any reason: it is switched on. */
	tempdir_write(b->dir, IPV4_SWITCH, "0\n");
	for (unsigned int i = 0; i < 200; i++) {
		AUTO(mem_free) char *value = tempdir_read(b->dir, IPV4_SWITCH);
		if (strcmp(value, "1") == 0)
			return;
		assert_true(loop_wait_idle(b->loop, 20));
	}
	fail_msg("the switch stays off");
}

/* The other family continues, and the status names the served ports. */
static void services_do_without_a_family_that_is_not_forwarded(void **state)
{
	struct datapath_bench *b = *state;
	tempdir_write(b->dir, "proxies/egress-services",
		"{\"web\":{\"tailnetTarget\":{\"fqdn\":\"web.tail.ts.net\"},\"ports\":"
		"[{\"protocol\":\"TCP\",\"matchPort\":80,\"targetPort\":8080}]}}");
	AUTO(mem_free)
	char *setting = xasprintf("TS_EGRESS_PROXIES_CONFIG_PATH=%s/proxies", b->dir);
	datapath_bench_make(b, setting, true);
	break_switch(b, IPV6_SWITCH);
	datapath_bench_set_self(b, "100.64.0.1/32", "fd7a:115c:a1e0::1/128");
	datapath_bench_start(b);
	datapath_bench_report_addresses(
		b, "web.tail.ts.net.", "100.64.0.9/32", "fd7a:115c:a1e0::9/128");
	datapath_update(b->d, &b->self, true);
	datapath_bench_wait_ready(b, 1);
	assert_true(loop_wait_count(b->loop, &b->writes, 1, LOOP_WAIT_MS));
	assert_true(is_forwarding_off(b));
	assert_non_null(strstr(b->written, "\"tailnetTargetIPs\":[\"100.64.0.9\"]"));
	mend_switch(b, IPV6_SWITCH, "1\n");
	assert_true(loop_wait(b->loop, is_forwarding_on, b, LOOP_WAIT_MS));
	assert_true(loop_wait_count(b->loop, &b->writes, 2, LOOP_WAIT_MS));
	assert_non_null(strstr(b->written, "fd7a:115c:a1e0::9"));
	break_switch(b, IPV6_SWITCH);
	assert_true(loop_wait_count(b->loop, &b->writes, 3, LOOP_WAIT_MS));
	assert_null(strstr(b->written, "fd7a:115c:a1e0::9"));
}

static void the_end_is_reported_once(void **state)
{
	struct datapath_bench *b = *state;
	datapath_bench_make(b, "TS_DEST_IP=10.0.0.9", true);
	datapath_bench_set_self(b, "100.64.0.1/32", NULL);
	datapath_bench_start(b);
	datapath_bench_wait_ready(b, 1);
	datapath_remove(b->d, datapath_bench_on_removed, b);
	assert_true(datapath_is_removing(b->d));
	assert_int_equal(b->removed, 0);
	assert_true(loop_wait_count(b->loop, &b->removed, 1, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(b->loop, 30));
	assert_int_equal(b->removed, 1);
	assert_int_equal(log_capture_count_id(&b->log, "datapath.remove_failed"), 0);
}

static void an_end_before_the_begin(void **state)
{
	struct datapath_bench *b = *state;
	datapath_bench_make(b, "TS_DEST_IP=10.0.0.9", true);
	datapath_remove(b->d, datapath_bench_on_removed, b);
	assert_true(loop_wait_count(b->loop, &b->removed, 1, LOOP_WAIT_MS));
}

static void an_end_before_the_first_steady_state(void **state)
{
	struct datapath_bench *b = *state;
	datapath_bench_make(b, "TS_DEST_IP=10.0.0.9", true);
	datapath_claim(b->d);
	datapath_remove(b->d, datapath_bench_on_removed, b);
	assert_true(loop_wait_count(b->loop, &b->removed, 1, LOOP_WAIT_MS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, datapath_bench_open, datapath_bench_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_target_is_applied_before_endpoints_are_published),
		TEST(impossible_targets_are_reported_from_the_loop),
		TEST(a_name_is_waited_for),
		TEST(services_wait_for_the_peers_they_name),
		TEST(peers_that_are_never_reported_hold_nothing_up),
		TEST(forwarding_follows_the_families_in_use),
		TEST(a_single_target_waits_for_forwarding),
		TEST(services_do_without_a_family_that_is_not_forwarded),
		TEST(the_end_is_reported_once),
		TEST(an_end_before_the_begin),
		TEST(an_end_before_the_first_steady_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
