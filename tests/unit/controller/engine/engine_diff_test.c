#include "controller/engine/engine_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

static const struct engine_rule rules[] = {
	{"named", ENGINE_KEYED, {"name"}},
	{"named.*.value", ENGINE_QUANTITY, {NULL}},
	{"ports", ENGINE_KEYED, {"port", "protocol=TCP"}},
	{"set", ENGINE_SET, {NULL}},
	{"limits.*", ENGINE_QUANTITY, {NULL}},
	{"every", ENGINE_DURATION, {NULL}},
	{"deep.*.*.list", ENGINE_SET, {NULL}},
};

struct row {
	const char *desired;
	const char *live;
	const char *path; /* of the difference, NULL = contained */
};

static const struct row rows[] = {
	{"{}", "{\"status\":{}}", NULL},
	{"{\"a\":1}", "{\"a\":1,\"b\":2}", NULL},
	{"{\"a\":1}", "{\"a\":2}", "a"},
	{"{\"a\":1}", "{\"a\":\"1\"}", "a"},
	{"{\"a\":true}", "{\"a\":false}", "a"},
	{"{\"a\":1}", "{}", "a"},
	{"{\"a\":{\"b\":{\"c\":\"x\"}}}", "{\"a\":{\"b\":{\"c\":\"y\"}}}", "a.b.c"},
	{"{\"a\":{}}", "{\"a\":{\"default\":1}}", NULL},
	{"{\"a\":{}}", "{}", "a"},
	{"{\"a\":{}}", "{\"a\":[]}", "a"},
	{"{\"a\":null}", "{}", NULL},
	{"{\"a\":null}", "{\"a\":null}", NULL},
	{"{\"a\":null}", "{\"a\":1}", "a"},
	/* Lists are atomic, but the server adds defaults inside. */
	{"{\"l\":[{\"a\":1},{\"a\":2}]}", "{\"l\":[{\"a\":1,\"d\":0},{\"a\":2,\"d\":0}]}", NULL},
	{"{\"l\":[{\"a\":1},{\"a\":2}]}", "{\"l\":[{\"a\":1},{\"a\":3}]}", "l[1].a"},
	{"{\"l\":[1,2]}", "{\"l\":[2,1]}", "l[0]"},
	{"{\"l\":[1]}", "{\"l\":[1,2]}", "l"},
	{"{\"l\":[1,2]}", "{\"l\":[1]}", "l"},
	{"{\"l\":[]}", "{\"l\":[]}", NULL},
	{"{\"l\":[]}", "{\"l\":{}}", "l"},
	{"{\"l\":[[1],[2,3]]}", "{\"l\":[[1],[2,4]]}", "l[1][1]"},
	/* By merge key: order and elements of others do not count. */
	{"{\"named\":[{\"name\":\"a\",\"x\":1},{\"name\":\"b\"}]}",
		"{\"named\":[{\"name\":\"c\"},{\"name\":\"b\"},{\"name\":\"a\",\"x\":1,\"y\":2}]}",
		NULL},
	{"{\"named\":[{\"name\":\"a\",\"x\":1}]}", "{\"named\":[{\"name\":\"a\",\"x\":2}]}",
		"named[0].x"},
	{"{\"named\":[{\"name\":\"a\"}]}", "{\"named\":[{\"name\":\"b\"}]}", "named[0]"},
	{"{\"named\":[{\"name\":\"a\"}]}", "{}", "named"},
	{"{\"ports\":[{\"port\":80},{\"port\":53,\"protocol\":\"UDP\"}]}",
		"{\"ports\":[{\"port\":53,\"protocol\":\"TCP\"},{\"port\":53,\"protocol\":\"UDP\"},{"
		"\"port\":80,\"protocol\":\"TCP\"}]}",
		NULL},
	{"{\"ports\":[{\"port\":53}]}", "{\"ports\":[{\"port\":53,\"protocol\":\"UDP\"}]}",
		"ports[0]"},
	/* Elements without the key are not taken for each other. */
	{"{\"named\":[{\"x\":1},7]}", "{\"named\":[{\"x\":1},7]}", NULL},
	{"{\"set\":[\"a\",\"b\"]}", "{\"set\":[\"b\",\"c\",\"a\"]}", NULL},
	{"{\"set\":[\"a\",\"b\"]}", "{\"set\":[\"b\",\"c\"]}", "set[0]"},
	{"{\"deep\":{\"x\":[{\"list\":[1,2]}]}}", "{\"deep\":{\"x\":[{\"list\":[2,1]}]}}", NULL},
	{"{\"deep\":{\"list\":[1,2]}}", "{\"deep\":{\"list\":[2,1]}}", "deep.list[0]"},
	/* By value. */
	{"{\"limits\":{\"cpu\":\"1000m\",\"memory\":\"1Gi\"}}",
		"{\"limits\":{\"cpu\":\"1\",\"memory\":\"1024Mi\"}}", NULL},
	{"{\"limits\":{\"cpu\":1}}", "{\"limits\":{\"cpu\":\"1\"}}", NULL},
	{"{\"limits\":{\"cpu\":\"1\"}}", "{\"limits\":{\"cpu\":\"2\"}}", "limits.cpu"},
	{"{\"limits\":{\"cpu\":\"1\"}}", "{\"limits\":{}}", "limits.cpu"},
	{"{\"named\":[{\"name\":\"a\",\"value\":\"1k\"}]}",
		"{\"named\":[{\"name\":\"a\",\"value\":\"1000\"}]}", NULL},
	{"{\"other\":{\"cpu\":\"1000m\"}}", "{\"other\":{\"cpu\":\"1\"}}", "other.cpu"},
	{"{\"every\":\"90s\"}", "{\"every\":\"1m30s\"}", NULL},
	{"{\"every\":\"90s\"}", "{\"every\":\"1m31s\"}", "every"},
	{"{\"every\":\"x\"}", "{\"every\":\"y\"}", "every"},
	/* Not objects at all. */
	{"{\"a\":1}", "[]", ""},
	{"{\"a\":1}", "null", ""},
};

