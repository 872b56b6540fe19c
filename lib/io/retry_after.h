/*
 * The Retry-After header (RFC 9110 section 10.2.3): seconds, or a date.
 */
#ifndef LIB_IO_RETRY_AFTER_H
#define LIB_IO_RETRY_AFTER_H

#include <stdint.h>

/* Milliseconds from now, capped at 24 h; 0 for NULL, for what is neither, and for a time that has
 * passed. */
uint64_t retry_after_ms(const char *value);

#endif
