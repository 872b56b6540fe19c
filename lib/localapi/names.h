/*
 * A set of FQDNs somebody wants, for look-ups while tens of thousands of names stream past: ASCII
 * letters without case, one trailing dot optional. The empty name and the root are never in it, nor
 * is what is longer than any name. Zeroed is empty; private to this folder.
 *
 *	names_set(&wanted, &list);
 *	ptrdiff_t at = names_find(&wanted, "Web.t.ts.net.");
 */
#ifndef LIB_LOCALAPI_NAMES_H
#define LIB_LOCALAPI_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

/* Most bytes of a name that is looked at; DNS allows 254 (RFC 1035 section 3.1). */
#define NAMES_TEXT_MAX 1024

struct name {
	char *text; /* folded, without trailing dot */
	size_t len;
};

struct names {
	struct name *items; /* sorted, each once */
	size_t len;
};

void names_set(struct names *n, const struct strv *list); /* replaces */
void names_fini(struct names *n);

bool names_equal(const struct names *a, const struct names *b);

/* Index in items, or -1. */
ptrdiff_t names_find(const struct names *n, const char *text);

/* The folded name in out, without a trailing dot. Returns its length, 0 for what is no name. */
size_t names_fold(const char *text, char out[static NAMES_TEXT_MAX]);
bool names_is_usable(const char *text);

#endif
