#include "lib/base/gotext.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/gotext_print.h"
#include "lib/base/mem.h"

/* The expected columns of both tables are what Go 1.26 prints. */
/* clang-format off */
static const struct {
	const char *text;
	int64_t ns;
	const char *string; /* NULL = refused */
	const char *error;
} durations[] = {
	{"0", 0, "0s", NULL},
	{"+0", 0, "0s", NULL},
	{"-0", 0, "0s", NULL},
	{"5s", 5000000000, "5s", NULL},
	{"30s", 30000000000, "30s", NULL},
	{"1478s", 1478000000000, "24m38s", NULL},
	{"-5s", -5000000000, "-5s", NULL},
	{"+5s", 5000000000, "5s", NULL},
	{"5.0s", 5000000000, "5s", NULL},
	{"5.6s", 5600000000, "5.6s", NULL},
	{"5.s", 5000000000, "5s", NULL},
	{".5s", 500000000, "500ms", NULL},
	{"-.5s", -500000000, "-500ms", NULL},
	{"1.0s", 1000000000, "1s", NULL},
	{"1.00s", 1000000000, "1s", NULL},
	{"1.004s", 1004000000, "1.004s", NULL},
	{"1.0040s", 1004000000, "1.004s", NULL},
	{"100.00100s", 100001000000, "1m40.001s", NULL},
	{"10ns", 10, "10ns", NULL},
	{"11us", 11000, "11\302\265s", NULL},
	{"12\302\265s", 12000, "12\302\265s", NULL},
	{"12\316\274s", 12000, "12\302\265s", NULL},
	{"13ms", 13000000, "13ms", NULL},
	{"14s", 14000000000, "14s", NULL},
	{"15m", 900000000000, "15m0s", NULL},
	{"16h", 57600000000000, "16h0m0s", NULL},
	{"3h30m", 12600000000000, "3h30m0s", NULL},
	{"10.5s4m", 250500000000, "4m10.5s", NULL},
	{"-2m3.4s", -123400000000, "-2m3.4s", NULL},
	{"1h2m3s4ms5us6ns", 3723004005006, "1h2m3.004005006s", NULL},
	{"39h9m14.425s", 140954425000000, "39h9m14.425s", NULL},
	{"52763797000ns", 52763797000, "52.763797s", NULL},
	{"0.3333333333333333333h", 1200000000000, "20m0s", NULL},
	{"9007199254740993ns", 9007199254740993, "2501h59m59.254740993s", NULL},
	{"9223372036854775807ns", 9223372036854775807, "2562047h47m16.854775807s", NULL},
	{"9223372036854775.807us", 9223372036854775807, "2562047h47m16.854775807s", NULL},
	{"9223372036s854ms775us807ns", 9223372036854775807, "2562047h47m16.854775807s", NULL},
	{"-9223372036854775808ns", INT64_MIN, "-2562047h47m16.854775808s", NULL},
	{"-9223372036854775.808us", INT64_MIN, "-2562047h47m16.854775808s", NULL},
	{"-2562047h47m16.854775808s", INT64_MIN, "-2562047h47m16.854775808s", NULL},
	{"0.100000000000000000000h", 360000000000, "6m0s", NULL},
	{"0.830103483285477580700h", 2988372539827, "49m48.372539827s", NULL},
	{"1h30m", 5400000000000, "1h30m0s", NULL},
	{"-1.5h", -5400000000000, "-1h30m0s", NULL},
	{"1.5h", 5400000000000, "1h30m0s", NULL},
	{"0.000000001s", 1, "1ns", NULL},
	{"0.0000000001s", 0, "0s", NULL},
	{"1m1m", 120000000000, "2m0s", NULL},
	{"00001s", 1000000000, "1s", NULL},
	{"2562047h47m16.854775807s", 9223372036854775807, "2562047h47m16.854775807s", NULL},
	{"", 0, NULL, "time: invalid duration \"\""},
	{"3", 0, NULL, "time: missing unit in duration \"3\""},
	{"-", 0, NULL, "time: invalid duration \"-\""},
	{"s", 0, NULL, "time: invalid duration \"s\""},
	{".", 0, NULL, "time: invalid duration \".\""},
	{"-.", 0, NULL, "time: invalid duration \"-.\""},
	{".s", 0, NULL, "time: invalid duration \".s\""},
	{"+.s", 0, NULL, "time: invalid duration \"+.s\""},
	{"1d", 0, NULL, "time: unknown unit \"d\" in duration \"1d\""},
	{"d", 0, NULL, "time: invalid duration \"d\""},
	{"\205\205", 0, NULL, "time: invalid duration \"\\x85\\x85\""},
	{"\377ff", 0, NULL, "time: invalid duration \"\\xffff\""},
	{"hello \377ff world", 0, NULL, "time: invalid duration \"hello \\xffff world\""},
	{"\357\277\275", 0, NULL, "time: invalid duration \"\\xef\\xbf\\xbd\""},
	{"\357\277\275 hello \357\277\275 world", 0, NULL, "time: invalid duration \"\\xef\\xbf\\xbd hello \\xef\\xbf\\xbd world\""},
	{"9223372036854775810ns", 0, NULL, "time: invalid duration \"9223372036854775810ns\""},
	{"9223372036854775808ns", 0, NULL, "time: invalid duration \"9223372036854775808ns\""},
	{"-9223372036854775809ns", 0, NULL, "time: invalid duration \"-9223372036854775809ns\""},
	{"9223372036854776us", 0, NULL, "time: invalid duration \"9223372036854776us\""},
	{"3000000h", 0, NULL, "time: invalid duration \"3000000h\""},
	{"9223372036854775.808us", 0, NULL, "time: invalid duration \"9223372036854775.808us\""},
	{"9223372036854ms775us808ns", 0, NULL, "time: invalid duration \"9223372036854ms775us808ns\""},
	{"-1h-1m", 0, NULL, "time: unknown unit \"h-\" in duration \"-1h-1m\""},
	{"1h 1m", 0, NULL, "time: unknown unit \"h \" in duration \"1h 1m\""},
	{" 1s", 0, NULL, "time: invalid duration \" 1s\""},
	{"1s ", 0, NULL, "time: unknown unit \"s \" in duration \"1s \""},
	{"1S", 0, NULL, "time: unknown unit \"S\" in duration \"1S\""},
	{"1x\"y", 0, NULL, "time: unknown unit \"x\\\"y\" in duration \"1x\\\"y\""},
	{"1\\", 0, NULL, "time: unknown unit \"\\\\\" in duration \"1\\\\\""},
	{"1.2.3s", 0, NULL, "time: missing unit in duration \"1.2.3s\""},
	{"0x1s", 0, NULL, "time: unknown unit \"x\" in duration \"0x1s\""},
	{"1e3s", 0, NULL, "time: unknown unit \"e\" in duration \"1e3s\""},
	{"0d", 0, NULL, "time: unknown unit \"d\" in duration \"0d\""},
	{"00", 0, NULL, "time: missing unit in duration \"00\""},
	{"1ss", 0, NULL, "time: unknown unit \"ss\" in duration \"1ss\""},
	{"18446744073709551616ns", 0, NULL, "time: invalid duration \"18446744073709551616ns\""},
	{"9223372036854775808ns9223372036854775808ns", 0, "0s", NULL},
	{"--1s", 0, NULL, "time: invalid duration \"--1s\""},
	{"1.5", 0, NULL, "time: missing unit in duration \"1.5\""},
	{"1_0s", 0, NULL, "time: unknown unit \"_\" in duration \"1_0s\""},
	{"\177", 0, NULL, "time: invalid duration \"\177\""},
	{"1s\012", 0, NULL, "time: unknown unit \"s\\x0a\" in duration \"1s\\x0a\""},
};

