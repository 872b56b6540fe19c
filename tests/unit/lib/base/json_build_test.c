#include "lib/base/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static void equality_ignores_the_order_of_members(void **state)
{
	(void)state;
	static const struct {
		const char *a;
		const char *b;
		bool equal;
	} rows[] = {
		{"{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", true},
		{"{\"a\":{\"x\":1,\"y\":2},\"b\":0}", "{\"b\":0,\"a\":{\"y\":2,\"x\":1}}", true},
		{"{\"a\":{\"x\":1,\"y\":2},\"b\":0}", "{\"b\":0,\"a\":{\"y\":2,\"x\":3}}", false},
		{"{\"a\":1,\"b\":1}", "{\"a\":1,\"c\":1}", false},
		{"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
		{"[1,2]", "[2,1]", false},
		{"[1]", "[1,1]", false},
		{"1", "1.0", false},
		{"\"1\"", "1", false},
		{"true", "false", false},
		{"null", "null", true},
		{"[]", "{}", false},
		{"\"\\u0061\"", "\"a\"", true},
		{"{}", "{}", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_freep) struct json *a = parse(rows[i].a);
		AUTO(json_freep) struct json *b = parse(rows[i].b);
		AUTO(json_freep) struct json *copy = json_dup(a);
		assert_true(json_equal(a, b) == rows[i].equal);
		assert_true(json_equal(b, a) == rows[i].equal);
		assert_true(json_equal(a, copy));
		assert_false(json_equal(a, NULL));
	}
	assert_true(json_equal(NULL, NULL));
	assert_null(json_dup(NULL));
}

/* Members "k0" to "k<count - 1>" or backwards, each `repeat` times. */
static char *many_members(int count, bool backwards, int repeat)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	fputc('{', out);
	for (int i = 0; i < count * repeat; i++) {
		int k = i % count;
		fprintf(out, "%s\"k%d\":%d", i > 0 ? "," : "", backwards ? count - 1 - k : k, i);
	}
	fputc('}', out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void big_objects_are_not_quadratic(void **state)
{
	(void)state;
	enum {
		COUNT = 100000,
	};
	clock_t start = clock();
	AUTO(mem_free) char *forth_text = many_members(COUNT, false, 1);
	AUTO(mem_free) char *back_text = many_members(COUNT, true, 1);
	AUTO(mem_free) char *twice_text = many_members(COUNT, false, 2);
	AUTO(json_freep) struct json *forth = parse(forth_text);
	AUTO(json_freep) struct json *back = parse(back_text);
	AUTO(json_freep) struct json *twice = parse(twice_text);
	assert_int_equal(json_len(twice), COUNT);
	assert_string_equal(json_key(json_first(twice)), "k0");
	int64_t number = 0;
	assert_true(json_i64(json_first(twice), &number));
	assert_int_equal(number, COUNT);
	assert_false(json_equal(forth, back)); /* same keys, other values */
	assert_false(json_equal(forth, twice));
	assert_true(json_equal(back, back));
	/* Compared pair by pair this takes minutes, also under the slowest checker. */
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 30);
}

static void documents_are_built(void **state)
{
	(void)state;
	AUTO(json_freep) struct json *doc = json_new_object();
	json_set_str(doc, "name", "a\"b\n");
	json_set(doc, "id", json_new_i64(INT64_MIN));
	json_set(doc, "on", json_new_bool(true));
	struct json *list = json_new_array();
	json_push(list, json_new_null());
	json_push(list, json_new_i64(INT64_C(33223432117286174)));
	json_set(doc, "list", list);
	json_set_str(doc, "gone", "x");
	json_set_str(doc, "Name", "other case");
	json_remove(doc, "gone");
	json_remove(doc, "never there");
	json_set(doc, "on", json_new_bool(false));
	AUTO(mem_free) char *text = json_print(doc);
	assert_string_equal(text,
		"{\"name\":\"a\\\"b\\n\",\"id\":-9223372036854775808,\"on\":false,"
		"\"list\":[null,33223432117286174],\"Name\":\"other case\"}");
	AUTO(json_freep) struct json *again = parse(text);
	assert_true(json_equal(doc, again));

	/* A copied member is an independent value. */
	AUTO(json_freep) struct json *copy = json_dup(json_get(doc, "list"));
	assert_null(json_key(copy));
	json_set(doc, "second", STEAL(copy));
	assert_int_equal(json_len(json_get(doc, "second")), 2);
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(json_freep) struct json *doc = json_new_object();
	json_set_str(doc, "k\xff", "a\xc3z\xf0\x9f\x98");
	AUTO(mem_free) char *text = json_print(doc);
	assert_string_equal(
		text, "{\"k\xef\xbf\xbd\":\"a\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
	AUTO(buf_fini) struct buf out = BUF_INIT(100);
	assert_int_equal(json_quote(&out, "\xff", &e), 0);
	assert_string_equal(buf_cstr(&out), "\"\xef\xbf\xbd\"");
}

static void quoting_escapes_and_keeps_the_cap(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(buf_fini) struct buf out = BUF_INIT(40);
	assert_int_equal(json_quote(&out, "a\"\\\b\f\n\r\t\x01\x1f\x7f\xc3\xa9", &e), 0);
	assert_string_equal(
		buf_cstr(&out), "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\"");
	size_t before = out.len;
	assert_int_equal(json_quote(&out, "too long for what is left", &e), -EMSGSIZE);
	assert_int_equal(out.len, before);
	assert_int_equal(strlen(buf_cstr(&out)), before);
	buf_reset(&out);
	assert_int_equal(json_quote(&out, "", &e), 0);
	assert_string_equal(buf_cstr(&out), "\"\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equality_ignores_the_order_of_members),
		cmocka_unit_test(big_objects_are_not_quadratic),
		cmocka_unit_test(documents_are_built),
		cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
		cmocka_unit_test(quoting_escapes_and_keeps_the_cap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
