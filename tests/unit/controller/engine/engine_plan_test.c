#include "controller/engine/engine_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

static const struct kube_resource services = {"", "v1", "services", "Service", true};
static const struct kube_resource secrets = {"", "v1", "secrets", "Secret", true};
static const struct kube_resource groups = {"x.io", "v1", "groups", "Group", false};

static struct json *parsed(const char *text)
{
	struct err e;
	struct json *doc = json_parse(text, strlen(text), &e);
	assert_non_null(doc);
	return doc;
}

static void expect_plan(struct engine_plan *plan, const char *expected)
{
	AUTO(mem_free) char *text = engine_plan_print(plan);
	assert_string_equal(text, expected);
	engine_plan_fini(plan);
}

/* What the server stores of an applied document. */
static char *stored(const char *desired)
{
	struct engine_plan plan = {0};
	const struct kube_target target = {&services, "a", "web", NULL};
	assert_true(engine_plan_apply(&plan, 1, &target, parsed(desired), NULL));
	char *text = json_print(plan.steps[0]->body);
	engine_plan_fini(&plan);
	return text;
}

static void only_a_difference_is_applied(void **state)
{
	static const char desired[] = "{\"spec\":{\"type\":\"ClusterIP\"}}";
	const struct kube_target target = {&services, "a", "web", NULL};
	struct engine_plan plan = {0};
	(void)state;
	AUTO(mem_free) char *live = stored(desired);
	assert_false(engine_plan_apply(&plan, 1, &target, parsed(desired), live));
	assert_int_equal(plan.count, 0);

	assert_true(engine_plan_apply(&plan, 1, &target, parsed(desired), NULL));
	assert_true(plan.steps[0]->is_new);
	assert_null(plan.steps[0]->difference);
	assert_string_equal(plan.steps[0]->op.field_manager, ENGINE_FIELD_MANAGER);
	assert_true(plan.steps[0]->op.is_forced);

	/* A field that is no longer wanted is seen by the annotation. */
	assert_true(engine_plan_apply(&plan, 1, &target, parsed("{\"spec\":{}}"), live));
	assert_false(plan.steps[1]->is_new);
	assert_non_null(strstr(plan.steps[1]->difference, "applied-hash"));
	/* One that cannot be read is written anew. */
	assert_true(engine_plan_apply(&plan, 1, &target, parsed(desired), "{"));
	assert_string_equal(plan.steps[2]->difference, "");
	engine_plan_fini(&plan);
}

/* The server leaves them out in lists of its own kinds. */
static void kind_and_version_of_a_listed_object_are_those_of_the_list(void **state)
{
	static const char desired[] = "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"spec\":{}}";
	const struct kube_target target = {&services, "a", "web", NULL};
	struct engine_plan plan = {0};
	struct err e;
	(void)state;
	AUTO(mem_free) char *text = stored(desired);
	AUTO(json_freep) struct json *live = json_parse(text, strlen(text), &e);
	json_remove(live, "apiVersion");
	json_remove(live, "kind");
	AUTO(mem_free) char *listed = json_print(live);
	assert_false(engine_plan_apply(&plan, 1, &target, parsed(desired), listed));
	engine_plan_fini(&plan);
}

struct status_case {
	const char *wanted, *live, *difference; /* NULL: as it is */
};

static void only_a_difference_in_the_status_is_written(void **state)
{
	static const struct status_case cases[] = {
		{"{\"a\":1}", "{\"a\":1,\"b\":2}", NULL},
		{"{\"a\":1}", NULL, "status.a"},
		{"{\"a\":1}", "{\"a\":2}", "status.a"},
		{"{\"a\":1,\"b\":null}", "{\"a\":1}", NULL},
		{"{\"a\":1,\"b\":null}", "{\"a\":1,\"b\":2}", "status.b"},
		{"{\"i\":{\"x\":\"1\"}}", "{\"i\":{\"x\":\"1\",\"y\":\"2\"}}", NULL},
		{"{\"i\":{\"x\":\"1\"}}", "{\"i\":{\"x\":\"2\"}}", "status.i"},
		{"{\"l\":[{\"x\":1}]}", "{\"l\":[{\"x\":1,\"y\":2}]}", "status.l"},
		{"{\"l\":[]}", "{\"l\":[]}", NULL},
		{"{\"l\":[]}", "{}", "status.l"},
		{"{}", "{\"a\":1}", NULL},
	};
	const struct kube_target target = {&groups, NULL, "g", NULL};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct engine_plan plan = {0};
		const struct status_case *c = &cases[i];
		AUTO(json_freep) struct json *live = c->live != NULL ? parsed(c->live) : NULL;
		bool is_added = engine_plan_status(&plan, 1, &target, "7", parsed(c->wanted), live);
		assert_int_equal(is_added, c->difference != NULL);
		if (is_added)
			assert_string_equal(plan.steps[0]->difference, c->difference);
		engine_plan_fini(&plan);
	}
}

