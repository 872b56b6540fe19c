#include "lib/base/json_text.h"

#include <string.h>

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
	size_t at = len > 0 && text[0] == '-' ? 1 : 0;
	size_t digits = count_digits(text, len, at);
	if (digits == 0 || (digits > 1 && text[at] == '0'))
		return 0;
	at += digits;
	if (at < len && text[at] == '.') {
		digits = count_digits(text, len, at + 1);
		if (digits == 0)
			return 0;
		at += 1 + digits;
	}
	if (at < len && (text[at] == 'e' || text[at] == 'E')) {
		at++;
		if (at < len && (text[at] == '+' || text[at] == '-'))
			at++;
		digits = count_digits(text, len, at);
		if (digits == 0)
			return 0;
		at += digits;
	}
	return at;
}

bool json_text_i64(const char *text, size_t len, int64_t *out)
{
	bool negative = len > 0 && text[0] == '-';
	size_t at = negative ? 1 : 0;
	if (json_text_number(text, len) != len || at + count_digits(text, len, at) != len ||
		len == 0)
		return false;
	/* Counted downwards, because the smallest number has no positive twin. */
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

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t json_text_utf8(const char *text, size_t len)
{
	const unsigned char *c = (const unsigned char *)text;
	if (len == 0 || c[0] == 0)
		return 0;
	if (c[0] < 0x80)
		return 1;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	size_t n = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (!is_continuation(c[i]))
			return 0;
	}
	/* Longer than needed, halves of surrogate pairs, above U+10FFFF. */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
		(c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	return n;
}

/* What one escape or one character of a string means. */
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
	struct piece p = {.used = json_text_utf8(text, len)};
	if (p.used == 0)
		return bad_piece("text is not UTF-8");
	p.made = p.used;
	memcpy(p.bytes, text, p.used);
	return p;
}

const char *json_text_decode(const char *text, size_t len, char *out, size_t *out_len)
{
	size_t made = 0;
	for (size_t at = 0; at < len;) {
		struct piece p = decode_one(text + at, len - at);
		if (p.fault != NULL) {
			*out_len = at;
			return p.fault;
		}
		/* Never longer than what it was made from, so out may be text. */
		if (out != NULL)
			memcpy(out + made, p.bytes, p.made);
		made += p.made;
		at += p.used;
	}
	*out_len = made;
	return NULL;
}
