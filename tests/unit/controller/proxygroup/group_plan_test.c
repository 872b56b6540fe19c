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
	if (*state != NULL)
		group_bench_close(*state);
	*state = NULL;
	return 0;
}

/* Until nothing changes any more. */
static void live(struct group_bench *b)
{
	for (int i = 0; i < 6; i++) {
		group_bench_finish(b);
		group_bench_beside(b);
	}
	group_bench_finish(b);
}

static void expect_config(struct group_bench *b, const char *name, const char *expected)
{
	AUTO(mem_free) char *text = group_bench_secret(b, name, PROXY_CONFIG_KEY);
	assert_string_equal(text, expected);
}

static void the_finalizer_comes_before_all_else(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	struct engine_plan plan;
	group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
	AUTO(mem_free) char *text = engine_plan_print(&plan);
	assert_string_equal(text, "0: patch TailscaleProxyGroup egress "
				  "{\"metadata\":{\"resourceVersion\":\"2\",\"finalizers\":["
				  "\"gateway.tailscale.com/finalizer\"]}}\ndone\n");
	engine_plan_fini(&plan);
}

static void all_objects_are_made_in_order(void **state)
{
	static const char *const expected[] = {"secrets egress-0", "secrets egress-1",
		"secrets egress-2", "secrets egress-0-config", "secrets egress-1-config",
		"secrets egress-2-config", "serviceaccounts egress", "roles egress",
		"rolebindings egress", "configmaps egress-egress-config", "services egress",
		"poddisruptionbudgets egress", "statefulsets egress"};
	struct group_bench *b = open_bench(state, 3);
	group_bench_finish(b);
	AUTO(mem_free) char *made = strv_join(&b->created, "\n");
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		if (i >= b->created.len)
			fail_msg("missing %s after\n%s", expected[i], made);
		assert_string_equal(b->created.items[i], expected[i]);
	}
	assert_int_equal(b->created.len, ARRAY_LEN(expected));
	assert_int_equal(b->minted, 3);
	group_bench_expect(
		b, "ProxyGroupReady", "ProxyGroupCreating", "0/3 ProxyGroup pods running");
}

static void a_key_is_there_until_the_login(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	group_bench_finish(b);
	expect_config(b, "egress-0-config",
		"{\"Version\":\"alpha0\",\"Locked\":false,"
		"\"ServerURL\":\"https://headscale.example.net\",\"AuthKey\":\"tskey-1\","
		"\"Hostname\":\"egress-0\",\"acceptDNS\":false,\"acceptRoutes\":false}");
	live(b);
	expect_config(b, "egress-0-config",
		"{\"Version\":\"alpha0\",\"Locked\":false,"
		"\"ServerURL\":\"https://headscale.example.net\",\"Hostname\":\"egress-0\","
		"\"acceptDNS\":false,\"acceptRoutes\":false}");
	group_bench_expect(b, "ProxyGroupReady", "ProxyGroupReady", "ProxyGroupReady");
	group_bench_expect(
		b, "ProxyGroupAvailable", "ProxyGroupAvailable", "1/1 ProxyGroup pods running");
	assert_int_equal(b->minted, 1);
}

static void nothing_is_written_when_all_is_so(void **state)
{
	struct group_bench *b = open_bench(state, 3);
	live(b);
	assert_int_equal(group_bench_finish(b), 0);
	group_bench_restart(b);
	assert_int_equal(group_bench_finish(b), 0);
	assert_int_equal(b->minted, 3);
	assert_int_equal(b->removed.len, 0);
}

static void a_child_that_is_deleted_comes_back(void **state)
{
	static const struct {
		enum cluster_kind kind;
		const char *name;
	} children[] = {
		{CLUSTER_SECRETS, "egress-0"},
		{CLUSTER_SECRETS, "egress-1-config"},
		{CLUSTER_SERVICE_ACCOUNTS, "egress"},
		{CLUSTER_ROLES, "egress"},
		{CLUSTER_ROLE_BINDINGS, "egress"},
		{CLUSTER_CONFIG_MAPS, "egress-egress-config"},
		{CLUSTER_SERVICES, "egress"},
		{CLUSTER_BUDGETS, "egress"},
		{CLUSTER_STATEFUL_SETS, "egress"},
	};
	struct group_bench *b = open_bench(state, 2);
	live(b);
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		AUTO(json_freep)
		struct json *before =
			json_dup(group_bench_get(b, children[i].kind, children[i].name));
		group_bench_remove(b, children[i].kind, children[i].name);
		group_bench_finish(b);
		const struct json *after = group_bench_get(b, children[i].kind, children[i].name);
		assert_non_null(after);
		assert_true(json_equal(json_path(before, "metadata", "labels", NULL),
			json_path(after, "metadata", "labels", NULL)));
		assert_true(json_equal(json_get(before, "spec"), json_get(after, "spec")));
	}
	assert_int_equal(b->minted, 2);
	assert_int_equal(b->removed.len, 0);
}

static void labels_of_a_secret_come_back(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	live(b);
	group_bench_patch(b, CLUSTER_SECRETS, "egress-0",
		"{\"metadata\":{\"labels\":{\"tailscale.com/parent-resource\":null}}}");
	assert_int_equal(group_bench_finish(b), 1);
	AUTO(mem_free) char *device = group_bench_secret(b, "egress-0", "device_id");
	assert_string_equal(device, "n-tskey-1");
}

