/* Random days of a group: edits, deletions, lost devices, kills at any step. */
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
#include "tests/support/group_bench.h"

#define DAYS 20
#define HOURS 30

static uint64_t seed;

static unsigned int draw(unsigned int below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(seed >> 33) % below;
}

static void check_plan(const struct engine_plan *plan)
{
	AUTO(strv_fini) struct strv numbers = {0};
	for (size_t i = 0; i < plan->count; i++) {
		const struct engine_step *step = plan->steps[i];
		const char *device = step->text != NULL ? strchr(step->text, '/') : NULL;
		if (step->kind == ENGINE_STEP_CALL && strcmp(step->name, "delete device") == 0)
			assert_string_not_equal(device, "/");
		if (step->kind != ENGINE_STEP_CALL || strcmp(step->name, "delete device") == 0)
			continue;
		/* Never two keys for a number, and none for one that is not desired. */
		AUTO(mem_free) char *number = xasprintf("%d", step->number);
		assert_false(strv_contains(&numbers, number));
		strv_push(&numbers, number);
	}
}

/* A kill after some of the steps, in one of four plans. */
static void work(struct group_bench *b)
{
	struct engine_plan plan;
	group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
	check_plan(&plan);
	bool is_killed = draw(4) == 0;
	size_t most = is_killed ? draw((unsigned int)plan.count + 1) : plan.count;
	group_bench_perform(b, &plan, most);
	engine_plan_fini(&plan);
	if (is_killed)
		group_bench_restart(b);
}

static void delete_a_child(struct group_bench *b)
{
	static const struct {
		enum cluster_kind kind;
		const char *name;
	} children[] = {
		{CLUSTER_SECRETS, "egress-0-config"},
		{CLUSTER_ROLES, "egress"},
		{CLUSTER_ROLE_BINDINGS, "egress"},
		{CLUSTER_SERVICE_ACCOUNTS, "egress"},
		{CLUSTER_CONFIG_MAPS, "egress-egress-config"},
		{CLUSTER_SERVICES, "egress"},
		{CLUSTER_BUDGETS, "egress"},
		{CLUSTER_PODS, "egress-0"},
	};
	size_t i = draw(ARRAY_LEN(children));
	group_bench_remove(b, children[i].kind, children[i].name);
}

static void something_happens(struct group_bench *b)
{
	AUTO(mem_free)
	char *patch = xasprintf("{\"spec\":{\"replicas\":%u,\"acceptRoutes\":%s}}", draw(6),
		draw(2) == 0 ? "true" : "false");
	switch (draw(7)) {
	case 0:
		group_bench_patch(b, CLUSTER_PROXY_GROUPS, GROUP_BENCH_NAME, patch);
		break;
	case 1:
		delete_a_child(b);
		break;
	case 2:
		b->mint_fails = draw(3);
		break;
	case 3:
		b->conflicts = draw(3);
		break;
	case 4:
		b->remove_fails = draw(2);
		break;
	case 5:
		/* A person deletes a device in the control plane. */
		if (b->devices.len > 0)
			free(b->devices.items[--b->devices.len]);
		if (b->devices.items != NULL)
			b->devices.items[b->devices.len] = NULL;
		break;
	default:
		group_bench_beside(b);
		break;
	}
}

static void check_end(struct group_bench *b)
{
	int64_t replicas = 0;
	const struct json *group = group_bench_get(b, CLUSTER_PROXY_GROUPS, GROUP_BENCH_NAME);
	json_i64(json_path(group, "spec", "replicas", NULL), &replicas);
	group_bench_expect(b, "ProxyGroupReady", "ProxyGroupReady", NULL);
	assert_int_equal(b->devices.len, replicas);
	assert_int_equal(json_len(json_path(group, "status", "devices", NULL)), replicas);
	for (int i = 0; i < 8; i++) {
		AUTO(mem_free) char *state = xasprintf("egress-%d", i);
		AUTO(mem_free) char *config = xasprintf("egress-%d-config", i);
		bool is_desired = i < replicas;
		assert_int_equal(group_bench_get(b, CLUSTER_SECRETS, state) != NULL, is_desired);
		assert_int_equal(group_bench_get(b, CLUSTER_SECRETS, config) != NULL, is_desired);
		assert_int_equal(group_bench_get(b, CLUSTER_PODS, state) != NULL, is_desired);
	}
	assert_int_equal(group_bench_finish(b), 0);
}

static void every_day_ends_as_an_undisturbed_one(void **state)
{
	(void)state;
	for (uint64_t day = 1; day <= DAYS; day++) {
		struct group_bench b;
		seed = day;
		group_bench_open(&b, 2);
		b.settings.token_ms = 1;
		for (int hour = 0; hour < HOURS; hour++) {
			something_happens(&b);
			work(&b);
		}
		b.mint_fails = b.conflicts = b.remove_fails = 0;
		for (int i = 0; i < 10; i++) {
			group_bench_restart(&b);
			group_bench_finish(&b);
			group_bench_beside(&b);
		}
		group_bench_finish(&b);
		print_message("day %llu\n", (unsigned long long)day);
		check_end(&b);
		group_bench_close(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_ends_as_an_undisturbed_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
