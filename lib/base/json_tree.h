/*
 * Shared by the files of lib/base/json.h and private to them: the tree behind `struct json` is a
 * cJSON tree, which no other file sees.
 *
 * Numbers are cJSON_Raw items that hold their own text, since cJSON would turn them into doubles
 * and lose the low digits of 64-bit ids. The tree never holds a cJSON_Number.
 */
#ifndef LIB_BASE_JSON_TREE_H
#define LIB_BASE_JSON_TREE_H

#include <cjson/cJSON.h>

#include "lib/base/json.h"

static inline const cJSON *json_tree(const struct json *j)
{
	return (const cJSON *)(const void *)j;
}

static inline cJSON *json_tree_mut(struct json *j)
{
	return (cJSON *)(void *)j;
}

static inline struct json *json_of_tree(cJSON *node)
{
	return (struct json *)(void *)node;
}

/* A member of an object and its place, to sort members by key and then by place. */
struct json_member {
	cJSON *node;
	size_t place;
};

/* qsort order of struct json_member. */
int json_member_compare(const void *a, const void *b);

/* Fills list, which has room for json_len(obj) entries, and sorts it. */
void json_members_sorted(const cJSON *obj, struct json_member *list);

#endif
