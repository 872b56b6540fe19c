#include "lib/base/json_check.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/json_text.h"

enum want {
	WANT_VALUE,
	WANT_VALUE_OR_END, /* behind "[" */
	WANT_KEY,
	WANT_KEY_OR_END, /* behind "{" */
	WANT_COMMA_OR_END,
};

struct check {
	const char *text;
	size_t len;
	size_t at;
	enum want want;
	uint64_t objects; /* a bit for each open container: it is an object */
	size_t depth;
	size_t copied; /* bytes of the text that are already in out */
	struct buf *out_ref;
	struct err *err_ref;
};

_Static_assert(JSON_DEPTH_MAX <= 64, "a bit for each level");

static int fail_at(struct check *c, size_t at, const char *why)
{
	size_t line = 1;
	size_t start = 0;
	for (size_t i = 0; i < at; i++) {
		if (c->text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	return err_set(c->err_ref, -EINVAL, "line %zu column %zu: %s", line, at - start + 1, why);
}

/* The next byte, or NUL at the end; a NUL in the text matches no rule of the grammar either. */
static char peek(const struct check *c)
{
	return c->at < c->len ? c->text[c->at] : '\0';
}

static void skip_space(struct check *c)
{
	for (char next = peek(c); next == ' ' || next == '\n' || next == '\t' || next == '\r';
		next = peek(c))
		c->at++;
}

/* A string, whose opening quote is next. */
static int check_string(struct check *c)
{
	size_t from = c->at + 1;
	size_t used;
	const char *fault = json_text_string(c->text + from, c->len - from, &used);
	if (fault == NULL) {
		c->at = from + used + 1;
		return 0;
	}
	/* A string that does not end is reported as such. */
	size_t to = from;
	while (to < c->len && c->text[to] != '"')
		to += c->text[to] == '\\' ? 2 : 1;
	if (to >= c->len)
		return fail_at(c, c->at, "string does not end");
	return fail_at(c, from + used, fault);
}

static int check_number(struct check *c)
{
	static const char before[] = {'"', JSON_CHECK_NUMBER};
	size_t n = json_text_number(c->text + c->at, c->len - c->at);
	if (n == 0)
		return fail_at(c, c->at, "bad number");
	if (buf_append(c->out_ref, c->text + c->copied, c->at - c->copied, c->err_ref) < 0 ||
		buf_append(c->out_ref, before, sizeof(before), c->err_ref) < 0 ||
		buf_append(c->out_ref, c->text + c->at, n, c->err_ref) < 0 ||
		buf_append(c->out_ref, "\"", 1, c->err_ref) < 0)
		return err_wrap(c->err_ref, "JSON text of %zu bytes", c->len);
	c->at += n;
	c->copied = c->at;
	return 0;
}

static bool skip_word(struct check *c, const char *word)
{
	size_t n = strlen(word);
	if (c->len - c->at < n || memcmp(c->text + c->at, word, n) != 0)
		return false;
	c->at += n;
	return true;
}

static int open_container(struct check *c, bool is_object)
{
	if (c->depth == JSON_DEPTH_MAX)
		return fail_at(c, c->at, "nested too deeply");
	c->objects = c->objects << 1 | is_object;
	c->depth++;
	c->want = is_object ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
	c->at++;
	return 0;
}

static int close_container(struct check *c)
{
	c->objects >>= 1;
	c->depth--;
	c->want = WANT_COMMA_OR_END;
	c->at++;
	return 0;
}

static int check_value(struct check *c)
{
	char next = peek(c);
	if (next == '{' || next == '[')
		return open_container(c, next == '{');
	c->want = WANT_COMMA_OR_END;
	if (next == '"')
		return check_string(c);
	if (next == '-' || (next >= '0' && next <= '9'))
		return check_number(c);
	if (skip_word(c, "true") || skip_word(c, "false") || skip_word(c, "null"))
		return 0;
	return fail_at(c, c->at, c->at < c->len ? "a value should begin here" : "text ends early");
}

static int check_key(struct check *c)
{
	if (peek(c) != '"')
		return fail_at(
			c, c->at, c->at < c->len ? "a key should begin here" : "text ends early");
	if (check_string(c) < 0)
		return c->err_ref->code;
	skip_space(c);
	if (peek(c) != ':')
		return fail_at(c, c->at, "\":\" missing after a key");
	c->at++;
	c->want = WANT_VALUE;
	return 0;
}

static int check_comma_or_end(struct check *c)
{
	bool in_object = (c->objects & 1) != 0;
	if (peek(c) == ',') {
		c->at++;
		c->want = in_object ? WANT_KEY : WANT_VALUE;
		return 0;
	}
	if (peek(c) == (in_object ? '}' : ']'))
		return close_container(c);
	return fail_at(c, c->at,
		in_object ? "\",\" or \"}\" missing after a member"
			  : "\",\" or \"]\" missing after an element");
}

static int check_next(struct check *c)
{
	switch (c->want) {
	case WANT_KEY_OR_END:
		return peek(c) == '}' ? close_container(c) : check_key(c);
	case WANT_KEY:
		return check_key(c);
	case WANT_VALUE_OR_END:
		return peek(c) == ']' ? close_container(c) : check_value(c);
	case WANT_VALUE:
		return check_value(c);
	case WANT_COMMA_OR_END:
		return check_comma_or_end(c);
	}
	abort();
}

int json_check(const char *text, size_t len, struct buf *out, struct err *e)
{
	struct check c = {.text = text, .len = len, .out_ref = out, .err_ref = e};
	do {
		skip_space(&c);
		if (check_next(&c) < 0)
			return e->code;
	} while (c.depth > 0);
	skip_space(&c);
	if (c.at < len)
		return fail_at(&c, c.at, "text after the value");
	if (buf_append(out, text + c.copied, len - c.copied, e) < 0)
		return err_wrap(e, "JSON text of %zu bytes", len);
	return 0;
}
