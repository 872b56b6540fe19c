/* The end of a group, and how a new version of the controller reaches its pods. */
#include "controller/proxygroup/group_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_time.h"
#include "tests/support/group_bench.h"

static struct group_bench *open_bench(void **state, int replicas)
{
	static struct group_bench bench;
	group_bench_open(&bench, replicas);
	*state = &bench;
	return &bench;
}

static int close_bench(void **state)
{
	group_bench_close(*state);
	return 0;
}

static void live(struct group_bench *b)
{
	for (int i = 0; i < 6; i++) {
		group_bench_finish(b);
		group_bench_beside(b);
	}
	group_bench_finish(b);
}

/* As if it had been asked for some seconds ago. */
static void ask_for_deletion(struct group_bench *b, int seconds_ago)
{
	char text[KUBE_TIME_MAX];
	kube_time_format(clock_wall() - seconds_ago, text);
	AUTO(mem_free)
	char *patch = xasprintf("{\"metadata\":{\"deletionTimestamp\":\"%s\"}}", text);
	group_bench_patch(b, CLUSTER_PROXY_GROUPS, GROUP_BENCH_NAME, patch);
}

static bool is_gone(const struct group_bench *b)
{
	return group_bench_get(b, CLUSTER_PROXY_GROUPS, GROUP_BENCH_NAME) == NULL;
}

static void all_devices_go_with_the_group(void **state)
{
	struct group_bench *b = open_bench(state, 3);
	live(b);
	ask_for_deletion(b, 0);
	group_bench_finish(b);
	/* The pods are still there. */
	assert_int_equal(b->removed.len, 0);
	assert_false(is_gone(b));
	live(b);
	assert_true(is_gone(b));
	assert_int_equal(b->removed.len, 3);
	assert_int_equal(b->devices.len, 0);
}

static void a_device_that_only_the_ledger_knows_goes_too(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	live(b);
	group_bench_remove(b, CLUSTER_SECRETS, "egress-1");
	ask_for_deletion(b, 0);
	live(b);
	assert_true(is_gone(b));
	assert_int_equal(b->devices.len, 0);
	assert_int_equal(b->removed.len, 2);
}

static void a_group_without_devices_needs_no_control_plane(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	group_bench_finish(b);
	b->has_control = false;
	group_bench_remove(b, CLUSTER_TAILNETS, "default");
	ask_for_deletion(b, 0);
	live(b);
	assert_true(is_gone(b));
}

static void a_refused_deletion_is_tried_again_until_the_time_is_over(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	struct engine_plan plan;
	struct err e;
	const struct engine_step step = {.kind = ENGINE_STEP_CALL, .name = "delete device"};
	const struct engine_failure failure = {&step, KUBE_OK, &e};
	err_set(&e, -1, "forbidden");
	live(b);
	ask_for_deletion(b, 10);
	group_bench_finish(b);
	group_bench_beside(b);
	group_bench_plan(b, GROUP_BENCH_NAME, &failure, &plan);
	AUTO(mem_free) char *early = engine_plan_print(&plan);
	engine_plan_fini(&plan);
	assert_non_null(strstr(early, "waiting to delete devices in TailscaleTailnet default: "
				      "forbidden"));
	assert_null(strstr(early, "finalizers"));
	ask_for_deletion(b, 301);
	group_bench_plan(b, GROUP_BENCH_NAME, &failure, &plan);
	AUTO(mem_free) char *late = engine_plan_print(&plan);
	engine_plan_fini(&plan);
	assert_non_null(strstr(late, "event Warning DevicesLeft"));
	assert_non_null(strstr(late, "n-tskey-1"));
	assert_non_null(strstr(late, "\"finalizers\":[]"));
}

static void without_credentials_the_group_is_let_go_in_time(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	struct engine_plan plan;
	live(b);
	b->has_control = false;
	ask_for_deletion(b, 10);
	group_bench_finish(b);
	group_bench_beside(b);
	group_bench_finish(b);
	group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
	assert_int_equal(plan.result, ENGINE_AGAIN);
	assert_in_range(plan.after_ms, 280000, 290000);
	engine_plan_fini(&plan);
	ask_for_deletion(b, 301);
	group_bench_finish(b);
	assert_true(is_gone(b));
	assert_int_equal(b->removed.len, 0);
}

static void a_pod_that_never_goes_holds_no_group_for_ever(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	live(b);
	ask_for_deletion(b, 600);
	group_bench_finish(b);
	assert_false(is_gone(b));
	ask_for_deletion(b, 661);
	group_bench_finish(b);
	assert_true(is_gone(b));
	assert_int_equal(b->removed.len, 1);
}

/* -- roll-outs -- */