static struct json *parse(const char *text)
{
	struct err e;
	struct json *doc = json_parse(text, strlen(text), &e);
	assert_non_null(doc);
	return doc;
}

static void documents_are_compared_by_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[ENGINE_PATH_MAX] = "-";
		AUTO(json_freep) struct json *desired = parse(rows[i].desired);
		AUTO(json_freep) struct json *live = parse(rows[i].live);
		bool same = engine_diff_is_contained(
			desired, live, rules, ARRAY_LEN(rules), path, sizeof(path));
		if (same != (rows[i].path == NULL))
			fail_msg("row %zu differs at \"%s\"", i, path);
		if (!same)
			assert_string_equal(path, rows[i].path);
	}
}

static void a_long_path_is_cut(void **state)
{
	char path[8];
	(void)state;
	AUTO(json_freep) struct json *desired = parse("{\"abcdef\":{\"ghijkl\":1}}");
	AUTO(json_freep) struct json *live = parse("{\"abcdef\":{}}");
	assert_false(engine_diff_is_contained(desired, live, NULL, 0, path, sizeof(path)));
	assert_string_equal(path, "abcdef.");
}

/* What is no longer desired is still there: only the annotation shows it. */
static void a_field_that_is_no_longer_desired_is_a_difference(void **state)
{
	char path[ENGINE_PATH_MAX];
	(void)state;
	AUTO(json_freep) struct json *before = parse("{\"spec\":{\"a\":1,\"b\":2}}");
	AUTO(json_freep) struct json *after = parse("{\"spec\":{\"a\":1}}");
	AUTO(json_freep) struct json *same = parse("{\"spec\":{\"a\":1}}");
	engine_diff_seal(before);
	engine_diff_seal(after);
	engine_diff_seal(same);
	engine_diff_seal(same);
	assert_true(json_equal(after, same));
	assert_true(engine_diff_is_contained(before, before, NULL, 0, path, sizeof(path)));
	assert_false(engine_diff_is_contained(after, before, NULL, 0, path, sizeof(path)));
	assert_string_equal(path, "metadata.annotations." ENGINE_HASH_ANNOTATION);
	/* Annotations of the document itself stay, and count. */
	AUTO(json_freep)
	struct json *annotated = parse(
		"{\"metadata\":{\"name\":\"n\",\"annotations\":{\"x\":\"y\"}},\"spec\":{\"a\":1}}");
	AUTO(json_freep) struct json *copy = json_dup(annotated);
	engine_diff_seal(annotated);
	const struct json *annotations = json_path(annotated, "metadata", "annotations", NULL);
	assert_int_equal(json_len(annotations), 2);
	assert_int_equal(strlen(json_str(json_get(annotations, ENGINE_HASH_ANNOTATION))), 64);
	assert_false(json_equal(annotated, copy));
	engine_diff_seal(annotated);
	assert_true(engine_diff_is_contained(copy, annotated, NULL, 0, path, sizeof(path)));
}

/*
 * Random documents of the shapes that a workload has: what a server does to them is no difference,
 * and any change of a leaf is one.
 */
