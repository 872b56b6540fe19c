/*
 * Objects as an API server changes them: patches, defaults, versions. For api_world.
 */
#ifndef TESTS_SUPPORT_API_OBJECT_H
#define TESTS_SUPPORT_API_OBJECT_H

#include <stdbool.h>

struct json;

bool api_object_is(const struct json *object, const char *ns, const char *name);
/* Of metadata; "" without one. The caller frees. */
char *api_object_text(const struct json *object, const char *key);
bool api_object_is_owned_by(const struct json *object, const struct json *owner);
bool api_object_has_finalizers(const struct json *object);
/* Deleted, and nobody holds it any more. */
bool api_object_is_released(const struct json *object);
/* The uid is that of the object, and so is the version in the body; NULL is any. */
bool api_object_is_version(const struct json *object, const char *uid, const struct json *body);
void api_object_stamp(struct json *object, const char *version, bool is_new);

/* What the object is afterwards: a new one. */
struct json *api_object_create(const struct json *desired);
struct json *api_object_apply(const struct json *object, const struct json *desired);
struct json *api_object_merge(const struct json *object, const struct json *patch);
/* Of a status with conditions. */
struct json *api_object_strategic(const struct json *object, const struct json *patch);
struct json *api_object_mark_deleted(const struct json *object);

#endif
