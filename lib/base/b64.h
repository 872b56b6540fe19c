/*
 * Base64 with the standard alphabet and padding (RFC 4648 section 4), strict on input.
 */
#ifndef LIB_BASE_B64_H
#define LIB_BASE_B64_H

#include "lib/base/buf.h"

int b64_encode(const void *data, size_t len, struct buf *out, struct err *e) MUST_CHECK;
/* -EINVAL for a bad alphabet, length, padding or trailing bits. Appends to out. */
int b64_decode(const char *text, size_t len, struct buf *out, struct err *e) MUST_CHECK;

#endif
