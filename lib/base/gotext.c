#include "lib/base/gotext.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/gotext_print.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull
#define NS_PER_MIN (60 * NS_PER_S)
#define NS_PER_HOUR (60 * NS_PER_MIN)
/* Magnitude of the most negative duration. */
#define NS_LIMIT (1ull << 63)

int gotext_bool(const char *text, bool *out)
{
	static const char *const words[2][6] = {
		{"0", "f", "F", "FALSE", "false", "False"},
		{"1", "t", "T", "TRUE", "true", "True"},
	};
	for (int value = 0; value < 2; value++) {
		for (size_t i = 0; i < ARRAY_LEN(words[value]); i++) {
			if (strcmp(text, words[value][i]) == 0) {
				*out = value == 1;
				return 0;
			}
		}
	}
	return -EINVAL;
}

/* Bytes for a quoted value inside a sentence. */
#define QUOTED_MAX 256

/* Writes pieces into a buffer of fixed size and keeps one byte for the closing quote and the NUL
 * each. A piece that does not fit ends the text. */
struct quoted {
	char *out;
	size_t len;
	size_t size;
	bool full;
};

static void put(struct quoted *q, const char *bytes, size_t len)
{
	if (q->full || len > q->size - 2 - q->len) {
		q->full = true;
		return;
	}
	memcpy(q->out + q->len, bytes, len);
	q->len += len;
}

static void put_hex(struct quoted *q, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char escape[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
	put(q, escape, sizeof(escape));
}

static void quoted_begin(struct quoted *q, char *out, size_t size)
{
	*q = (struct quoted){.out = out, .size = size};
	put(q, "\"", 1);
}

static void quoted_end(struct quoted *q)
{
	q->out[q->len++] = '"';
	q->out[q->len] = '\0';
}

/* The time package quotes in its own, simpler way: all but printable ASCII as \xNN. */
static const char *time_quote(const char *text, size_t len, char out[static QUOTED_MAX])
{
	struct quoted q;
	quoted_begin(&q, out, QUOTED_MAX);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= 0x80 || c < ' ')
			put_hex(&q, c);
		else if (c == '"' || c == '\\')
			put(&q, (char[]){'\\', (char)c}, 2);
		else
			put(&q, (char[]){(char)c}, 1);
	}
	quoted_end(&q);
	return out;
}

static void put_rune(struct quoted *q, const char *bytes, size_t len, uint32_t rune)
{
	static const char letters[][2] = {{'\a', 'a'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'},
		{'\r', 'r'}, {'\t', 't'}, {'\v', 'v'}, {'"', '"'}, {'\\', '\\'}};
	for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
		if (rune == (unsigned char)letters[i][0]) {
			put(q, (char[]){'\\', letters[i][1]}, 2);
			return;
		}
	}
	if (gotext_print_is(rune)) {
		put(q, bytes, len);
		return;
	}
	char escape[16];
	int n;
	if (rune < 0x80)
		n = snprintf(escape, sizeof(escape), "\\x%02x", rune);
	else if (rune < 0x10000)
		n = snprintf(escape, sizeof(escape), "\\u%04x", rune);
	else
		n = snprintf(escape, sizeof(escape), "\\U%08x", rune);
	put(q, escape, (size_t)n);
}

void gotext_quote(const char *text, char *out, size_t size)
{
	if (size < 3) {
		if (size > 0)
			out[0] = '\0';
		return;
	}
	struct quoted q;
	quoted_begin(&q, out, size);
	size_t len = strlen(text);
	for (size_t i = 0; i < len && !q.full;) {
		uint32_t rune;
		size_t n = str_utf8_decode(text + i, len - i, &rune);
		if (n > 0) {
			put_rune(&q, text + i, n, rune);
		} else {
			n = 1;
			put_hex(&q, (unsigned char)text[i]);
		}
		i += n;
	}
	quoted_end(&q);
}

static uint64_t unit_of(const char *name, size_t len)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"ns", 1},
		{"us", NS_PER_US},
		{"\xc2\xb5s", NS_PER_US}, /* U+00B5 micro sign */
		{"\xce\xbcs", NS_PER_US}, /* U+03BC Greek letter mu */
		{"ms", NS_PER_MS},
		{"s", NS_PER_S},
		{"m", NS_PER_MIN},
		{"h", NS_PER_HOUR},
	};
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strlen(units[i].name) == len && memcmp(units[i].name, name, len) == 0)
			return units[i].ns;
	}
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whole part of a number. False when it is above 2^63. */
static bool parse_whole(const char **p, uint64_t *value)
{
	*value = 0;
	for (; is_digit(**p); (*p)++) {
		if (*value > NS_LIMIT / 10)
			return false;
		*value = *value * 10 + (uint64_t)(**p - '0');
		if (*value > NS_LIMIT)
			return false;
	}
	return true;
}

/* Digits after the point; those beyond 63 bits of precision are ignored. */
static void parse_fraction(const char **p, uint64_t *value, double *scale)
{
	bool over = false;
	*value = 0;
	*scale = 1;
	for (; is_digit(**p); (*p)++) {
		if (over)
			continue;
		uint64_t next = *value * 10 + (uint64_t)(**p - '0');
		if (*value > (NS_LIMIT - 1) / 10 || next > NS_LIMIT) {
			over = true;
			continue;
		}
		*value = next;
		*scale *= 10;
	}
}

