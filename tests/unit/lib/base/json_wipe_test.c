/* Whether texts that went through a document are still in memory afterwards. */
#include "lib/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/memory_scan.h"

/* A document with the secret in place of "%". */
static void fill(struct buf *text, const char *pattern)
{
	struct err e;
	for (; *pattern != '\0'; pattern++) {
		char c = *pattern;
		if (c == '%')
			memory_secret_put(text);
		else
			assert_int_equal(buf_append(text, &c, 1, &e), 0);
	}
}

static struct json *parse(const char *pattern)
{
	AUTO(buf_wipe) struct buf text = BUF_INIT(JSON_TEXT_MAX);
	struct err e;
	fill(&text, pattern);
	return json_parse(text.data, text.len, &e);
}

static void expect_nothing_left(const char *what)
{
	size_t count = memory_secret_count();
	if (count != 0)
		fail_msg("%zu copies are left: %s", count, what);
}

static void the_scan_finds_what_is_there(void **state)
{
	(void)state;
	AUTO(buf_wipe) struct buf text = BUF_INIT(100);
	expect_nothing_left("before");
	fill(&text, "%");
	assert_int_equal(memory_secret_count(), 1);
}

static void documents_leave_nothing(void **state)
{
	static const char *const patterns[] = {
		"{\"authkey\":\"%\",\"n\":[1,2.5,\"\\u00e9%\"]}",
		"{\"%\":1}",
		/* of equal keys the last one stays */
		"{\"k\":\"%\",\"k\":\"other\"}",
		"{\"k\":[{\"a\":\"%\"}],\"k\":1}",
		/* refused in the middle */
		"{\"k\":\"%\",\"n\":12,\"x\"",
		"[\"%\\u0000\"]",
	};
	(void)state;
	/* Without the secret first: a function of a library that is looked up at its first call
	 * finds registers full of what was copied before, and saves them on the stack. */
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct err e;
		json_free(json_parse(patterns[i], strlen(patterns[i]), &e));
	}
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct json *j = parse(patterns[i]);
		json_free(j);
		expect_nothing_left(patterns[i]);
	}
}

static void changes_leave_nothing(void **state)
{
	(void)state;
	struct json *j = parse("{\"a\":\"%\",\"b\":\"%\",\"c\":{\"d\":\"%\"}}");
	assert_non_null(j);
	struct json *copy = json_dup(j);
	json_set(j, "e", json_new_str(json_str(json_get(j, "a"))));
	json_set_str(j, "a", "other");
	json_remove(j, "b");
	json_remove(j, "c");
	json_set_str(j, "e", "other");
	assert_true(memory_secret_count() > 0);
	json_free(copy);
	size_t count = memory_secret_count();
	json_free(j);
	assert_int_equal(count, 0);
}

static void prints_leave_nothing(void **state)
{
	(void)state;
	struct json *list = json_new_array();
	/* Long enough for the buffer to grow on the way. */
	for (int i = 0; i < 40; i++)
		json_push(list,
			parse("{\"authkey\":\"%\",\"text\":\"0123456789012345678901234567\"}"));
	char *text = json_print(list);
	json_free(list);
	explicit_bzero(text, strlen(text));
	free(text);
	expect_nothing_left("print");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_scan_finds_what_is_there),
		cmocka_unit_test(documents_leave_nothing),
		cmocka_unit_test(changes_leave_nothing),
		cmocka_unit_test(prints_leave_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
