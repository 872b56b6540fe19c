#include "lib/base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json_text.h"
#include "lib/base/json_tree.h"
#include "lib/base/mem.h"

/* Objects up to this size are searched for duplicate keys pair by pair. */
#define FEW_MEMBERS 12

enum want {
	WANT_VALUE,
	WANT_VALUE_OR_END, /* behind "[" */
	WANT_KEY,
	WANT_KEY_OR_END, /* behind "{" */
	WANT_COMMA_OR_END,
};

struct parser {
	const char *text;
	size_t len;
	size_t at;
	enum want want;
	cJSON *root;
	cJSON *open[JSON_DEPTH_MAX]; /* borrowed from root */
	size_t depth;
	struct buf key; /* of the member whose value comes next */
	struct buf value;
	struct err *err_ref;
};

static int fail_at(struct parser *p, size_t at, const char *why)
{
	size_t line = 1;
	size_t start = 0;
	for (size_t i = 0; i < at; i++) {
		if (p->text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	return err_set(p->err_ref, -EINVAL, "line %zu column %zu: %s", line, at - start + 1, why);
}

static int no_memory(struct parser *p)
{
	return err_set_errno(p->err_ref, -ENOMEM, "JSON text of %zu bytes", p->len);
}

static void skip_space(struct parser *p)
{
	while (p->at < p->len && p->text[p->at] != '\0' &&
		strchr(" \t\r\n", p->text[p->at]) != NULL)
		p->at++;
}

/* The next byte, or NUL at the end; a NUL in the text fits no rule of the grammar either. */
static char peek(const struct parser *p)
{
	return p->at < p->len ? p->text[p->at] : '\0';
}

/* Takes a string, whose opening quote is next, and leaves it decoded in out. */
static int take_string(struct parser *p, struct buf *out)
{
	size_t from = p->at + 1;
	size_t to = from;
	while (to < p->len && p->text[to] != '"')
		to += p->text[to] == '\\' ? 2 : 1;
	if (to >= p->len)
		return fail_at(p, p->at, "string does not end");
	buf_reset(out);
	if (buf_reserve(out, to - from + 1, p->err_ref) < 0)
		return err_wrap(p->err_ref, "JSON string");
	size_t made;
	const char *fault = json_text_decode(p->text + from, to - from, out->data, &made);
	if (fault != NULL)
		return fail_at(p, from + made, fault);
	out->data[made] = '\0';
	out->len = made;
	p->at = to + 1;
	return 0;
}

/* Hangs the item into the open container, or makes it the document. */
static int attach(struct parser *p, cJSON *item_take)
{
	if (item_take == NULL)
		return no_memory(p);
	p->want = WANT_COMMA_OR_END;
	if (p->depth == 0) {
		p->root = item_take;
		return 0;
	}
	cJSON *parent = p->open[p->depth - 1];
	bool done = cJSON_IsObject(parent)
			    ? cJSON_AddItemToObject(parent, buf_cstr(&p->key), item_take)
			    : cJSON_AddItemToArray(parent, item_take);
	if (done)
		return 0;
	cJSON_Delete(item_take);
	return no_memory(p);
}

static int open_container(struct parser *p, bool is_object)
{
	if (p->depth == JSON_DEPTH_MAX)
		return fail_at(p, p->at, "nested too deeply");
	cJSON *item = is_object ? cJSON_CreateObject() : cJSON_CreateArray();
	if (attach(p, item) < 0)
		return p->err_ref->code;
	p->open[p->depth++] = item;
	p->want = is_object ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
	p->at++;
	return 0;
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
			if (strcmp(a->string, b->string) == 0) {
				drop(obj, a);
				break;
			}
		}
	}
}

/* Of members with the same key the last one stays. */
static int drop_duplicates(struct parser *p, cJSON *obj)
{
	size_t count = json_len(json_of_tree(obj));
	if (count <= FEW_MEMBERS) {
		drop_duplicates_of_few(obj);
		return 0;
	}
	AUTO(mem_free) struct json_member *list = calloc(count, sizeof(*list));
	if (list == NULL)
		return no_memory(p);
	json_members_sorted(obj, list);
	for (size_t i = 0; i + 1 < count; i++) {
		/* The key of the later one is still there to compare with. */
		if (strcmp(list[i].node->string, list[i + 1].node->string) == 0)
			drop(obj, list[i].node);
	}
	return 0;
}

