#include "boot/datapath.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/settings.h"
#include "boot/times.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/io/loop.h"
#include "lib/io/resolve.h"
#include "lib/localapi/ipnbus.h"
#include "lib/localapi/localapi.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"
#include "lib/localapi/selfnode.h"
#include "statestore/statestore.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

#define STATUS "{\"podIPv4\":\"10.0.0.5\",\"services\":{\"web\":{\"ports\":"

struct bench {
	char *dir;
	struct settings *settings;
	struct loop *loop;
	struct fetcher *fetcher;
	struct resolver *resolver;
	struct localapi *api;
	struct condition_set conditions;
	struct peers *peers;
	struct records *records;
	struct ipnbus *bus;
	struct statestore *store;
	struct datapath *d;
	struct selfnode self;
	struct log_capture log;
	char *written; /* value of the last write of a status */
	unsigned int ready, impossible, removed, writes;
	struct err why;
};

/* The place where statuses go. */
static const char *describe(void *self)
{
	(void)self;
	return "a place";
}

static void write_changes(void *self, const struct store_change *changes, size_t count,
	store_written_fn fn, void *arg)
{
	struct bench *b = self;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(changes[i].key, STORE_KEY_EGRESS_SERVICES) != 0)
			continue;
		free(b->written);
		b->written = xstrdup(changes[i].value);
		b->writes++;
	}
	fn(arg, NULL, 0);
}

static void nothing(void *self)
{
	(void)self;
}

static void on_ready(void *arg)
{
	struct bench *b = arg;
	assert_true(datapath_is_ready(b->d, &b->self));
	b->ready++;
}

static void on_impossible(void *arg, const struct err *why)
{
	struct bench *b = arg;
	b->why = *why;
	b->impossible++;
}

static void on_removed(void *arg)
{
	struct bench *b = arg;
	b->removed++;
}

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct err e;
	*state = b;
	b->dir = tempdir_new();
	tempdir_write(b->dir, "proc/sys/net/ipv4/ip_forward", "0\n");
	tempdir_write(b->dir, "proc/sys/net/ipv6/conf/all/forwarding", "0\n");
	log_capture_start(&b->log);
	log_set_level(LOG_LEVEL_DEBUG);
	b->loop = loop_new(&e);
	b->fetcher = fetcher_new(b->loop, &e);
	b->resolver = resolver_new(b->loop, &e);
	AUTO(mem_free) char *socket = tempdir_path(b->dir, "socket");
	b->api = localapi_new(b->loop, b->fetcher, socket);
	b->peers = peers_new();
	b->records = records_new();
	static const struct ipnbus_times times = {20, 200, 500};
	struct ipnbus_events events = {NULL, NULL, NULL, NULL};
	b->bus = ipnbus_new(b->loop, b->api, b->peers, &times, &events);
	ipnbus_set_records(b->bus, b->records);
	struct statestore_backend backend = {describe, write_changes, NULL, nothing, nothing, b};
	struct statestore_times store_times = {20, 200};
	b->store = statestore_new(b->loop, &b->conditions, &backend, &store_times);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	datapath_free(b->d);
	statestore_free(b->store);
	ipnbus_free(b->bus);
	records_free(b->records);
	peers_free(b->peers);
	localapi_free(b->api);
	resolver_free(b->resolver);
	fetcher_free(b->fetcher);
	loop_free(b->loop);
	settings_freep(&b->settings);
	selfnode_fini(&b->self);
	log_set_level(LOG_LEVEL_INFO);
	log_capture_stop(&b->log);
	tempdir_free(b->dir);
	free(b->written);
	free(b);
	return 0;
}

static void make(struct bench *b, const char *setting, bool has_ipv6)
{
	struct err e;
	AUTO(strv_fini) struct strv env = {0};
	strv_pushf(&env, "TS_TEST_ONLY_ROOT=%s", b->dir);
	strv_push(&env, "TS_TEST_FAKE_NETFILTER=true");
	strv_pushf(&env, "TS_TEST_FAKE_NETFILTER_6=%s", has_ipv6 ? "true" : "false");
	strv_push(&env, "TS_USERSPACE=false");
	strv_push(&env, setting);
	b->settings = settings_parse(env.items);
	free(b->settings->pod_ipv4);
	b->settings->pod_ipv4 = xstrdup("10.0.0.5");
	struct datapath_partners partners = {
		.loop = b->loop,
		.resolver = b->resolver,
		.conditions = &b->conditions,
		.peers = b->peers,
		.records = b->records,
		.bus = b->bus,
		.settings = b->settings,
		.times = times_get(true),
	};
	struct datapath_events events = {on_ready, on_impossible, b};
	b->d = datapath_new(&partners, &events, &e);
	assert_non_null(b->d);
}

