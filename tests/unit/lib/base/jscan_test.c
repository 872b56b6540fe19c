#include "lib/base/jscan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define CAPTURE_MAX 40

static const struct jscan_rule bus_rules[] = {
	{.id = 1, .path = {"State"}, .what = JSCAN_VALUE},
	{.id = 2, .path = {"Peer", "*"}, .what = JSCAN_MARK},
	{.id = 3, .path = {"Peer", "*", "Name"}, .what = JSCAN_VALUE},
	{.id = 4, .path = {"Peer", "*", "IPs", "*"}, .what = JSCAN_VALUE},
};

static const struct jscan_rule same_rules[] = {
	{.id = 1, .path = {"a"}, .what = JSCAN_MARK},
	{.id = 2, .path = {"*"}, .what = JSCAN_MARK},
	{.id = 3, .path = {"a"}, .what = JSCAN_VALUE},
	{.id = 4, .path = {"*"}, .what = JSCAN_VALUE},
	{.id = 5, .path = {"a", "inside"}, .what = JSCAN_VALUE},
};

static const struct jscan_rule whole_rules[] = {
	{.id = 1, .path = {NULL}, .what = JSCAN_VALUE},
	{.id = 2, .path = {"a"}, .what = JSCAN_VALUE},
};

static const struct jscan_rule deep_rules[] = {
	{.id = 1, .path = {"a", "b", "c", "d", "e", "f"}, .what = JSCAN_VALUE},
	{.id = 2, .path = {"*", "*", "*", "*", "*", "*"}, .what = JSCAN_MARK},
};

/* Writes one report as a short line of text. */
static int write_report(void *arg, const struct jscan_event *event, struct err *e)
{
	struct buf *out = arg;
	switch (event->kind) {
	case JSCAN_GOT_BEGIN:
		return buf_printf(out, e, "<%d %s ", event->id, event->key);
	case JSCAN_GOT_END:
		return buf_printf(out, e, "%d %s> ", event->id, event->key);
	case JSCAN_GOT_DOCUMENT:
		return buf_printf(out, e, ". ");
	case JSCAN_GOT_VALUE:
		break;
	}
	if (event->truncated) {
		assert_null(event->text);
		assert_int_equal(event->len, 0);
		return buf_printf(out, e, "%d %s too long ", event->id, event->key);
	}
	assert_int_equal(strlen(event->text), event->len);
	return buf_printf(out, e, "%d %s=%s ", event->id, event->key, event->text);
}

/* Feeds text in pieces and ends with "!" and the message when it is bad. */
static void scan(struct jscan *s, const char *text, size_t piece, struct buf *out)
{
	struct err e = {0};
	size_t len = strlen(text);
	int r = 0;
	for (size_t at = 0; at < len && r == 0; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		/* A copy of the exact size, freed after the call: nothing may be read from it
		 * later. */
		AUTO(mem_free) char *exact = xmalloc(n);
		memcpy(exact, text + at, n);
		r = jscan_feed(s, exact, n, &e);
		jscan_trim(s, 0); /* of no effect on what is reported */
	}
	if (r == 0)
		r = jscan_finish(s, &e);
	if (r == 0)
		return;
	assert_int_equal(r, e.code);
	struct err ignored;
	assert_int_equal(buf_printf(out, &ignored, "! %s", e.msg), 0);
	assert_int_equal(jscan_feed(s, "1", 1, &ignored), -EINVAL);
	assert_int_equal(jscan_finish(s, &ignored), -EINVAL);
}

struct row {
	const char *text;
	const char *reports;
};

static void assert_rows(
	const struct jscan_rule *rules, size_t rule_count, const struct row *rows, size_t row_count)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(100000);
	struct jscan *s = jscan_new(rules, rule_count, CAPTURE_MAX, write_report, &out);
	for (size_t i = 0; i < row_count; i++) {
		for (size_t piece = 1; piece < 100; piece = piece < 9 ? piece + 1 : piece + 90) {
			buf_reset(&out);
			scan(s, rows[i].text, piece, &out);
			assert_string_equal(buf_cstr(&out), rows[i].reports);
			jscan_reset(s);
		}
	}
	jscan_free(s);
}