static void scaling_within_the_slots_leaves_the_pods_alone(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	live(b);
	const struct json *set = group_bench_get(b, CLUSTER_STATEFUL_SETS, "egress");
	AUTO(json_freep) struct json *template = json_dup(json_path(set, "spec", "template", NULL));
	group_bench_patch(b, CLUSTER_PROXY_GROUPS, "egress", "{\"spec\":{\"replicas\":4}}");
	live(b);
	set = group_bench_get(b, CLUSTER_STATEFUL_SETS, "egress");
	assert_true(json_equal(template, json_path(set, "spec", "template", NULL)));
	group_bench_expect(b, "ProxyGroupReady", "ProxyGroupReady", NULL);
	group_bench_patch(b, CLUSTER_PROXY_GROUPS, "egress", "{\"spec\":{\"replicas\":5}}");
	live(b);
	set = group_bench_get(b, CLUSTER_STATEFUL_SETS, "egress");
	assert_false(json_equal(template, json_path(set, "spec", "template", NULL)));
	assert_int_equal(b->devices.len, 5);
}

static void a_device_goes_after_its_pod(void **state)
{
	struct group_bench *b = open_bench(state, 3);
	live(b);
	group_bench_patch(b, CLUSTER_PROXY_GROUPS, "egress", "{\"spec\":{\"replicas\":1}}");
	group_bench_finish(b);
	/* The pods are still there, also when the StatefulSet controller knows the number. */
	const struct json *set = group_bench_get(b, CLUSTER_STATEFUL_SETS, "egress");
	AUTO(json_freep) struct json *seen = json_dup(json_get(set, "status"));
	group_bench_patch(
		b, CLUSTER_STATEFUL_SETS, "egress", "{\"status\":{\"observedGeneration\":9}}");
	group_bench_finish(b);
	assert_int_equal(b->removed.len, 0);
	AUTO(mem_free) char *status = json_print(seen);
	AUTO(mem_free) char *back = xasprintf("{\"status\":%s}", status);
	group_bench_patch(b, CLUSTER_STATEFUL_SETS, "egress", back);
	group_bench_expect(b, "ProxyGroupReady", "ProxyGroupCreating",
		"waiting for 2 ProxyGroup pods to shut down");
	group_bench_remove(b, CLUSTER_PODS, "egress-2");
	group_bench_finish(b);
	/* The StatefulSet controller has not seen its number. */
	assert_int_equal(b->removed.len, 0);
	live(b);
	assert_int_equal(b->removed.len, 2);
	assert_int_equal(b->devices.len, 1);
	assert_null(group_bench_get(b, CLUSTER_SECRETS, "egress-1"));
	assert_null(group_bench_get(b, CLUSTER_SECRETS, "egress-2-config"));
	assert_null(group_bench_get(b, CLUSTER_BUDGETS, "egress"));
	const struct json *group = group_bench_get(b, CLUSTER_PROXY_GROUPS, "egress");
	assert_int_equal(json_len(json_path(group, "status", "devices", NULL)), 1);
}

static void the_ledger_knows_the_device_of_a_lost_state(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	live(b);
	group_bench_patch(b, CLUSTER_PROXY_GROUPS, "egress", "{\"spec\":{\"replicas\":1}}");
	group_bench_finish(b);
	group_bench_remove(b, CLUSTER_SECRETS, "egress-1");
	live(b);
	assert_int_equal(b->removed.len, 1);
	assert_string_equal(b->removed.items[0], "n-tskey-2");
	assert_int_equal(b->devices.len, 1);
}

static void a_replica_that_never_logged_in_has_no_device_to_delete(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	group_bench_finish(b);
	group_bench_patch(b, CLUSTER_PROXY_GROUPS, "egress", "{\"spec\":{\"replicas\":0}}");
	group_bench_finish(b);
	group_bench_patch(
		b, CLUSTER_STATEFUL_SETS, "egress", "{\"status\":{\"observedGeneration\":9}}");
	group_bench_finish(b);
	assert_int_equal(b->removed.len, 0);
	assert_null(group_bench_get(b, CLUSTER_SECRETS, "egress-0"));
	assert_null(group_bench_get(b, CLUSTER_SECRETS, "egress-1-config"));
	group_bench_expect(b, "ProxyGroupReady", "ProxyGroupReady", NULL);
	group_bench_expect(b, "ProxyGroupAvailable", "ProxyGroupCreating", NULL);
}

static void a_stale_state_does_not_count(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	live(b);
	group_bench_set_secret(b, "egress-1", "pod_uid", "of-another-pod");
	group_bench_finish(b);
	group_bench_expect(
		b, "ProxyGroupReady", "ProxyGroupCreating", "1/2 ProxyGroup pods running");
	group_bench_expect(
		b, "ProxyGroupAvailable", "ProxyGroupCreating", "1/2 ProxyGroup pods running");
}

#define TEST(name) cmocka_unit_test_teardown(name, close_bench)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_finalizer_comes_before_all_else),
		TEST(all_objects_are_made_in_order),
		TEST(a_key_is_there_until_the_login),
		TEST(nothing_is_written_when_all_is_so),
		TEST(a_child_that_is_deleted_comes_back),
		TEST(labels_of_a_secret_come_back),
		TEST(scaling_within_the_slots_leaves_the_pods_alone),
		TEST(a_device_goes_after_its_pod),
		TEST(the_ledger_knows_the_device_of_a_lost_state),
		TEST(a_replica_that_never_logged_in_has_no_device_to_delete),
		TEST(a_stale_state_does_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
