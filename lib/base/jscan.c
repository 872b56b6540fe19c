#include "lib/base/jscan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/jscan_match.h"
#include "lib/base/jscan_number.h"
#include "lib/base/mem.h"

enum state {
	STATE_TOP, /* between documents */
	STATE_VALUE,
	STATE_VALUE_OR_END, /* behind "[" */
	STATE_KEY,
	STATE_KEY_OR_END, /* behind "{" */
	STATE_COLON,
	STATE_COMMA_OR_END,
	STATE_STRING,
	STATE_ESCAPE,
	STATE_HEX,
	STATE_NUMBER,
	STATE_LITERAL,
};

struct jscan {
	enum state state;
	unsigned depth;
	uint32_t alive;   /* rules to look at among the members of the open container */
	uint64_t objects; /* bit d - 1: the open container at depth d is an object, not an array */
	bool in_object;   /* the same for the innermost one */
	bool is_key;      /* the string at hand */
	unsigned hex_left;
	enum jscan_number number;
	const char *literal; /* the part of it that must still follow */
	uint64_t before;     /* bytes fed before the piece at hand */
	const char *piece;
	int failed; /* code of the failure that stopped the scanner */
	struct err *err_ref;
	struct jscan_match match;
};

/* Each function for a state gets the next byte and the end of the piece and returns where to go on,
 * or NULL when it has failed. Some continue directly with the state that usually follows. */

static const char *stop(struct jscan *s, int code)
{
	s->failed = code;
	return NULL;
}

