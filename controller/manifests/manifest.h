/*
 * Objects that the controller makes, as documents that a reader knows: NAME.json of this folder,
 * with named holes, is part of the program. Pure.
 *
 *	"${name}"      any value
 *	"a-${name}-b"  a text within a text
 *	"${*name}"     the elements of an array, in an array; not as its first element
 *
 * A member whose value is null, or that has none, is left out.
 *
 *	struct json *values = json_new_object();
 *	json_set_str(values, "group", "egress");
 *	struct json *role = manifest_fill("group-role", values, &e);
 */
#ifndef CONTROLLER_MANIFESTS_MANIFEST_H
#define CONTROLLER_MANIFESTS_MANIFEST_H

#include "lib/base/err.h"

/* With all values filled in; they may come from a user. */
#define MANIFEST_MAX (4u * 1024 * 1024)

struct json;

/* Owned, or NULL with the error set: -EMSGSIZE when the values are too large, -EINVAL when they are
 * too deep. values: an object. */
struct json *manifest_fill(const char *name, const struct json *values, struct err *e) MUST_CHECK;
/* The text as it is in the file; NULL when there is no such manifest. */
const char *manifest_text(const char *name);

#endif
