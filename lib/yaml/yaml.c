#include "lib/yaml/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define TAG_STR "tag:yaml.org,2002:str"

/* A container that is open. */
struct level {
	struct json *node; /* owned until it is closed */
	char *key;         /* of the member that comes next, NULL = a key comes next */
	char *anchor;
};

struct anchor {
	char *name;
	struct json *node;
};

struct reader {
	struct level levels[JSON_DEPTH_MAX];
	size_t depth;
	struct anchor *anchors;
	size_t anchor_count, anchor_cap;
	struct json *root;
	size_t documents;
	size_t nodes;
	size_t line;
	struct err *err_ref;
};

static int fail(struct reader *r, const char *why)
{
	return err_set(r->err_ref, -EINVAL, "YAML, line %zu: %s", r->line, why);
}

static void reader_fini(struct reader *r)
{
	for (size_t i = 0; i < r->depth; i++) {
		json_free(r->levels[i].node);
		free(r->levels[i].key);
		free(r->levels[i].anchor);
	}
	for (size_t i = 0; i < r->anchor_count; i++) {
		json_free(r->anchors[i].node);
		free(r->anchors[i].name);
	}
	free(r->anchors);
	json_free(r->root);
}

/* Nodes of a tree, itself included: walked without recursion, since its depth is input. */
static size_t count_nodes(const struct json *root)
{
	const struct json *chain[JSON_DEPTH_MAX + 1];
	size_t depth = 0;
	size_t count = 1;
	chain[depth++] = json_first(root);
	while (depth > 0) {
		const struct json *at = chain[depth - 1];
		if (at == NULL || depth > JSON_DEPTH_MAX) {
			depth--;
			continue;
		}
		chain[depth - 1] = json_next(at);
		chain[depth++] = json_first(at);
		count++;
	}
	return count;
}

static int keep_anchor(struct reader *r, const char *name, const struct json *node)
{
	if (name == NULL)
		return 0;
	r->nodes += count_nodes(node);
	if (r->nodes > YAML_NODES_MAX)
		return fail(r, "too many nodes");
	r->anchors = xgrow(r->anchors, r->anchor_count, &r->anchor_cap, 4, sizeof(*r->anchors));
	r->anchors[r->anchor_count++] =
		(struct anchor){.name = xstrdup(name), .node = json_dup(node)};
	return 0;
}

/* Puts a complete node where it belongs. */
static int place(struct reader *r, struct json *node_take)
{
	if (r->depth == 0) {
		json_free(r->root);
		r->root = node_take;
		return 0;
	}
	struct level *level = &r->levels[r->depth - 1];
	if (json_type(level->node) == JSON_ARRAY) {
		json_push(level->node, node_take);
		return 0;
	}
	if (level->key == NULL) {
		json_free(node_take);
		return fail(r, "a key that is no text");
	}
	json_set(level->node, level->key, node_take);
	free(level->key);
	level->key = NULL;
	return 0;
}

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

static bool is_digits(const char *text, const char *digits)
{
	return text[0] != '\0' && text[strspn(text, digits)] == '\0';
}

/* 0x1f, 0o17, 017; NULL for anything else. */
static struct json *other_base(const char *text)
{
	int base = 0;
	const char *digits = text + 2;
	if (strncmp(text, "0x", 2) == 0 && is_digits(digits, "0123456789abcdefABCDEF"))
		base = 16;
	else if (strncmp(text, "0o", 2) == 0 && is_digits(digits, "01234567"))
		base = 8;
	else if (text[0] == '0' && is_digits(text + 1, "01234567")) {
		base = 8;
		digits = text + 1;
	}
	if (base == 0 || strlen(digits) > 15)
		return NULL;
	return json_new_i64(strtoll(digits, NULL, base));
}

static struct json *plain(const char *text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	static const char *const trues[] = {"true", "True", "TRUE"};
	static const char *const falses[] = {"false", "False", "FALSE"};
	struct err not_a_number;
	if (is_one_of(text, nulls, ARRAY_LEN(nulls)))
		return json_new_null();
	if (is_one_of(text, trues, ARRAY_LEN(trues)))
		return json_new_bool(true);
	if (is_one_of(text, falses, ARRAY_LEN(falses)))
		return json_new_bool(false);
	struct json *number = json_parse(text, strlen(text), &not_a_number);
	if (json_type(number) == JSON_NUMBER)
		return number;
	json_free(number);
	number = other_base(text);
	return number != NULL ? number : json_new_str(text);
}

