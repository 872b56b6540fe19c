#include "lib/io/resolve_cache.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static void entry_fini(struct resolve_cache_entry *entry)
{
	free(entry->host);
	free(entry->addresses);
	memset(entry, 0, sizeof(*entry));
}

void resolve_cache_fini(struct resolve_cache *c)
{
	for (size_t i = 0; i < c->count; i++)
		entry_fini(&c->entries[i]);
	c->count = 0;
}

/* Host names are case-insensitive (RFC 4343). */
static size_t find_index(const struct resolve_cache *c, const char *host)
{
	size_t i = 0;
	while (i < c->count && !str_equal_fold(c->entries[i].host, host))
		i++;
	return i;
}

static struct resolve_cache_entry *find(struct resolve_cache *c, const char *host)
{
	size_t i = find_index(c, host);
	return i < c->count ? &c->entries[i] : NULL;
}

static struct resolve_cache_entry *make_room(struct resolve_cache *c)
{
	if (c->count < RESOLVE_CACHE_MAX)
		return &c->entries[c->count++];
	struct resolve_cache_entry *oldest = &c->entries[0];
	for (size_t i = 1; i < c->count; i++) {
		if (c->entries[i].used_ms < oldest->used_ms)
			oldest = &c->entries[i];
	}
	entry_fini(oldest);
	return oldest;
}

void resolve_cache_put(struct resolve_cache *c, const char *host,
	const struct resolve_answer *answer, uint64_t now_ms)
{
	struct resolve_cache_entry *entry = find(c, host);
	if (entry != NULL)
		entry_fini(entry);
	else
		entry = make_room(c);
	entry->host = xstrdup(host);
	entry->addresses = xcalloc(answer->count, sizeof(entry->addresses[0]));
	memcpy(entry->addresses, answer->addresses, answer->count * sizeof(entry->addresses[0]));
	entry->count = answer->count;
	entry->expires_ms = now_ms + (uint64_t)answer->ttl_s * CLOCK_MS_PER_S;
	entry->used_ms = now_ms;
	entry->is_partial = answer->is_partial;
}

void resolve_cache_drop(struct resolve_cache *c, const char *host)
{
	struct resolve_cache_entry *entry = find(c, host);
	if (entry == NULL)
		return;
	entry_fini(entry);
	*entry = c->entries[--c->count];
	memset(&c->entries[c->count], 0, sizeof(c->entries[0]));
}

static void fill(struct resolve_cache_entry *entry, uint64_t now_ms, struct resolve_answer *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->addresses, entry->addresses, entry->count * sizeof(out->addresses[0]));
	out->count = entry->count;
	/* Rounded up: a valid answer has time left. */
	out->ttl_s = (uint32_t)((entry->expires_ms - now_ms + CLOCK_MS_PER_S - 1) / CLOCK_MS_PER_S);
	out->stale = entry->stale;
	out->is_partial = entry->is_partial;
	if (out->is_partial && out->ttl_s > RESOLVE_PARTIAL_TTL_S)
		out->ttl_s = RESOLVE_PARTIAL_TTL_S;
	entry->used_ms = now_ms;
}

bool resolve_cache_get(
	struct resolve_cache *c, const char *host, uint64_t now_ms, struct resolve_answer *out)
{
	struct resolve_cache_entry *entry = find(c, host);
	if (entry == NULL || entry->expires_ms <= now_ms)
		return false;
	fill(entry, now_ms, out);
	return true;
}

bool resolve_cache_revive(struct resolve_cache *c, const char *host, uint64_t now_ms,
	uint64_t hold_ms, struct resolve_answer *out)
{
	struct resolve_cache_entry *entry = find(c, host);
	if (entry == NULL)
		return false;
	if (entry->expires_ms <= now_ms) {
		entry->stale = true;
		entry->expires_ms = now_ms + hold_ms;
	}
	fill(entry, now_ms, out);
	return true;
}

bool resolve_cache_last(const struct resolve_cache *c, const char *host, struct resolve_answer *out)
{
	size_t i = find_index(c, host);
	if (i == c->count)
		return false;
	memset(out, 0, sizeof(*out));
	out->count = c->entries[i].count;
	memcpy(out->addresses, c->entries[i].addresses, out->count * sizeof(out->addresses[0]));
	return true;
}
