#include "controller/engine/engine_quantity.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* Decimal places that are kept: the smallest unit is nano, and the server rounds up below it. */
#define PLACES 9
#define DIGITS_MAX 30

struct suffix {
	const char *text;
	int tens; /* power of 10 */
	int twos; /* power of 2 */
};

static const struct suffix suffixes[] = {
	{"", 0, 0},
	{"n", -9, 0},
	{"u", -6, 0},
	{"m", -3, 0},
	{"k", 3, 0},
	{"M", 6, 0},
	{"G", 9, 0},
	{"T", 12, 0},
	{"P", 15, 0},
	{"E", 18, 0},
	{"Ki", 0, 10},
	{"Mi", 0, 20},
	{"Gi", 0, 30},
	{"Ti", 0, 40},
	{"Pi", 0, 50},
	{"Ei", 0, 60},
};

/* value * factor, false when it does not fit. */
static bool scale(__int128 *value, int factor)
{
	return !__builtin_mul_overflow(*value, (__int128)factor, value);
}

/* The digits as an integer; *tens is lowered by each decimal place. NULL when there are none. */
static const char *read_digits(const char *p, __int128 *value, int *tens)
{
	bool has_point = false;
	int digits = 0;
	for (; (*p >= '0' && *p <= '9') || (*p == '.' && !has_point); p++) {
		if (*p == '.') {
			has_point = true;
			continue;
		}
		if (++digits > DIGITS_MAX || !scale(value, 10))
			return NULL;
		*value += *p - '0';
		*tens -= has_point;
	}
	return digits > 0 ? p : NULL;
}

/* A suffix or an exponent; false for anything else. */
static bool read_unit(const char *p, int *tens, int *twos)
{
	bool is_exponent = (*p == 'e' || *p == 'E') && p[1] != '\0' && p[1] != 'i';
	if (is_exponent) {
		char *end;
		long exponent = strtol(p + 1, &end, 10);
		*tens += exponent > -99 && exponent < 99 ? (int)exponent : 99;
		return *end == '\0' && end != p + 1 && strchr(" \t\n", p[1]) == NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		if (strcmp(p, suffixes[i].text) == 0) {
			*tens += suffixes[i].tens;
			*twos += suffixes[i].twos;
			return true;
		}
	}
	return false;
}

/* In units of nano. */
static bool parse(const char *text, __int128 *value)
{
	int tens = PLACES;
	int twos = 0;
	bool is_negative = *text == '-';
	*value = 0;
	const char *unit = read_digits(text + (*text == '-' || *text == '+'), value, &tens);
	if (unit == NULL || !read_unit(unit, &tens, &twos))
		return false;
	for (; twos > 0; twos--) {
		if (!scale(value, 2))
			return false;
	}
	for (; tens > 0; tens--) {
		if (!scale(value, 10))
			return false;
	}
	for (; tens < 0; tens++) {
		if (*value % 10 != 0)
			return false;
		*value /= 10;
	}
	if (is_negative)
		*value = -*value;
	return true;
}

bool engine_quantity_equal(const char *a, const char *b)
{
	__int128 left;
	__int128 right;
	return parse(a, &left) && parse(b, &right) && left == right;
}
