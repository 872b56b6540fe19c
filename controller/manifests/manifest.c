#include "controller/manifests/manifest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "controller/manifests/manifest_texts.h"
#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

#define NAME_MAX_LEN 64

/* One hole of the text. */
struct hole {
	const char *begin; /* of what it replaces */
	const char *end;
	char name[NAME_MAX_LEN];
	bool is_whole;    /* with its quotes */
	bool is_elements; /* of an array */
};

const char *manifest_text(const char *name)
{
	for (size_t i = 0; i < manifest_texts_count; i++) {
		if (strcmp(manifest_texts[i].name, name) == 0)
			return manifest_texts[i].text;
	}
	return NULL;
}

/* The next hole from there on; false when there is none. */
static bool next_hole(const char *from, const char *text, struct hole *out)
{
	const char *begin = strstr(from, "${");
	const char *end = begin != NULL ? strchr(begin, '}') : NULL;
	if (end == NULL)
		return false;
	const char *name = begin + 2;
	out->is_elements = *name == '*';
	if (out->is_elements)
		name++;
	size_t len = (size_t)(end - name);
	if (len >= sizeof(out->name))
		return false;
	memcpy(out->name, name, len);
	out->name[len] = '\0';
	out->is_whole = begin > text && begin[-1] == '"' && end[1] == '"';
	out->begin = out->is_whole ? begin - 1 : begin;
	out->end = out->is_whole ? end + 2 : end + 1;
	return true;
}

static int append_value(struct buf *out, const struct json *value, struct err *e)
{
	if (value == NULL)
		return buf_append_str(out, "null", e);
	char *text = json_print(value);
	int code = buf_append_str(out, text, e);
	free(text);
	return code;
}

/* Without the quotes around it. */
static int append_within(struct buf *out, const struct json *value, struct err *e)
{
	AUTO(buf_fini) struct buf quoted = BUF_INIT(MANIFEST_MAX);
	const char *text = json_str(value);
	int code = json_quote(&quoted, text != NULL ? text : "", e);
	return code < 0 ? code : buf_append(out, quoted.data + 1, quoted.len - 2, e);
}

/* Nothing at all, not even the comma before it, for an array without elements. */
static int append_elements(struct buf *out, const struct json *value, struct err *e)
{
	while (out->len > 0 && strchr(", \t\n", out->data[out->len - 1]) != NULL)
		out->len--;
	out->data[out->len] = '\0';
	for (const struct json *at = json_first(value); at != NULL; at = json_next(at)) {
		int code = buf_append_str(out, ",", e);
		if (code == 0)
			code = append_value(out, at, e);
		if (code < 0)
			return code;
	}
	return 0;
}

static int append_hole(
	struct buf *out, const struct hole *hole, const struct json *values, struct err *e)
{
	const struct json *value = json_get(values, hole->name);
	if (hole->is_elements)
		return append_elements(out, value, e);
	return hole->is_whole ? append_value(out, value, e) : append_within(out, value, e);
}

static int fill(const char *text, const struct json *values, struct buf *out, struct err *e)
{
	const char *from = text;
	struct hole hole;
	while (next_hole(from, text, &hole)) {
		int code = buf_append(out, from, (size_t)(hole.begin - from), e);
		if (code == 0)
			code = append_hole(out, &hole, values, e);
		if (code < 0)
			return code;
		from = hole.end;
	}
	return buf_append_str(out, from, e);
}

/* Members that are null, at any depth. A list instead of recursion. */
static void leave_out_nulls(struct json *doc)
{
	size_t count = 0;
	size_t cap = 0;
	struct json **pending = xgrow(NULL, 0, &cap, 64, sizeof(struct json *));
	pending[count++] = doc;
	while (count > 0) {
		struct json *parent = pending[--count];
		const struct json *next = NULL;
		for (const struct json *at = json_first(parent); at != NULL; at = next) {
			next = json_next(at);
			if (json_type(at) == JSON_NULL && json_key(at) != NULL) {
				AUTO(mem_free) char *key = xstrdup(json_key(at));
				json_remove(parent, key);
			} else if (json_first(at) != NULL) {
				pending = xgrow(pending, count, &cap, 64, sizeof(struct json *));
				pending[count++] = (struct json *)(void *)at;
			}
		}
	}
	free(pending);
}

struct json *manifest_fill(const char *name, const struct json *values, struct err *e)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(MANIFEST_MAX);
	const char *manifest = manifest_text(name);
	if (manifest == NULL) {
		err_set(e, -ENOENT, "there is no manifest %s", name);
		return NULL;
	}
	if (fill(manifest, values, &text, e) < 0)
		return NULL;
	struct json *doc = json_parse(buf_cstr(&text), text.len, e);
	if (doc != NULL)
		leave_out_nulls(doc);
	return doc;
}
