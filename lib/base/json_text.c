#include "lib/base/json_text.h"

#include <string.h>

#include "lib/base/jscan_number.h"
#include "lib/base/str.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t count_digits(const char *text, size_t len, size_t at)
{
	size_t n = 0;
	while (at + n < len && is_digit(text[at + n]))
		n++;
	return n;
}

size_t json_text_number(const char *text, size_t len)
{
	if (len == 0 || (text[0] != '-' && !is_digit(text[0])))
		return 0;
	enum jscan_number state = jscan_number_begin(text[0]);
	const char *end = jscan_number_run(&state, text + 1, text + len);
	bool is_whole = state == JSCAN_NUMBER_OVER ||
			(state != JSCAN_NUMBER_BAD && jscan_number_may_end(state));
	return is_whole ? (size_t)(end - text) : 0;
}

bool json_text_i64(const char *text, size_t len, int64_t *out)
{
	bool negative = len > 0 && text[0] == '-';
	size_t at = negative ? 1 : 0;
	if (json_text_number(text, len) != len || at + count_digits(text, len, at) != len ||
		len == 0)
		return false;
	/* Counted downwards, because the smallest number has no positive counterpart. */
	int64_t value = 0;
	for (; at < len; at++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_sub_overflow(value, text[at] - '0', &value))
			return false;
	}
	if (!negative && value == INT64_MIN)
		return false;
	*out = negative ? value : -value;
	return true;
}

/* One decoded escape or character of a string. */
struct piece {
	const char *fault; /* NULL when it is good */
	size_t used;       /* bytes read */
	size_t made;       /* bytes it stands for */
	char bytes[4];
};

static struct piece bad_piece(const char *why)
{
	return (struct piece){.fault = why};
}

/* The four digits behind "\u", or -1. */
static long hex_unit(const char *text, size_t len)
{
	long unit = 0;
	if (len < 6 || text[0] != '\\' || text[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		char c = text[i];
		char lower = (char)(c | 0x20);
		int digit;
		if (is_digit(c))
			digit = c - '0';
		else if (lower >= 'a' && lower <= 'f')
			digit = lower - 'a' + 10;
		else
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static struct piece encode_utf8(long point, size_t used)
{
	struct piece p = {.used = used};
	if (point < 0x80) {
		p.made = 1;
		p.bytes[0] = (char)point;
		return p;
	}
	p.made = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = p.made - 1; i > 0; i--) {
		p.bytes[i] = (char)(0x80 | (point & 0x3f));
		point >>= 6;
	}
	p.bytes[0] = (char)(lead[p.made] | point);
	return p;
}

static struct piece decode_unit(const char *text, size_t len)
{
	long unit = hex_unit(text, len);
	if (unit < 0)
		return bad_piece("bad \\u escape");
	if (unit == 0)
		return bad_piece("escaped NUL");
	if (unit < 0xd800 || unit > 0xdfff)
		return encode_utf8(unit, 6);
	long low = unit < 0xdc00 ? hex_unit(text + 6, len - 6) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return bad_piece("half a surrogate pair");
	return encode_utf8(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), 12);
}

static struct piece decode_escape(const char *text, size_t len)
{
	static const char names[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	if (len >= 2 && text[1] == 'u')
		return decode_unit(text, len);
	const char *found = len >= 2 && text[1] != '\0' ? strchr(names, text[1]) : NULL;
	if (found == NULL)
		return bad_piece("bad escape");
	return (struct piece){.used = 2, .made = 1, .bytes = {meanings[found - names]}};
}

static struct piece decode_one(const char *text, size_t len)
{
	unsigned char c = (unsigned char)text[0];
	if (c == '\\')
		return decode_escape(text, len);
	if (c == '"')
		return bad_piece("quote inside a string");
	if (c < 0x20)
		return bad_piece("control character inside a string");
	uint32_t rune;
	struct piece p = {.used = str_utf8_decode(text, len, &rune)};
	if (p.used == 0)
		return bad_piece("text is not UTF-8");
	p.made = p.used;
	memcpy(p.bytes, text, p.used);
	return p;
}

/* Bytes that stand for themselves and do not end the string. */
static size_t count_plain(const char *text, size_t len)
{
	size_t n = 0;
	while (n < len && (signed char)text[n] >= 0x20 && text[n] != '"' && text[n] != '\\')
		n++;
	return n;
}

const char *json_text_string(const char *text, size_t len, size_t *out_len)
{
	size_t at = 0;
	for (;;) {
		at += count_plain(text + at, len - at);
		*out_len = at;
		if (at == len)
			return "string does not end";
		if (text[at] == '"')
			return NULL;
		struct piece p = decode_one(text + at, len - at);
		if (p.fault != NULL)
			return p.fault;
		at += p.used;
	}
}

const char *json_text_decode(const char *text, size_t len, char *out, size_t *out_len)
{
	size_t made = 0;
	for (size_t at = 0; at < len;) {
		size_t plain = count_plain(text + at, len - at);
		if (out != NULL)
			memmove(out + made, text + at, plain);
		made += plain;
		at += plain;
		if (at == len)
			break;
		struct piece p = decode_one(text + at, len - at);
		if (p.fault != NULL) {
			*out_len = at;
			return p.fault;
		}
		/* Never longer than its source, so out may be text. */
		if (out != NULL)
			memcpy(out + made, p.bytes, p.made);
		made += p.made;
		at += p.used;
	}
	*out_len = made;
	return NULL;
}
