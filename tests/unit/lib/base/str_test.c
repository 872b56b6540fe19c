#include "lib/base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

/* Adds the items to one text, each in angle brackets. */
static void assert_items(const struct strv *v, const char *want)
{
	AUTO(mem_free) char *joined = strv_join(v, "><");
	AUTO(mem_free) char *text = v->len > 0 ? xasprintf("<%s>", joined) : xstrdup("");
	assert_string_equal(text, want);
	if (v->items != NULL)
		assert_null(v->items[v->len]);
}

static void vectors_own_their_strings(void **state)
{
	(void)state;
	AUTO(strv_fini) struct strv v = {0};
	AUTO(strv_fini) struct strv copy = {0};
	assert_items(&v, "");
	strv_push(&v, "b");
	strv_push_take(&v, xstrdup("a"));
	strv_pushf(&v, "%d", 10);
	assert_items(&v, "<b><a><10>");
	strv_push(&copy, "old");
	strv_copy(&copy, &v);
	strv_copy(&copy, &copy);
	assert_true(strv_equal(&v, &copy));
	strv_sort(&copy);
	assert_items(&copy, "<10><a><b>");
	assert_false(strv_equal(&v, &copy));
	assert_true(strv_contains(&v, "a"));
	assert_false(strv_contains(&v, "A"));
	strv_reset(&v);
	assert_items(&v, "");
	assert_null(v.items[0]);
	assert_false(strv_equal(&v, &copy));
	for (int i = 0; i < 100; i++)
		strv_pushf(&v, "%d", i);
	assert_int_equal(v.len, 100);
	assert_string_equal(v.items[99], "99");
	assert_null(v.items[100]);
}

static void words_split_at_white_space(void **state)
{
	(void)state;
	static const char *const rows[][2] = {{"", ""}, {"  \t\n", ""}, {"a", "<a>"},
		{" a  b\tc\nd\ve\ff\rg ", "<a><b><c><d><e><f><g>"}, {"\"a b\"", "<\"a><b\">"},
		{"--x=1 --y", "<--x=1><--y>"}, {"a\xc2\xa0\x62", "<a\xc2\xa0\x62>"}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(strv_fini) struct strv v = {0};
		str_words(rows[i][0], &v);
		assert_items(&v, rows[i][1]);
	}
}

static void split_keeps_empty_parts(void **state)
{
	(void)state;
	static const char *const rows[][2] = {{"", "<>"}, {",", "<><>"}, {"a", "<a>"},
		{"a,b", "<a><b>"}, {",a,,b,", "<><a><><b><>"}, {"a, b", "<a>< b>"}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(strv_fini) struct strv v = {0};
		str_split(rows[i][0], ',', &v);
		assert_items(&v, rows[i][1]);
	}
}

static void begins_and_ends(void **state)
{
	(void)state;
	assert_true(str_starts("abc", "ab"));
	assert_true(str_starts("abc", ""));
	assert_false(str_starts("ab", "abc"));
	assert_true(str_ends("abc", "bc"));
	assert_true(str_ends("abc", ""));
	assert_false(str_ends("bc", "abc"));
	assert_false(str_ends("abd", "bc"));
}

static void fold_ignores_ascii_case_only(void **state)
{
	(void)state;
	assert_true(str_equal_fold("", ""));
	assert_true(str_equal_fold("TaIl-9", "tAiL-9"));
	assert_false(str_equal_fold("a", "ab"));
	assert_false(str_equal_fold("ab", "a"));
	assert_false(str_equal_fold("[", "{"));
	assert_false(str_equal_fold("\xc3\x89", "\xc3\xa9"));
}

static void unsigned_numbers_are_strict(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t max;
		int code;
		uint64_t value;
	} rows[] = {
		{"0", 10, 0, 0},
		{"10", 10, 0, 10},
		{"007", 10, 0, 7},
		{"11", 10, -ERANGE, 0},
		{"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, -ERANGE, 0},
		{"99999999999999999999999999", UINT64_MAX, -ERANGE, 0},
		/* Wrong characters take precedence over a wrong size, at any position. */
		{"99999999999999999999999999x", UINT64_MAX, -EINVAL, 0},
		{"", 10, -EINVAL, 0},
		{" 1", 10, -EINVAL, 0},
		{"1 ", 10, -EINVAL, 0},
		{"+1", 10, -EINVAL, 0},
		{"-1", 10, -EINVAL, 0},
		{"0x1", 10, -EINVAL, 0},
		{"1.0", 10, -EINVAL, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e;
		uint64_t value = 0;
		assert_int_equal(str_to_u64(rows[i].text, rows[i].max, &value, &e), rows[i].code);
		assert_int_equal(value, rows[i].value);
	}
}

static void signed_numbers_are_strict(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		int64_t value;
	} rows[] = {
		{"0", 0, 0},
		{"-0", 0, 0},
		{"+5", 0, 5},
		{"-5", 0, -5},
		{"9223372036854775807", 0, INT64_MAX},
		{"9223372036854775808", -ERANGE, 0},
		{"-9223372036854775808", 0, INT64_MIN},
		{"-9223372036854775809", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"-", -EINVAL, 0},
		{"--5", -EINVAL, 0},
		{"5-", -EINVAL, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e;
		int64_t value = 0;
		assert_int_equal(str_to_i64(rows[i].text, &value, &e), rows[i].code);
		assert_int_equal(value, rows[i].value);
	}
}

static void utf8_is_strict(void **state)
{
	(void)state;
	static const char *const good[] = {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2",
		"\xc2\x20", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
		"ok\xfe"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(str_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_is_utf8(bad[i], strlen(bad[i])));
	assert_false(str_is_utf8("a\0b", 3));
}

static void utf8_decodes(void **state)
{
	(void)state;
	uint32_t rune = 0;
	assert_int_equal(str_utf8_decode("\xf0\x9f\x98\x80z", 5, &rune), 4);
	assert_int_equal(rune, 0x1f600);
	assert_int_equal(str_utf8_decode("\xc3\xa9", 2, &rune), 2);
	assert_int_equal(rune, 0xe9);
	assert_int_equal(str_utf8_decode("\xc3\xa9", 1, &rune), 0);
	assert_int_equal(str_utf8_decode("", 0, &rune), 0);
}

static void cut_splits_no_character(void **state)
{
	(void)state;
	const char *text = "a\xc3\xa9\xf0\x9f\x98\x80z"; /* 1 + 2 + 4 + 1 bytes */
	static const size_t want[] = {0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
	for (size_t max = 0; max < ARRAY_LEN(want); max++)
		assert_int_equal(str_cut(text, 8, max), want[max]);
	/* Text that is not UTF-8 is cut at exactly that place. */
	assert_int_equal(str_cut("\x80\x80\x80\x80\x80\x80", 6, 4), 4);
	assert_int_equal(str_cut("\x80\x80\x80", 3, 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_own_their_strings),
		cmocka_unit_test(words_split_at_white_space),
		cmocka_unit_test(split_keeps_empty_parts),
		cmocka_unit_test(begins_and_ends),
		cmocka_unit_test(fold_ignores_ascii_case_only),
		cmocka_unit_test(unsigned_numbers_are_strict),
		cmocka_unit_test(signed_numbers_are_strict),
		cmocka_unit_test(utf8_is_strict),
		cmocka_unit_test(utf8_decodes),
		cmocka_unit_test(cut_splits_no_character),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
