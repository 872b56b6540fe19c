/* YAML: what can be read is printed as JSON, and that is YAML of the same meaning. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/yaml/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	AUTO(json_freep) struct json *doc = yaml_parse((const char *)data, size, &e);
	if (doc == NULL) {
		require(e.code < 0 && e.msg[0] != '\0');
		return 0;
	}
	AUTO(mem_free) char *text = json_print(doc);
	AUTO(json_freep) struct json *again = json_parse(text, strlen(text), &e);
	require(again != NULL && json_equal(doc, again));
	return 0;
}