static void put_neighbour(
	struct group_bench *b, const char *name, const char *made_by, bool is_ready, bool is_rolled)
{
	AUTO(mem_free)
	char *group = xasprintf(
		"{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"type\":\"egress\"},\"status\":{"
		"\"conditions\":[{\"type\":\"ProxyGroupReady\",\"status\":\"%s\"}]}}",
		name, is_ready ? "True" : "False");
	AUTO(mem_free)
	char *set = xasprintf(
		"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\",\"labels\":{"
		"\"tailscale.com/managed\":\"true\"},\"annotations\":{"
		"\"gateway.tailscale.com/made-by\":\"%s\"}},\"spec\":{\"replicas\":2},\"status\":{"
		"\"observedGeneration\":9,\"updatedReplicas\":%d,\"readyReplicas\":2,"
		"\"currentRevision\":\"a\",\"updateRevision\":\"a\"}}",
		name, made_by, is_rolled ? 2 : 1);
	group_bench_put(b, CLUSTER_PROXY_GROUPS, group);
	group_bench_put(b, CLUSTER_STATEFUL_SETS, set);
}

static const char *made_by(const struct group_bench *b)
{
	const struct json *set = group_bench_get(b, CLUSTER_STATEFUL_SETS, GROUP_BENCH_NAME);
	return json_str(
		json_path(set, "metadata", "annotations", "gateway.tailscale.com/made-by", NULL));
}

struct neighbour {
	const char *name, *made_by;
	bool is_ready, is_rolled;
	bool waits; /* the group "egress", which is ready and of the version before */
};

static void one_group_follows_the_other(void **state)
{
	static const struct neighbour rows[] = {
		/* Before it by name, and still to come. */
		{"apples", "v1", true, true, true},
		{"apples", "v1", false, true, false},
		{"apples", "v2", true, true, false},
		/* Under way, or stuck. */
		{"apples", "v2", true, false, true},
		{"apples", "v2", false, true, true},
		{"oranges", "v1", true, true, false},
		{"oranges", "v2", true, false, true},
		{"oranges", "v2", false, true, true},
		{"oranges", "v2", true, true, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct group_bench *b = open_bench(state, 2);
		live(b);
		put_neighbour(
			b, rows[i].name, rows[i].made_by, rows[i].is_ready, rows[i].is_rolled);
		b->settings.made_by = "v2";
		b->settings.image = "tailboot:2";
		live(b);
		if (strcmp(made_by(b), rows[i].waits ? "v1" : "v2") != 0)
			fail_msg("row %zu: %s", i, made_by(b));
		/* The number of pods waits for nobody. */
		group_bench_patch(b, CLUSTER_PROXY_GROUPS, "egress", "{\"spec\":{\"replicas\":3}}");
		live(b);
		assert_string_equal(made_by(b), rows[i].waits ? "v1" : "v2");
		assert_non_null(group_bench_get(b, CLUSTER_PODS, "egress-2"));
		/* Nor does what the user changes. */
		group_bench_patch(b, CLUSTER_PROXY_GROUPS, "egress",
			"{\"spec\":{\"template\":{\"annotations\":{\"a\":\"b\"}}}}");
		live(b);
		assert_string_equal(made_by(b), "v2");
		close_bench(state);
	}
	open_bench(state, 0);
}

static void a_foreign_change_is_set_right_at_once(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	live(b);
	put_neighbour(b, "apples", "v1", false, false);
	group_bench_patch(b, CLUSTER_STATEFUL_SETS, "egress",
		"{\"spec\":{\"template\":{\"spec\":{\"serviceAccountName\":\"other\"}}}}");
	live(b);
	const struct json *set = group_bench_get(b, CLUSTER_STATEFUL_SETS, "egress");
	assert_string_equal(
		json_str(json_path(set, "spec", "template", "spec", "serviceAccountName", NULL)),
		"egress");
}

static void who_waits_is_looked_at_when_another_is_through(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	struct engine_plan plan;
	live(b);
	put_neighbour(b, "oranges", "v0", true, true);
	group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
	assert_int_equal(plan.also.len, 3);
	assert_string_equal(plan.also.items[2], "oranges");
	engine_plan_fini(&plan);
}

#define TEST(name) cmocka_unit_test_teardown(name, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_devices_go_with_the_group),
		TEST(a_device_that_only_the_ledger_knows_goes_too),
		TEST(a_group_without_devices_needs_no_control_plane),
		TEST(a_refused_deletion_is_tried_again_until_the_time_is_over),
		TEST(without_credentials_the_group_is_let_go_in_time),
		TEST(a_pod_that_never_goes_holds_no_group_for_ever),
		TEST(one_group_follows_the_other),
		TEST(a_foreign_change_is_set_right_at_once),
		TEST(who_waits_is_looked_at_when_another_is_through),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
