/* Keys: when one is made, replaced, kept, removed. */
#include "controller/proxygroup/group_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/proxy_config.h"
#include "tests/support/fake_clock.h"
#include "tests/support/group_bench.h"

static struct group_bench *open_bench(void **state, int replicas)
{
	static struct group_bench bench;
	fake_clock_install(1000000);
	group_bench_open(&bench, replicas);
	*state = &bench;
	return &bench;
}

static int close_bench(void **state)
{
	group_bench_close(*state);
	fake_clock_remove();
	return 0;
}

static void expect_key(const struct group_bench *b, const char *config, const char *expected)
{
	struct err e;
	AUTO(mem_free) char *text = group_bench_secret(b, config, PROXY_CONFIG_KEY);
	AUTO(proxy_config_fini) struct proxy_config now = {0};
	assert_int_equal(proxy_config_parse(text, strlen(text), &now, &e), 0);
	assert_string_equal(secret_str(&now.authkey), expected);
}

static void expect_plan(struct group_bench *b, const char *part, bool is_there)
{
	struct engine_plan plan;
	group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
	AUTO(mem_free) char *text = engine_plan_print(&plan);
	if ((strstr(text, part) != NULL) != is_there)
		fail_msg("%s is %s in\n%s", part, is_there ? "not" : "there", text);
	engine_plan_fini(&plan);
}

struct row {
	const char *device_id; /* of the state; NULL = absent */
	const char *asked;     /* reissue_authkey; NULL = absent */
	const char *key;       /* in the configuration */
	const char *expected;  /* after the plan; NULL = a key is replaced */
};

static const struct row rows[] = {
	{NULL, NULL, "k", "k"},
	{NULL, NULL, "", ""},
	{"n1", NULL, "k", ""},
	{"n1", NULL, "", ""},
	{"n1", "k", "k", NULL},
	{NULL, "k", "k", NULL},
	{"n1", "old", "k", "k"},
	{NULL, "old", "k", "k"},
	{NULL, "", "", NULL},
	{"n1", "", "", NULL},
	{NULL, "no-authkey", "", NULL},
	{"n1", "no-authkey", "", NULL},
	{NULL, "no-authkey", "k", "k"},
	{NULL, "", "k", "k"},
	{"n1", "k", "", NULL},
};

static void put_config(struct group_bench *b, const char *key)
{
	AUTO(secret_fini) struct secret text = {0};
	struct proxy_config config = {.hostname = (char *)"egress-0",
		.server_url = (char *)"https://headscale.example.net"};
	secret_set_str(&config.authkey, key);
	proxy_config_print(&config, &text);
	group_bench_set_secret(b, "egress-0-config", PROXY_CONFIG_KEY, secret_str(&text));
	secret_fini(&config.authkey);
}

static void each_state_of_a_replica_has_its_key(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct group_bench *b = open_bench(state, 1);
		group_bench_finish(b);
		put_config(b, row->key);
		group_bench_set_secret(b, "egress-0", "device_id", row->device_id);
		group_bench_set_secret(b, "egress-0", "reissue_authkey", row->asked);
		expect_plan(b, "replace key", row->expected == NULL);
		group_bench_finish(b);
		expect_key(b, "egress-0-config", row->expected != NULL ? row->expected : "tskey-2");
		assert_int_equal(b->minted, row->expected != NULL ? 1 : 2);
		bool is_deleted = row->expected == NULL && row->device_id != NULL;
		assert_int_equal(b->removed.len, is_deleted ? 1 : 0);
		/* Once, however often the group is looked at. */
		group_bench_restart(b);
		assert_int_equal(group_bench_finish(b), 0);
		close_bench(state);
	}
	open_bench(state, 0);
}

static void a_pod_that_goes_away_gets_no_key(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	group_bench_finish(b);
	group_bench_beside(b);
	group_bench_set_secret(b, "egress-0", "device_id", NULL);
	put_config(b, "");
	group_bench_set_secret(b, "egress-0", "reissue_authkey", "");
	group_bench_patch(b, CLUSTER_PODS, "egress-0",
		"{\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"}}");
	expect_plan(b, "replace key", false);
	group_bench_remove(b, CLUSTER_PODS, "egress-0");
	expect_plan(b, "replace key", true);
}

static void a_number_too_many_gets_no_key(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	group_bench_finish(b);
	group_bench_beside(b);
	group_bench_set_secret(b, "egress-1", "reissue_authkey", "tskey-2");
	expect_plan(b, "replace key", true);
	group_bench_patch(b, CLUSTER_PROXY_GROUPS, "egress", "{\"spec\":{\"replicas\":1}}");
	expect_plan(b, "replace key", false);
}