static const char *fail(struct jscan *s, const char *at, const char *why)
{
	uint64_t offset = s->before + (uint64_t)(at - s->piece);
	return stop(
		s, err_set(s->err_ref, -EINVAL, "JSON stream, byte %" PRIu64 ": %s", offset, why));
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

/* The first quote, backslash or control character. Eight bytes at a time: each of the three tests
 * sets the top bit of a byte it finds, exactly for the lowest (little-endian: the first). */
static const char *find_special(const char *p, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t tops = ones << 7;
	for (; end - p >= 8; p += 8) {
		uint64_t word;
		memcpy(&word, p, sizeof(word));
		uint64_t quotes = word ^ (ones * '"');
		uint64_t slashes = word ^ (ones * '\\');
		uint64_t found = ((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes) |
				 ((word - ones * 0x20) & ~word);
		found &= tops;
		if (found != 0)
			return p + __builtin_ctzll(found) / 8;
	}
#endif
	while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
		p++;
	return p;
}

/* After the last byte of a value. */
static const char *value_over(struct jscan *s, const char *p)
{
	s->state = STATE_COMMA_OR_END;
	if (s->depth > 0)
		return p;
	s->state = STATE_TOP;
	int code = jscan_match_document_end(&s->match, s->err_ref);
	return code < 0 ? stop(s, code) : p;
}

static const char *scalar_over(struct jscan *s, const char *p)
{
	if (s->match.scalar_done != 0) {
		int code = jscan_match_value_end(
			&s->match, s->match.scalar_done, s->depth, p, s->err_ref);
		if (code < 0)
			return stop(s, code);
	}
	return value_over(s, p);
}

static const char *open_container(struct jscan *s, const char *p)
{
	if (s->depth == JSCAN_DEPTH_MAX)
		return fail(s, p, "nested too deeply");
	uint64_t top = UINT64_C(1) << s->depth++;
	jscan_match_open(&s->match, s->depth);
	s->alive = s->match.levels[s->depth].alive;
	s->in_object = *p == '{';
	s->objects = s->in_object ? s->objects | top : s->objects & ~top;
	s->state = s->in_object ? STATE_KEY_OR_END : STATE_VALUE_OR_END;
	return p + 1;
}

/* p is at the closing bracket, which has been seen to be of the right kind. */
static const char *close_container(struct jscan *s, const char *p)
{
	uint32_t done = s->match.levels[s->depth].done;
	s->depth--;
	s->alive = s->match.levels[s->depth].alive;
	s->in_object = s->depth > 0 && (s->objects >> (s->depth - 1) & 1) != 0;
	p++;
	if (done != 0) {
		int code = jscan_match_value_end(&s->match, done, s->depth, p, s->err_ref);
		if (code < 0)
			return stop(s, code);
	}
	return value_over(s, p);
}

static const char *begin_literal(struct jscan *s, const char *p, const char *remaining)
{
	s->literal = remaining;
	s->state = STATE_LITERAL;
	return p + 1;
}

static const char *begin_value(struct jscan *s, const char *p)
{
	if (s->alive != 0) {
		int code =
			jscan_match_value_begin(&s->match, s->depth, s->in_object, p, s->err_ref);
		if (code < 0)
			return stop(s, code);
	}
	switch (*p) {
	case '"':
		s->is_key = false;
		s->state = STATE_STRING;
		return p + 1;
	case '{':
	case '[':
		return open_container(s, p);
	case 't':
		return begin_literal(s, p, "rue");
	case 'f':
		return begin_literal(s, p, "alse");
	case 'n':
		return begin_literal(s, p, "ull");
	case '-':
	case '0' ... '9':
		s->number = jscan_number_begin(*p);
		s->state = STATE_NUMBER;
		return p + 1;
	default:
		return fail(s, p, "a value should begin here");
	}
}

static const char *in_value(struct jscan *s, const char *p, const char *end)
{
	p = skip_space(p, end);
	if (p == end)
		return p;
	if (*p == ']' && s->state == STATE_VALUE_OR_END)
		return close_container(s, p);
	return begin_value(s, p);
}

static const char *in_colon(struct jscan *s, const char *p, const char *end)
{
	p = skip_space(p, end);
	if (p == end)
		return p;
	if (*p != ':')
		return fail(s, p, "\":\" missing after a key");
	s->state = STATE_VALUE;
	return in_value(s, p + 1, end);
}

static const char *in_string(struct jscan *s, const char *p, const char *end)
{
	p = find_special(p, end);
	if (p == end)
		return p;
	if (*p == '\\') {
		s->state = STATE_ESCAPE;
		s->match.key_escaped = true;
		return p + 1;
	}
	if (*p != '"')
		return fail(s, p, "control character inside a string");
	if (!s->is_key)
		return scalar_over(s, p + 1);
	if (s->alive != 0)
		jscan_match_key_end(&s->match, s->depth, p);
	s->state = STATE_COLON;
	return in_colon(s, p + 1, end);
}

static const char *in_key(struct jscan *s, const char *p, const char *end)
{
	p = skip_space(p, end);
	if (p == end)
		return p;
	if (*p == '}' && s->state == STATE_KEY_OR_END)
		return close_container(s, p);
	if (*p != '"')
		return fail(s, p, "a key should begin here");
	s->is_key = true;
	s->state = STATE_STRING;
	p++;
	if (s->alive != 0)
		jscan_match_key_begin(&s->match, p);
	return in_string(s, p, end);
}

static const char *in_comma_or_end(struct jscan *s, const char *p, const char *end)
{
	p = skip_space(p, end);
	if (p == end)
		return p;
	if (*p == ',') {
		s->state = s->in_object ? STATE_KEY : STATE_VALUE;
		return s->in_object ? in_key(s, p + 1, end) : in_value(s, p + 1, end);
	}
	if (*p == (s->in_object ? '}' : ']'))
		return close_container(s, p);
	return fail(s, p, "\",\" or a closing bracket missing after a value");
}

static const char *in_escape(struct jscan *s, const char *p)
{
	if (*p == 'u') {
		s->state = STATE_HEX;
		s->hex_left = 4;
		return p + 1;
	}
	if (*p == '\0' || strchr("\"\\/bfnrt", *p) == NULL)
		return fail(s, p, "bad escape");
	s->state = STATE_STRING;
	return p + 1;
}

static const char *in_hex(struct jscan *s, const char *p)
{
	char lower = (char)(*p | 0x20);
	if (!(*p >= '0' && *p <= '9') && !(lower >= 'a' && lower <= 'f'))
		return fail(s, p, "bad \\u escape");
	if (--s->hex_left == 0)
		s->state = STATE_STRING;
	return p + 1;
}

static const char *in_number(struct jscan *s, const char *p, const char *end)
{
	p = jscan_number_run(&s->number, p, end);
	if (s->number == JSCAN_NUMBER_BAD)
		return fail(s, p, "bad number");
	return s->number == JSCAN_NUMBER_OVER ? scalar_over(s, p) : p;
}

static const char *in_literal(struct jscan *s, const char *p, const char *end)
{
	for (; p < end && *s->literal != '\0'; p++, s->literal++) {
		if (*p != *s->literal)
			return fail(s, p, "a value should begin here");
	}
	return *s->literal == '\0' ? scalar_over(s, p) : p;
}

static const char *step(struct jscan *s, const char *p, const char *end)
{
	switch (s->state) {
	case STATE_TOP:
	case STATE_VALUE:
	case STATE_VALUE_OR_END:
		return in_value(s, p, end);
	case STATE_KEY:
	case STATE_KEY_OR_END:
		return in_key(s, p, end);
	case STATE_COLON:
		return in_colon(s, p, end);
	case STATE_COMMA_OR_END:
		return in_comma_or_end(s, p, end);
	case STATE_STRING:
		return in_string(s, p, end);
	case STATE_ESCAPE:
		return in_escape(s, p);
	case STATE_HEX:
		return in_hex(s, p);
	case STATE_NUMBER:
		return in_number(s, p, end);
	case STATE_LITERAL:
		return in_literal(s, p, end);
	}
	abort();
}

struct jscan *jscan_new(
	const struct jscan_rule *rules, size_t count, size_t capture_max, jscan_fn fn, void *arg)
{
	struct jscan *s = xcalloc(1, sizeof(*s));
	s->match.fn = fn;
	s->match.arg_ref = arg;
	s->match.capture_max = capture_max;
	s->match.capture = BUF_INIT(capture_max);
	jscan_match_init(&s->match, rules, count);
	jscan_reset(s);
	return s;
}

void jscan_free(struct jscan *s)
{
	if (s != NULL)
		jscan_match_fini(&s->match);
	free(s);
}

void jscan_reset(struct jscan *s)
{
	jscan_match_reset(&s->match);
	s->state = STATE_TOP;
	s->depth = 0;
	s->alive = s->match.all;
	s->in_object = false;
	s->before = 0;
	s->failed = 0;
}

void jscan_trim(struct jscan *s, size_t keep)
{
	if (!s->match.capturing && s->match.capture.cap > keep)
		buf_wipe(&s->match.capture);
}

bool jscan_is_inside(const struct jscan *s)
{
	return s->state != STATE_TOP;
}

int jscan_feed(struct jscan *s, const char *data, size_t len, struct err *e)
{
	if (s->failed != 0)
		return err_set(e, -EINVAL, "JSON stream has failed before");
	if (len == 0)
		return 0;
	s->err_ref = e;
	s->piece = data;
	const char *end = data + len;
	jscan_match_piece_begin(&s->match, data);
	for (const char *p = data; p < end;) {
		p = step(s, p, end);
		if (p == NULL)
			return s->failed;
	}
	s->before += len;
	int code = jscan_match_piece_end(&s->match, end, e);
	if (code < 0)
		stop(s, code);
	return code;
}

int jscan_finish(struct jscan *s, struct err *e)
{
	if (s->failed != 0)
		return err_set(e, -EINVAL, "JSON stream has failed before");
	s->err_ref = e;
	s->piece = "";
	/* A number at the top level has no terminator. The digits so far have been saved. */
	if (s->state == STATE_NUMBER && s->depth == 0 && jscan_number_may_end(s->number)) {
		jscan_match_piece_begin(&s->match, s->piece);
		return scalar_over(s, s->piece) == NULL ? s->failed : 0;
	}
	if (s->state == STATE_TOP)
		return 0;
	fail(s, s->piece, "text ends inside a value");
	return s->failed;
}
