#include "controller/manifests/manifest.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/manifests/manifest_texts.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

static struct json *parse(const char *text)
{
	struct err e;
	struct json *j = json_parse(text, strlen(text), &e);
	if (j == NULL)
		fail_msg("%s", e.msg);
	return j;
}

static struct json *fill(const char *name, const char *values)
{
	struct err e;
	AUTO(json_freep) struct json *tree = parse(values);
	struct json *doc = manifest_fill(name, tree, &e);
	if (doc == NULL)
		fail_msg("%s: %s", name, e.msg);
	return doc;
}

static void every_manifest_is_complete_without_its_optional_parts(void **state)
{
	(void)state;
	assert_true(manifest_texts_count > 0);
	for (size_t i = 0; i < manifest_texts_count; i++) {
		AUTO(json_freep)
		struct json *doc = fill(manifest_texts[i].name,
			"{\"group\":\"g\",\"namespace\":\"n\",\"uid\":\"u\",\"secret\":\"s\","
			"\"child\":\"c\",\"family\":\"ipv4\",\"domain\":\"d\"}");
		const char *manager = json_str(
			json_path(doc, "metadata", "labels", "tailscale.com/managed", NULL));
		AUTO(mem_free) char *text = json_print(doc);
		assert_non_null(json_str(json_get(doc, "kind")));
		/* A Service that could be a user's has no such label. */
		if (strcmp(manifest_texts[i].name, "egress-target") != 0) {
			assert_non_null(manager);
			assert_string_equal(manager, "true");
		}
		assert_string_equal(json_str(json_path(doc, "metadata", "namespace", NULL)), "n");
		assert_null(strstr(text, "${"));
		assert_null(strstr(text, "null"));
	}
}

static void a_hole_takes_any_value_and_a_part_of_a_text(void **state)
{
	(void)state;
	AUTO(json_freep)
	struct json *doc = fill("group-config-map",
		"{\"group\":\"a\\\"b\",\"namespace\":\"n\",\"uid\":\"${group}\",\"pings\":\"Ng==\"}");
	assert_string_equal(
		json_str(json_path(doc, "metadata", "name", NULL)), "a\"b-egress-config");
	const struct json *owner = json_first(json_path(doc, "metadata", "ownerReferences", NULL));
	assert_string_equal(json_str(json_get(owner, "uid")), "${group}");
	assert_string_equal(json_str(json_path(doc, "binaryData", "hep-pings", NULL)), "Ng==");
	assert_null(json_path(doc, "binaryData", "egress-services", NULL));
}

static void elements_are_added_to_an_array(void **state)
{
	(void)state;
	AUTO(json_freep) struct json *none = fill("group-stateful-set", "{\"group\":\"g\"}");
	AUTO(json_freep)
	struct json *two = fill("group-stateful-set",
		"{\"group\":\"g\",\"volumes\":[{\"name\":\"a\",\"x\":null},{\"name\":\"b\"}]}");
	assert_int_equal(json_len(json_path(none, "spec", "template", "spec", "volumes", NULL)), 1);
	const struct json *volumes = json_path(two, "spec", "template", "spec", "volumes", NULL);
	assert_int_equal(json_len(volumes), 3);
	const struct json *second = json_next(json_first(volumes));
	assert_string_equal(json_str(json_get(second, "name")), "a");
	assert_null(json_get(second, "x"));
}

static void what_cannot_be_filled_is_an_error(void **state)
{
	struct err e;
	(void)state;
	AUTO(json_freep) struct json *values = json_new_object();
	assert_null(manifest_fill("no-such", values, &e));
	assert_int_equal(e.code, -ENOENT);
	AUTO(mem_free) char *large = xmalloc(MANIFEST_MAX + 2);
	memset(large, 'x', MANIFEST_MAX + 1);
	large[MANIFEST_MAX + 1] = '\0';
	json_set_str(values, "group", large);
	assert_null(manifest_fill("group-role", values, &e));
	assert_int_equal(e.code, -EMSGSIZE);
	/* Deeper than a document may be. */
	struct json *deep = json_new_array();
	for (int i = 0; i < JSON_DEPTH_MAX; i++) {
		struct json *around = json_new_array();
		json_push(around, deep);
		deep = around;
	}
	json_set_str(values, "group", "g");
	json_set(values, "secrets", deep);
	assert_null(manifest_fill("group-role", values, &e));
	assert_int_equal(e.code, -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_manifest_is_complete_without_its_optional_parts),
		cmocka_unit_test(a_hole_takes_any_value_and_a_part_of_a_text),
		cmocka_unit_test(elements_are_added_to_an_array),
		cmocka_unit_test(what_cannot_be_filled_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
