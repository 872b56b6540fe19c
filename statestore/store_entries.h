/*
 * The keys of a store: what each should hold, what is known to be there, and which of them go into
 * the next write. Pure: the time is an argument, the write itself is the caller's.
 *
 * Keys that are due go out together. When the place refuses such a write for good, each of its keys
 * is tried alone, and one that is refused alone gets a back-off of its own; the others go on. A new
 * value of a refused key is due at once, but no sooner than the first pause after the refusal, so
 * that a value that changes all the time does not become a stream of refused writes.
 *
 *	count = store_entries_pick(&entries, clock_now_ms(), changes);
 *	... write ...
 *	store_entries_stored(&entries);  or _failed, or _refused
 */
#ifndef STATESTORE_STORE_ENTRIES_H
#define STATESTORE_STORE_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/backoff.h"
#include "statestore/statestore.h"

#define STORE_ENTRIES_NEVER UINT64_MAX

struct store_entry {
	char *key;
	char *known;    /* what is there, NULL = absent */
	char *wanted;   /* what should be there */
	char *sent;     /* what the write under way makes it */
	char *requires; /* key that must be stored first, NULL = none */
	bool is_wanted; /* wanted was ever set */
	bool is_sent;
	bool is_unsure;      /* a write failed, and may have been carried out all the same */
	bool is_alone;       /* was part of a refused write: is not written with others */
	char *refusal;       /* why wanted was refused, NULL = it was not */
	uint64_t refused_ms; /* when a value was refused last */
	uint64_t due_ms;     /* not written before */
	struct backoff backoff;
};

struct store_entries {
	struct store_entry *items;
	size_t len, cap;
	struct statestore_times times;
};

/* Values and reasons are overwritten before they are freed: some are keys to something. */
void store_entries_fini(struct store_entries *s);

/* Borrowed until the next new key. _find gives NULL when the key is new, _get makes it. */
struct store_entry *store_entries_find(const struct store_entries *s, const char *key);
struct store_entry *store_entries_get(struct store_entries *s, const char *key);

void store_entries_know(struct store_entries *s, const char *key, const char *value);
void store_entries_want(struct store_entries *s, const char *key, const char *value);
void store_entries_require(struct store_entries *s, const char *key, const char *prerequisite);

/* The wanted value is there; what is on its way counts when it has arrived. */
bool store_entry_is_stored(const struct store_entry *en);
bool store_entries_all_stored(const struct store_entries *s);
/* For each key, its wanted value is there, or was refused at since_ms or later, or waits for such a
 * key: nothing is left that may succeed right now. */
bool store_entries_all_tried(const struct store_entries *s, uint64_t since_ms);
/* A write of several keys was refused and some have yet to be tried alone: which of them is at
 * fault is not known. */
bool store_entries_are_in_doubt(const struct store_entries *s);
/* Why a value is not stored, of the first one that was refused; NULL when none was, or when it is
 * still in doubt. */
const char *store_entries_refusal(const struct store_entries *s);

/* The next write: changes has room for all keys and borrows until the answer. Returns how many. */
size_t store_entries_pick(struct store_entries *s, uint64_t now_ms, struct store_change *changes);
/* When there will be something to pick; STORE_ENTRIES_NEVER when nothing waits for time. */
uint64_t store_entries_next_due(const struct store_entries *s);
/* Whatever waits is due now. */
void store_entries_hurry(struct store_entries *s);

/* The answer to the write that was picked. _failed: the place is away, nothing is known of the
 * values. _refused: it will not take what was written. */
void store_entries_stored(struct store_entries *s);
void store_entries_failed(struct store_entries *s);
void store_entries_refused(
	struct store_entries *s, const char *reason, uint64_t now_ms, uint64_t retry_after_ms);

#endif