enum part_result {
	PART_OK,
	PART_INVALID,
	PART_NO_UNIT,
	PART_BAD_UNIT,
};

struct part {
	uint64_t ns;
	const char *unit;
	size_t unit_len;
};

/* One number with its unit. */
static enum part_result parse_part(const char **p, struct part *part)
{
	uint64_t fraction = 0;
	double scale = 1;
	const char *start = *p;
	if (!parse_whole(p, &part->ns))
		return PART_INVALID;
	bool has_digits = *p != start;
	if (**p == '.') {
		start = ++*p;
		parse_fraction(p, &fraction, &scale);
		has_digits = has_digits || *p != start;
	}
	if (!has_digits)
		return PART_INVALID;
	part->unit = *p;
	part->unit_len = strcspn(*p, ".0123456789");
	*p += part->unit_len;
	if (part->unit_len == 0)
		return PART_NO_UNIT;
	uint64_t unit = unit_of(part->unit, part->unit_len);
	if (unit == 0)
		return PART_BAD_UNIT;
	if (part->ns > NS_LIMIT / unit)
		return PART_INVALID;
	part->ns *= unit;
	/* In double precision like the reference, to round as it does. */
	if (fraction > 0)
		part->ns += (uint64_t)((double)fraction * ((double)unit / scale));
	return part->ns > NS_LIMIT ? PART_INVALID : PART_OK;
}

static int invalid_duration(
	const char *text, enum part_result why, const struct part *part, struct err *e)
{
	char quoted[QUOTED_MAX];
	char unit[QUOTED_MAX];
	time_quote(text, strlen(text), quoted);
	if (why == PART_NO_UNIT)
		return err_set(e, -EINVAL, "time: missing unit in duration %s", quoted);
	if (why == PART_BAD_UNIT)
		return err_set(e, -EINVAL, "time: unknown unit %s in duration %s",
			time_quote(part->unit, part->unit_len, unit), quoted);
	return err_set(e, -EINVAL, "time: invalid duration %s", quoted);
}

int gotext_duration(const char *text, int64_t *nanoseconds, struct err *e)
{
	struct part part = {0};
	uint64_t total = 0;
	bool negative = *text == '-';
	const char *p = text + (*text == '-' || *text == '+');
	if (strcmp(p, "0") == 0) {
		*nanoseconds = 0;
		return 0;
	}
	if (*p == '\0')
		return invalid_duration(text, PART_INVALID, &part, e);
	while (*p != '\0') {
		enum part_result r = parse_part(&p, &part);
		if (r != PART_OK)
			return invalid_duration(text, r, &part, e);
		/* Both are at most 2^63; their sum may be 2^64 and wrap, as it does in Go. */
		total += part.ns;
		if (total > NS_LIMIT)
			return invalid_duration(text, PART_INVALID, &part, e);
	}
	if (!negative && total == NS_LIMIT)
		return invalid_duration(text, PART_INVALID, &part, e);
	*nanoseconds = negative ? (int64_t)(0 - total) : (int64_t)total;
	return 0;
}

/* value / 10^digits as decimal text without trailing zeros. */
static void format_decimal(uint64_t value, int digits, char out[static 32])
{
	uint64_t divisor = 1;
	for (int i = 0; i < digits; i++)
		divisor *= 10;
	int n = snprintf(out, 32, "%llu", (unsigned long long)(value / divisor));
	if (value % divisor == 0)
		return;
	n += snprintf(
		out + n, 32 - (size_t)n, ".%0*llu", digits, (unsigned long long)(value % divisor));
	while (out[n - 1] == '0')
		out[--n] = '\0';
}

void gotext_format_duration(int64_t nanoseconds, char *buf, size_t size)
{
	const char *sign = nanoseconds < 0 ? "-" : "";
	uint64_t ns = nanoseconds < 0 ? 0 - (uint64_t)nanoseconds : (uint64_t)nanoseconds;
	char number[32];
	if (ns == 0) {
		snprintf(buf, size, "0s");
	} else if (ns < NS_PER_US) {
		snprintf(buf, size, "%s%lluns", sign, (unsigned long long)ns);
	} else if (ns < NS_PER_MS) {
		format_decimal(ns, 3, number);
		snprintf(buf, size, "%s%s\xc2\xb5s", sign, number);
	} else if (ns < NS_PER_S) {
		format_decimal(ns, 6, number);
		snprintf(buf, size, "%s%sms", sign, number);
	} else {
		unsigned long long minutes = ns / NS_PER_MIN;
		format_decimal(ns % NS_PER_MIN, 9, number);
		if (minutes >= 60)
			snprintf(buf, size, "%s%lluh%llum%ss", sign, minutes / 60, minutes % 60,
				number);
		else if (minutes > 0)
			snprintf(buf, size, "%s%llum%ss", sign, minutes, number);
		else
			snprintf(buf, size, "%s%ss", sign, number);
	}
}
