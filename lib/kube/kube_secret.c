#include "lib/kube/kube_secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/b64.h"
#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

/* 1 MiB is what a Secret may hold; base64 and JSON add a third and some. */
#define VALUE_MAX (2u * 1024 * 1024)
#define BODY_MAX (4u * 1024 * 1024)
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
	AUTO(mem_free) char *path = secret_path(k, name, "");
	struct kube_request request = {.method = "GET", .path = path};
	return kube_start(k, &request, fn, arg);
}

static struct json *base64_of(const struct kube_field *f)
{
	AUTO(buf_wipe) struct buf text = BUF_INIT(BODY_MAX);
	struct err e;
	/* A value beyond the cap was refused when it was made; the server would refuse it too. */
	if (b64_encode(f->value, f->len, &text, &e) < 0)
		return json_new_null();
	return json_new_str(buf_cstr(&text));
}

char *kube_secret_merge_body(const char *name, const char *ns, const struct kube_fields *changes)
{
	AUTO(json_freep) struct json *body = json_new_object();
	struct json *metadata = json_new_object();
	struct json *data = json_new_object();
	json_set_str(metadata, "name", name);
	json_set_str(metadata, "namespace", ns);
	for (size_t i = 0; i < changes->len; i++) {
		const struct kube_field *f = &changes->items[i];
		json_set(data, f->key, f->value != NULL ? base64_of(f) : json_new_null());
	}
	json_set(body, "metadata", metadata);
	json_set(body, "data", data);
	return json_print(body);
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
