/* What is wrong, and what the conditions say about it. */
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
	group_bench_close(*state);
	return 0;
}

#define READY "ProxyGroupReady"

struct fault {
	const char *patch; /* of the group's spec */
	const char *part;  /* of the message */
};

static const struct fault faults[] = {
	{"{\"type\":\"ingress\"}", "spec.type: ingress is not known; use egress"},
	{"{\"replicas\":65}", "spec.replicas: 65"},
	{"{\"replicas\":-1}", "spec.replicas: -1"},
	{"{\"replicas\":\"2\"}", "spec.replicas"},
	{"{\"tags\":[\"k8s\"]}", "spec.tags: k8s is no tag; write tag:NAME"},
	{"{\"tags\":[\"tag:k8s\",\"tag:1a\"]}", "spec.tags: tag:1a is no tag"},
	{"{\"tags\":[\"tag:\"]}", "spec.tags: tag: is no tag"},
	{"{\"tags\":[\"tag:a_b\"]}", "spec.tags: tag:a_b is no tag"},
	{"{\"hostnamePrefix\":"
	 "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
		"spec.hostnamePrefix: longer than 62 characters"},
	{"{\"template\":{\"securityProfile\":\"Userspace\"}}",
		"spec.template.securityProfile: Userspace carries no egress traffic"},
	{"{\"template\":{\"securityProfile\":\"Root\"}}",
		"spec.template.securityProfile: use Privileged or NetAdmin"},
	{"{\"template\":{\"labels\":{\"tailscale.com/managed\":\"false\"}}}",
		"spec.template.labels: tailscale.com/managed belongs to the controller"},
	{"{\"template\":{\"container\":{\"env\":[{\"name\":\"A\"},{\"name\":\"TS_AUTHKEY\"}]}}}",
		"spec.template.container.env[1]: TS_AUTHKEY is set by the controller; remove it"},
	{"{\"template\":{\"container\":{\"env\":[{\"value\":\"x\"}]}}}",
		"spec.template.container.env[0]: it has no name"},
	{"{\"template\":{\"container\":{\"env\":[{\"name\":\"POD_IPS\"}]}}}", "POD_IPS is set"},
	{"{\"template\":{\"container\":{\"env\":[{\"name\":\"TS_USERSPACE\"}]}}}", "TS_USERSPACE"},
	{"{\"template\":[]}", "spec.template"},
};

static const char *message_of(const struct group_bench *b)
{
	const struct json *group = group_bench_get(b, CLUSTER_PROXY_GROUPS, GROUP_BENCH_NAME);
	const struct json *conditions = json_path(group, "status", "conditions", NULL);
	for (const struct json *c = json_first(conditions); c != NULL; c = json_next(c)) {
		if (strcmp(json_str(json_get(c, "type")), READY) == 0)
			return json_str(json_get(c, "message"));
	}
	return "";
}

static void each_fault_names_its_field(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		struct group_bench *b = open_bench(state, 2);
		AUTO(mem_free) char *patch = xasprintf("{\"spec\":%s}", faults[i].patch);
		group_bench_patch(b, CLUSTER_PROXY_GROUPS, GROUP_BENCH_NAME, patch);
		group_bench_finish(b);
		group_bench_expect(b, READY, "ProxyGroupInvalid", NULL);
		if (strstr(message_of(b), faults[i].part) == NULL)
			fail_msg("%s is not in: %s", faults[i].part, message_of(b));
		assert_int_equal(b->created.len, 0);
		assert_int_equal(b->minted, 0);
		close_bench(state);
	}
	open_bench(state, 0);
}

static void all_faults_are_named_at_once(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	group_bench_patch(b, CLUSTER_PROXY_GROUPS, GROUP_BENCH_NAME,
		"{\"spec\":{\"tags\":[\"a\",\"b\"],\"template\":{\"securityProfile\":\"x\"}}}");
	group_bench_finish(b);
	assert_string_equal(message_of(b),
		"spec.tags: a is no tag; write tag:NAME; spec.tags: b is no tag; write tag:NAME; "
		"spec.template.securityProfile: use Privileged or NetAdmin");
}

struct foreign {
	enum cluster_kind kind;
	const char *name, *kind_name;
};

