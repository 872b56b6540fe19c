#include "lib/base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json_check.h"
#include "lib/base/json_tree.h"
#include "lib/base/mem.h"

/* Objects up to this size are searched for duplicate keys pair by pair. */
#define FEW_MEMBERS 12
/* A number of one digit and its comma grow from two bytes to five. */
#define COPY_MAX (3 * (size_t)JSON_TEXT_MAX)

static int no_memory(size_t len, struct err *e)
{
	return err_set_errno(e, -ENOMEM, "JSON text of %zu bytes", len);
}

static void drop(cJSON *obj, cJSON *member)
{
	cJSON_Delete(cJSON_DetachItemViaPointer(obj, member));
}

static void drop_duplicates_of_few(cJSON *obj)
{
	for (cJSON *a = obj->child, *after; a != NULL; a = after) {
		after = a->next;
		for (const cJSON *b = after; b != NULL; b = b->next) {
			if (a->string[0] == b->string[0] && strcmp(a->string, b->string) == 0) {
				drop(obj, a);
				break;
			}
		}
	}
}

/* Of members with the same key the last one stays. */
static bool drop_duplicates(cJSON *obj)
{
	size_t count = json_len(json_of_tree(obj));
	if (count <= FEW_MEMBERS) {
		drop_duplicates_of_few(obj);
		return true;
	}
	AUTO(mem_free) struct json_member *list = calloc(count, sizeof(*list));
	if (list == NULL)
		return false;
	json_members_sorted(obj, list);
	for (size_t i = 0; i + 1 < count; i++) {
		/* The key of the later one still exists for comparison. */
		if (strcmp(list[i].node->string, list[i + 1].node->string) == 0)
			drop(obj, list[i].node);
	}
	return true;
}

/* Restores the type of numbers, and removes all but the last of equal members. */
static bool finish_node(cJSON *node)
{
	if (cJSON_IsObject(node))
		return drop_duplicates(node);
	if (cJSON_IsString(node) && node->valuestring[0] == JSON_CHECK_NUMBER) {
		node->type = cJSON_Raw;
		memmove(node->valuestring, node->valuestring + 1, strlen(node->valuestring));
	}
	return true;
}

static bool finish_tree(cJSON *root)
{
	cJSON *parents[JSON_DEPTH_MAX];
	size_t depth = 0;
	for (cJSON *node = root; node != NULL;) {
		if (!finish_node(node))
			return false;
		if (node->child != NULL) {
			parents[depth++] = node;
			node = node->child;
			continue;
		}
		while (depth > 0 && node->next == NULL)
			node = parents[--depth];
		node = depth > 0 ? node->next : NULL;
	}
	return true;
}

static void wipe(struct buf *copy)
{
	if (copy->data != NULL)
		explicit_bzero(copy->data, copy->len);
	buf_fini(copy);
}

struct json *json_parse(const char *text, size_t len, struct err *e)
{
	if (len > JSON_TEXT_MAX) {
		err_set(e, -EMSGSIZE, "JSON text of %zu bytes is longer than %u", len,
			JSON_TEXT_MAX);
		return NULL;
	}
	AUTO(wipe) struct buf copy = BUF_INIT(COPY_MAX);
	if (buf_reserve(&copy, len + len / 16, e) < 0) {
		no_memory(len, e);
		return NULL;
	}
	if (json_check(text, len, &copy, e) < 0)
		return NULL;
	/* Checked text can fail only for lack of memory. */
	AUTO(json_freep)
	struct json *tree = json_of_tree(cJSON_ParseWithLength(copy.data, copy.len));
	if (tree == NULL || !finish_tree(json_tree_mut(tree))) {
		no_memory(len, e);
		return NULL;
	}
	return STEAL(tree);
}
