/*
 * The environment of a group's container: names that are the controller's own, and the merge of a
 * user's list by name. Pure. Private to this folder.
 */
#ifndef CONTROLLER_PROXYGROUP_GROUP_ENV_H
#define CONTROLLER_PROXYGROUP_GROUP_ENV_H

#include "lib/base/str.h"

struct json;

/* A sentence for each fault of spec.template.container.env. */
void group_env_check(const struct json *env, struct strv *faults);
/* Adds a variable, unless the name is there. */
void group_env_push(struct json *env, const char *name, const char *value);
/* Adds the user's list, of several of a name the last one. */
void group_env_merge(struct json *env, const struct json *user);

#endif