static void a_foreign_object_is_named_and_left_alone(void **state)
{
	static const struct foreign foreign[] = {
		{CLUSTER_SECRETS, "egress-0", "Secret"},
		{CLUSTER_SECRETS, "egress-1-config", "Secret"},
		{CLUSTER_SERVICE_ACCOUNTS, "egress", "ServiceAccount"},
		{CLUSTER_ROLES, "egress", "Role"},
		{CLUSTER_ROLE_BINDINGS, "egress", "RoleBinding"},
		{CLUSTER_CONFIG_MAPS, "egress-egress-config", "ConfigMap"},
		{CLUSTER_SERVICES, "egress", "Service"},
		{CLUSTER_BUDGETS, "egress", "PodDisruptionBudget"},
		{CLUSTER_STATEFUL_SETS, "egress", "StatefulSet"},
	};
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		struct group_bench *b = open_bench(state, 2);
		AUTO(mem_free)
		char *object = xasprintf(
			"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\",\"labels\":{"
			"\"tailscale.com/managed\":\"true\"},\"ownerReferences\":[{\"kind\":"
			"\"TailscaleProxyGroup\",\"name\":\"other\",\"uid\":\"x\","
			"\"controller\":true}]}}",
			foreign[i].name);
		AUTO(mem_free)
		char *expected = xasprintf(
			"%s %s in namespace ns is there and not of this group; rename the group or "
			"remove the object",
			foreign[i].kind_name, foreign[i].name);
		group_bench_put(b, foreign[i].kind, object);
		AUTO(json_freep)
		struct json *before =
			json_dup(group_bench_get(b, foreign[i].kind, foreign[i].name));
		group_bench_finish(b);
		group_bench_expect(b, READY, "ProxyGroupInvalid", expected);
		assert_int_equal(b->created.len, 0);
		assert_true(
			json_equal(before, group_bench_get(b, foreign[i].kind, foreign[i].name)));
		group_bench_remove(b, foreign[i].kind, foreign[i].name);
		group_bench_finish(b);
		group_bench_expect(b, READY, "ProxyGroupCreating", NULL);
		close_bench(state);
	}
	open_bench(state, 0);
}

static void what_a_former_group_left_is_waited_for(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	group_bench_put(b, CLUSTER_ROLES,
		"{\"metadata\":{\"name\":\"egress\",\"namespace\":\"ns\",\"ownerReferences\":[{"
		"\"kind\":\"TailscaleProxyGroup\",\"name\":\"egress\",\"uid\":\"former\","
		"\"controller\":true}]}}");
	group_bench_finish(b);
	group_bench_expect(b, READY, "ProxyGroupCreating",
		"waiting for Role egress of a former group of this name to be removed");
	assert_int_equal(b->minted, 0);
}

struct tailnet {
	const char *status, *reason;
	bool is_usable;
};

static void a_group_needs_a_tailnet(void **state)
{
	static const struct tailnet rows[] = {
		{"True", "Ready", true},
		{"False", "AuthenticationFailed", false},
		{"False", "SecretNotFound", false},
		{"Unknown", "Pending", false},
		{"Unknown", "APIError", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct group_bench *b = open_bench(state, 2);
		AUTO(mem_free)
		char *patch = xasprintf(
			"{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\","
			"\"reason\":\"%s\"}]}}",
			rows[i].status, rows[i].reason);
		AUTO(mem_free)
		char *message =
			xasprintf("TailscaleTailnet default is not ready: %s", rows[i].reason);
		group_bench_patch(b, CLUSTER_TAILNETS, "default", patch);
		group_bench_finish(b);
		group_bench_expect(b, READY,
			rows[i].is_usable ? "ProxyGroupCreating" : "ProxyGroupTailnetUnavailable",
			rows[i].is_usable ? "0/2 ProxyGroup pods running" : message);
		assert_int_equal(b->created.len > 0, rows[i].is_usable);
		close_bench(state);
	}
	struct group_bench *b = open_bench(state, 2);
	group_bench_remove(b, CLUSTER_TAILNETS, "default");
	group_bench_finish(b);
	group_bench_expect(b, READY, "ProxyGroupTailnetUnavailable",
		"there is no TailscaleTailnet default; make it, or name another one in spec.tailnet");
}

static void live(struct group_bench *b)
{
	for (int i = 0; i < 6; i++) {
		group_bench_finish(b);
		group_bench_beside(b);
	}
	group_bench_finish(b);
}

static void what_runs_goes_on_without_a_tailnet(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	live(b);
	group_bench_patch(b, CLUSTER_TAILNETS, "default",
		"{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\","
		"\"reason\":\"AuthenticationFailed\"}]}}");
	b->has_control = false;
	group_bench_remove(b, CLUSTER_ROLES, "egress");
	group_bench_patch(b, CLUSTER_PROXY_GROUPS, "egress", "{\"spec\":{\"replicas\":4}}");
	live(b);
	assert_non_null(group_bench_get(b, CLUSTER_ROLES, "egress"));
	group_bench_expect(b, READY, "ProxyGroupTailnetUnavailable", NULL);
	/* No pod without a key. */
	assert_null(group_bench_get(b, CLUSTER_PODS, "egress-2"));
	assert_int_equal(b->minted, 2);
	group_bench_patch(b, CLUSTER_PROXY_GROUPS, "egress", "{\"spec\":{\"replicas\":1}}");
	live(b);
	/* Its device waits for the control plane. */
	assert_null(group_bench_get(b, CLUSTER_PODS, "egress-1"));
	assert_non_null(group_bench_get(b, CLUSTER_SECRETS, "egress-1"));
	assert_int_equal(b->removed.len, 0);
	group_bench_patch(b, CLUSTER_TAILNETS, "default",
		"{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\","
		"\"reason\":\"Ready\"}]}}");
	b->has_control = true;
	live(b);
	group_bench_expect(b, READY, READY, NULL);
	assert_int_equal(b->devices.len, 1);
}

struct failed {
	enum kube_outcome outcome;
	const char *reason; /* NULL: the condition says nothing about it */
};

static void a_failure_has_a_reason(void **state)
{
	static const struct failed rows[] = {
		{KUBE_INVALID, "ProxyGroupInvalid"},
		{KUBE_TOO_LARGE, "ProxyGroupInvalid"},
		{KUBE_EXISTS, "ProxyGroupInvalid"},
		{KUBE_FORBIDDEN, "ProxyGroupCreationFailed"},
		{KUBE_NOT_FOUND, "ProxyGroupCreationFailed"},
		{KUBE_REFUSED, "ProxyGroupCreationFailed"},
		{KUBE_CONFLICT, NULL},
		{KUBE_UNAVAILABLE, NULL},
		{KUBE_TOO_MANY, NULL},
		{KUBE_GONE, NULL},
	};
	struct group_bench *b = open_bench(state, 2);
	group_bench_finish(b);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e;
		struct engine_plan plan;
		const struct engine_step step = {.kind = ENGINE_STEP_REQUEST};
		const struct engine_failure failure = {&step, rows[i].outcome, &e};
		err_set(&e, -1, "apply StatefulSet ns/egress: the server's words %zu", i);
		group_bench_plan(b, GROUP_BENCH_NAME, &failure, &plan);
		assert_int_equal(plan.count > 0, rows[i].reason != NULL);
		group_bench_perform(b, &plan, plan.count);
		if (rows[i].reason != NULL)
			group_bench_expect(b, READY, rows[i].reason, e.msg);
		engine_plan_fini(&plan);
	}
}

