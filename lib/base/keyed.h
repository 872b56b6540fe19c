/*
 * Items sorted by a text key, found by binary search: an index over structs that their user owns.
 * The first member of each item is its key, a `const char *` (or `char *`) that does not change
 * while the item is held. The order is bytewise, and the same in every run.
 *
 *	struct pod { char *key; … };
 *	struct pod *pod = keyed_find(&pods, "default/web");
 */
#ifndef LIB_BASE_KEYED_H
#define LIB_BASE_KEYED_H

#include <stddef.h>

/* Valid when zeroed. */
struct keyed {
	void **items;
	size_t len;
	size_t cap;
};

/* NULL when there is none. */
void *keyed_find(const struct keyed *k, const char *key);
/* Index of the first item that is not before the key. */
size_t keyed_place(const struct keyed *k, const char *key);
/* Adds an item. An item of the same key is replaced and returned, else NULL. */
void *keyed_put(struct keyed *k, void *item);
/* Returns the item that was removed, NULL when there was none. */
void *keyed_remove(struct keyed *k, const char *key);
/* Forgets all items, each of which is given to drop (NULL = nothing is done with it). */
void keyed_fini(struct keyed *k, void (*drop)(void *item));

#endif
