/*
 * Head of a request: the parser stays inside the bytes, and an accepted head keeps the promises
 * that handlers rely on.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/httpd_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int ok)
{
	if (!ok)
		abort();
}

static int is_inside(const char *text, const char *data, size_t size)
{
	return text >= data && text < data + size;
}

static void check_head(const struct httpd_head *head, const char *data, size_t size)
{
	require(is_inside(head->method, data, size) && head->method[0] != '\0');
	require(head->path[0] == '/');
	require(strpbrk(head->path, " \r\n?#") == NULL);
	require(strpbrk(head->query, " \r\n#") == NULL);
	require(head->field_count <= HTTPD_FIELDS_MAX);
	for (size_t i = 0; i < head->field_count; i++) {
		const struct httpd_field *field = &head->fields[i];
		require(is_inside(field->name, data, size) && field->name[0] != '\0');
		require(is_inside(field->value, data, size));
		require(strpbrk(field->value, "\r\n") == NULL);
		require(httpd_head_field(head, field->name) != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);
	require(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	size_t end = httpd_head_end(copy, size);
	require(end <= size);
	if (end > 0) {
		/* A copy of the exact size, so that a read past the head is seen. */
		char *exact = malloc(end);
		struct httpd_head head;
		require(exact != NULL);
		memcpy(exact, copy, end);
		require(httpd_head_end(exact, end - 1) == 0);
		int status = httpd_head_parse(exact, end, &head);
		require(status == 0 || status == 400 || status == 431 || status == 505);
		if (status == 0)
			check_head(&head, exact, end);
		free(exact);
	}
	free(copy);
	return 0;
}
