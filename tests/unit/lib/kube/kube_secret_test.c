#include "lib/kube/kube_secret.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

static int decode(const char *text, struct kube_fields *out, struct err *e)
{
	AUTO(json_freep) struct json *doc = json_parse(text, strlen(text), e);
	assert_non_null(doc);
	return kube_secret_decode(doc, out, e);
}

static void values_are_bytes(void **state)
{
	struct kube_fields f = {0};
	struct err e;
	(void)state;
	assert_int_equal(decode("{\"kind\":\"Secret\",\"data\":{\"a\":\"aGVsbG8=\",\"empty\":\"\","
				"\"none\":null,\"bin\":\"AAEA/w==\"}}",
				 &f, &e),
		0);
	assert_int_equal(f.len, 4);
	assert_string_equal(kube_fields_get(&f, "a")->value, "hello");
	assert_int_equal(kube_fields_get(&f, "empty")->len, 0);
	assert_non_null(kube_fields_get(&f, "empty")->value);
	assert_int_equal(kube_fields_get(&f, "none")->len, 0);
	const struct kube_field *bin = kube_fields_get(&f, "bin");
	assert_int_equal(bin->len, 4);
	assert_memory_equal(bin->value, "\0\1\0\xff\0", 5);
	assert_null(kube_fields_get(&f, "b"));
	kube_fields_fini(&f);
}

static void a_secret_may_be_empty(void **state)
{
	static const char *const texts[] = {"{}", "{\"data\":null}", "{\"data\":{}}", "null", "[]",
		"{\"Data\":{\"a\":\"aGVsbG8=\"}}"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct kube_fields f = {0};
		struct err e;
		assert_int_equal(decode(texts[i], &f, &e), 0);
		assert_int_equal(f.len, 0);
		kube_fields_fini(&f);
	}
}

static void what_is_no_value_is_named(void **state)
{
	static const char *const rows[][2] = {
		{"{\"data\":[]}", "data of the Secret is no object"},
		{"{\"data\":\"x\"}", "data of the Secret is no object"},
		{"{\"data\":{\"ok\":\"\",\"key\":7}}", "data.key is no string"},
		{"{\"data\":{\"key\":\"a\"}}", "data.key: "},
		{"{\"data\":{\"key\":\"aGVsbG8\"}}", "data.key: "},
		{"{\"data\":{\"key\":\"aGVs bG8=\"}}", "data.key: "},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kube_fields f = {0};
		struct err e = {0};
		assert_int_equal(decode(rows[i][0], &f, &e), -EINVAL);
		assert_non_null(strstr(e.msg, rows[i][1]));
		/* Not the value: it may be a key. */
		assert_null(strstr(e.msg, "bG8"));
		kube_fields_fini(&f);
	}
}

static void the_last_value_of_a_key_counts(void **state)
{
	struct kube_fields f = {0};
	struct err e;
	(void)state;
	assert_int_equal(decode("{\"data\":{\"a\":\"MQ==\",\"a\":\"Mg==\"}}", &f, &e), 0);
	assert_int_equal(f.len, 1);
	assert_string_equal(kube_fields_get(&f, "a")->value, "2");
	kube_fields_set(&f, "a", NULL, 0);
	assert_int_equal(f.len, 1);
	assert_null(kube_fields_get(&f, "a")->value);
	kube_fields_set(&f, "a", "three", 5);
	assert_string_equal(kube_fields_get(&f, "a")->value, "three");
	kube_fields_fini(&f);
	kube_fields_fini(&f);
}

static void a_patch_names_the_secret_and_its_changes(void **state)
{
	struct kube_fields f = {0};
	(void)state;
	AUTO(mem_free) char *empty = kube_secret_merge_body("s", "ns", &f);
	assert_string_equal(
		empty, "{\"metadata\":{\"name\":\"s\",\"namespace\":\"ns\"},\"data\":{}}");
	kube_fields_set(&f, "device_id", "nABC", 4);
	kube_fields_set(&f, "gone", NULL, 0);
	kube_fields_set(&f, "empty", "", 0);
	kube_fields_set(&f, "q\"\n", "\0\xff", 2);
	AUTO(mem_free) char *body = kube_secret_merge_body("s", "ns", &f);
	assert_string_equal(body,
		"{\"metadata\":{\"name\":\"s\",\"namespace\":\"ns\"},\"data\":{\"device_id\":"
		"\"bkFCQw==\",\"gone\":null,\"empty\":\"\",\"q\\\"\\n\":\"AP8=\"}}");
	kube_fields_fini(&f);
}

static void a_patch_may_be_as_large_as_a_secret(void **state)
{
	const size_t size = 3 * 1024 * 1024 + 1;
	struct kube_fields f = {0};
	(void)state;
	AUTO(mem_free) char *value = xmalloc(size);
	memset(value, 0x01, size);
	kube_fields_set(&f, "\x01\x02\x03", value, size);
	AUTO(mem_free) char *body = kube_secret_merge_body("\x01\x01", "\x02\x02", &f);
	struct err e;
	AUTO(json_freep) struct json *doc = json_parse(body, strlen(body), &e);
	assert_non_null(doc);
	assert_int_equal(strlen(json_str(json_first(json_get(doc, "data")))), (size + 2) / 3 * 4);
	kube_fields_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_bytes),
		cmocka_unit_test(a_secret_may_be_empty),
		cmocka_unit_test(what_is_no_value_is_named),
		cmocka_unit_test(the_last_value_of_a_key_counts),
		cmocka_unit_test(a_patch_names_the_secret_and_its_changes),
		cmocka_unit_test(a_patch_may_be_as_large_as_a_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
