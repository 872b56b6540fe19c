/*
 * Text forms that users of the reference write in environment variables, parsed as Go parses them.
 */
#ifndef LIB_BASE_GOTEXT_H
#define LIB_BASE_GOTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* Exactly "1 t T TRUE true True" and "0 f F FALSE false False" (Go strconv.ParseBool). Returns 0 or
 * -EINVAL. */
int gotext_bool(const char *text, bool *out) MUST_CHECK;

/* Go time.ParseDuration: signed decimal numbers with unit (ns us µs ms s m h), concatenated, bare
 * "0". Result in nanoseconds. The sentence is Go's own: `time: invalid duration "x"`. */
int gotext_duration(const char *text, int64_t *nanoseconds, struct err *e) MUST_CHECK;

/* Go's Duration.String: "1m30s", "250ms", "0s". buf receives at most size bytes with NUL. */
void gotext_format_duration(int64_t nanoseconds, char *buf, size_t size);

/* Go %q of a byte string into out. A longer text is cut to the part that fits, still in quotes. */
void gotext_quote(const char *text, char *out, size_t size);

#endif