static void named_members_are_reported(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"", ""},
		{" \n", ""},
		{"{}", ". "},
		{"{\"State\":6}", "1 State=6 . "},
		{"{\"x\":[{\"State\":1}],\"State\" : \"up\" }", "1 State=\"up\" . "},
		{"{\"State\":{\"a\": [1,\"]}\"] },\"b\":2}", "1 State={\"a\": [1,\"]}\"] } . "},
		{"{\"State\":1}\n{\"State\":2}{\"State\":3} 4 [] 5",
			"1 State=1 . 1 State=2 . 1 State=3 . . . . "},
		{"{\"State\":1,\"State\":2}", "1 State=1 1 State=2 . "},
		{"{\"state\":1,\"Stat\":1,\"States\":1,\"\":1}", ". "},
		{"{\"\\u0053t\\u0061te\":-1.5e+3}", "1 State=-1.5e+3 . "},
		{"{\"State\":\"\\\"\\\\\\u00e9\\n\"}", "1 State=\"\\\"\\\\\\u00e9\\n\" . "},
		{"[{\"State\":1}]", ". "},
		{"{\"a\":{\"State\":1},\"State\":null}", "1 State=null . "},
		{"{\"Peer\":{}}", ". "},
		{"{\"Peer\":null}", ". "},
		{"{\"Peer\":{\"k1\":{\"Name\":\"a\"},\"k2\":{},\"k3\":7}}",
			"<2 k1 3 Name=\"a\" 2 k1> <2 k2 2 k2> <2 k3 2 k3> . "},
		{"{\"Peer\":{\"k\":{\"IPs\":[\"1\", 2 ,[3]],\"Name\":{\"Name\":1}}}}",
			"<2 k 4 =\"1\" 4 =2 4 =[3] 3 Name={\"Name\":1} 2 k> . "},
		{"{\"Peer\":[{\"Name\":1},true]}", "<2  3 Name=1 2 > <2  2 > . "},
		{"{\"Peer\":{\"\\ud83d\\ude00\":0,\"\":1}}",
			"<2 \xf0\x9f\x98\x80 2 \xf0\x9f\x98\x80> <2  2 > . "},
		/* Keys that are not valid text match only "*". */
		{"{\"Peer\":{\"a\\u0000\":0,\"\\ud800\":1,\"\xff\":2}}",
			"<2  2 > <2  2 > <2  2 > . "},
		{"{\"Sta\\u0000te\":1,\"State\\u0000\":1}", ". "},
	};
	assert_rows(bus_rules, ARRAY_LEN(bus_rules), rows, ARRAY_LEN(rows));
}

static void rules_for_the_same_value_nest(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"{\"a\":1}", "<1 a <2 a 3 a=1 4 a=1 2 a> 1 a> . "},
		{"{\"a\":{\"inside\":1}}",
			"<1 a <2 a 3 a={\"inside\":1} 4 a={\"inside\":1} 2 a> 1 a> . "},
		{"[[]]", "<2  4 =[] 2 > . "},
	};
	assert_rows(same_rules, ARRAY_LEN(same_rules), rows, ARRAY_LEN(rows));
}

static void the_empty_path_is_the_document(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"{\"a\": 1}\n[ ]12 \"x\"", "1 ={\"a\": 1} . 1 =[ ] . 1 =12 . 1 =\"x\" . "},
		{"true 1.5", "1 =true . 1 =1.5 . "},
	};
	assert_rows(whole_rules, ARRAY_LEN(whole_rules), rows, ARRAY_LEN(rows));
}

static void paths_have_six_steps(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":1}}}}}}}}",
			"<2 f 1 f={\"g\":{\"h\":1}} 2 f> . "},
		{"[[[[[[1,[[[2]]]]]]]]]", "<2  2 > <2  2 > . "},
		{"[[[[[]]]]]", ". "},
	};
	assert_rows(deep_rules, ARRAY_LEN(deep_rules), rows, ARRAY_LEN(rows));
}

