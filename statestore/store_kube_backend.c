/*
 * The state Secret as a backend of statestore.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "statestore/store_kube.h"

struct secret_backend {
	struct kube *kube_ref;
	char *secret;
	char *description;
	struct kube_call *write;
	char *only_key; /* if the write has one key; NULL = several */
	store_written_fn written_fn;
	void *written_arg;
	struct kube_call *list;
	store_listed_fn listed_fn;
	void *listed_arg;
};

static const char *describe(void *self)
{
	const struct secret_backend *b = self;
	return b->description;
}

static void on_merged(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct secret_backend *b = arg;
	struct err e;
	b->write = NULL;
	if (err != NULL) {
		e = *err;
		(void)(b->only_key != NULL ? err_wrap(&e, "%s, key %s", b->description, b->only_key)
					   : err_wrap(&e, "%s", b->description));
	}
	b->written_fn(b->written_arg, err != NULL ? &e : NULL, reply->retry_after_ms);
}

static void write_changes(void *self, const struct store_change *changes, size_t count,
	store_written_fn fn, void *arg)
{
	struct secret_backend *b = self;
	AUTO(kube_fields_fini) struct kube_fields fields = {0};
	for (size_t i = 0; i < count; i++)
		kube_fields_set(&fields, changes[i].key, changes[i].value,
			changes[i].value != NULL ? strlen(changes[i].value) : 0);
	free(b->only_key);
	b->only_key = xstrdup(count == 1 ? changes[0].key : NULL);
	b->written_fn = fn;
	b->written_arg = arg;
	b->write = kube_secret_merge(b->kube_ref, b->secret, &fields, on_merged, b);
}

static void on_read(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct secret_backend *b = arg;
	struct err e;
	AUTO(kube_fields_fini) struct kube_fields fields = {0};
	AUTO(strv_fini) struct strv keys = {0};
	b->list = NULL;
	if (err == NULL && kube_secret_decode(reply->body, &fields, &e) < 0)
		err = &e;
	for (size_t i = 0; i < fields.len; i++)
		strv_push(&keys, fields.items[i].key);
	b->listed_fn(b->listed_arg, &keys, err);
}

static void list_keys(void *self, store_listed_fn fn, void *arg)
{
	struct secret_backend *b = self;
	kube_cancel(b->list);
	b->listed_fn = fn;
	b->listed_arg = arg;
	b->list = kube_secret_get(b->kube_ref, b->secret, on_read, b);
}

static void cancel(void *self)
{
	struct secret_backend *b = self;
	kube_cancel(b->write);
	kube_cancel(b->list);
	b->write = NULL;
	b->list = NULL;
}

static void free_backend(void *self)
{
	struct secret_backend *b = self;
	cancel(b);
	free(b->only_key);
	free(b->secret);
	free(b->description);
	free(b);
}

bool store_kube_backend(
	struct kube *k, const char *secret, bool can_patch, struct statestore_backend *out)
{
	if (!can_patch)
		return false;
	struct secret_backend *b = xcalloc(1, sizeof(*b));
	b->kube_ref = k;
	b->secret = xstrdup(secret);
	b->description = xasprintf("Secret \"%s\"", secret);
	*out = (struct statestore_backend){
		describe, write_changes, list_keys, cancel, free_backend, b};
	return true;
}
