#include "tests/support/api_object.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static bool is_text(const struct json *obj, const char *key, const char *text)
{
	const char *is = json_str(json_get(obj, key));
	return strcmp(is != NULL ? is : "", text != NULL ? text : "") == 0;
}

bool api_object_is(const struct json *object, const char *ns, const char *name)
{
	const struct json *metadata = json_get(object, "metadata");
	return is_text(metadata, "namespace", ns) && is_text(metadata, "name", name);
}

char *api_object_text(const struct json *object, const char *key)
{
	const char *text = json_str(json_path(object, "metadata", key, NULL));
	return xstrdup(text != NULL ? text : "");
}

bool api_object_is_owned_by(const struct json *object, const struct json *owner)
{
	AUTO(mem_free) char *uid = api_object_text(owner, "uid");
	const struct json *owners = json_path(object, "metadata", "ownerReferences", NULL);
	for (const struct json *o = json_first(owners); o != NULL; o = json_next(o)) {
		if (is_text(o, "uid", uid))
			return true;
	}
	return false;
}

bool api_object_has_finalizers(const struct json *object)
{
	return json_len(json_path(object, "metadata", "finalizers", NULL)) > 0;
}

bool api_object_is_released(const struct json *object)
{
	return json_path(object, "metadata", "deletionTimestamp", NULL) != NULL &&
	       !api_object_has_finalizers(object);
}

bool api_object_is_version(const struct json *object, const char *uid, const struct json *body)
{
	const char *version = json_str(json_path(body, "metadata", "resourceVersion", NULL));
	const struct json *metadata = json_get(object, "metadata");
	return (uid == NULL || is_text(metadata, "uid", uid)) &&
	       (version == NULL || is_text(metadata, "resourceVersion", version));
}

static void set_metadata(struct json *object, const char *key, struct json *take)
{
	struct json *metadata = json_dup(json_get(object, "metadata"));
	json_set(metadata, key, take);
	json_set(object, "metadata", metadata);
}

void api_object_stamp(struct json *object, const char *version, bool is_new)
{
	AUTO(mem_free) char *uid = xasprintf("uid-%s", version);
	AUTO(mem_free)
	char *created =
		xasprintf("2026-01-01T00:%02d:%02dZ", atoi(version) / 60 % 60, atoi(version) % 60);
	const struct json *metadata = json_get(object, "metadata");
	if (is_new && json_get(metadata, "uid") == NULL)
		set_metadata(object, "uid", json_new_str(uid));
	if (is_new && json_get(json_get(object, "metadata"), "creationTimestamp") == NULL)
		set_metadata(object, "creationTimestamp", json_new_str(created));
	set_metadata(object, "resourceVersion", json_new_str(version));
}

struct json *api_object_create(const struct json *desired)
{
	struct json *out = json_dup(desired);
	if (!is_text(json_get(out, "spec"), "type", "ClusterIP"))
		return out;
	struct json *families = json_new_array();
	json_push(families, json_new_str("IPv4"));
	json_push(families, json_new_str("IPv6"));
	struct json *spec = json_dup(json_get(out, "spec"));
	json_set(spec, "ipFamilies", families);
	json_set_str(spec, "clusterIP", "10.96.0.10");
	json_set(out, "spec", spec);
	return out;
}

/* Members of b replace those of a. */
static struct json *joined(const struct json *a, const struct json *b)
{
	struct json *out = a != NULL ? json_dup(a) : json_new_object();
	for (const struct json *m = json_first(b); m != NULL; m = json_next(m))
		json_set(out, json_key(m), json_dup(m));
	return out;
}

/* Of one manager: what it applied before and does not now is gone. */
struct json *api_object_apply(const struct json *object, const struct json *desired)
{
	struct json *out = json_dup(object);
	static const char *const lists[] = {"endpoints", "ports", "binaryData"};
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (json_get(desired, lists[i]) == NULL)
			json_remove(out, lists[i]);
	}
	for (const struct json *m = json_first(desired); m != NULL; m = json_next(m)) {
		bool is_part =
			strcmp(json_key(m), "metadata") == 0 || strcmp(json_key(m), "spec") == 0;
		json_set(out, json_key(m),
			is_part ? joined(json_get(object, json_key(m)), m) : json_dup(m));
	}
	return out;
}

/* One level: the documents here are shallow enough for three. */
static struct json *merge_level(const struct json *a, const struct json *b, int depth)
{
	if (depth == 0 || json_type(a) != JSON_OBJECT || json_type(b) != JSON_OBJECT)
		return json_dup(b);
	struct json *out = json_dup(a);
	for (const struct json *m = json_first(b); m != NULL; m = json_next(m)) {
		if (json_type(m) == JSON_NULL)
			json_remove(out, json_key(m));
		else
			json_set(out, json_key(m),
				merge_level(json_get(a, json_key(m)), m, depth - 1));
	}
	return out;
}

struct json *api_object_merge(const struct json *object, const struct json *patch)
{
	return merge_level(object, patch, 4);
}

static struct json *without(const struct json *list, const char *type)
{
	struct json *out = json_new_array();
	for (const struct json *c = json_first(list); c != NULL; c = json_next(c)) {
		if (!is_text(c, "type", type))
			json_push(out, json_dup(c));
	}
	return out;
}

struct json *api_object_strategic(const struct json *object, const struct json *patch)
{
	struct json *list = json_dup(json_path(object, "status", "conditions", NULL));
	const struct json *changes = json_path(patch, "status", "conditions", NULL);
	if (list == NULL)
		list = json_new_array();
	for (const struct json *c = json_first(changes); c != NULL; c = json_next(c)) {
		struct json *rest = without(list, json_str(json_get(c, "type")));
		if (json_get(c, "$patch") == NULL)
			json_push(rest, json_dup(c));
		json_free(list);
		list = rest;
	}
	struct json *out = json_dup(object);
	struct json *status = joined(json_get(object, "status"), NULL);
	json_set(status, "conditions", list);
	json_set(out, "status", status);
	return out;
}

struct json *api_object_mark_deleted(const struct json *object)
{
	struct json *out = json_dup(object);
	if (json_path(out, "metadata", "deletionTimestamp", NULL) == NULL)
		set_metadata(out, "deletionTimestamp", json_new_str("2100-01-01T00:00:00Z"));
	return out;
}
