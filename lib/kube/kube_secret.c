#include "lib/kube/kube_secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/b64.h"
#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

/* A Secret may hold 1 MiB in total. */
#define VALUE_MAX (2u * 1024 * 1024)
#define FIELD_MANAGER "tailscale-container"

static void value_free(struct kube_field *f)
{
	if (f->value != NULL)
		explicit_bzero(f->value, f->len);
	free(f->value);
}

static struct kube_field *find(const struct kube_fields *f, const char *key)
{
	for (size_t i = 0; i < f->len; i++) {
		if (strcmp(f->items[i].key, key) == 0)
			return &f->items[i];
	}
	return NULL;
}

void kube_fields_set(struct kube_fields *f, const char *key, const char *value, size_t len)
{
	struct kube_field *field = find(f, key);
	if (field == NULL) {
		if (f->len == f->cap) {
			f->cap = f->cap > 0 ? f->cap * 2 : 8;
			f->items = xrealloc(f->items, f->cap, sizeof(*f->items));
		}
		field = &f->items[f->len++];
		*field = (struct kube_field){.key = xstrdup(key)};
	}
	value_free(field);
	field->value = NULL;
	field->len = 0;
	if (value == NULL)
		return;
	field->value = xmalloc(len + 1);
	memcpy(field->value, value, len);
	field->value[len] = '\0';
	field->len = len;
}

const struct kube_field *kube_fields_get(const struct kube_fields *f, const char *key)
{
	return find(f, key);
}

void kube_fields_fini(struct kube_fields *f)
{
	for (size_t i = 0; i < f->len; i++) {
		value_free(&f->items[i]);
		free(f->items[i].key);
	}
	free(f->items);
	memset(f, 0, sizeof(*f));
}

int kube_secret_decode(const struct json *secret, struct kube_fields *out, struct err *e)
{
	const struct json *data = json_get(secret, "data");
	enum json_type type = json_type(data);
	if (type == JSON_NONE || type == JSON_NULL)
		return 0;
	if (type != JSON_OBJECT)
		return err_set(e, -EINVAL, "data of the Secret is no object");
	for (const struct json *m = json_first(data); m != NULL; m = json_next(m)) {
		AUTO(buf_wipe) struct buf value = BUF_INIT(VALUE_MAX);
		const char *text = json_str(m);
		if (text == NULL && json_type(m) != JSON_NULL)
			return err_set(e, -EINVAL, "data.%s is no string", json_key(m));
		if (text != NULL && b64_decode(text, strlen(text), &value, e) < 0)
			return err_wrap(e, "data.%s", json_key(m));
		kube_fields_set(out, json_key(m), buf_cstr(&value), value.len);
	}
	return 0;
}

static char *secret_path(const struct kube *k, const char *name, const char *query)
{
	return xasprintf("/api/v1/namespaces/%s/secrets/%s%s", kube_namespace(k), name, query);
}

struct kube_call *kube_secret_get(struct kube *k, const char *name, kube_fn fn, void *arg)
{
	return kube_secret_get_within(k, name, 0, fn, arg);
}

struct kube_call *kube_secret_get_within(
	struct kube *k, const char *name, uint32_t timeout_ms, kube_fn fn, void *arg)
{
	AUTO(mem_free) char *path = secret_path(k, name, "");
	struct kube_request request = {.method = "GET", .path = path, .timeout_ms = timeout_ms};
	return kube_start(k, &request, fn, arg);
}

/* Bytes of the body at most: each of a key may become an escape of six. */
static size_t body_bound(const char *name, const char *ns, const struct kube_fields *changes)
{
	size_t bound = 128 + 6 * (strlen(name) + strlen(ns));
	for (size_t i = 0; i < changes->len; i++)
		bound += 32 + 6 * strlen(changes->items[i].key) + changes->items[i].len / 3 * 4;
	return bound;
}

static int append_field(struct buf *out, const struct kube_field *f, struct err *e)
{
	if (json_quote(out, f->key, e) < 0 || buf_append_str(out, ":", e) < 0)
		return e->code;
	if (f->value == NULL)
		return buf_append_str(out, "null", e);
	if (buf_append_str(out, "\"", e) < 0 || b64_encode(f->value, f->len, out, e) < 0)
		return e->code;
	return buf_append_str(out, "\"", e);
}

static int append_body(struct buf *out, const char *name, const char *ns,
	const struct kube_fields *changes, struct err *e)
{
	if (buf_append_str(out, "{\"metadata\":{\"name\":", e) < 0 ||
		json_quote(out, name, e) < 0 || buf_append_str(out, ",\"namespace\":", e) < 0 ||
		json_quote(out, ns, e) < 0 || buf_append_str(out, "},\"data\":{", e) < 0)
		return e->code;
	for (size_t i = 0; i < changes->len; i++) {
		if (i > 0 && buf_append_str(out, ",", e) < 0)
			return e->code;
		if (append_field(out, &changes->items[i], e) < 0)
			return e->code;
	}
	return buf_append_str(out, "}}", e);
}

char *kube_secret_merge_body(const char *name, const char *ns, const struct kube_fields *changes)
{
	size_t bound = body_bound(name, ns, changes);
	struct buf body = BUF_INIT(bound);
	struct err e;
	/* In one piece of memory, which the caller can wipe. */
	if (buf_reserve(&body, bound, &e) < 0 || append_body(&body, name, ns, changes, &e) < 0)
		mem_exhausted();
	return buf_take(&body);
}

static void wipe_and_free(char **text)
{
	explicit_bzero(*text, strlen(*text));
	free(*text);
}

struct kube_call *kube_secret_merge(
	struct kube *k, const char *name, const struct kube_fields *changes, kube_fn fn, void *arg)
{
	AUTO(mem_free) char *path = secret_path(k, name, "?fieldManager=" FIELD_MANAGER);
	AUTO(wipe_and_free) char *body = kube_secret_merge_body(name, kube_namespace(k), changes);
	struct kube_request request = {
		.method = "PATCH",
		.path = path,
		.content_type = KUBE_TYPE_STRATEGIC_MERGE,
		.body = body,
	};
	return kube_start(k, &request, fn, arg);
}