static void bad_syntax_is_found_everywhere(void **state)
{
	(void)state;
#define AT(offset, why) "! JSON stream, byte " #offset ": " why
#define NO_VALUE "a value should begin here"
#define NO_KEY "a key should begin here"
#define NO_COMMA "\",\" or a closing bracket missing after a value"
	static const struct row rows[] = {
		{"]", AT(0, NO_VALUE)},
		{"{\"a\":}", AT(5, NO_VALUE)},
		{"[1,]", AT(3, NO_VALUE)},
		{"[,1]", AT(1, NO_VALUE)},
		{"[}", AT(1, NO_VALUE)},
		{"{]", AT(1, NO_KEY)},
		{"{,}", AT(1, NO_KEY)},
		{"{\"a\":1,}", AT(7, NO_KEY)},
		{"{1:2}", AT(1, NO_KEY)},
		{"{\"a\" 1}", AT(5, "\":\" missing after a key")},
		{"{\"a\",1}", AT(4, "\":\" missing after a key")},
		{"[1 2]", AT(3, NO_COMMA)},
		{"[1}", AT(2, NO_COMMA)},
		{"{\"a\":[1}", AT(7, NO_COMMA)},
		{"{\"a\":1]", AT(6, NO_COMMA)},
		{"{\"a\":1:2}", AT(6, NO_COMMA)},
		{"1,2", ". " AT(1, NO_VALUE)},
		{"[01]", AT(2, "bad number")},
		{"[-]", AT(2, "bad number")},
		{"[-a]", AT(2, "bad number")},
		{"[1.]", AT(3, "bad number")},
		{"[1.e5]", AT(3, "bad number")},
		{"[1e]", AT(3, "bad number")},
		{"[1e+]", AT(4, "bad number")},
		{"[1-2]", AT(2, "bad number")},
		{"[1.5.2]", AT(4, "bad number")},
		{"[+1]", AT(1, NO_VALUE)},
		{"[.5]", AT(1, NO_VALUE)},
		{"[0x1]", AT(2, NO_COMMA)},
		{"[trux]", AT(4, NO_VALUE)},
		{"[nul]", AT(4, NO_VALUE)},
		{"[truee]", AT(5, NO_COMMA)},
		{"[True]", AT(1, NO_VALUE)},
		{"['a']", AT(1, NO_VALUE)},
		{"[\"a\nb\"]", AT(3, "control character inside a string")},
		{"{\"a\tb\":1}", AT(3, "control character inside a string")},
		{"[\"0123456789\x01\"]", AT(12, "control character inside a string")},
		{"[\"\\x\"]", AT(3, "bad escape")},
		{"[\"\\u12g4\"]", AT(6, "bad \\u escape")},
		{"[\"\\u12\"]", AT(6, "bad \\u escape")},
		{"\xef\xbb\xbf{}", AT(0, NO_VALUE)},
		{"[1] /* x */", ". " AT(4, NO_VALUE)},
		{"{\"State\":1} {", "1 State=1 . " AT(13, "text ends inside a value")},
		{"[", AT(1, "text ends inside a value")},
		{"{\"a\"", AT(4, "text ends inside a value")},
		{"\"a", AT(2, "text ends inside a value")},
		{"\"\\", AT(2, "text ends inside a value")},
		{"\"\\u12", AT(5, "text ends inside a value")},
		{"tru", AT(3, "text ends inside a value")},
		{"-", AT(1, "text ends inside a value")},
		{"1.", AT(2, "text ends inside a value")},
		{"{\"State\":\"half", AT(14, "text ends inside a value")},
	};
	assert_rows(bus_rules, ARRAY_LEN(bus_rules), rows, ARRAY_LEN(rows));
}

static void good_syntax_passes(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"[0,-0,-1,10,1.5,0.25,1e3,1E+03,2e-7,-0.0e0]", ". "},
		{"[ ]", ". "},
		{"{ }", ". "},
		{"[[],{},[[]],[{}],{\"a\":[]}]", ". "},
		{"\t{ \"a\" : [ true , false , null ] , \"b\" : \"\" }\r\n", ". "},
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00Ff\"", ". "},
		{"\"0123456789abcdef \x7f\x80\xff\"", ". "},
		{"0 -0 1e5 1.5", ". . . . "},
		{"0", ". "},
		{"-12.5E-1", ". "},
		{"null\ntrue", ". . "},
	};
	assert_rows(bus_rules, ARRAY_LEN(bus_rules), rows, ARRAY_LEN(rows));
}

static void values_past_the_cap_are_marked(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"{\"State\":\"01234567890123456789012345678901234567\"}",
			"1 State=\"01234567890123456789012345678901234567\" . "},
		{"{\"State\":\"012345678901234567890123456789012345678\"}", "1 State too long . "},
		{"{\"State\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17],\"Peer\":[{\"Name\":1}]}",
			"1 State too long <2  3 Name=1 2 > . "},
	};
	assert_rows(bus_rules, ARRAY_LEN(bus_rules), rows, ARRAY_LEN(rows));
}

