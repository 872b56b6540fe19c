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

static void good_texts_print_compact(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *printed;
	} rows[] = {
		{"null", "null"},
		{" true\n", "true"},
		{"\t[ ]\r", "[]"},
		{"{}", "{}"},
		{"\"\"", "\"\""},
		{"[1, 2 ,3]", "[1,2,3]"},
		{"{\"b\":1,\"a\":{\"c\":[null,false]}}", "{\"b\":1,\"a\":{\"c\":[null,false]}}"},
		{"[0,-0,10,1.5,-0.25,1e3,1E+03,2e-7]", "[0,-0,10,1.5,-0.25,1e3,1E+03,2e-7]"},
		/* Beyond 53 bits, where a double loses digits. */
		{"{\"NodeID\":33223432117286174}", "{\"NodeID\":33223432117286174}"},
		{"[9223372036854775807,123456789012345678901234567890]",
			"[9223372036854775807,123456789012345678901234567890]"},
		{"\"\\u0041\\/\\b\\f\\n\\r\\t\\\"\\\\\"", "\"A/\\b\\f\\n\\r\\t\\\"\\\\\""},
		{"\"\\u00e9\\u20ac\\ud83d\\ude00\"", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
		{"\"\x7f\xc3\xa9\xf4\x8f\xbf\xbf\"", "\"\x7f\xc3\xa9\xf4\x8f\xbf\xbf\""},
		{"{\"\":1}", "{\"\":1}"},
		/* Of equal keys the last one stays, at its place. */
		{"{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2,\"a\":3}"},
		{"{\"a\":{\"x\":1},\"\\u0061\":2}", "{\"a\":2}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_freep) struct json *j = parse(rows[i].text);
		AUTO(mem_free) char *printed = json_print(j);
		assert_string_equal(printed, rows[i].printed);
		AUTO(json_freep) struct json *again = parse(printed);
		assert_true(json_equal(j, again));
	}
}

static void bad_texts_name_line_and_column(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *message;
	} rows[] = {
		{"", "line 1 column 1: text ends early"},
		{"  ", "line 1 column 3: text ends early"},
		{"{\n\t\"a\": 01}", "line 2 column 7: bad number"},
		{"{\n\n\"a\" 1}", "line 3 column 5: \":\" missing after a key"},
		{"[1,]", "line 1 column 4: a value should begin here"},
		{"[,1]", "line 1 column 2: a value should begin here"},
		{"{,}", "line 1 column 2: a key should begin here"},
		{"{\"a\":1,}", "line 1 column 8: a key should begin here"},
		{"{\"a\"", "line 1 column 5: \":\" missing after a key"},
		{"{\"a\":", "line 1 column 6: text ends early"},
		{"{\"a\":1", "line 1 column 7: \",\" or \"}\" missing after a member"},
		{"{", "line 1 column 2: text ends early"},
		{"[1 2]", "line 1 column 4: \",\" or \"]\" missing after an element"},
		{"[1}", "line 1 column 3: \",\" or \"]\" missing after an element"},
		{"{\"a\":1]", "line 1 column 7: \",\" or \"}\" missing after a member"},
		{"{}{}", "line 1 column 3: text after the value"},
		{"nul", "line 1 column 1: a value should begin here"},
		{"nulll", "line 1 column 5: text after the value"},
		{"True", "line 1 column 1: a value should begin here"},
		{"NaN", "line 1 column 1: a value should begin here"},
		{"'a'", "line 1 column 1: a value should begin here"},
		{"-", "line 1 column 1: bad number"},
		{"+1", "line 1 column 1: a value should begin here"},
		{"1.", "line 1 column 1: bad number"},
		{".5", "line 1 column 1: a value should begin here"},
		{"1e", "line 1 column 1: bad number"},
		{"1e+", "line 1 column 1: bad number"},
		{"-01", "line 1 column 1: bad number"},
		{"0x1", "line 1 column 2: text after the value"},
		{"\"a", "line 1 column 1: string does not end"},
		{"\"a\\\"", "line 1 column 1: string does not end"},
		{"\"a\\", "line 1 column 1: string does not end"},
		{"\"ab\\x\"", "line 1 column 4: bad escape"},
		{"\"\\u12g4\"", "line 1 column 2: bad \\u escape"},
		{"\"\\u12\"", "line 1 column 2: bad \\u escape"},
		{"\"a\\u0000\"", "line 1 column 3: escaped NUL"},
		{"\"\\ud800\"", "line 1 column 2: half a surrogate pair"},
		{"\"\\ud800\\u0041\"", "line 1 column 2: half a surrogate pair"},
		{"\"\\udc00\\ud800\"", "line 1 column 2: half a surrogate pair"},
		{"\"a\tb\"", "line 1 column 3: control character inside a string"},
		{"\"a\nb\"", "line 1 column 3: control character inside a string"},
		{"\"\xff\"", "line 1 column 2: text is not UTF-8"},
		{"\"\xc0\x80\"", "line 1 column 2: text is not UTF-8"},
		{"\"\xe0\x80\x80\"", "line 1 column 2: text is not UTF-8"},
		{"\"\xed\xa0\x80\"", "line 1 column 2: text is not UTF-8"},
		{"\"\xf0\x80\x80\x80\"", "line 1 column 2: text is not UTF-8"},
		{"\"\xf4\x90\x80\x80\"", "line 1 column 2: text is not UTF-8"},
		{"\"\xc3\"", "line 1 column 2: text is not UTF-8"},
		{"{\"\xff\":1}", "line 1 column 3: text is not UTF-8"},
		{"\xef\xbb\xbf{}", "line 1 column 1: a value should begin here"},
		{"{\"a\":1 /* no */}", "line 1 column 8: \",\" or \"}\" missing after a member"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		size_t len = strlen(rows[i].text);
		AUTO(mem_free) char *exact = xmalloc(len);
		memcpy(exact, rows[i].text, len);
		assert_null(json_parse(exact, len, &e));
		assert_int_equal(e.code, -EINVAL);
		assert_string_equal(e.msg, rows[i].message);
	}
}

static void a_nul_is_no_end_of_text(void **state)
{
	(void)state;
	struct err e = {0};
	assert_null(json_parse("1\0", 2, &e));
	assert_int_equal(e.code, -EINVAL);
	assert_null(json_parse("\"a\0b\"", 5, &e));
	assert_int_equal(e.code, -EINVAL);
	assert_null(json_parse("\0", 1, &e));
	assert_int_equal(e.code, -EINVAL);
}

static void depth_and_length_have_limits(void **state)
{
	(void)state;
	struct err e = {0};
	char text[2 * JSON_DEPTH_MAX + 3];
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	AUTO(json_freep) struct json *deepest = json_parse(text, 2 * JSON_DEPTH_MAX, &e);
	assert_non_null(deepest);
	memset(text, '[', JSON_DEPTH_MAX + 1);
	assert_null(json_parse(text, JSON_DEPTH_MAX + 1, &e));
	assert_string_equal(e.msg, "line 1 column 65: nested too deeply");

	AUTO(mem_free) char *spaces = xmalloc(JSON_TEXT_MAX + 1u);
	memset(spaces, ' ', JSON_TEXT_MAX + 1u);
	spaces[0] = '1';
	AUTO(json_freep) struct json *longest = json_parse(spaces, JSON_TEXT_MAX, &e);
	assert_non_null(longest);
	assert_null(json_parse(spaces, JSON_TEXT_MAX + 1u, &e));
	assert_int_equal(e.code, -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_texts_print_compact),
		cmocka_unit_test(bad_texts_name_line_and_column),
		cmocka_unit_test(a_nul_is_no_end_of_text),
		cmocka_unit_test(depth_and_length_have_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
