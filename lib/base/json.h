/*
 * JSON documents of moderate size: strict parsing, typed getters with errors that name the path,
 * and builders. The tree is a cJSON tree behind an opaque type, so that the library is used in one
 * place. Streams and documents without a sensible bound go through lib/base/jscan.h instead.
 *
 * Parsing is strict where cJSON is not: the text must be valid UTF-8 without NUL and without an
 * escaped NUL, numbers must be JSON numbers, nothing may follow the value, depth is at most
 * JSON_DEPTH_MAX. Of duplicate keys the last one wins, as in Go. One pass checks (json_check.c),
 * then cJSON reads. Texts may be secrets: all memory of a document is overwritten when it is freed;
 * the caller owns what json_print returns.
 *
 * Getters borrow: their results live as long as the document. `path` in messages starts at the
 * object given to the getter.
 */
#ifndef LIB_BASE_JSON_H
#define LIB_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"

#define JSON_DEPTH_MAX 64
#define JSON_TEXT_MAX (8u * 1024 * 1024) /* largest text parsed whole */

struct json;

enum json_type {
	JSON_NONE, /* no such member */
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* Owned tree or NULL with the error set (-EINVAL with line and column in bytes, -EMSGSIZE,
 * -ENOMEM). */
struct json *json_parse(const char *text, size_t len, struct err *e) MUST_CHECK;
void json_free(struct json *j);
void json_freep(struct json **j); /* for AUTO */

enum json_type json_type(const struct json *j);  /* JSON_NONE for NULL */
const char *json_type_name(enum json_type type); /* "a string" */

/* Member of an object; NULL when absent or when obj is no object. _fold ignores ASCII case and
 * returns the last of several. */
const struct json *json_get(const struct json *obj, const char *key);
const struct json *json_get_fold(const struct json *obj, const char *key);
/* Walks members, e.g. json_path(doc, "metadata", "name", NULL). */
const struct json *json_path(const struct json *obj, ...) __attribute__((sentinel));

size_t json_len(const struct json *j);                  /* array or object members */
const struct json *json_first(const struct json *j);    /* first child or NULL */
const struct json *json_next(const struct json *child); /* next sibling or NULL */
const char *json_key(const struct json *child);         /* member name, NULL in arrays */

/* Values without type check: NULL / false when of another type. */
const char *json_str(const struct json *j);
bool json_bool(const struct json *j, bool otherwise);
/* Exact integer within int64; false when not one (fractions, exponents, overflow, other types), and
 * *out is untouched. */
bool json_i64(const struct json *j, int64_t *out);

/* Typed members. Absent or null leaves *out untouched and returns 0; another type is -EINVAL with
 * the key in the sentence. */
int json_get_str(
	const struct json *obj, const char *key, const char **out, struct err *e) MUST_CHECK;
int json_get_bool(const struct json *obj, const char *key, bool *out, struct err *e) MUST_CHECK;
int json_get_i64(const struct json *obj, const char *key, int64_t *out, struct err *e) MUST_CHECK;
/* Array of strings; out is replaced when there is one. */
int json_get_strv(
	const struct json *obj, const char *key, struct strv *out, struct err *e) MUST_CHECK;

/* Same content: objects without regard to order, numbers by text. */
bool json_equal(const struct json *a, const struct json *b);
struct json *json_dup(const struct json *j); /* NULL gives NULL */

/* Builders; abort when memory is gone. push/set become the owner of value. In texts that are not
 * UTF-8, here and in json_quote, each bad byte becomes U+FFFD, as Go's encoder writes it. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_str(const char *text);
struct json *json_new_i64(int64_t value);
struct json *json_new_bool(bool value);
struct json *json_new_null(void);
void json_set(struct json *obj, const char *key, struct json *value_take); /* replaces */
void json_set_str(struct json *obj, const char *key, const char *text);
void json_remove(struct json *obj, const char *key);
void json_push(struct json *arr, struct json *value_take);

/* Compact text, members in the order they were added. Caller frees. */
char *json_print(const struct json *j);

/* Appends text as a JSON string with quotes; out is unchanged on failure (-EMSGSIZE, -ENOMEM). */
int json_quote(struct buf *out, const char *text, struct err *e) MUST_CHECK;

#endif
