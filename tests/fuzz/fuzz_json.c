/*
 * Any text that json_parse accepts must be equal after print, copy and a second parse, and every
 * member must be found under its key.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void look_at(const struct json *j)
{
	int64_t number;
	(void)json_i64(j, &number);
	require((json_str(j) != NULL) == (json_type(j) == JSON_STRING));
	size_t count = 0;
	/* Lookups are linear: a bound keeps one input from taking seconds. */
	for (const struct json *m = json_first(j); m != NULL && count < 100;
		m = json_next(m), count++) {
		if (json_type(j) != JSON_OBJECT)
			continue;
		struct err e = {0};
		AUTO(buf_fini) struct buf quoted = BUF_INIT(10 * JSON_TEXT_MAX);
		require(json_get(j, json_key(m)) == m); /* no key is there twice */
		require(json_get_fold(j, json_key(m)) != NULL);
		require(json_quote(&quoted, json_key(m), &e) == 0);
		AUTO(json_freep) struct json *key = json_parse(quoted.data, quoted.len, &e);
		require(key != NULL && strcmp(json_str(key), json_key(m)) == 0);
	}
	require(count == json_len(j) || count == 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	AUTO(json_freep) struct json *j = json_parse((const char *)data, size, &e);
	if (j == NULL) {
		require(e.code < 0 && e.msg[0] != '\0');
		return 0;
	}
	look_at(j);
	for (const struct json *child = json_first(j); child != NULL; child = json_next(child))
		look_at(child);
	AUTO(mem_free) char *text = json_print(j);
	AUTO(json_freep) struct json *again = json_parse(text, strlen(text), &e);
	require(again != NULL && json_equal(j, again));
	AUTO(mem_free) char *text_again = json_print(again);
	require(strcmp(text, text_again) == 0);
	AUTO(json_freep) struct json *copy = json_dup(j);
	require(json_equal(copy, j));
	return 0;
}
