/*
 * Standardizing only blanks bytes, never line ends; repeating it changes nothing, and JSON is
 * unchanged.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hujson.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	const char *before = (const char *)data;
	AUTO(mem_free) char *text = xmalloc(size);
	if (size > 0)
		memcpy(text, before, size);
	if (hujson_standardize(text, size, &e) < 0) {
		require(e.msg[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < size; i++) {
		require(text[i] == before[i] || text[i] == ' ');
		require((text[i] == '\n') == (before[i] == '\n'));
	}
	AUTO(mem_free) char *twice = xmalloc(size);
	if (size > 0)
		memcpy(twice, text, size);
	require(hujson_standardize(twice, size, &e) == 0);
	AUTO(json_freep) struct json *plain = json_parse(before, size, &e);
	if (plain != NULL)
		require(memcmp(before, text, size) == 0);
	AUTO(json_freep) struct json *clean = json_parse(text, size, &e);
	if (clean != NULL)
		require(memcmp(twice, text, size) == 0);
	return 0;
}
