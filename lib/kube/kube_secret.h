/*
 * Secrets: read one, change fields of one. Values are bytes; base64 is done here.
 *
 *	AUTO(kube_fields_fini) struct kube_fields fields = {0};
 *	if (kube_secret_decode(reply->body, &fields, &e) < 0)
 *		...
 *	const struct kube_field *key = kube_fields_get(&fields, "authkey");
 */
#ifndef LIB_KUBE_KUBE_SECRET_H
#define LIB_KUBE_KUBE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/kube/kube.h"

/* Fields of a Secret; values are wiped when freed. */
struct kube_field {
	char *key;
	char *value; /* bytes with a NUL after them; NULL in a patch means: remove */
	size_t len;
};

struct kube_fields {
	struct kube_field *items;
	size_t len;
	size_t cap;
};

/* Copies; value NULL = remove. */
void kube_fields_set(struct kube_fields *f, const char *key, const char *value, size_t len);
/* Borrowed until the next change; NULL when absent. */
const struct kube_field *kube_fields_get(const struct kube_fields *f, const char *key);
void kube_fields_fini(struct kube_fields *f);

/* The answer without error is given to kube_secret_decode. A Secret that does not exist is
 * err->code -ENOENT. */
struct kube_call *kube_secret_get(struct kube *k, const char *name, kube_fn fn, void *arg);
/* The same with its own time limit. */
struct kube_call *kube_secret_get_within(
	struct kube *k, const char *name, uint32_t timeout_ms, kube_fn fn, void *arg);
/* Adds the fields of a Secret document to out, also on failure those before the bad one. -EINVAL
 * names the key with a value that is not base64. */
int kube_secret_decode(
	const struct json *secret, struct kube_fields *out, struct err *e) MUST_CHECK;
/* Strategic merge patch of data, field manager tailscale-container; removed keys are sent as null.
 */
struct kube_call *kube_secret_merge(
	struct kube *k, const char *name, const struct kube_fields *changes, kube_fn fn, void *arg);
/* Its body: pure. Caller wipes and frees. */
char *kube_secret_merge_body(const char *name, const char *ns, const struct kube_fields *changes);

#endif
