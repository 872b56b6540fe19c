#include "lib/base/keyed.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

static const char *key_of(const void *item)
{
	return *(const char *const *)item;
}

size_t keyed_place(const struct keyed *k, const char *key)
{
	size_t low = 0;
	size_t high = k->len;
	/* What comes sorted is added at the end. */
	if (high > 0 && strcmp(key_of(k->items[high - 1]), key) < 0)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(key_of(k->items[middle]), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct keyed *k, size_t place, const char *key)
{
	return place < k->len && strcmp(key_of(k->items[place]), key) == 0;
}

void *keyed_find(const struct keyed *k, const char *key)
{
	size_t place = keyed_place(k, key);
	return is_at(k, place, key) ? k->items[place] : NULL;
}

void *keyed_put(struct keyed *k, void *item)
{
	size_t place = keyed_place(k, key_of(item));
	if (is_at(k, place, key_of(item))) {
		void *before = k->items[place];
		k->items[place] = item;
		return before;
	}
	k->items = xgrow(k->items, k->len, &k->cap, 8, sizeof(*k->items));
	memmove(k->items + place + 1, k->items + place, (k->len - place) * sizeof(*k->items));
	k->items[place] = item;
	k->len++;
	return NULL;
}

void *keyed_remove(struct keyed *k, const char *key)
{
	size_t place = keyed_place(k, key);
	if (!is_at(k, place, key))
		return NULL;
	void *item = k->items[place];
	k->len--;
	memmove(k->items + place, k->items + place + 1, (k->len - place) * sizeof(*k->items));
	return item;
}

void keyed_fini(struct keyed *k, void (*drop)(void *item))
{
	for (size_t i = 0; drop != NULL && i < k->len; i++)
		drop(k->items[i]);
	free(k->items);
	*k = (struct keyed){0};
}
