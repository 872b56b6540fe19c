#include "lib/base/cause.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fnv.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define EPHEMERAL_PORT_MIN 32768 /* net.ipv4.ip_local_port_range */
#define LONG_NUMBER 6
#define LONG_HEX 16

#define DIGITS "0123456789"
#define HEX DIGITS "abcdefABCDEF"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A part of a word or of a number: a pattern next to it does not stand alone. */
static bool is_inner(char c)
{
	return is_digit(c) || is_letter(c) || c == '_';
}

/* Length of the shape at the beginning of text: 'd' is a digit, any other character itself; 0 = no
 * match. */
static size_t match_shape(const char *text, const char *shape)
{
	for (size_t i = 0; shape[i] != '\0'; i++) {
		if (shape[i] == 'd' ? !is_digit(text[i]) : text[i] != shape[i])
			return 0;
	}
	return strlen(shape);
}

/* A time of day with its fraction and zone. */
static size_t match_clock(const char *text)
{
	size_t n = match_shape(text, "dd:dd:dd");
	if (n == 0)
		return 0;
	if (text[n] == '.' && is_digit(text[n + 1]))
		n += 1 + strspn(text + n + 1, DIGITS);
	if (text[n] == 'Z')
		return n + 1;
	if (text[n] == '+' || text[n] == '-')
		n += match_shape(text + n + 1, "dd:dd") > 0 ? strlen("+00:00") : 0;
	return is_digit(text[n]) ? 0 : n;
}

static size_t match_moment(const char *text)
{
	size_t n = match_shape(text, "dddd-dd-dd");
	if (n == 0)
		n = match_shape(text, "dddd/dd/dd");
	if (n == 0)
		return match_clock(text);
	size_t clock = text[n] == 'T' || text[n] == ' ' ? match_clock(text + n + 1) : 0;
	return clock > 0 ? n + 1 + clock : n;
}

/* The longest unit of the list that the text begins with and that ends there, 0 = none. */
static size_t match_unit(const char *text, const char *const units[], bool goes_on)
{
	for (size_t i = 0; units[i] != NULL; i++) {
		size_t n = strlen(units[i]);
		if (str_starts(text, units[i]) &&
			(!is_inner(text[n]) || (goes_on && is_digit(text[n]))))
			return n;
	}
	return 0;
}

/* "1m30s", "1.5s", "250ms", "3 s", "12 seconds". */
static size_t match_duration(const char *text)
{
	static const char *const short_units[] = {"ns", "us", "µs", "ms", "s", "m", "h", NULL};
	static const char *const words[] = {"ms", "s", "sec", "second", "seconds", "minute",
		"minutes", "hour", "hours", "milliseconds", NULL};
	size_t n = 0;
	for (;;) {
		size_t number = strspn(text + n, DIGITS);
		if (number > 0 && text[n + number] == '.' && is_digit(text[n + number + 1]))
			number += 1 + strspn(text + n + number + 1, DIGITS);
		if (number == 0)
			return n;
		size_t unit = match_unit(text + n + number, short_units, true);
		if (unit == 0 && n == 0 && text[number] == ' ') {
			unit = match_unit(text + number + 1, words, false);
			return unit > 0 ? number + 1 + unit : 0;
		}
		if (unit == 0)
			return 0;
		n += number + unit;
	}
}

/* Identifiers in hexadecimal. */
static size_t match_hex(const char *text)
{
	if (text[0] == '0' && text[1] == 'x' && strspn(text + 2, HEX) > 0)
		return 2 + strspn(text + 2, HEX);
	size_t n = strspn(text, HEX "-");
	size_t first = strspn(text, HEX);
	bool is_uuid =
		n == 36 && first == 8 && text[13] == '-' && text[18] == '-' && text[23] == '-';
	if ((is_uuid || (first >= LONG_HEX && first == n)) && !is_inner(text[n]))
		return n;
	return 0;
}

/* Words before a number that identifies one of many processes, tries and so on. */
static bool is_counted(const char *begin, const char *at)
{
	static const char *const names[] = {
		"pid", "PID", "process", "thread", "attempt", "retry", "try"};
	if (at == begin)
		return false;
	if (at[-1] == '[')
		return at - 1 > begin && is_letter(at[-2]) && at[strspn(at, DIGITS)] == ']';
	const char *end = at;
	while (end > begin && strchr(" =:#", end[-1]) != NULL)
		end--;
	for (size_t i = 0; end < at && i < ARRAY_LEN(names); i++) {
		size_t len = strlen(names[i]);
		if ((size_t)(end - begin) < len || memcmp(end - len, names[i], len) != 0)
			continue;
		if ((size_t)(end - begin) == len || !is_inner(end[-(ptrdiff_t)len - 1]))
			return true;
	}
	return false;
}

static bool is_ephemeral_port(const char *begin, const char *at)
{
	size_t len = strspn(at, DIGITS);
	if (at - begin < 2 || at[-1] != ':' || (!is_inner(at[-2]) && at[-2] != ']') || len > 5)
		return false;
	return str_starts(at + len, "->") || strtol(at, NULL, 10) >= EPHEMERAL_PORT_MIN;
}

/* Length of the part to ignore at this place, 0 = none. */
static size_t match_ignored(const char *begin, const char *at)
{
	char before = at > begin ? at[-1] : ' ';
	if (!is_inner(before) && before != '.') {
		size_t n = match_hex(at);
		if (n == 0)
			n = match_moment(at);
		if (n == 0 && before != ':')
			n = match_duration(at);
		if (n > 0)
			return n;
	}
	size_t len = strspn(at, DIGITS);
	if (len == 0 || is_digit(before))
		return 0;
	return len >= LONG_NUMBER || is_counted(begin, at) || is_ephemeral_port(begin, at) ? len
											   : 0;
}

/* Whether the word that begins here names something temporary. */
static bool is_temporary(const char *word)
{
	size_t len = strcspn(word, " ");
	return memmem(word, len, "tmp", 3) != NULL;
}

uint64_t cause_of(const char *text)
{
	uint64_t hash = FNV_INIT;
	bool temporary = false;
	for (const char *at = text; *at != '\0';) {
		if (at == text || at[-1] == ' ')
			temporary = is_temporary(at);
		size_t n = temporary ? strspn(at, DIGITS) : match_ignored(text, at);
		hash = fnv_add(hash, n > 0 ? "#" : at, 1);
		at += n > 0 ? n : 1;
	}
	return hash;
}