static void set_self(struct bench *b, const char *v4, const char *v6)
{
	const char *const texts[] = {v4, v6};
	struct err e;
	b->self.known = true;
	b->self.address_count = 0;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i] != NULL)
			assert_int_equal(ipprefix_parse(texts[i],
						 &b->self.addresses[b->self.address_count++], &e),
				0);
	}
}

static void start(struct bench *b)
{
	datapath_start(b->d, b->store, NULL, NULL);
	datapath_update(b->d, &b->self, false);
}

static void tell_peer(struct bench *b, const char *name, const char *address)
{
	struct ipprefix prefix;
	struct err e;
	AUTO(mem_free) char *copy = xstrdup(name);
	assert_int_equal(ipprefix_parse(address, &prefix, &e), 0);
	struct peer peer = {.name = copy, .addresses = &prefix, .address_count = 1};
	peers_update(b->peers, &peer);
}

static void wait_ready(struct bench *b, unsigned int times)
{
	assert_true(loop_wait_count(b->loop, &b->ready, times, LOOP_WAIT_MS));
}

static void a_target_stands_before_endpoints_are_told(void **state)
{
	struct bench *b = *state;
	make(b, "TS_DEST_IP=10.0.0.9", true);
	start(b);
	assert_true(loop_wait_idle(b->loop, 30));
	/* Without an address there is nothing to stand. */
	assert_int_equal(b->ready, 0);
	set_self(b, "100.64.0.1/32", NULL);
	datapath_update(b->d, &b->self, true);
	assert_false(datapath_is_ready(b->d, &b->self));
	wait_ready(b, 1);
	set_self(b, "100.64.0.2/32", NULL);
	assert_false(datapath_is_ready(b->d, &b->self));
	datapath_update(b->d, &b->self, false);
	wait_ready(b, 2);
	/* The same again changes nothing. */
	datapath_update(b->d, &b->self, true);
	assert_true(loop_wait_idle(b->loop, 30));
	assert_int_equal(b->ready, 2);
	assert_int_equal(log_capture_count_id(&b->log, "datapath.applied"), 2);
}

static void what_cannot_be_is_told_from_the_loop(void **state)
{
	struct bench *b = *state;
	make(b, "TS_DEST_IP=fd00::9", true);
	set_self(b, "100.64.0.1/32", NULL);
	start(b);
	assert_int_equal(b->impossible, 0);
	assert_true(loop_wait_count(b->loop, &b->impossible, 1, LOOP_WAIT_MS));
	assert_non_null(strstr(b->why.msg, "no tailscale IP matching family of fd00::9"));
	assert_true(condition_is_raised(&b->conditions, CONDITION_INGRESS_TARGET_FAILED));
	assert_int_equal(b->ready, 0);
	/* It heals when the node has such an address. */
	set_self(b, "100.64.0.1/32", "fd7a:115c:a1e0::1/128");
	datapath_update(b->d, &b->self, false);
	wait_ready(b, 1);
	assert_false(condition_is_raised(&b->conditions, CONDITION_INGRESS_TARGET_FAILED));
}

static void a_name_is_waited_for(void **state)
{
	struct bench *b = *state;
	make(b, "TS_TAILNET_TARGET_FQDN=db.tail.ts.net", true);
	set_self(b, "100.64.0.1/32", NULL);
	start(b);
	assert_true(peers_wants_any(b->peers));
	datapath_update(b->d, &b->self, true);
	assert_true(loop_wait_idle(b->loop, 30));
	assert_true(datapath_waits_for_target(b->d));
	assert_int_equal(b->ready, 0);
	assert_int_equal(b->impossible, 0);
	tell_peer(b, "db.tail.ts.net.", "100.64.0.9/32");
	datapath_update(b->d, &b->self, false);
	wait_ready(b, 1);
	assert_false(datapath_waits_for_target(b->d));
}