static const struct {
	const char *text;
	const char *quoted;
} quotes[] = {
	{"", "\"\""},
	{"abc", "\"abc\""},
	{"a\"b", "\"a\\\"b\""},
	{"a\\b", "\"a\\\\b\""},
	{"\007\010\014\012\015\011\013", "\"\\a\\b\\f\\n\\r\\t\\v\""},
	{"\001\037\177", "\"\\x01\\x1f\\x7f\""},
	{"it's", "\"it's\""},
	{"caf\303\251", "\"caf\303\251\""},
	{"\342\230\272", "\"\342\230\272\""},
	{"\377", "\"\\xff\""},
	{"a\303", "\"a\\xc3\""},
	{"\302\240", "\"\\u00a0\""},
	{"\302\255", "\"\\u00ad\""},
	{"\357\273\277", "\"\\ufeff\""},
	{"\342\200\250", "\"\\u2028\""},
	{"\360\237\230\200", "\"\360\237\230\200\""},
	{"\363\260\200\200", "\"\\U000f0000\""},
	{"\355\240\200", "\"\\xed\\xa0\\x80\""},
	{"\357\277\275", "\"\357\277\275\""},
	{"\364\220\200\200", "\"\\xf4\\x90\\x80\\x80\""},
	{"\300\200", "\"\\xc0\\x80\""},
	{"\315\270", "\"\\u0378\""},
	{"\343\200\200", "\"\\u3000\""},
	{"\360\220\200\214", "\"\\U0001000c\""},
};
/* clang-format on */

