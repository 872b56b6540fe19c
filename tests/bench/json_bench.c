/*
 * How long lib/base/json.h takes for one large document, beside cJSON alone on the same text.
 *
 *	json_bench [BYTES]
 *
 * Makes a document of about BYTES bytes (5,000,000): objects with strings, escapes, numbers and
 * lists. Prints the median and the best processor time of nine for reading and freeing. No test: it
 * fails only when the document is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

#define ROUNDS 9

static char *make_document(size_t bytes, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	if (out == NULL)
		mem_exhausted();
	fputs("{\"kind\":\"List\",\"items\":[", out);
	for (unsigned i = 0; ftell(out) < (long)bytes; i++)
		fprintf(out,
			"%s{\"metadata\":{\"name\":\"service-%u\",\"namespace\":\"default\",\"generation\":%u,"
			"\"uid\":\"%08x-0000-4000-8000-00000000000a\",\"labels\":{\"app\":\"caf\xc3\xa9\","
			"\"note\":\"a \\\"quoted\\\" word\\n\"}},\n  \"spec\":{\"clusterIP\":\"10.0.%u.%u\","
			"\"ports\":[{\"port\":80,\"targetPort\":8080,\"protocol\":\"TCP\"},"
			"{\"port\":443,\"targetPort\":8443,\"protocol\":\"TCP\"}],\"ready\":true,"
			"\"weight\":0.5,\"id\":9007199254740993,\"more\":null}}",
			i > 0 ? "," : "", i, i, i, i / 256 % 256, i % 256);
	fputs("]}", out);
	if (fclose(out) != 0)
		mem_exhausted();
	return text;
}

static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool read_ours(const char *text, size_t len)
{
	struct err e;
	struct json *j = json_parse(text, len, &e);
	json_free(j);
	return j != NULL;
}

static bool read_library(const char *text, size_t len)
{
	cJSON *j = cJSON_ParseWithLength(text, len);
	cJSON_Delete(j);
	return j != NULL;
}

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

static bool measure(
	const char *name, bool (*read)(const char *, size_t), const char *text, size_t len)
{
	double took[ROUNDS];
	for (int i = 0; i < ROUNDS; i++) {
		double start = cpu_ms();
		if (!read(text, len))
			return false;
		took[i] = cpu_ms() - start;
	}
	qsort(took, ROUNDS, sizeof(took[0]), by_size);
	printf("%-12s %5.2f MB  median %6.1f ms  best %6.1f ms\n", name, (double)len / 1e6,
		took[ROUNDS / 2], took[0]);
	return true;
}

int main(int argc, char **argv)
{
	size_t len;
	AUTO(mem_free)
	char *text = make_document(argc > 1 ? strtoul(argv[1], NULL, 10) : 5000000, &len);
	return measure("cJSON alone", read_library, text, len) &&
			       measure("json_parse", read_ours, text, len)
		       ? 0
		       : 1;
}
