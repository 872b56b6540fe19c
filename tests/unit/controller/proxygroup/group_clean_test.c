#include "controller/proxygroup/group_clean.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

/* Of the member "x", or of another one that is named. */
static const char *const rows[][3] = {
	{"x", "null", NULL},
	{"x", "\"\"", NULL},
	{"x", "\"a\"", "\"a\""},
	{"x", "0", "0"},
	{"x", "false", "false"},
	{"x", "[]", NULL},
	{"x", "{}", NULL},
	{"x", "{\"a\":null,\"b\":\"\",\"c\":[],\"d\":1}", "{\"d\":1}"},
	{"x", "{\"a\":{\"b\":{\"c\":[]}}}", NULL},
	{"x", "{\"a\":{\"b\":{\"c\":[]},\"d\":1}}", "{\"a\":{\"d\":1}}"},
	/* An empty selector in a list selects all. */
	{"x", "[{\"labelSelector\":{}}]", "[{\"labelSelector\":{}}]"},
	{"x", "[{\"labelSelector\":{\"matchLabels\":{}}}]", "[{\"labelSelector\":{}}]"},
	{"x", "[{\"effect\":\"\",\"key\":\"k\"}]", "[{\"key\":\"k\"}]"},
	{"x", "[\"\",null]", "[\"\",null]"},
	{"labels", "{\"a\":\"\"}", "{\"a\":\"\"}"},
	{"labels", "{\"a\":null}", NULL},
	{"x", "{\"limits\":{},\"requests\":{\"cpu\":\"1\"}}", "{\"requests\":{\"cpu\":\"1\"}}"},
};

static void what_the_server_drops_is_left_out(void **state)
{
	struct err e;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(mem_free) char *text = xasprintf("{\"%s\":%s}", rows[i][0], rows[i][1]);
		AUTO(json_freep) struct json *doc = json_parse(text, strlen(text), &e);
		assert_non_null(doc);
		AUTO(json_freep) struct json *clean = group_clean(json_get(doc, rows[i][0]));
		AUTO(mem_free) char *found = clean != NULL ? json_print(clean) : NULL;
		if (rows[i][2] == NULL ? found != NULL : found == NULL)
			fail_msg("row %zu: %s", i, found != NULL ? found : "nothing");
		if (found != NULL)
			assert_string_equal(found, rows[i][2]);
	}
	assert_null(group_clean(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_server_drops_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
