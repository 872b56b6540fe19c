#include "controller/cluster/object_read.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

struct object_reader object_reader(
	const struct json *object, const char *member, struct strv *faults)
{
	const struct json *fields = json_get(object, member);
	struct object_reader r = {.path = member, .faults = faults};
	if (json_type(fields) == JSON_OBJECT)
		r.fields = fields;
	else if (fields != NULL && faults != NULL)
		strv_pushf(faults, "%s is %s, not an object", member,
			json_type_name(json_type(fields)));
	return r;
}

/* The field, NULL when it is absent, null or of another type. */
static const struct json *field(const struct object_reader *r, const char *key, enum json_type type)
{
	const struct json *value = json_get(r->fields, key);
	enum json_type is = json_type(value);
	if (is == type)
		return value;
	if (is != JSON_NONE && is != JSON_NULL && r->faults != NULL)
		strv_pushf(r->faults, "%s.%s is %s, not %s", r->path, key, json_type_name(is),
			json_type_name(type));
	return NULL;
}

char *object_text(const struct object_reader *r, const char *key)
{
	const struct json *value = field(r, key, JSON_STRING);
	return xstrdup(value != NULL ? json_str(value) : "");
}

int64_t object_number(const struct object_reader *r, const char *key, int64_t otherwise)
{
	const struct json *value = field(r, key, JSON_NUMBER);
	int64_t number = otherwise;
	if (value != NULL && !json_i64(value, &number) && r->faults != NULL)
		strv_pushf(r->faults, "%s.%s is no whole number", r->path, key);
	return number;
}

bool object_flag(const struct object_reader *r, const char *key, bool otherwise)
{
	return json_bool(field(r, key, JSON_BOOL), otherwise);
}

void object_texts(const struct object_reader *r, const char *key, struct strv *out)
{
	const struct json *list = field(r, key, JSON_ARRAY);
	bool is_faulty = false;
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		if (json_str(item) != NULL && out->len < OBJECT_ITEMS_MAX)
			strv_push(out, json_str(item));
		else
			is_faulty = true;
	}
	if (is_faulty && r->faults != NULL)
		strv_pushf(r->faults, "%s.%s has more than %d elements, or one that is no string",
			r->path, key, OBJECT_ITEMS_MAX);
}

struct json *object_tree(const struct object_reader *r, const char *key, enum json_type type)
{
	return json_dup(field(r, key, type));
}

char *object_condition(const struct json *status, const char *type, const char *key)
{
	const struct json *list = json_get(status, "conditions");
	for (const struct json *c = json_first(list); c != NULL; c = json_next(c)) {
		const char *is = json_str(json_get(c, "type"));
		const char *value = json_str(json_get(c, key));
		if (is != NULL && strcmp(is, type) == 0)
			return xstrdup(value != NULL ? value : "");
	}
	return xstrdup("");
}

/* Whether a label or an annotation is one that is read. */
static bool is_read(const char *key)
{
	static const char *const prefixes[] = {"tailscale.com/", "gateway.tailscale.com/"};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (str_starts(key, prefixes[i]))
			return true;
	}
	return strcmp(key, "kubernetes.io/service-name") == 0;
}

static void read_map(const struct json *map, struct strv *out)
{
	if (json_type(map) != JSON_OBJECT)
		return;
	for (const struct json *m = json_first(map); m != NULL; m = json_next(m)) {
		if (!is_read(json_key(m)) || json_str(m) == NULL)
			continue;
		strv_push(out, json_key(m));
		strv_push(out, json_str(m));
	}
}

static const struct json *controller_of(const struct json *metadata)
{
	const struct json *owners = json_get(metadata, "ownerReferences");
	for (const struct json *o = json_first(owners); o != NULL; o = json_next(o)) {
		if (json_bool(json_get(o, "controller"), false))
			return o;
	}
	return NULL;
}

void object_read(const struct json *object, struct object *out)
{
	const struct object_reader metadata = object_reader(object, "metadata", NULL);
	const struct object_reader owner = {.fields = controller_of(metadata.fields)};
	out->generation = object_number(&metadata, "generation", 0);
	out->created = object_text(&metadata, "creationTimestamp");
	out->deleting = object_text(&metadata, "deletionTimestamp");
	out->owner_kind = object_text(&owner, "kind");
	out->owner_name = object_text(&owner, "name");
	out->owner_uid = object_text(&owner, "uid");
	object_texts(&metadata, "finalizers", &out->finalizers);
	read_map(json_get(metadata.fields, "labels"), &out->labels);
	read_map(json_get(metadata.fields, "annotations"), &out->annotations);
}

void object_fini(struct object *o)
{
	free(o->created);
	free(o->deleting);
	free(o->owner_kind);
	free(o->owner_name);
	free(o->owner_uid);
	strv_fini(&o->finalizers);
	strv_fini(&o->labels);
	strv_fini(&o->annotations);
}