/* {"Peer":{"xxx...": 0}} with a key that is `plain` bytes and `escapes` escapes long. */
static char *long_key(size_t plain, size_t escapes)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	fputs("{\"Peer\":{\"", out);
	for (size_t i = 0; i < plain; i++)
		fputc('x', out);
	for (size_t i = 0; i < escapes; i++)
		fputs("\\u0078", out);
	fputs("\": 0}}", out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void long_keys_have_no_name(void **state)
{
	(void)state;
	static const struct {
		size_t plain;
		size_t escapes;
		bool is_named;
	} rows[] = {
		{JSCAN_KEY_MAX, 0, true},
		{0, JSCAN_KEY_MAX, true},
		{1, JSCAN_KEY_MAX - 1, true},
		{JSCAN_KEY_MAX + 1, 0, false},
		{0, JSCAN_KEY_MAX + 1, false},
		{JSCAN_KEY_MAX, 1, false},
		{(size_t)7 * JSCAN_KEY_MAX, 0, false},
	};
	char name[JSCAN_KEY_MAX + 1];
	memset(name, 'x', JSCAN_KEY_MAX);
	name[JSCAN_KEY_MAX] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(mem_free) char *text = long_key(rows[i].plain, rows[i].escapes);
		const char *want = rows[i].is_named ? name : "";
		AUTO(mem_free) char *reports = xasprintf("<2 %s 2 %s> . ", want, want);
		struct row row = {text, reports};
		assert_rows(bus_rules, ARRAY_LEN(bus_rules), &row, 1);
	}
}

static void depth_has_a_limit(void **state)
{
	(void)state;
	char text[2 * JSCAN_DEPTH_MAX + 1] = {0};
	memset(text, '[', JSCAN_DEPTH_MAX);
	memset(text + JSCAN_DEPTH_MAX, ']', JSCAN_DEPTH_MAX);
	struct row deepest = {text, ". "};
	assert_rows(bus_rules, ARRAY_LEN(bus_rules), &deepest, 1);
	text[JSCAN_DEPTH_MAX] = '[';
	struct row deeper = {text, "! JSON stream, byte 64: nested too deeply"};
	assert_rows(bus_rules, ARRAY_LEN(bus_rules), &deeper, 1);
}

static int refuse_value(void *arg, const struct jscan_event *event, struct err *e)
{
	int *calls = arg;
	++*calls;
	return event->kind == JSCAN_GOT_VALUE ? err_set(e, -ECANCELED, "enough") : 0;
}

static void a_refused_report_stops_the_scan(void **state)
{
	(void)state;
	struct err e = {0};
	int calls = 0;
	struct jscan *s =
		jscan_new(bus_rules, ARRAY_LEN(bus_rules), CAPTURE_MAX, refuse_value, &calls);
	const char *text = "{} {\"State\":1,\"State\":2}";
	assert_int_equal(jscan_feed(s, text, strlen(text), &e), -ECANCELED);
	assert_string_equal(e.msg, "enough");
	assert_int_equal(calls, 2);
	assert_int_equal(jscan_feed(s, text, strlen(text), &e), -EINVAL);
	jscan_reset(s);
	assert_int_equal(jscan_feed(s, "[]", 2, &e), 0);
	assert_int_equal(calls, 3);
	jscan_free(s);
	jscan_free(NULL);
}

static void the_inside_of_a_document_is_known(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(buf_fini) struct buf out = BUF_INIT(1000);
	struct jscan *s =
		jscan_new(bus_rules, ARRAY_LEN(bus_rules), CAPTURE_MAX, write_report, &out);
	assert_false(jscan_is_inside(s));
	assert_int_equal(jscan_feed(s, " \n", 2, &e), 0);
	assert_false(jscan_is_inside(s));
	assert_int_equal(jscan_feed(s, "{", 1, &e), 0);
	assert_true(jscan_is_inside(s));
	assert_int_equal(jscan_feed(s, "", 0, &e), 0);
	assert_int_equal(jscan_feed(s, "} ", 2, &e), 0);
	assert_false(jscan_is_inside(s));
	assert_int_equal(jscan_feed(s, "12", 2, &e), 0);
	assert_true(jscan_is_inside(s));
	assert_int_equal(jscan_finish(s, &e), 0);
	assert_false(jscan_is_inside(s));
	jscan_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_members_are_reported),
		cmocka_unit_test(rules_for_the_same_value_nest),
		cmocka_unit_test(the_empty_path_is_the_document),
		cmocka_unit_test(paths_have_six_steps),
		cmocka_unit_test(bad_syntax_is_found_everywhere),
		cmocka_unit_test(good_syntax_passes),
		cmocka_unit_test(values_past_the_cap_are_marked),
		cmocka_unit_test(long_keys_have_no_name),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(a_refused_report_stops_the_scan),
		cmocka_unit_test(the_inside_of_a_document_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