static void plan_finalizer(struct engine_plan *plan, const char *present, bool wanted)
{
	AUTO(strv_fini) struct strv list = {0};
	const struct kube_target target = {&groups, NULL, "g", NULL};
	str_words(present, &list);
	engine_plan_finalizer(plan, 1, &target, "7", &list, "x/ours", wanted);
}

static void finalizers_of_others_stay(void **state)
{
	struct engine_plan plan = {0};
	(void)state;
	plan_finalizer(&plan, "x/ours other", true);
	plan_finalizer(&plan, "other", false);
	assert_int_equal(plan.count, 0);
	plan_finalizer(&plan, "other", true);
	assert_int_equal(plan.steps[0]->accepts, 0);
	plan_finalizer(&plan, "x/ours other", false);
	assert_int_equal(plan.steps[1]->accepts, ENGINE_ACCEPTS(KUBE_NOT_FOUND));
	expect_plan(&plan, "1: patch Group g {\"metadata\":{\"resourceVersion\":\"7\","
			   "\"finalizers\":[\"other\",\"x/ours\"]}}\n"
			   "1: patch Group g {\"metadata\":{\"resourceVersion\":\"7\","
			   "\"finalizers\":[\"other\"]}}\n"
			   "done\n");
}

static void values_of_secrets_are_not_printed(void **state)
{
	struct engine_plan plan = {0};
	const struct kube_op op = {.verb = KUBE_UPDATE, .target = {&secrets, "a", "s", NULL}};
	const struct kube_op patch = {
		.verb = KUBE_PATCH, .patch = KUBE_PATCH_JSON, .target = {&secrets, "a", "s", NULL}};
	(void)state;
	engine_plan_request(&plan, 1, &op,
		parsed("{\"data\":{\"k\":\"planted\"},\"stringData\":{\"l\":\"planted\"}}"));
	engine_plan_request(&plan, 2, &op, parsed("{\"data\":[\"planted\"]}"));
	engine_plan_request(&plan, 2, &patch, parsed("[{\"value\":\"planted\"}]"));
	expect_plan(&plan,
		"1: update Secret a/s {\"data\":{\"k\":\"***\"},\"stringData\":{\"l\":\"***\"}}\n"
		"2: update Secret a/s {\"data\":{}}\n"
		"2: patch Secret a/s ***\n"
		"done\n");
}

static void all_kinds_of_steps_are_printed(void **state)
{
	struct engine_plan plan = {.result = ENGINE_AGAIN, .after_ms = 5000, .is_partial = true};
	const struct kube_target target = {&services, "a", "web", NULL};
	const struct kube_event event = {.api_version = "v1",
		.kind = "Service",
		.ns = "a",
		.name = "web",
		.uid = "u",
		.is_warning = true,
		.reason = "Bad",
		.message = "text"};
	(void)state;
	engine_plan_delete(&plan, 1, &target, "u-1");
	engine_plan_event(&plan, 2, &event);
	engine_plan_call(&plan, 3, "mint key", NULL, NULL, 4);
	engine_plan_also(&plan, "Group", NULL, "g");
	expect_plan(&plan, "1: delete Service a/web uid=u-1\n"
			   "2: event Warning Bad on Service a/web: text\n"
			   "3: mint key \"\" 4\n"
			   "also: Group /g\n"
			   "again, partial after 5000 ms\n");
}

static void a_condition_keeps_its_time_while_its_status_is_the_same(void **state)
{
	AUTO(json_freep)
	struct json *live =
		parsed("[{\"type\":\"A\",\"status\":\"True\",\"lastTransitionTime\":\"t0\"},"
		       "{\"type\":\"B\",\"status\":\"True\"}]");
	AUTO(json_freep) struct json *out = json_new_array();
	const struct engine_condition conditions[] = {
		{"A", "True", "R", "m", 3},
		{"A", "False", "R", "m", 0},
		{"B", "True", "R", "m", 0},
		{"C", "True", "R", "m", 0},
	};
	static const char *const times[] = {"t0", "now", "now", "now"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
		engine_condition_push(out, &conditions[i], live, "now");
	size_t i = 0;
	for (const struct json *c = json_first(out); c != NULL; c = json_next(c))
		assert_string_equal(json_str(json_get(c, "lastTransitionTime")), times[i++]);
	AUTO(mem_free) char *first = json_print(json_first(out));
	assert_string_equal(first,
		"{\"type\":\"A\",\"status\":\"True\",\"reason\":\"R\",\"message\":\"m\","
		"\"lastTransitionTime\":\"t0\",\"observedGeneration\":3}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_difference_is_applied),
		cmocka_unit_test(kind_and_version_of_a_listed_object_are_those_of_the_list),
		cmocka_unit_test(only_a_difference_in_the_status_is_written),
		cmocka_unit_test(finalizers_of_others_stay),
		cmocka_unit_test(values_of_secrets_are_not_printed),
		cmocka_unit_test(all_kinds_of_steps_are_printed),
		cmocka_unit_test(a_condition_keeps_its_time_while_its_status_is_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
