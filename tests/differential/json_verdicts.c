/*
 * Our half of tests/differential/json_compare.go: reads texts, each behind its length, from
 * standard input and answers each with what lib/base/json.h makes of it, behind its length, or with
 * the length REFUSED alone. Lengths are four bytes in the machine's order.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

#define REFUSED UINT32_MAX

static void answer(const char *text, size_t len)
{
	struct err e;
	AUTO(json_freep) struct json *j = json_parse(text, len, &e);
	AUTO(mem_free) char *printed = j != NULL ? json_print(j) : NULL;
	uint32_t size = printed != NULL ? (uint32_t)strlen(printed) : REFUSED;
	fwrite(&size, sizeof(size), 1, stdout);
	if (printed != NULL)
		fwrite(printed, 1, size, stdout);
}

int main(void)
{
	uint32_t len;
	while (fread(&len, sizeof(len), 1, stdin) == 1) {
		if (len > JSON_TEXT_MAX)
			return 1;
		AUTO(mem_free) char *text = xmalloc(len);
		if (fread(text, 1, len, stdin) != len)
			return 1;
		answer(text, len);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
