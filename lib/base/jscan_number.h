/*
 * Numbers that arrive in pieces, for lib/base/jscan.h. Private to it. A piece may end inside a
 * number, so the caller keeps how far it has come.
 */
#ifndef LIB_BASE_JSCAN_NUMBER_H
#define LIB_BASE_JSCAN_NUMBER_H

#include <stdbool.h>

enum jscan_number {
	JSCAN_NUMBER_BAD, /* the byte at which it ended is not allowed in a number */
	JSCAN_NUMBER_OVER,
	JSCAN_NUMBER_MINUS,
	JSCAN_NUMBER_ZERO,
	JSCAN_NUMBER_INTEGER,
	JSCAN_NUMBER_POINT,
	JSCAN_NUMBER_FRACTION,
	JSCAN_NUMBER_E,
	JSCAN_NUMBER_SIGN,
	JSCAN_NUMBER_EXPONENT,
};

/* After the first byte, which is a digit or "-". */
enum jscan_number jscan_number_begin(char c);

/* Continues a number that is neither bad nor complete. Returns where it has ended, or end. */
const char *jscan_number_run(enum jscan_number *now, const char *p, const char *end);

/* True when the number may end with the text. */
bool jscan_number_may_end(enum jscan_number now);

#endif
