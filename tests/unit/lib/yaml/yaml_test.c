#include "lib/yaml/yaml.h"

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

static const char *const read[][2] = {
	{"", "null"},
	{"# nothing\n", "null"},
	{"a: 1\nb: x y\nc:\n- 1\n- two\n", "{\"a\":1,\"b\":\"x y\",\"c\":[1,\"two\"]}"},
	{"---\na: {b: [c, {d: e}], f: \"\"}\n...\n",
		"{\"a\":{\"b\":[\"c\",{\"d\":\"e\"}],\"f\":\"\"}}"},
	/* JSON is YAML. */
	{"{\"a\": [1, -2.5e3, true, null, \"x\\u00e4\"]}",
		"{\"a\":[1,-2.5e3,true,null,\"x\xc3\xa4\"]}"},
	{"[null, ~, NULL, Null, nil, \"null\", 'null']",
		"[null,null,null,null,\"nil\",\"null\",\"null\"]"},
	{"[true, True, FALSE, yes, off, tRUE]", "[true,true,false,\"yes\",\"off\",\"tRUE\"]"},
	{"[0x1F, 0o17, 017, 08, 0xg, +1, 1_000, .5, 1., 1.5, 12345678901234567890, 0]",
		"[31,15,15,\"08\",\"0xg\",\"+1\",\"1_000\",\".5\",\"1.\",1.5,12345678901234567890,0]"},
	{"a: !!str 5\nb: ! x\nc: '5'", "{\"a\":\"5\",\"b\":\"x\",\"c\":\"5\"}"},
	{"a: |\n  one\n  two\nb: >\n  one\n  two\n",
		"{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\\n\"}"},
	{"1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}"},
	{"a: &x {b: 1}\nc: *x\nd: [*x]\ne: &y 7\nf: *y\n",
		"{\"a\":{\"b\":1},\"c\":{\"b\":1},\"d\":[{\"b\":1}],\"e\":7,\"f\":7}"},
	{"a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}"},
	{"\xef\xbb\xbf"
	 "a: b",
		"{\"a\":\"b\"}"},
};

static const char *const refused[][2] = {
	{"a: [1,", "YAML, line "},
	{"a: b\n\tc: d\n", "YAML, line "},
	{"a: b\nb: {c: d}}\n", "YAML, line "},
	{"a: 1\nb: 2\na: 3\n", "YAML, line 3: member \"a\" is there twice"},
	{"? [a]\n: b\n", "YAML, line 1: a key that is no text"},
	{"? {a: b}\n: b\n", "YAML, line 1: a key that is no text"},
	{"a: &x b\n*x : c\n", "YAML, line 2: a key that is no text"},
	{"a: *none\n", "YAML, line 1: an alias of nothing"},
	/* Of itself. */
	{"a: &x [*x]\n", "YAML, line 1: an alias of nothing"},
	{"a: &x {b: 1}\nc:\n  <<: *x\n", "YAML, line 3: merge keys are not read"},
	{"a: !secret x\n", "YAML, line 1: tags are not read"},
	{"a: !!binary eA==\n", "YAML, line 1: tags are not read"},
	{"a: !!set {x}\n", "YAML, line 1: tags are not read"},
	{"a: 1\n---\nb: 2\n", "YAML, line 2: a second document"},
	{"a: \"\\0\"\n", "YAML, line 1: a zero byte"},
	{"a: \xff\n", "YAML, line 1: "},
};

static void documents_become_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(read); i++) {
		struct err e = {0};
		AUTO(json_freep) struct json *doc = yaml_parse(read[i][0], strlen(read[i][0]), &e);
		assert_string_equal(e.msg, "");
		AUTO(mem_free) char *text = json_print(doc);
		assert_string_equal(text, read[i][1]);
	}
}

static void what_cannot_be_read_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct err e = {0};
		AUTO(json_freep)
		struct json *doc = yaml_parse(refused[i][0], strlen(refused[i][0]), &e);
		if (doc != NULL)
			fail_msg("row %zu was read", i);
		assert_int_equal(e.code, -EINVAL);
		if (strncmp(e.msg, refused[i][1], strlen(refused[i][1])) != 0)
			fail_msg("row %zu: %s", i, e.msg);
	}
}

static char *repeated(const char *piece, size_t count)
{
	size_t len = strlen(piece);
	char *text = xmalloc(len * count + 1);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * len, piece, len);
	text[len * count] = '\0';
	return text;
}

static void input_has_caps(void **state)
{
	struct err e = {0};
	(void)state;
	AUTO(mem_free) char *deep = repeated("[", 100);
	assert_null(yaml_parse(deep, strlen(deep), &e));
	assert_string_equal(e.msg, "YAML, line 1: nested too deeply");
	AUTO(mem_free) char *many = repeated("- 1\n", YAML_NODES_MAX + 1);
	assert_null(yaml_parse(many, strlen(many), &e));
	assert_non_null(strstr(e.msg, "too many nodes"));
	AUTO(mem_free) char *large = repeated("#", YAML_TEXT_MAX + 1);
	assert_null(yaml_parse(large, strlen(large), &e));
	assert_int_equal(e.code, -EMSGSIZE);
	/* Each line ten times the one before. */
	static const char laughs[] = "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
				     "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
				     "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
				     "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
				     "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
				     "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
	assert_null(yaml_parse(laughs, strlen(laughs), &e));
	assert_non_null(strstr(e.msg, "too many nodes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_become_json),
		cmocka_unit_test(what_cannot_be_read_is_named),
		cmocka_unit_test(input_has_caps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
