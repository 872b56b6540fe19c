/*
 * Typed members of a document, shared by the parsers of this folder. Keys are matched without
 * ASCII case, as Go matches the fields of a struct; an absent or null member leaves the result
 * unchanged. Private to this folder.
 *
 * Sentences begin with the key, "matchPort: …"; field_within prefixes its location.
 */
#ifndef LIB_CONTRACT_FIELD_H
#define LIB_CONTRACT_FIELD_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"
#include "lib/base/json.h"

/* 0 and the member, or NULL without one; -EINVAL when it has another type. */
int field_get(const struct json *obj, const char *key, enum json_type want, const struct json **out,
	struct err *e) MUST_CHECK;
/* A borrowed string of at most max bytes. */
int field_text(const struct json *obj, const char *key, size_t max, const char **out,
	struct err *e) MUST_CHECK;
/* An address without a zone, other than the unspecified one; what is the key in the sentence.
 * -EINVAL. */
int field_address(const char *text, const char *what, struct ipaddr *out, struct err *e) MUST_CHECK;

/* Prefixes the sentence, for instance with "ports[3]."; returns the code. */
int field_within(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Parses the text of a document: an object, or NULL in *out for an empty text or for null. *out is
 * owned. -EINVAL with line and column or the type, -EMSGSIZE. */
int field_document(const char *text, size_t len, struct json **out, struct err *e) MUST_CHECK;

#endif
