#include "lib/base/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json_text.h"
#include "lib/base/json_tree.h"
#include "lib/base/mem.h"

/* Texts of a tree may be keys and tokens, so all memory that the library frees is overwritten:
 * nodes that are dropped or replaced, and the buffer that a print outgrows. */
static void __attribute__((constructor)) init_memory(void)
{
	cJSON_Hooks hooks = {malloc, mem_wiping_free};
	cJSON_InitHooks(&hooks);
}

void json_free(struct json *j)
{
	cJSON_Delete(json_tree_mut(j));
}

void json_freep(struct json **j)
{
	json_free(*j);
	*j = NULL;
}

enum json_type json_type(const struct json *j)
{
	if (j == NULL)
		return JSON_NONE;
	switch (json_tree(j)->type & 0xff) {
	case cJSON_False:
	case cJSON_True:
		return JSON_BOOL;
	case cJSON_Raw:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

const struct json *json_get(const struct json *obj, const char *key)
{
	if (json_type(obj) != JSON_OBJECT)
		return NULL;
	return json_of_tree(cJSON_GetObjectItemCaseSensitive(json_tree(obj), key));
}

const struct json *json_get_fold(const struct json *obj, const char *key)
{
	const struct json *found = NULL;
	if (json_type(obj) != JSON_OBJECT)
		return NULL;
	/* As with equal keys, the last of several keys that differ only in case counts. */
	for (const struct json *m = json_first(obj); m != NULL; m = json_next(m)) {
		if (str_equal_fold(json_key(m), key))
			found = m;
	}
	return found;
}

const struct json *json_path(const struct json *obj, ...)
{
	va_list keys;
	va_start(keys, obj);
	const char *key;
	while (obj != NULL && (key = va_arg(keys, const char *)) != NULL)
		obj = json_get(obj, key);
	va_end(keys);
	return obj;
}

size_t json_len(const struct json *j)
{
	enum json_type type = json_type(j);
	if (type != JSON_ARRAY && type != JSON_OBJECT)
		return 0;
	return (size_t)cJSON_GetArraySize(json_tree(j));
}

const struct json *json_first(const struct json *j)
{
	return j != NULL ? json_of_tree(json_tree(j)->child) : NULL;
}

const struct json *json_next(const struct json *child)
{
	return child != NULL ? json_of_tree(json_tree(child)->next) : NULL;
}

const char *json_key(const struct json *child)
{
	return child != NULL ? json_tree(child)->string : NULL;
}

const char *json_str(const struct json *j)
{
	return json_type(j) == JSON_STRING ? json_tree(j)->valuestring : NULL;
}

bool json_bool(const struct json *j, bool otherwise)
{
	return json_type(j) == JSON_BOOL ? cJSON_IsTrue(json_tree(j)) : otherwise;
}

bool json_i64(const struct json *j, int64_t *out)
{
	if (json_type(j) != JSON_NUMBER)
		return false;
	const char *text = json_tree(j)->valuestring;
	return json_text_i64(text, strlen(text), out);
}

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NONE] = "nothing",
		[JSON_NULL] = "null",
		[JSON_BOOL] = "a boolean",
		[JSON_NUMBER] = "a number",
		[JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object",
	};
	return names[type];
}

static bool is_absent(const struct json *j)
{
	return json_type(j) == JSON_NONE || json_type(j) == JSON_NULL;
}

static int wrong_type(const struct json *found, const char *key, const char *wanted, struct err *e)
{
	return err_set(e, -EINVAL, "%s is %s where %s belongs", key,
		json_type_name(json_type(found)), wanted);
}

int json_get_str(const struct json *obj, const char *key, const char **out, struct err *e)
{
	const struct json *found = json_get(obj, key);
	if (is_absent(found))
		return 0;
	if (json_type(found) != JSON_STRING)
		return wrong_type(found, key, "a string", e);
	*out = json_str(found);
	return 0;
}

int json_get_bool(const struct json *obj, const char *key, bool *out, struct err *e)
{
	const struct json *found = json_get(obj, key);
	if (is_absent(found))
		return 0;
	if (json_type(found) != JSON_BOOL)
		return wrong_type(found, key, "a boolean", e);
	*out = json_bool(found, false);
	return 0;
}

int json_get_i64(const struct json *obj, const char *key, int64_t *out, struct err *e)
{
	const struct json *found = json_get(obj, key);
	if (is_absent(found))
		return 0;
	if (json_type(found) != JSON_NUMBER)
		return wrong_type(found, key, "a number", e);
	if (!json_i64(found, out))
		return err_set(e, -EINVAL, "%s is %s where an integer of 64 bits belongs", key,
			json_tree(found)->valuestring);
	return 0;
}

int json_get_strv(const struct json *obj, const char *key, struct strv *out, struct err *e)
{
	const struct json *found = json_get(obj, key);
	if (is_absent(found))
		return 0;
	if (json_type(found) != JSON_ARRAY)
		return wrong_type(found, key, "an array of strings", e);
	size_t at = 0;
	for (const struct json *item = json_first(found); item != NULL;
		item = json_next(item), at++) {
		if (json_type(item) != JSON_STRING)
			return err_set(e, -EINVAL, "%s[%zu] is %s where a string belongs", key, at,
				json_type_name(json_type(item)));
	}
	strv_reset(out);
	for (const struct json *item = json_first(found); item != NULL; item = json_next(item))
		strv_push(out, json_str(item));
	return 0;
}
