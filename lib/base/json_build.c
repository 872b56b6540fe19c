#include "lib/base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/json_tree.h"
#include "lib/base/mem.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Only lack of memory can fail here, and our own documents are small. */
static void must(bool done)
{
	if (!done)
		mem_exhausted();
}

static struct json *made(cJSON *node)
{
	must(node != NULL);
	return json_of_tree(node);
}

/* A copy with U+FFFD for each byte that is not UTF-8, as Go's encoder writes such text; NULL when
 * there is no such byte. */
static char *repaired(const char *text)
{
	size_t len = strlen(text);
	if (str_is_utf8(text, len))
		return NULL;
	char *copy = xmalloc(len * strlen(REPLACEMENT) + 1);
	char *to = copy;
	for (size_t at = 0; at < len;) {
		uint32_t rune;
		size_t n = str_utf8_decode(text + at, len - at, &rune);
		if (n > 0)
			to = mempcpy(to, text + at, n);
		else
			to = mempcpy(to, REPLACEMENT, strlen(REPLACEMENT));
		at += n > 0 ? n : 1;
	}
	*to = '\0';
	return copy;
}

struct json *json_dup(const struct json *j)
{
	if (j == NULL)
		return NULL;
	cJSON *copy = cJSON_Duplicate(json_tree(j), true);
	must(copy != NULL);
	/* The copy belongs to no object. */
	cJSON_free(copy->string);
	copy->string = NULL;
	return json_of_tree(copy);
}

struct json *json_new_object(void)
{
	return made(cJSON_CreateObject());
}

struct json *json_new_array(void)
{
	return made(cJSON_CreateArray());
}

struct json *json_new_str(const char *text)
{
	AUTO(mem_free) char *copy = repaired(text);
	return made(cJSON_CreateString(copy != NULL ? copy : text));
}

struct json *json_new_i64(int64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, value);
	return made(cJSON_CreateRaw(text));
}

struct json *json_new_bool(bool value)
{
	return made(cJSON_CreateBool(value));
}

struct json *json_new_null(void)
{
	return made(cJSON_CreateNull());
}

void json_set(struct json *obj, const char *key, struct json *value_take)
{
	cJSON *object = json_tree_mut(obj);
	cJSON *value = json_tree_mut(value_take);
	AUTO(mem_free) char *copy = repaired(key);
	if (copy != NULL)
		key = copy;
	if (cJSON_GetObjectItemCaseSensitive(object, key) != NULL)
		must(cJSON_ReplaceItemInObjectCaseSensitive(object, key, value));
	else
		must(cJSON_AddItemToObject(object, key, value));
}

void json_set_str(struct json *obj, const char *key, const char *text)
{
	json_set(obj, key, json_new_str(text));
}

void json_remove(struct json *obj, const char *key)
{
	cJSON_DeleteItemFromObjectCaseSensitive(json_tree_mut(obj), key);
}

void json_push(struct json *arr, struct json *value_take)
{
	must(cJSON_AddItemToArray(json_tree_mut(arr), json_tree_mut(value_take)));
}

char *json_print(const struct json *j)
{
	char *text = cJSON_PrintUnformatted(json_tree(j));
	must(text != NULL);
	return text;
}

/* Writes the escape of a byte that needs one; out has room for 7 bytes. */
static void escape(unsigned char c, char *out)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";
	const char *found = strchr(from, c);
	if (found != NULL)
		snprintf(out, 7, "\\%c", to[found - from]);
	else
		snprintf(out, 7, "\\u%04x", c);
}

static int quote_inside(struct buf *out, const char *text, struct err *e)
{
	int code = 0;
	while (*text != '\0' && code == 0) {
		size_t plain = 0;
		while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' &&
			text[plain] != '\\')
			plain++;
		code = buf_append(out, text, plain, e);
		text += plain;
		if (code == 0 && *text != '\0') {
			char escaped[7];
			escape((unsigned char)*text++, escaped);
			code = buf_append_str(out, escaped, e);
		}
	}
	return code;
}

int json_quote(struct buf *out, const char *text, struct err *e)
{
	AUTO(mem_free) char *copy = repaired(text);
	size_t before = out->len;
	int code = buf_append(out, "\"", 1, e);
	if (code == 0)
		code = quote_inside(out, copy != NULL ? copy : text, e);
	if (code == 0)
		code = buf_append(out, "\"", 1, e);
	if (code < 0 && out->len > before) {
		out->len = before;
		out->data[before] = '\0';
	}
	return code;
}
