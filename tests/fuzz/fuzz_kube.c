/*
 * Answers of the API server: the first two bytes make the HTTP status, the remaining ones the body.
 * Every answer has exactly one meaning, and a Secret that decodes can be written back as it was.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_secret.h"
#include "lib/kube/kube_status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_same(const struct kube_fields *a, const struct kube_fields *b)
{
	for (size_t i = 0; i < a->len; i++) {
		const struct kube_field *f = &a->items[i];
		const struct kube_field *same = kube_fields_get(b, f->key);
		require(same != NULL && same->len == f->len);
		require(memcmp(same->value, f->value, f->len) == 0);
		require(f->value[f->len] == '\0');
	}
	require(a->len == b->len);
}

/* The body of a patch that sets every field is a Secret that decodes to the same fields. */
static void check_round_trip(const struct kube_fields *fields)
{
	struct err e;
	AUTO(mem_free) char *body = kube_secret_merge_body("name", "space", fields);
	AUTO(json_freep) struct json *doc = json_parse(body, strlen(body), &e);
	require(doc != NULL);
	AUTO(kube_fields_fini) struct kube_fields again = {0};
	require(kube_secret_decode(doc, &again, &e) == 0);
	check_same(fields, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	int status = 100 + (data[0] << 8 | data[1]) % 500;
	/* A copy of the exact size; a body is followed by a NUL that does not count. */
	char *text = malloc(size - 1);
	require(text != NULL);
	memcpy(text, data + 2, size - 2);
	text[size - 2] = '\0';

	struct err e = {0};
	int code = 0;
	AUTO(json_freep) struct json *body = NULL;
	int result = kube_status_classify(status, text, size - 2, &body, &code, &e);
	require(result <= 0 && (result == 0 || (e.code == result && e.msg[0] != '\0')));
	require(result < 0 || status == 204 ||
		((status == 200 || status == 201 || status == 202) && body != NULL));
	require(code == status || (code >= 400 && code <= 599));
	if (body != NULL) {
		AUTO(kube_fields_fini) struct kube_fields fields = {0};
		if (kube_secret_decode(body, &fields, &e) == 0)
			check_round_trip(&fields);
	}
	free(text);
	return 0;
}
