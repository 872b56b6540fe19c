#include "lib/base/json.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json_tree.h"
#include "lib/base/mem.h"

int json_member_compare(const void *a, const void *b)
{
	const struct json_member *left = a;
	const struct json_member *right = b;
	int order = strcmp(left->node->string, right->node->string);
	if (order != 0)
		return order;
	return (left->place > right->place) - (left->place < right->place);
}

void json_members_sorted(const cJSON *obj, struct json_member *list)
{
	size_t count = 0;
	for (cJSON *m = obj->child; m != NULL; m = m->next, count++)
		list[count] = (struct json_member){.node = m, .place = count};
	if (count > 1)
		qsort(list, count, sizeof(*list), json_member_compare);
}

/* Pairs of nodes still to be compared. A list instead of recursion; the order does not matter. */
struct pairs {
	struct pair {
		const cJSON *a;
		const cJSON *b;
	} * items;
	size_t len;
	size_t cap;
};

static void pairs_fini(struct pairs *p)
{
	free(p->items);
}

static void pairs_push(struct pairs *p, const cJSON *a, const cJSON *b)
{
	p->items = xgrow(p->items, p->len, &p->cap, 32, sizeof(*p->items));
	p->items[p->len++] = (struct pair){a, b};
}

/* Members in the same order, which is the common case. False when an order differs; the pairs
 * pushed by then are still right, because both sides of a pair have the same key. */
static bool push_in_order(struct pairs *p, const cJSON *a, const cJSON *b)
{
	const cJSON *left = a->child;
	const cJSON *right = b->child;
	for (; left != NULL && right != NULL; left = left->next, right = right->next) {
		if (strcmp(left->string, right->string) != 0)
			return false;
	}
	left = a->child;
	right = b->child;
	for (; left != NULL && right != NULL; left = left->next, right = right->next)
		pairs_push(p, left, right);
	return true;
}

/* False when the keys differ. Both objects have `count` members. */
static bool push_by_key(struct pairs *p, const cJSON *a, const cJSON *b, size_t count)
{
	AUTO(mem_free) struct json_member *left = xcalloc(count, sizeof(*left));
	AUTO(mem_free) struct json_member *right = xcalloc(count, sizeof(*right));
	json_members_sorted(a, left);
	json_members_sorted(b, right);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(left[i].node->string, right[i].node->string) != 0)
			return false;
		pairs_push(p, left[i].node, right[i].node);
	}
	return true;
}

static bool push_elements(struct pairs *p, const cJSON *a, const cJSON *b)
{
	const cJSON *right = b->child;
	for (const cJSON *left = a->child; left != NULL; left = left->next, right = right->next)
		pairs_push(p, left, right);
	return true;
}

/* Compares one pair and pushes what is below it. */
static bool equal_here(struct pairs *p, const cJSON *a, const cJSON *b)
{
	const struct json *left = (const struct json *)(const void *)a;
	const struct json *right = (const struct json *)(const void *)b;
	if (json_type(left) != json_type(right))
		return false;
	switch (json_type(left)) {
	case JSON_NONE:
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return json_bool(left, false) == json_bool(right, false);
	case JSON_NUMBER:
	case JSON_STRING:
		return strcmp(a->valuestring, b->valuestring) == 0;
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	size_t count = json_len(left);
	if (count != json_len(right))
		return false;
	if (count == 0)
		return true;
	if (json_type(left) == JSON_ARRAY)
		return push_elements(p, a, b);
	return push_in_order(p, a, b) || push_by_key(p, a, b, count);
}

bool json_equal(const struct json *a, const struct json *b)
{
	AUTO(pairs_fini) struct pairs left = {0};
	pairs_push(&left, json_tree(a), json_tree(b));
	while (left.len > 0) {
		struct pair next = left.items[--left.len];
		if (!equal_here(&left, next.a, next.b))
			return false;
	}
	return true;
}
