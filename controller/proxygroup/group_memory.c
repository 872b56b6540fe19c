#include "controller/proxygroup/group_memory.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/keyed.h"
#include "lib/base/mem.h"

struct minted {
	int ordinal;
	struct secret key;
};

struct group {
	char *name; /* the key */
	char *uid;
	struct minted *keys;
	size_t count;
	size_t cap;
	struct strv deleted;
	/* When the tokens that were used are all there again: 0 = they are. */
	uint64_t full_at_ms;
};

struct group_memory {
	struct keyed groups;
};

static const struct strv none;

struct group_memory *group_memory_new(void)
{
	return xcalloc(1, sizeof(struct group_memory));
}

static void group_free(void *item)
{
	struct group *g = item;
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->count; i++)
		secret_fini(&g->keys[i].key);
	free(g->keys);
	strv_fini(&g->deleted);
	free(g->uid);
	free(g->name);
	free(g);
}

void group_memory_free(struct group_memory *m)
{
	if (m == NULL)
		return;
	keyed_fini(&m->groups, group_free);
	free(m);
}

void group_memory_forget(struct group_memory *m, const char *group)
{
	group_free(keyed_remove(&m->groups, group));
}

static struct group *find_or_add(struct group_memory *m, const char *group)
{
	struct group *g = keyed_find(&m->groups, group);
	if (g != NULL)
		return g;
	g = xcalloc(1, sizeof(*g));
	g->name = xstrdup(group);
	keyed_put(&m->groups, g);
	return g;
}

void group_memory_begin(struct group_memory *m, const char *group, const char *uid)
{
	struct group *g = keyed_find(&m->groups, group);
	if (g != NULL && g->uid != NULL && strcmp(g->uid, uid) != 0)
		group_memory_forget(m, group);
	g = find_or_add(m, group);
	if (g->uid == NULL)
		g->uid = xstrdup(uid);
}

static struct minted *find_key(const struct group *g, int ordinal)
{
	for (size_t i = 0; g != NULL && i < g->count; i++) {
		if (g->keys[i].ordinal == ordinal)
			return &g->keys[i];
	}
	return NULL;
}

const struct secret *group_memory_key(const struct group_memory *m, const char *group, int ordinal)
{
	struct minted *minted = find_key(keyed_find(&m->groups, group), ordinal);
	return minted != NULL ? &minted->key : NULL;
}

void group_memory_keep_key(
	struct group_memory *m, const char *group, int ordinal, const struct secret *key)
{
	struct group *g = find_or_add(m, group);
	struct minted *minted = find_key(g, ordinal);
	if (minted == NULL) {
		g->keys = xgrow(g->keys, g->count, &g->cap, 4, sizeof(*g->keys));
		minted = &g->keys[g->count++];
		*minted = (struct minted){.ordinal = ordinal};
	}
	secret_copy(&minted->key, key);
}

void group_memory_drop_key(struct group_memory *m, const char *group, int ordinal)
{
	struct group *g = keyed_find(&m->groups, group);
	struct minted *minted = find_key(g, ordinal);
	if (minted == NULL)
		return;
	secret_fini(&minted->key);
	*minted = g->keys[--g->count];
}

void group_memory_add_deleted(struct group_memory *m, const char *group, const char *device)
{
	struct group *g = find_or_add(m, group);
	if (!strv_contains(&g->deleted, device))
		strv_push(&g->deleted, device);
}

const struct strv *group_memory_deleted(const struct group_memory *m, const char *group)
{
	const struct group *g = keyed_find(&m->groups, group);
	return g != NULL ? &g->deleted : &none;
}

unsigned int group_memory_tokens(struct group_memory *m, const char *group,
	const struct group_bucket *bucket, uint64_t *next_ms)
{
	const struct group *g = keyed_find(&m->groups, group);
	*next_ms = 0;
	if (g == NULL || g->full_at_ms <= bucket->now_ms)
		return bucket->burst;
	uint64_t wait = g->full_at_ms - bucket->now_ms;
	uint64_t used = (wait + bucket->interval_ms - 1) / bucket->interval_ms;
	*next_ms = wait - (used - 1) * bucket->interval_ms;
	return used >= bucket->burst ? 0 : bucket->burst - (unsigned int)used;
}

void group_memory_use_token(
	struct group_memory *m, const char *group, const struct group_bucket *bucket)
{
	struct group *g = find_or_add(m, group);
	if (g->full_at_ms < bucket->now_ms)
		g->full_at_ms = bucket->now_ms;
	g->full_at_ms += bucket->interval_ms;
}
