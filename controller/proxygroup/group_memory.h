/*
 * What the feature remembers of a group beyond the caches; none of it is needed to be correct after
 * a restart: keys that were made and are not in the cache yet, which of its devices are gone, and
 * how many keys may be replaced now. Pure. Private to this folder.
 */
#ifndef CONTROLLER_PROXYGROUP_GROUP_MEMORY_H
#define CONTROLLER_PROXYGROUP_GROUP_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/secret.h"
#include "lib/base/str.h"

struct group_memory;

struct group_memory *group_memory_new(void);
void group_memory_free(struct group_memory *m); /* NULL is accepted; wipes */
/* The group is gone. */
void group_memory_forget(struct group_memory *m, const char *group);
/* Whether the group has another uid than before: then all of the former one is forgotten. */
void group_memory_begin(struct group_memory *m, const char *group, const char *uid);

/* NULL when there is none. Borrowed until the next change. */
const struct secret *group_memory_key(const struct group_memory *m, const char *group, int ordinal);
void group_memory_keep_key(
	struct group_memory *m, const char *group, int ordinal, const struct secret *key);
void group_memory_drop_key(struct group_memory *m, const char *group, int ordinal);

void group_memory_add_deleted(struct group_memory *m, const char *group, const char *device);
/* Never NULL. */
const struct strv *group_memory_deleted(const struct group_memory *m, const char *group);

/* The first `burst` tokens are there at once, then one comes after each interval. */
struct group_bucket {
	unsigned int burst;
	uint64_t interval_ms;
	uint64_t now_ms;
};

unsigned int group_memory_tokens(struct group_memory *m, const char *group,
	const struct group_bucket *bucket, uint64_t *next_ms);
void group_memory_use_token(
	struct group_memory *m, const char *group, const struct group_bucket *bucket);

#endif