static int close_container(struct parser *p)
{
	cJSON *item = p->open[--p->depth];
	p->at++;
	p->want = WANT_COMMA_OR_END;
	return cJSON_IsObject(item) ? drop_duplicates(p, item) : 0;
}

static int take_number(struct parser *p)
{
	size_t n = json_text_number(p->text + p->at, p->len - p->at);
	if (n == 0)
		return fail_at(p, p->at, "bad number");
	buf_reset(&p->value);
	if (buf_append(&p->value, p->text + p->at, n, p->err_ref) < 0)
		return err_wrap(p->err_ref, "JSON number");
	p->at += n;
	return attach(p, cJSON_CreateRaw(buf_cstr(&p->value)));
}

static bool take_word(struct parser *p, const char *word)
{
	size_t n = strlen(word);
	if (p->len - p->at < n || memcmp(p->text + p->at, word, n) != 0)
		return false;
	p->at += n;
	return true;
}

static int take_value(struct parser *p)
{
	switch (peek(p)) {
	case '{':
		return open_container(p, true);
	case '[':
		return open_container(p, false);
	case '"':
		if (take_string(p, &p->value) < 0)
			return p->err_ref->code;
		return attach(p, cJSON_CreateString(buf_cstr(&p->value)));
	case '-':
	case '0' ... '9':
		return take_number(p);
	default:
		break;
	}
	if (take_word(p, "true"))
		return attach(p, cJSON_CreateTrue());
	if (take_word(p, "false"))
		return attach(p, cJSON_CreateFalse());
	if (take_word(p, "null"))
		return attach(p, cJSON_CreateNull());
	return fail_at(p, p->at, p->at < p->len ? "a value should begin here" : "text ends early");
}

static int take_key(struct parser *p)
{
	if (peek(p) != '"')
		return fail_at(
			p, p->at, p->at < p->len ? "a key should begin here" : "text ends early");
	if (take_string(p, &p->key) < 0)
		return p->err_ref->code;
	skip_space(p);
	if (peek(p) != ':')
		return fail_at(p, p->at, "\":\" missing after a key");
	p->at++;
	p->want = WANT_VALUE;
	return 0;
}

static int take_comma_or_end(struct parser *p)
{
	bool in_object = cJSON_IsObject(p->open[p->depth - 1]);
	if (peek(p) == ',') {
		p->at++;
		p->want = in_object ? WANT_KEY : WANT_VALUE;
		return 0;
	}
	if (peek(p) == (in_object ? '}' : ']'))
		return close_container(p);
	return fail_at(p, p->at,
		in_object ? "\",\" or \"}\" missing after a member"
			  : "\",\" or \"]\" missing after an element");
}

static int take_next(struct parser *p)
{
	switch (p->want) {
	case WANT_KEY_OR_END:
		return peek(p) == '}' ? close_container(p) : take_key(p);
	case WANT_KEY:
		return take_key(p);
	case WANT_VALUE_OR_END:
		return peek(p) == ']' ? close_container(p) : take_value(p);
	case WANT_VALUE:
		return take_value(p);
	case WANT_COMMA_OR_END:
		return take_comma_or_end(p);
	}
	abort();
}

static int parse_document(struct parser *p)
{
	do {
		skip_space(p);
		if (take_next(p) < 0)
			return p->err_ref->code;
	} while (p->depth > 0);
	skip_space(p);
	if (p->at < p->len)
		return fail_at(p, p->at, "text after the value");
	return 0;
}

struct json *json_parse(const char *text, size_t len, struct err *e)
{
	if (len > JSON_TEXT_MAX) {
		err_set(e, -EMSGSIZE, "JSON text of %zu bytes is longer than %u", len,
			JSON_TEXT_MAX);
		return NULL;
	}
	struct parser p = {
		.text = text,
		.len = len,
		.key = BUF_INIT(JSON_TEXT_MAX + 1),
		.value = BUF_INIT(JSON_TEXT_MAX + 1),
		.err_ref = e,
	};
	int r = parse_document(&p);
	buf_fini(&p.key);
	buf_fini(&p.value);
	if (r == 0)
		return json_of_tree(p.root);
	cJSON_Delete(p.root);
	return NULL;
}
