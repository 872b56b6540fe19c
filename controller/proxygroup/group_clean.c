#include "controller/proxygroup/group_clean.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

/* Objects that are to be looked at: a list instead of recursion. */
struct pending {
	struct json **items;
	size_t count;
	size_t cap;
};

static void push(struct pending *p, const struct json *value)
{
	p->items = xgrow(p->items, p->count, &p->cap, 32, sizeof(struct json *));
	p->items[p->count++] = (struct json *)(void *)value;
}

/* Maps that the server does not keep when they are empty, wherever they are. */
static bool is_map(const char *key)
{
	static const char *const maps[] = {
		"annotations", "labels", "limits", "matchLabels", "nodeSelector", "requests"};
	for (size_t i = 0; key != NULL && i < ARRAY_LEN(maps); i++) {
		if (strcmp(maps[i], key) == 0)
			return true;
	}
	return false;
}

static bool is_dropped(const struct json *member, bool in_map)
{
	switch (json_type(member)) {
	case JSON_NULL:
		return true;
	case JSON_STRING:
		return json_str(member)[0] == '\0' && !in_map;
	case JSON_ARRAY:
		return json_len(member) == 0;
	case JSON_OBJECT:
		return json_len(member) == 0 && is_map(json_key(member));
	case JSON_NONE:
	case JSON_BOOL:
	case JSON_NUMBER:
		return false;
	}
	return false;
}

static void drop_members(struct json *copy, const char *key)
{
	struct pending p = {0};
	push(&p, copy);
	while (p.count > 0) {
		struct json *parent = p.items[--p.count];
		bool in_map = is_map(parent == copy ? key : json_key(parent));
		const struct json *next = NULL;
		for (const struct json *at = json_first(parent); at != NULL; at = next) {
			next = json_next(at);
			if (json_key(at) != NULL && is_dropped(at, in_map)) {
				AUTO(mem_free) char *name = xstrdup(json_key(at));
				json_remove(parent, name);
			} else if (json_first(at) != NULL) {
				push(&p, at);
			}
		}
	}
	free(p.items);
}

/* Objects that have become empty, outside of lists; whether there was one. */
static bool drop_objects(struct json *copy)
{
	struct pending p = {0};
	bool has_dropped = false;
	push(&p, copy);
	while (p.count > 0) {
		struct json *parent = p.items[--p.count];
		const struct json *next = NULL;
		for (const struct json *at = json_first(parent); at != NULL; at = next) {
			next = json_next(at);
			if (json_type(at) == JSON_OBJECT && json_len(at) == 0) {
				AUTO(mem_free) char *name = xstrdup(json_key(at));
				json_remove(parent, name);
				has_dropped = true;
			} else if (json_type(at) == JSON_OBJECT) {
				push(&p, at);
			}
		}
	}
	free(p.items);
	return has_dropped;
}

struct json *group_clean(const struct json *value)
{
	bool is_container = json_type(value) == JSON_OBJECT || json_type(value) == JSON_ARRAY;
	if (value == NULL || is_dropped(value, false))
		return NULL;
	AUTO(json_freep) struct json *copy = json_dup(value);
	if (!is_container)
		return STEAL(copy);
	drop_members(copy, json_key(value));
	while (json_type(copy) == JSON_OBJECT && drop_objects(copy))
		continue;
	return json_len(copy) > 0 ? STEAL(copy) : NULL;
}
