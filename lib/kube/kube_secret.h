/*
 * Secrets: read one, change fields of one. Values are bytes; base64 is done here.
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

void kube_fields_set(struct kube_fields *f, const char *key, const char *value, size_t len); /* value NULL = remove */
const struct kube_field *kube_fields_get(const struct kube_fields *f, const char *key);
void kube_fields_fini(struct kube_fields *f);

/* fields is NULL when err is set. A Secret that does not exist is err->code -ENOENT. reply gives status and
 * retry advice. */
typedef void (*kube_secret_fn)(void *arg, const struct kube_fields *fields, const struct kube_reply *reply,
	const struct err *err);

struct kube_call *kube_secret_get(struct kube *k, const char *name, kube_secret_fn fn, void *arg);
/* Strategic merge patch of data, field manager tailscale-container; removed keys are sent as null. */
struct kube_call *kube_secret_merge(struct kube *k, const char *name, const struct kube_fields *changes,
	kube_fn fn, void *arg);
/* JSON patch: `remove` for each key with a NULL value, `add` for the others. */
struct kube_call *kube_secret_json_patch(struct kube *k, const char *name,
	const struct kube_fields *changes, kube_fn fn, void *arg);

/* Pure builders, for tests and for the above. Caller frees. */
char *kube_secret_merge_body(const char *name, const char *ns, const struct kube_fields *changes);
char *kube_secret_json_patch_body(const struct kube_fields *changes);

#endif
