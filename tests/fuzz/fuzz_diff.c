/*
 * Two documents, separated by a zero byte: each is contained in itself, a sealed one too, and the
 * place of a difference is a text of its buffer.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine_diff.h"
#include "lib/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static bool contained(const struct json *desired, const struct json *live)
{
	char path[ENGINE_PATH_MAX];
	memset(path, 'x', sizeof(path));
	bool is_contained = engine_diff_is_contained(
		desired, live, engine_rules, engine_rules_count, path, sizeof(path));
	require(is_contained || memchr(path, '\0', sizeof(path)) != NULL);
	return is_contained;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	const uint8_t *end = memchr(data, '\0', size);
	size_t len = end != NULL ? (size_t)(end - data) : size;
	size_t left = end != NULL ? size - len - 1 : 0;
	struct json *desired = json_parse((const char *)data, len, &e);
	struct json *live =
		json_parse(end != NULL ? (const char *)end + 1 : "{}", end != NULL ? left : 2, &e);
	if (desired != NULL && live != NULL) {
		contained(desired, live);
		contained(live, desired);
		require(contained(desired, desired));
		if (json_type(desired) == JSON_OBJECT) {
			engine_diff_seal(desired);
			require(contained(desired, desired));
		}
	}
	json_free(desired);
	json_free(live);
	return 0;
}
