/*
 * What a user writes without that which the API server does not store: it would differ for ever.
 * Pure. Private to this folder.
 */
#ifndef CONTROLLER_PROXYGROUP_GROUP_CLEAN_H
#define CONTROLLER_PROXYGROUP_GROUP_CLEAN_H

struct json;

/* A copy without null, empty lists, empty texts and empty maps; empty texts stay in maps, and empty
 * objects in lists, where they mean something ("every pod"). NULL for nothing. */
struct json *group_clean(const struct json *value);

#endif