static void requests_are_met_at_a_rate(void **state)
{
	struct group_bench *b = open_bench(state, 3);
	group_bench_finish(b);
	group_bench_beside(b);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 3; i++) {
			AUTO(mem_free) char *name = xasprintf("egress-%d", i);
			group_bench_set_secret(b, name, "reissue_authkey", "no-authkey");
			group_bench_set_secret(b, name, "device_id", NULL);
		}
		/* No keys, as after logins: three requests at once. */
		for (int i = 0; i < 3; i++) {
			AUTO(mem_free) char *name = xasprintf("egress-%d-config", i);
			group_bench_set_secret(
				b, name, PROXY_CONFIG_KEY, "{\"Version\":\"alpha0\"}");
		}
		group_bench_finish(b);
		if (round == 0)
			assert_int_equal(b->minted, 6);
		else
			assert_int_equal(b->minted, 6 + round);
		struct engine_plan plan;
		group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
		if (round > 0) {
			assert_int_equal(plan.result, ENGINE_AGAIN);
			assert_true(plan.after_ms > 0 && plan.after_ms <= GROUP_TOKEN_MS);
		}
		engine_plan_fini(&plan);
		fake_clock_advance_ms(GROUP_TOKEN_MS);
	}
}

static void a_conflict_does_not_cost_a_key(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	group_bench_finish(b);
	group_bench_beside(b);
	group_bench_finish(b);
	group_bench_set_secret(b, "egress-0", "reissue_authkey", "");
	b->conflicts = 3;
	group_bench_finish(b);
	assert_int_equal(b->minted, 2);
	expect_key(b, "egress-0-config", "tskey-2");
}

static void what_others_put_into_the_file_stays(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	group_bench_finish(b);
	group_bench_set_secret(b, "egress-0-config", PROXY_CONFIG_KEY,
		"{\"AuthKey\":\"tskey-1\",\"Hostname\":\"other\",\"AdvertiseServices\":[\"svc:a\"]}");
	group_bench_finish(b);
	AUTO(mem_free) char *text = group_bench_secret(b, "egress-0-config", PROXY_CONFIG_KEY);
	assert_non_null(strstr(text, "\"AdvertiseServices\":[\"svc:a\"]"));
	assert_non_null(strstr(text, "\"Hostname\":\"egress-0\""));
	expect_key(b, "egress-0-config", "tskey-1");
}

static void a_key_that_cannot_be_made_holds_no_other_replica(void **state)
{
	struct group_bench *b = open_bench(state, 3);
	struct engine_plan plan;
	b->mint_fails = 1;
	for (int i = 0; i < 3; i++) {
		group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
		group_bench_perform(b, &plan, plan.count);
		engine_plan_fini(&plan);
	}
	assert_int_equal(b->minted, 3);
	assert_non_null(group_bench_get(b, CLUSTER_SECRETS, "egress-1-config"));
	assert_non_null(group_bench_get(b, CLUSTER_SECRETS, "egress-2-config"));
	group_bench_finish(b);
	assert_non_null(group_bench_get(b, CLUSTER_SECRETS, "egress-0-config"));
}

/* The process is killed between any two steps: each replica has a key that works in the end, and
 * never two devices. */
static void a_kill_loses_no_replica(void **state)
{
	for (size_t most = 0; most < 20; most++) {
		struct group_bench *b = open_bench(state, 2);
		struct engine_plan plan;
		for (int i = 0; i < 6; i++) {
			group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
			group_bench_perform(b, &plan, most);
			engine_plan_fini(&plan);
			group_bench_beside(b);
		}
		/* It asks for another key: the device is gone in the control plane. */
		strv_reset(&b->devices);
		for (int i = 0; i < 3; i++) {
			group_bench_beside(b);
			group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
			group_bench_perform(b, &plan, most);
			engine_plan_fini(&plan);
			group_bench_restart(b);
		}
		for (int i = 0; i < 8; i++) {
			group_bench_finish(b);
			group_bench_beside(b);
		}
		group_bench_finish(b);
		group_bench_expect(b, "ProxyGroupReady", "ProxyGroupReady", NULL);
		assert_int_equal(b->devices.len, 2);
		close_bench(state);
	}
	open_bench(state, 0);
}

static void a_waiting_pod_is_made_to_read_its_file(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	group_bench_finish(b);
	group_bench_beside(b);
	group_bench_finish(b);
	group_bench_set_secret(b, "egress-0", "reissue_authkey", "");
	group_bench_finish(b);
	const struct json *pod = group_bench_get(b, CLUSTER_PODS, "egress-0");
	const struct json *config = group_bench_get(b, CLUSTER_SECRETS, "egress-0-config");
	assert_string_equal(json_str(json_path(pod, "metadata", "annotations",
				    "gateway.tailscale.com/config-version", NULL)),
		json_str(json_path(config, "metadata", "resourceVersion", NULL)));
}

#define TEST(name) cmocka_unit_test_teardown(name, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_state_of_a_replica_has_its_key),
		TEST(a_pod_that_goes_away_gets_no_key),
		TEST(a_number_too_many_gets_no_key),
		TEST(requests_are_met_at_a_rate),
		TEST(a_conflict_does_not_cost_a_key),
		TEST(what_others_put_into_the_file_stays),
		TEST(a_key_that_cannot_be_made_holds_no_other_replica),
		TEST(a_kill_loses_no_replica),
		TEST(a_waiting_pod_is_made_to_read_its_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