static unsigned int seed;

static int pick(int n)
{
	return rand_r(&seed) % n;
}

static char *name_of(int n)
{
	return xasprintf("n%d", n);
}

static struct json *random_container(int n)
{
	static const char *const quantities[] = {"100m", "1", "2Gi", "1500m"};
	struct json *c = json_new_object();
	struct json *limits = json_new_object();
	struct json *resources = json_new_object();
	struct json *env = json_new_array();
	AUTO(mem_free) char *name = name_of(n);
	json_set_str(c, "name", name);
	json_set_str(c, "image", pick(2) ? "one" : "two");
	json_set_str(limits, "cpu", quantities[pick(4)]);
	json_set(resources, "limits", limits);
	json_set(c, "resources", resources);
	for (int i = 0, count = pick(4); i < count; i++) {
		AUTO(mem_free) char *key = name_of(i);
		struct json *variable = json_new_object();
		json_set_str(variable, "name", key);
		json_set_str(variable, "value", pick(2) ? "v" : "w");
		json_push(env, variable);
	}
	json_set(c, "env", env);
	return c;
}

/* A document with these containers. */
static struct json *workload(const struct json *containers)
{
	struct json *doc = json_new_object();
	struct json *spec = json_new_object();
	struct json *template = json_new_object();
	struct json *pod = json_new_object();
	json_set(pod, "containers", json_dup(containers));
	json_set(template, "spec", pod);
	json_set(spec, "template", template);
	json_set(doc, "spec", spec);
	return doc;
}

/* A container as the server gives it back: defaults, its own spelling, another order of members. */
static struct json *served(const struct json *container)
{
	static const char *const spelling[][2] = {
		{"100m", "0.1"}, {"1", "1000m"}, {"2Gi", "2048Mi"}, {"1500m", "1.5"}};
	struct json *c = json_new_object();
	json_set_str(c, "terminationMessagePath", "/dev/termination-log");
	const struct json *at = json_first(container);
	for (; at != NULL; at = json_next(at))
		json_set(c, json_key(at), json_dup(at));
	const char *cpu = json_str(json_path(container, "resources", "limits", "cpu", NULL));
	for (size_t i = 0; i < ARRAY_LEN(spelling); i++) {
		if (strcmp(cpu, spelling[i][0]) != 0 || pick(2) == 0)
			continue;
		struct json *limits = json_new_object();
		struct json *resources = json_new_object();
		json_set_str(limits, "cpu", spelling[i][1]);
		json_set(resources, "limits", limits);
		json_set(c, "resources", resources);
	}
	return c;
}

static void what_a_server_does_is_no_difference(void **state)
{
	(void)state;
	for (seed = 1; seed < 2000; seed++) {
		unsigned int round = seed;
		char path[ENGINE_PATH_MAX] = "";
		AUTO(json_freep) struct json *containers = json_new_array();
		AUTO(json_freep) struct json *live_containers = json_new_array();
		int count = 1 + pick(3);
		for (int i = 0; i < count; i++)
			json_push(containers, random_container(i));
		if (pick(2))
			json_push(live_containers, random_container(9));
		const struct json *at = json_first(containers);
		for (; at != NULL; at = json_next(at))
			json_push(live_containers, served(at));
		AUTO(json_freep) struct json *desired = workload(containers);
		AUTO(json_freep) struct json *live = workload(live_containers);
		assert_true(engine_diff_is_contained(
			desired, live, engine_rules, engine_rules_count, path, sizeof(path)));
		/* One container is given back with another image, or not at all. */
		AUTO(json_freep) struct json *changed = json_new_array();
		int victim = pick(count);
		int place = 0;
		for (at = json_first(containers); at != NULL; at = json_next(at), place++) {
			struct json *c = served(at);
			if (place == victim)
				json_set_str(c, pick(2) ? "image" : "name", "other");
			json_push(changed, c);
		}
		AUTO(json_freep) struct json *edited = workload(changed);
		assert_false(engine_diff_is_contained(
			desired, edited, engine_rules, engine_rules_count, path, sizeof(path)));
		AUTO(mem_free) char *begin = xasprintf("spec.template.spec.containers[%d]", victim);
		assert_true(strncmp(path, begin, strlen(begin)) == 0);
		seed = round;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_compared_by_meaning),
		cmocka_unit_test(a_long_path_is_cut),
		cmocka_unit_test(a_field_that_is_no_longer_desired_is_a_difference),
		cmocka_unit_test(what_a_server_does_is_no_difference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
