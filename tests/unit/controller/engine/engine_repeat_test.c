#include "controller/engine/engine_repeat.h"

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

/* A plan that applies a document with this value, although the server has another one. NULL: one
 * that has nothing to do. */
static bool is_repeated(struct engine_repeat *r, const char *key, const char *value)
{
	struct err e;
	struct engine_plan plan = {0};
	const struct kube_target target = {&services, "a", "web", NULL};
	if (value != NULL) {
		AUTO(mem_free) char *text = xasprintf("{\"spec\":{\"x\":\"%s\"}}", value);
		struct json *desired = json_parse(text, strlen(text), &e);
		engine_plan_apply(&plan, 1, &target, desired, "{\"spec\":{\"x\":\"other\"}}");
	}
	bool is = engine_repeat_note(r, key, &plan) != NULL;
	engine_plan_fini(&plan);
	return is;
}

static void the_third_time_is_reported_once(void **state)
{
	struct engine_repeat r = {0};
	(void)state;
	assert_false(is_repeated(&r, "k", "1"));
	assert_false(is_repeated(&r, "k", "1"));
	assert_true(is_repeated(&r, "k", "1"));
	assert_false(is_repeated(&r, "k", "1"));
	engine_repeat_fini(&r);
}

static void what_is_desired_may_change_each_time(void **state)
{
	struct engine_repeat r = {0};
	(void)state;
	assert_false(is_repeated(&r, "k", "1"));
	assert_false(is_repeated(&r, "k", "2"));
	assert_false(is_repeated(&r, "k", "3"));
	assert_false(is_repeated(&r, "k", "4"));
	engine_repeat_fini(&r);
}

static void a_pass_without_a_write_and_another_key_begin_anew(void **state)
{
	struct engine_repeat r = {0};
	(void)state;
	assert_false(is_repeated(&r, "k", "1"));
	assert_false(is_repeated(&r, "k", "1"));
	assert_false(is_repeated(&r, "l", "1"));
	assert_false(is_repeated(&r, "k", NULL));
	assert_false(is_repeated(&r, "k", "1"));
	assert_false(is_repeated(&r, "l", NULL));
	assert_false(is_repeated(&r, "k", NULL));
	/* Nothing is kept of keys that are as desired. */
	assert_int_equal(r.keys.len, 0);
	engine_repeat_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_third_time_is_reported_once),
		cmocka_unit_test(what_is_desired_may_change_each_time),
		cmocka_unit_test(a_pass_without_a_write_and_another_key_begin_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
