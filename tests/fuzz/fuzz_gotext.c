/*
 * Any text through Go's text forms: a parsed duration equals its printed form parsed again, and a
 * quoted text is UTF-8 between quotes at any size limit.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/gotext.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_duration(const char *text)
{
	struct err e = {0};
	char printed[64];
	int64_t ns;
	int64_t again;
	if (gotext_duration(text, &ns, &e) < 0) {
		if (strncmp(e.msg, "time: ", 6) != 0)
			abort();
		return;
	}
	gotext_format_duration(ns, printed, sizeof(printed));
	if (gotext_duration(printed, &again, &e) < 0 || again != ns)
		abort();
}

static void check_quote(const char *text)
{
	static const size_t sizes[] = {1, 2, 3, 7, 16, 64, 4096};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *out = xmalloc(sizes[i]);
		gotext_quote(text, out, sizes[i]);
		size_t len = strlen(out);
		if (!str_is_utf8(out, len))
			abort();
		if (sizes[i] >= 3 && (len < 2 || out[0] != '"' || out[len - 1] != '"'))
			abort();
		free(out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool value;
	AUTO(mem_free) char *text = xstrndup((const char *)data, size);
	check_duration(text);
	check_quote(text);
	if (gotext_bool(text, &value) == 0 && strlen(text) > 5)
		abort();
	return 0;
}
