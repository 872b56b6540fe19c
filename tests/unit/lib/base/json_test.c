#include "lib/base/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static struct json *parse(const char *text)
{
	struct err e = {0};
	/* A copy of the exact size lets the sanitizer see a read past the end. */
	size_t len = strlen(text);
	AUTO(mem_free) char *exact = xmalloc(len);
	memcpy(exact, text, len);
	struct json *j = json_parse(exact, len, &e);
	if (j == NULL)
		fail_msg("%s: %s", text, e.msg);
	return j;
}

static void members_are_found(void **state)
{
	(void)state;
	AUTO(json_freep)
	struct json *j = parse(
		"{\"metadata\":{\"name\":\"n\",\"Name\":\"N\"},\"list\":[1,\"two\"],\"no\":null}");
	assert_string_equal(json_str(json_path(j, "metadata", "name", NULL)), "n");
	assert_null(json_path(j, "metadata", "absent", "deeper", NULL));
	assert_null(json_path(j, "list", "name", NULL));
	assert_ptr_equal(json_path(j, NULL), j);
	assert_null(json_get(j, "Metadata"));
	assert_non_null(json_get_fold(j, "METADATA"));
	assert_null(json_get_fold(j, "metadat"));
	assert_string_equal(json_str(json_get_fold(json_get(j, "metadata"), "name")), "N");
	assert_null(json_get(NULL, "a"));
	assert_null(json_get_fold(NULL, "a"));

	const struct json *list = json_get(j, "list");
	assert_int_equal(json_len(list), 2);
	assert_int_equal(json_len(j), 3);
	assert_int_equal(json_len(json_first(list)), 0);
	assert_int_equal(json_len(NULL), 0);
	assert_null(json_key(json_first(list)));
	assert_string_equal(json_key(list), "list");
	assert_string_equal(json_str(json_next(json_first(list))), "two");
	assert_null(json_next(json_next(json_first(list))));
	assert_null(json_first(json_get(j, "no")));
	assert_null(json_first(NULL));
	assert_null(json_next(NULL));
	assert_null(json_key(NULL));
}

static void types_are_distinguished(void **state)
{
	(void)state;
	AUTO(json_freep) struct json *j = parse("[null,true,1,\"s\",[],{}]");
	const struct json *child = json_first(j);
	for (enum json_type type = JSON_NULL; type <= JSON_OBJECT; type++) {
		assert_int_equal(json_type(child), type);
		assert_true((json_str(child) != NULL) == (type == JSON_STRING));
		assert_true(json_bool(child, false) == (type == JSON_BOOL));
		assert_true(json_bool(child, true));
		int64_t n;
		assert_true(json_i64(child, &n) == (type == JSON_NUMBER));
		child = json_next(child);
	}
	assert_int_equal(json_type(NULL), JSON_NONE);
}

static void integers_are_exact(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool fits;
		int64_t value;
	} rows[] = {
		{"0", true, 0},
		{"-0", true, 0},
		{"33223432117286174", true, INT64_C(33223432117286174)},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0},
		{"99999999999999999999", false, 0},
		{"1.0", false, 0},
		{"1e2", false, 0},
		{"\"1\"", false, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_freep) struct json *j = parse(rows[i].text);
		int64_t value = -77;
		assert_true(json_i64(j, &value) == rows[i].fits);
		assert_int_equal(value, rows[i].fits ? rows[i].value : -77);
	}
}

static void typed_members_check_and_name_faults(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(json_freep)
	struct json *j = parse(
		"{\"s\":\"text\",\"b\":true,\"i\":7,\"f\":1.5,\"v\":[\"a\",\"b\"],\"m\":[\"a\",1],"
		"\"n\":null}");
	const char *text = "kept";
	bool flag = false;
	int64_t number = 5;
	AUTO(strv_fini) struct strv list = {0};
	strv_push(&list, "old");

	assert_int_equal(json_get_str(j, "n", &text, &e), 0);
	assert_int_equal(json_get_str(j, "absent", &text, &e), 0);
	assert_string_equal(text, "kept");
	assert_int_equal(json_get_str(j, "s", &text, &e), 0);
	assert_string_equal(text, "text");
	assert_int_equal(json_get_str(j, "i", &text, &e), -EINVAL);
	assert_string_equal(e.msg, "i is a number where a string belongs");

	assert_int_equal(json_get_bool(j, "n", &flag, &e), 0);
	assert_false(flag);
	assert_int_equal(json_get_bool(j, "b", &flag, &e), 0);
	assert_true(flag);
	assert_int_equal(json_get_bool(j, "s", &flag, &e), -EINVAL);
	assert_string_equal(e.msg, "s is a string where a boolean belongs");

	assert_int_equal(json_get_i64(j, "n", &number, &e), 0);
	assert_int_equal(number, 5);
	assert_int_equal(json_get_i64(j, "i", &number, &e), 0);
	assert_int_equal(number, 7);
	assert_int_equal(json_get_i64(j, "f", &number, &e), -EINVAL);
	assert_string_equal(e.msg, "f is 1.5 where an integer of 64 bits belongs");
	assert_int_equal(json_get_i64(j, "v", &number, &e), -EINVAL);
	assert_int_equal(number, 7);

	assert_int_equal(json_get_strv(j, "n", &list, &e), 0);
	assert_int_equal(json_get_strv(j, "m", &list, &e), -EINVAL);
	assert_string_equal(e.msg, "m[1] is a number where a string belongs");
	assert_int_equal(json_get_strv(j, "s", &list, &e), -EINVAL);
	assert_int_equal(list.len, 1);
	assert_int_equal(json_get_strv(j, "v", &list, &e), 0);
	assert_int_equal(list.len, 2);
	assert_string_equal(list.items[1], "b");
}

static void freeing_nothing_is_fine(void **state)
{
	(void)state;
	struct json *none = NULL;
	json_free(NULL);
	json_freep(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(types_are_distinguished),
		cmocka_unit_test(integers_are_exact),
		cmocka_unit_test(typed_members_check_and_name_faults),
		cmocka_unit_test(freeing_nothing_is_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
