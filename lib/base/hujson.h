/*
 * HuJSON, that is JSON with comments and trailing commas: both are blanked in place with spaces
 * (line ends are kept, so that positions in later messages stay right), and the result is JSON.
 */
#ifndef LIB_BASE_HUJSON_H
#define LIB_BASE_HUJSON_H

#include <stddef.h>

#include "lib/base/err.h"

/* -EINVAL, with the line, for a comment that does not end. Does not check the JSON itself. */
int hujson_standardize(char *text, size_t len, struct err *e) MUST_CHECK;

#endif