static void a_failed_call_is_named(void **state)
{
	struct group_bench *b = open_bench(state, 2);
	struct err e;
	struct engine_plan plan;
	const struct engine_step step = {.kind = ENGINE_STEP_CALL, .name = "mint key"};
	const struct engine_failure failure = {&step, KUBE_OK, &e};
	group_bench_finish(b);
	err_set(&e, -1, "requested tags are not permitted");
	group_bench_plan(b, GROUP_BENCH_NAME, &failure, &plan);
	AUTO(mem_free) char *text = engine_plan_print(&plan);
	assert_non_null(strstr(text, "event Warning ProxyGroupCreationFailed"));
	group_bench_perform(b, &plan, plan.count);
	engine_plan_fini(&plan);
	group_bench_expect(
		b, READY, "ProxyGroupCreationFailed", "mint key: requested tags are not permitted");
	/* Said once. */
	group_bench_plan(b, GROUP_BENCH_NAME, &failure, &plan);
	assert_int_equal(plan.count, 0);
	engine_plan_fini(&plan);
}

#define TEST(name) cmocka_unit_test_teardown(name, close_bench)

/* A Service that goes waits for its entry, and the entry not for the group to be valid. */
static void a_faulty_group_still_lets_services_go(void **state)
{
	struct group_bench *b = open_bench(state, 1);
	group_bench_put(b, CLUSTER_SERVICES,
		"{\"metadata\":{\"namespace\":\"default\",\"name\":\"web\",\"annotations\":{"
		"\"tailscale.com/proxy-group\":\"egress\",\"tailscale.com/tailnet-ip\":"
		"\"100.64.0.9\"}},\"spec\":{\"type\":\"ExternalName\",\"ports\":[{\"port\":80}]}}");
	group_bench_finish(b);
	const struct json *map = group_bench_get(b, CLUSTER_CONFIG_MAPS, "egress-egress-config");
	assert_string_not_equal(
		json_str(json_path(map, "binaryData", "egress-services", NULL)), "e30=");
	group_bench_put(b, CLUSTER_SERVICES,
		"{\"metadata\":{\"namespace\":\"default\",\"name\":\"web\"},\"spec\":{}}");
	group_bench_patch(b, CLUSTER_PROXY_GROUPS, "egress", "{\"spec\":{\"replicas\":65}}");
	group_bench_finish(b);
	group_bench_expect(
		b, READY, "ProxyGroupInvalid", "spec.replicas: 65 is not between 0 and 64");
	map = group_bench_get(b, CLUSTER_CONFIG_MAPS, "egress-egress-config");
	assert_string_equal(
		json_str(json_path(map, "binaryData", "egress-services", NULL)), "e30=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_fault_names_its_field),
		TEST(all_faults_are_named_at_once),
		TEST(a_foreign_object_is_named_and_left_alone),
		TEST(what_a_former_group_left_is_waited_for),
		TEST(a_group_needs_a_tailnet),
		TEST(what_runs_goes_on_without_a_tailnet),
		TEST(a_failure_has_a_reason),
		TEST(a_failed_call_is_named),
		TEST(a_faulty_group_still_lets_services_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
