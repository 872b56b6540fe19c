/*
 * Members of a document, each with its type: what the readers of this folder share. Keys are found
 * without regard to ASCII case, as Go finds the fields of a struct; a member that is absent or null
 * leaves the result as it is. Private to this folder.
 *
 * Sentences begin with the key, "matchPort: …"; field_within puts before it where that is.
 */
#ifndef LIB_CONTRACT_FIELD_H
#define LIB_CONTRACT_FIELD_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"
#include "lib/base/json.h"

/* 0 and the member, or NULL without one; -EINVAL when it is of another type. */
int field_get(const struct json *obj, const char *key, enum json_type want, const struct json **out,
	struct err *e) MUST_CHECK;
/* A borrowed string of at most max bytes. */
int field_text(const struct json *obj, const char *key, size_t max, const char **out,
	struct err *e) MUST_CHECK;
/* An address without a zone, and not the unspecified one; what names the key in the sentence.
 * -EINVAL. */
int field_address(const char *text, const char *what, struct ipaddr *out, struct err *e) MUST_CHECK;

/* Puts a prefix before the sentence, "ports[3]." for one; returns the code. */
int field_within(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Parses the text of a document: an object, or NULL in *out for an empty text or for null. *out is
 * owned. -EINVAL with line and column or the type, -EMSGSIZE. */
int field_document(const char *text, size_t len, struct json **out, struct err *e) MUST_CHECK;

#endif
