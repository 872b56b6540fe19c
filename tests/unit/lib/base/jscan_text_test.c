#include "lib/base/jscan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void reported_text_is_decoded(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		const char *decoded;
	} rows[] = {
		{"\"\"", 0, ""},
		{"\"a\\u00e9\\n\\ud83d\\ude00\"", 0, "a\xc3\xa9\n\xf0\x9f\x98\x80"},
		{"\"01234567\"", 0, "01234567"},
		/* The cap counts the decoded bytes. */
		{"\"\\u0030\\u0031\\u0032\\u0033\"", 0, "0123"},
		{"\"012345678\"", -EMSGSIZE, ""},
		{"", -EINVAL, ""},
		{"\"", -EINVAL, ""},
		{"12", -EINVAL, ""},
		{"null", -EINVAL, ""},
		{"\"a\"b\"", -EINVAL, ""},
		{"\"a\\\"", -EINVAL, ""},
		{"\"\\u0000\"", -EINVAL, ""},
		{"\"\\ud800\"", -EINVAL, ""},
		{"\"\xff\"", -EINVAL, ""},
	};
	AUTO(buf_fini) struct buf out = BUF_INIT(8);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		assert_int_equal(
			jscan_unquote(rows[i].text, strlen(rows[i].text), &out, &e), rows[i].code);
		assert_string_equal(buf_cstr(&out), rows[i].decoded);
	}
}

static void other_values_are_read(void **state)
{
	(void)state;
	bool flag = false;
	int64_t number = 0;
	assert_true(jscan_is_null("null", 4));
	assert_false(jscan_is_null("nul", 3));
	assert_false(jscan_is_null("\"null\"", 6));
	assert_true(jscan_bool("true", 4, &flag) && flag);
	assert_true(jscan_bool("false", 5, &flag) && !flag);
	assert_false(jscan_bool("1", 1, &flag));
	assert_false(jscan_bool("", 0, &flag));
	assert_true(jscan_i64("33223432117286174", 17, &number));
	assert_int_equal(number, INT64_C(33223432117286174));
	assert_true(jscan_i64("-9223372036854775808", 20, &number));
	assert_int_equal(number, INT64_MIN);
	assert_false(jscan_i64("9223372036854775808", 19, &number));
	assert_false(jscan_i64("1.5", 3, &number));
	assert_false(jscan_i64("01", 2, &number));
	assert_false(jscan_i64("", 0, &number));
	assert_false(jscan_i64("-", 1, &number));
	assert_false(jscan_i64("\"1\"", 3, &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reported_text_is_decoded),
		cmocka_unit_test(other_values_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