static void services_wait_for_the_peers_they_name(void **state)
{
	struct bench *b = *state;
	tempdir_write(b->dir, "proxies/egress-services",
		"{\"web\":{\"tailnetTarget\":{\"fqdn\":\"web.tail.ts.net\"},\"ports\":"
		"[{\"protocol\":\"TCP\",\"matchPort\":80,\"targetPort\":8080}]}}");
	AUTO(mem_free)
	char *setting = xasprintf("TS_EGRESS_PROXIES_CONFIG_PATH=%s/proxies", b->dir);
	make(b, setting, true);
	set_self(b, "100.64.0.1/32", NULL);
	start(b);
	/* The peers are on their way: nothing is written that would be taken back. */
	assert_true(loop_wait_idle(b->loop, 30));
	assert_int_equal(b->writes, 0);
	tell_peer(b, "web.tail.ts.net.", "100.64.0.9/32");
	datapath_update(b->d, &b->self, true);
	wait_ready(b, 1);
	assert_true(loop_wait_count(b->loop, &b->writes, 1, LOOP_WAIT_MS));
	assert_string_equal(b->written,
		STATUS "[{\"protocol\":\"TCP\",\"matchPort\":80,\"targetPort\":8080}],"
		       "\"tailnetTargetIPs\":[\"100.64.0.9\"],\"tailnetTarget\":{\"ip\":\"\","
		       "\"fqdn\":\"web.tail.ts.net\"}}}}");
	/* The daemon is restarted: until the peers are told anew, what stands stays. */
	datapath_forget_netmap(b->d);
	datapath_start(b->d, b->store, NULL, NULL);
	datapath_update(b->d, &b->self, false);
	assert_true(loop_wait_idle(b->loop, 30));
	assert_int_equal(b->writes, 1);
	tell_peer(b, "web.tail.ts.net.", "100.64.0.10/32");
	datapath_update(b->d, &b->self, true);
	assert_true(loop_wait_count(b->loop, &b->writes, 2, LOOP_WAIT_MS));
	assert_non_null(strstr(b->written, "100.64.0.10"));
}

static void peers_that_are_never_told_hold_nothing_up(void **state)
{
	struct bench *b = *state;
	tempdir_write(b->dir, "proxies/egress-services",
		"{\"gone\":{\"tailnetTarget\":{\"fqdn\":\"gone.tail.ts.net\"},\"ports\":[]},"
		"\"web\":{\"tailnetTarget\":{\"ip\":\"100.64.0.7\"},\"ports\":[]}}");
	AUTO(mem_free)
	char *setting = xasprintf("TS_EGRESS_PROXIES_CONFIG_PATH=%s/proxies", b->dir);
	make(b, setting, true);
	set_self(b, "100.64.0.1/32", NULL);
	start(b);
	assert_true(loop_wait_count(b->loop, &b->writes, 1, LOOP_WAIT_MS));
	assert_non_null(strstr(b->written, "100.64.0.7"));
}

static void name_services(struct bench *b, int number)
{
	AUTO(mem_free)
	char *text = xasprintf("{\"gone\":{\"tailnetTarget\":{\"fqdn\":\"gone%d.tail.ts.net\"},"
			       "\"ports\":[]},\"web\":{\"tailnetTarget\":{\"ip\":\"100.64.0.7\"},"
			       "\"ports\":[]}}",
		number);
	tempdir_write(b->dir, "proxies/egress-services", text);
}

static void wants_that_never_rest_hold_nothing_up(void **state)
{
	struct bench *b = *state;
	name_services(b, 0);
	AUTO(mem_free)
	char *setting = xasprintf("TS_EGRESS_PROXIES_CONFIG_PATH=%s/proxies", b->dir);
	make(b, setting, true);
	set_self(b, "100.64.0.1/32", NULL);
	start(b);
	/* Other names more often than the peers could be told. */
	uint32_t step_ms = times_get(true)->netmap_wait_ms / 5;
	for (int i = 1; i <= 15 && b->writes == 0; i++) {
		name_services(b, i);
		loop_wait_count(b->loop, &b->writes, 1, step_ms);
	}
	assert_int_equal(b->writes, 1);
	assert_non_null(strstr(b->written, "100.64.0.7"));
}

