/*
 * The keys of a store: the wanted value of each, the known one, and which of them are part of the
 * next write. Pure: the time is an argument, and the caller does the write.
 *
 * Keys that are due are written together. When the place refuses such a write permanently, each of
 * its keys is tried alone, and one that is refused alone gets its own back-off, without affecting
 * the others. A new value of a refused key is due at once, but no earlier than the first pause
 * after the refusal, so that a constantly changing value does not cause a stream of refused writes.
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
	char *known;    /* stored value, NULL = absent */
	char *wanted;   /* desired value, NULL = absent */
	char *sent;     /* value in the current write */
	char *requires; /* key that must be stored first, NULL = none */
	bool is_wanted; /* wanted was ever set */
	bool is_sent;
	bool is_unsure;      /* a write failed, but may have taken effect */
	bool is_alone;       /* was part of a refused write: not written with others */
	char *refusal;       /* why wanted was refused, NULL = it was not */
	uint64_t refused_ms; /* when a value was last refused */
	uint64_t due_ms;     /* not written before */
	struct backoff backoff;
};

struct store_entries {
	struct store_entry *items;
	size_t len, cap;
	struct statestore_times times;
};

/* Values and reasons are overwritten before they are freed: some are credentials. */
void store_entries_fini(struct store_entries *s);

/* Borrowed until the next new key. _find returns NULL for a new key, _get creates it. */
struct store_entry *store_entries_find(const struct store_entries *s, const char *key);
struct store_entry *store_entries_get(struct store_entries *s, const char *key);

void store_entries_know(struct store_entries *s, const char *key, const char *value);
void store_entries_want(struct store_entries *s, const char *key, const char *value);
void store_entries_require(struct store_entries *s, const char *key, const char *prerequisite);

/* The wanted value is stored; a value in flight does not count yet. */
bool store_entry_is_stored(const struct store_entry *en);
bool store_entries_all_stored(const struct store_entries *s);
/* For each key, the wanted value is stored, or was refused at since_ms or later, or waits for such
 * a key: nothing remains that may succeed right now. */
bool store_entries_all_tried(const struct store_entries *s, uint64_t since_ms);
/* A write of several keys was refused and some have yet to be tried alone: it is not known which
 * of them caused it. */
bool store_entries_are_in_doubt(const struct store_entries *s);
/* Why the first refused value is not stored; NULL when none was refused, or when that is still
 * uncertain. */
const char *store_entries_refusal(const struct store_entries *s);

/* The next write: changes has room for all keys and borrows until the answer. Returns their
 * number. */
size_t store_entries_pick(struct store_entries *s, uint64_t now_ms, struct store_change *changes);
/* When there will be something to pick; STORE_ENTRIES_NEVER when no key waits for a time. */
uint64_t store_entries_next_due(const struct store_entries *s);
/* Makes all waiting keys due now. */
void store_entries_hurry(struct store_entries *s);

/* The answer to the write that was picked. _failed: the place did not answer, nothing is known
 * about the values. _refused: the place does not accept the values. */
void store_entries_stored(struct store_entries *s);
void store_entries_failed(struct store_entries *s);
void store_entries_refused(
	struct store_entries *s, const char *reason, uint64_t now_ms, uint64_t retry_after_ms);
/* The place itself is gone, and with it all that was there. */
void store_entries_forget(struct store_entries *s);

#endif
