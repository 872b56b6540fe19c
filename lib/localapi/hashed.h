/*
 * An intrusive hash table; several items may have the same hash. The links are embedded in the
 * items, so nothing is copied and the owner frees. The caller compares keys. Zeroed is empty;
 * private to this folder.
 *
 *	for (struct hashed_link *l = hashed_first(&h, hash); l != NULL; l = hashed_next(l)) {
 *		struct item *item = CONTAINER_OF(l, struct item, link);
 *		...
 */
#ifndef LIB_LOCALAPI_HASHED_H
#define LIB_LOCALAPI_HASHED_H

#include <stddef.h>
#include <stdint.h>

struct hashed_link {
	struct hashed_link *next;
	uint64_t hash;
};

struct hashed {
	struct hashed_link **slots;
	size_t slot_count; /* a power of two, or 0 */
	size_t len;
};

void hashed_fini(struct hashed *h); /* does not touch the items */
void hashed_add(struct hashed *h, struct hashed_link *link, uint64_t hash);
void hashed_remove(struct hashed *h, struct hashed_link *link); /* must be in it */

/* Items with exactly this hash, in no particular order. */
struct hashed_link *hashed_first(const struct hashed *h, uint64_t hash);
struct hashed_link *hashed_next(const struct hashed_link *link);

uint64_t hashed_bytes(const void *bytes, size_t len);

#endif
