/*
 * Self-wiping strings for auth keys and tokens. The bytes live in memory excluded from core files
 * (MADV_DONTDUMP) and are overwritten before they are freed. Never pass secret_str() to a log call
 * or an error text: print SECRET_SHOWN instead.
 */
#ifndef LIB_BASE_SECRET_H
#define LIB_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_SHOWN "***"

struct secret {
	char *data; /* NULL = not set; otherwise NUL-terminated */
	size_t len;
};

void secret_set(struct secret *s, const char *bytes, size_t len); /* copies; replaces and wipes */
void secret_set_str(struct secret *s, const char *text);          /* NULL unsets */
void secret_copy(struct secret *to, const struct secret *from);
void secret_fini(struct secret *s);         /* wipes; s is unset */
bool secret_is_set(const struct secret *s); /* set and not empty */
bool secret_equal(
	const struct secret *a, const struct secret *b); /* constant time for equal lengths;
								      unset equals empty */
const char *secret_str(const struct secret *s);          /* "" when unset */

#endif