static void duration_parses_as_go(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		struct err e = {0};
		int64_t ns = -77;
		char text[64];
		int r = gotext_duration(durations[i].text, &ns, &e);
		if (durations[i].string == NULL) {
			assert_int_equal(r, -EINVAL);
			assert_string_equal(e.msg, durations[i].error);
			assert_int_equal(ns, -77);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(ns, durations[i].ns);
		gotext_format_duration(ns, text, sizeof(text));
		assert_string_equal(text, durations[i].string);
	}
}

static void duration_error_is_cut_at_the_cap(void **state)
{
	(void)state;
	char text[5000];
	struct err e = {0};
	int64_t ns;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(gotext_duration(text, &ns, &e), -EINVAL);
	assert_memory_equal(e.msg, "time: invalid duration \"xxx", 27);
	assert_int_equal(e.msg[strlen(e.msg) - 1], '"');
	assert_true(strlen(e.msg) < 300);
}

static void duration_formats_into_any_size(void **state)
{
	(void)state;
	char text[4] = "zzz";
	gotext_format_duration(90000000000, text, sizeof(text));
	assert_string_equal(text, "1m3");
	gotext_format_duration(0, text, 1);
	assert_string_equal(text, "");
}

static void bool_accepts_twelve_words(void **state)
{
	(void)state;
	static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
	static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
	static const char *const neither[] = {"", "yes", "on", "tRUE", "true ", " 1", "01", "2"};
	bool value;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		value = false;
		assert_int_equal(gotext_bool(yes[i], &value), 0);
		assert_true(value);
		value = true;
		assert_int_equal(gotext_bool(no[i], &value), 0);
		assert_false(value);
	}
	for (size_t i = 0; i < ARRAY_LEN(neither); i++)
		assert_int_equal(gotext_bool(neither[i], &value), -EINVAL);
}

static void quotes_as_go(void **state)
{
	(void)state;
	char out[128];
	for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
		gotext_quote(quotes[i].text, out, sizeof(out));
		assert_string_equal(out, quotes[i].quoted);
	}
}

static void quote_is_cut_between_characters(void **state)
{
	(void)state;
	char out[16];
	static const struct {
		size_t size;
		const char *text;
		const char *want;
	} rows[] = {
		{1, "abc", ""},
		{2, "abc", ""},
		{3, "abc", "\"\""},
		{4, "abc", "\"a\""},
		{5, "abc", "\"ab\""},
		{6, "abc", "\"abc\""},
		{5, "a\nb", "\"a\""},
		{6, "a\nb", "\"a\\n\""},
		{4, "\xc3\xa9", "\"\""},
		{5, "\xc3\xa9", "\"\xc3\xa9\""},
		/* Nothing is read after a piece that did not fit. */
		{6, "a\x01z", "\"a\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(out, '#', sizeof(out));
		gotext_quote(rows[i].text, out, rows[i].size);
		assert_string_equal(out, rows[i].want);
		for (size_t j = rows[i].size; j < sizeof(out); j++)
			assert_int_equal(out[j], '#');
	}
	gotext_quote("abc", out, 0);
}

static void printable_ranges_have_sharp_ends(void **state)
{
	(void)state;
	static const struct {
		uint32_t rune;
		bool want;
	} rows[] = {{0x1f, false}, {0x20, true}, {0x7e, true}, {0x7f, false}, {0x80, false},
		{0xa0, false}, {0xa1, true}, {0xac, true}, {0xad, false}, {0xae, true},
		{0x377, true}, {0x378, false}, {0x323af, true}, {0x323b0, false}, {0xe00ff, false},
		{0xe0100, true}, {0xe01ef, true}, {0xe01f0, false}, {0x10ffff, false}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(gotext_print_is(rows[i].rune), rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_parses_as_go),
		cmocka_unit_test(duration_error_is_cut_at_the_cap),
		cmocka_unit_test(duration_formats_into_any_size),
		cmocka_unit_test(bool_accepts_twelve_words),
		cmocka_unit_test(quotes_as_go),
		cmocka_unit_test(quote_is_cut_between_characters),
		cmocka_unit_test(printable_ranges_have_sharp_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
