/*
 * Last good answers of the resolver by name, bounded: the name unused for longest makes room. Time
 * comes from the caller. Not for use outside of lib/io/resolve*.c.
 */
#ifndef LIB_IO_RESOLVE_CACHE_H
#define LIB_IO_RESOLVE_CACHE_H

#include "lib/io/resolve.h"

#define RESOLVE_CACHE_MAX 64
#define RESOLVE_PARTIAL_TTL_S 5 /* when to ask again for the missing part of an answer */

struct resolve_cache_entry {
	char *host;
	struct ipaddr *addresses;
	size_t count;
	uint64_t expires_ms;
	uint64_t used_ms;
	bool stale; /* kept past its expiry because there was no newer one */
	bool is_partial;
};

struct resolve_cache {
	struct resolve_cache_entry entries[RESOLVE_CACHE_MAX];
	size_t count;
};

void resolve_cache_fini(struct resolve_cache *c);
/* Keeps the addresses of an answer for its ttl_s. */
void resolve_cache_put(struct resolve_cache *c, const char *host,
	const struct resolve_answer *answer, uint64_t now_ms);
void resolve_cache_drop(struct resolve_cache *c, const char *host);
/* An answer that is still valid; a partial one is valid only for a moment at a time. False when
 * there is none or it has expired. */
bool resolve_cache_get(
	struct resolve_cache *c, const char *host, uint64_t now_ms, struct resolve_answer *out);
/* The last good answer however old, marked stale, and returned by resolve_cache_get for the next
 * hold_ms, so that not every request waits for the dead server. False when there is none. */
bool resolve_cache_revive(struct resolve_cache *c, const char *host, uint64_t now_ms,
	uint64_t hold_ms, struct resolve_answer *out);
/* The last good answer however old, without any effect. False when there is none. */
bool resolve_cache_last(
	const struct resolve_cache *c, const char *host, struct resolve_answer *out);

#endif
