/*
 * The pass before cJSON: refuses text that is not JSON by our rules (lib/base/json.h) with line and
 * column, and writes a copy in which every number is a string with the prefix JSON_CHECK_NUMBER,
 * since cJSON would turn numbers into doubles and lose the low digits of 64-bit ids. Private to
 * lib/base/json_parse.c.
 */
#ifndef LIB_BASE_JSON_CHECK_H
#define LIB_BASE_JSON_CHECK_H

#include <stddef.h>

#include "lib/base/buf.h"

/* No string begins with it: this byte does not occur in UTF-8. */
#define JSON_CHECK_NUMBER '\xff'

/* 0 with the copy appended to out, or -EINVAL, -EMSGSIZE, -ENOMEM. */
int json_check(const char *text, size_t len, struct buf *out, struct err *e) MUST_CHECK;

#endif
