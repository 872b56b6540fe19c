#include "lib/base/hujson.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void comments_and_trailing_commas_are_blanked(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *json;
	} rows[] = {
		{"", ""},
		{"{\"a\": 1}", "{\"a\": 1}"},
		{"// x\n{}", "    \n{}"},
		{"// x\r\n{}", "    \r\n{}"},
		{"{}//\n", "{}  \n"},
		{"/**/{/* a\nb */}", "    {    \n    }"},
		{"/* * / ** */1", "            1"},
		{"[1,]", "[1 ]"},
		{"[1 , /* x */ ]", "[1           ]"},
		{"[1, // x\n]", "[1      \n]"},
		{"{\"a\":1,}", "{\"a\":1 }"},
		{"{\"a\":{\"b\":[true,],},}", "{\"a\":{\"b\":[true ] } }"},
		{"[\"a\",]", "[\"a\" ]"},
		{"[null/**/,/**/]", "[null         ]"},
		/* Not behind a value. */
		{"[,]", "[,]"},
		{"{,}", "{,}"},
		{"[1,,]", "[1,,]"},
		{"{\"a\":,}", "{\"a\":,}"},
		{"[/**/,]", "[    ,]"},
		{"1,", "1,"},
		{"[1],", "[1],"},
		/* Inside strings everything is text. */
		{"\"// no /* no */ ,] ,}\"", "\"// no /* no */ ,] ,}\""},
		{"[\"\\\"// ,]\",]", "[\"\\\"// ,]\" ]"},
		{"[\"\\\\\",]", "[\"\\\\\" ]"},
		/* Left for the JSON parser to refuse. */
		{"[1 / 2]", "[1 / 2]"},
		{"/", "/"},
		{"\"open // \n", "\"open // \n"},
		{"\"open\\", "\"open\\"},
		{"# no\n", "# no\n"},
		{"1/**/2", "1    2"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		size_t len = strlen(rows[i].text);
		/* The exact size lets the sanitizer see a read past the end. */
		AUTO(mem_free) char *text = xmalloc(len);
		memcpy(text, rows[i].text, len);
		assert_int_equal(hujson_standardize(text, len, &e), 0);
		assert_int_equal(len, strlen(rows[i].json));
		assert_memory_equal(text, rows[i].json, len);
	}
}

static void comments_must_end_and_be_text(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *message;
	} rows[] = {
		{"{}\n\n/* x", "line 3: comment does not end"},
		{"/*/", "line 1: comment does not end"},
		{"{}\n// x", "line 2: comment does not end"},
		{"//", "line 1: comment does not end"},
		{"/* \xff */{}", "line 1: comment is not UTF-8"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		size_t len = strlen(rows[i].text);
		AUTO(mem_free) char *text = xmalloc(len);
		memcpy(text, rows[i].text, len);
		assert_int_equal(hujson_standardize(text, len, &e), -EINVAL);
		assert_string_equal(e.msg, rows[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_and_trailing_commas_are_blanked),
		cmocka_unit_test(comments_must_end_and_be_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
