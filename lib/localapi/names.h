/*
 * A set of wanted FQDNs, for lookups while tens of thousands of names are streamed: without ASCII
 * case, with an optional trailing dot. It never contains the empty name, the root or names that are
 * too long. Zeroed is empty; private to this folder.
 *
 *	names_set(&wanted, &list);
 *	ptrdiff_t at = names_find(&wanted, "Web.t.ts.net.");
 */
#ifndef LIB_LOCALAPI_NAMES_H
#define LIB_LOCALAPI_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

/* Size of the longest name; DNS allows 254 bytes (RFC 1035 section 3.1). */
#define NAMES_TEXT_MAX 1024

struct name {
	char *text; /* folded, without trailing dot */
	size_t len;
};

struct names {
	struct name *items; /* sorted, unique */
	size_t len;
};

void names_set(struct names *n, const struct strv *list); /* replaces */
void names_fini(struct names *n);

bool names_equal(const struct names *a, const struct names *b);

/* Index in items, or -1. */
ptrdiff_t names_find(const struct names *n, const char *text);

/* Stores the folded name in out, without a trailing dot. Returns its length, 0 for an invalid
 * name. */
size_t names_fold(const char *text, char out[static NAMES_TEXT_MAX]);
bool names_is_usable(const char *text);

#endif
