#include "lib/localapi/hashed.h"

#include <stdlib.h>

#include "lib/base/fnv.h"
#include "lib/base/mem.h"

#define SLOTS_MIN 16

/* Only wanted items are hashed, so one slot cannot be filled on purpose. */
uint64_t hashed_bytes(const void *bytes, size_t len)
{
	return fnv_add(FNV_INIT, bytes, len);
}

void hashed_fini(struct hashed *h)
{
	free(h->slots);
	*h = (struct hashed){0};
}

static struct hashed_link **slot(const struct hashed *h, uint64_t hash)
{
	return &h->slots[(hash ^ hash >> 32) & (h->slot_count - 1)];
}

static void grow(struct hashed *h)
{
	struct hashed old = *h;
	h->slot_count = old.slot_count > 0 ? old.slot_count * 2 : SLOTS_MIN;
	h->slots = xcalloc(h->slot_count, sizeof(struct hashed_link *));
	for (size_t i = 0; i < old.slot_count; i++) {
		for (struct hashed_link *l = old.slots[i], *next; l != NULL; l = next) {
			struct hashed_link **to = slot(h, l->hash);
			next = l->next;
			l->next = *to;
			*to = l;
		}
	}
	free(old.slots);
}

void hashed_add(struct hashed *h, struct hashed_link *link, uint64_t hash)
{
	if (h->len == h->slot_count)
		grow(h);
	struct hashed_link **to = slot(h, hash);
	link->hash = hash;
	link->next = *to;
	*to = link;
	h->len++;
}

void hashed_remove(struct hashed *h, struct hashed_link *link)
{
	struct hashed_link **at = slot(h, link->hash);
	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	h->len--;
}

static struct hashed_link *same_hash(struct hashed_link *l, uint64_t hash)
{
	while (l != NULL && l->hash != hash)
		l = l->next;
	return l;
}

struct hashed_link *hashed_first(const struct hashed *h, uint64_t hash)
{
	return h->slot_count > 0 ? same_hash(*slot(h, hash), hash) : NULL;
}

struct hashed_link *hashed_next(const struct hashed_link *link)
{
	return same_hash(link->next, link->hash);
}