static void changes_without_a_pause_are_taken_together(void **state)
{
	struct bench *b = *state;
	make(b, "TS_TAILNET_TARGET_FQDN=db.tail.ts.net", true);
	set_self(b, "100.64.0.1/32", NULL);
	start(b);
	uint64_t begin_ms = clock_now_ms();
	int changes = 0;
	while (clock_now_ms() - begin_ms < 400) {
		AUTO(mem_free) char *address = xasprintf("100.64.0.%d/32", 9 + changes++ % 2);
		tell_peer(b, "db.tail.ts.net.", address);
		datapath_update(b->d, &b->self, true);
		loop_wait_idle(b->loop, 1);
	}
	assert_true(loop_wait_idle(b->loop, 100));
	uint64_t spent_ms = clock_now_ms() - begin_ms;
	size_t applied = log_capture_count_id(&b->log, "datapath.applied");
	/* Some at once, then one for each pause. */
	assert_in_range(applied, 9, 9 + spent_ms / times_get(true)->debounce_ms);
	assert_true(applied < (size_t)changes);
	/* The last one stands. */
	const char *told = "";
	for (size_t i = 0; i < b->log.ids.len; i++) {
		if (strcmp(b->log.ids.items[i], "egress.installing") == 0)
			told = b->log.texts.items[i];
	}
	assert_non_null(strstr(told, changes % 2 == 1 ? "100.64.0.9" : "100.64.0.10"));
}

static void forwarding_follows_the_families_in_use(void **state)
{
	struct bench *b = *state;
	make(b, "TS_TAILNET_TARGET_IP=fd7a:115c:a1e0::9", true);
	set_self(b, "100.64.0.1/32", "fd7a:115c:a1e0::1/128");
	start(b);
	wait_ready(b, 1);
	AUTO(mem_free) char *four = tempdir_read(b->dir, "proc/sys/net/ipv4/ip_forward");
	AUTO(mem_free) char *six = tempdir_read(b->dir, "proc/sys/net/ipv6/conf/all/forwarding");
	assert_string_equal(four, "0\n");
	assert_string_equal(six, "1");
	assert_false(condition_is_raised(&b->conditions, CONDITION_FORWARDING_OFF));
}

static void a_switch_that_is_missing_is_a_condition(void **state)
{
	struct bench *b = *state;
	make(b, "TS_DEST_IP=10.0.0.9", false);
	free(b->settings->test_root);
	b->settings->test_root = tempdir_path(b->dir, "elsewhere");
	set_self(b, "100.64.0.1/32", NULL);
	start(b);
	wait_ready(b, 1);
	assert_true(condition_is_raised(&b->conditions, CONDITION_FORWARDING_OFF));
}

static void the_end_is_told_once(void **state)
{
	struct bench *b = *state;
	make(b, "TS_DEST_IP=10.0.0.9", true);
	set_self(b, "100.64.0.1/32", NULL);
	start(b);
	wait_ready(b, 1);
	assert_true(datapath_remove(b->d, on_removed, b));
	assert_true(datapath_is_removing(b->d));
	assert_int_equal(b->removed, 0);
	assert_true(loop_wait_count(b->loop, &b->removed, 1, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(b->loop, 30));
	assert_int_equal(b->removed, 1);
	assert_int_equal(log_capture_count_id(&b->log, "datapath.remove_failed"), 0);
}

static void an_end_before_the_begin(void **state)
{
	struct bench *b = *state;
	make(b, "TS_DEST_IP=10.0.0.9", true);
	assert_false(datapath_remove(b->d, on_removed, b));
	assert_true(loop_wait_idle(b->loop, 30));
	assert_int_equal(b->removed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_target_stands_before_endpoints_are_told),
		TEST(what_cannot_be_is_told_from_the_loop),
		TEST(a_name_is_waited_for),
		TEST(services_wait_for_the_peers_they_name),
		TEST(peers_that_are_never_told_hold_nothing_up),
		TEST(wants_that_never_rest_hold_nothing_up),
		TEST(changes_without_a_pause_are_taken_together),
		TEST(forwarding_follows_the_families_in_use),
		TEST(a_switch_that_is_missing_is_a_condition),
		TEST(the_end_is_told_once),
		TEST(an_end_before_the_begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