static int on_key(struct reader *r, const char *text)
{
	struct level *level = &r->levels[r->depth - 1];
	if (strcmp(text, "<<") == 0)
		return fail(r, "merge keys are not read");
	if (json_get(level->node, text) != NULL)
		return err_set(r->err_ref, -EINVAL, "YAML, line %zu: member \"%s\" is there twice",
			r->line, text);
	level->key = xstrdup(text);
	return 0;
}

static bool wants_key(const struct reader *r)
{
	const struct level *level = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
	return level != NULL && json_type(level->node) == JSON_OBJECT && level->key == NULL;
}

static int on_scalar(struct reader *r, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	bool is_str = tag != NULL && strcmp(tag, TAG_STR) == 0;
	if (strlen(text) != event->data.scalar.length)
		return fail(r, "a zero byte");
	if (tag != NULL && !is_str && strcmp(tag, "!") != 0)
		return fail(r, "tags are not read");
	if (wants_key(r))
		return on_key(r, text);
	bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && tag == NULL;
	AUTO(json_freep) struct json *node = is_plain ? plain(text) : json_new_str(text);
	if (keep_anchor(r, (const char *)event->data.scalar.anchor, node) < 0)
		return r->err_ref->code;
	return place(r, STEAL(node));
}

static int on_alias(struct reader *r, const char *name)
{
	if (wants_key(r))
		return fail(r, "a key that is no text");
	/* The last one of a name counts. */
	for (size_t i = r->anchor_count; i > 0; i--) {
		const struct anchor *anchor = &r->anchors[i - 1];
		if (strcmp(anchor->name, name) != 0)
			continue;
		r->nodes += count_nodes(anchor->node);
		if (r->nodes > YAML_NODES_MAX)
			return fail(r, "too many nodes");
		return place(r, json_dup(anchor->node));
	}
	return fail(r, "an alias of nothing");
}

static int on_open(
	struct reader *r, struct json *node_take, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	bool fits = r->depth < JSON_DEPTH_MAX - 1 && !wants_key(r) && tag == NULL;
	if (fits) {
		r->levels[r->depth++] =
			(struct level){.node = node_take, .anchor = xstrdup((const char *)anchor)};
		return 0;
	}
	json_free(node_take);
	if (tag != NULL)
		return fail(r, "tags are not read");
	return fail(r, wants_key(r) ? "a key that is no text" : "nested too deeply");
}

static int on_close(struct reader *r)
{
	struct level *level = &r->levels[--r->depth];
	AUTO(json_freep) struct json *node = STEAL(level->node);
	AUTO(mem_free) char *anchor = STEAL(level->anchor);
	if (keep_anchor(r, anchor, node) < 0)
		return r->err_ref->code;
	return place(r, STEAL(node));
}

static int on_event(struct reader *r, const yaml_event_t *event)
{
	r->line = event->start_mark.line + 1;
	if (++r->nodes > YAML_NODES_MAX)
		return fail(r, "too many nodes");
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return ++r->documents > 1 ? fail(r, "a second document") : 0;
	case YAML_ALIAS_EVENT:
		return on_alias(r, (const char *)event->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		return on_scalar(r, event);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(r, json_new_array(), event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return on_open(r, json_new_object(), event->data.mapping_start.anchor,
			event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_close(r);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

/* All events of the text. */
static int read_events(struct reader *r, yaml_parser_t *parser)
{
	for (bool is_over = false; !is_over;) {
		yaml_event_t event;
		if (yaml_parser_parse(parser, &event) == 0) {
			r->line = parser->problem_mark.line + 1;
			return fail(r, parser->problem != NULL ? parser->problem : "not readable");
		}
		is_over = event.type == YAML_STREAM_END_EVENT;
		int code = on_event(r, &event);
		yaml_event_delete(&event);
		if (code < 0)
			return code;
	}
	return 0;
}

struct json *yaml_parse(const char *text, size_t len, struct err *e)
{
	yaml_parser_t parser;
	AUTO(reader_fini) struct reader r = {.err_ref = e};
	if (len > YAML_TEXT_MAX) {
		err_set(e, -EMSGSIZE, "YAML of more than %u bytes", YAML_TEXT_MAX);
		return NULL;
	}
	if (yaml_parser_initialize(&parser) == 0)
		mem_exhausted();
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	int code = read_events(&r, &parser);
	yaml_parser_delete(&parser);
	if (code < 0)
		return NULL;
	return r.root != NULL ? STEAL(r.root) : json_new_null();
}
