#include "lib/nft/ct_targets.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

static void write_key(uint8_t key[static CT_TARGET_KEY_LEN], const struct ipaddr *addr)
{
	key[0] = (uint8_t)addr->family;
	memcpy(key + 1, addr->bytes, sizeof(addr->bytes));
}

static struct ct_target *append(struct ct_targets *t)
{
	t->items = xgrow(t->items, t->len, &t->cap, 64, sizeof(*t->items));
	return &t->items[t->len++];
}

void ct_targets_add(struct ct_targets *t, const struct ipaddr *addr, unsigned int uses)
{
	struct ct_target *target = append(t);
	write_key(target->key, addr);
	target->uses = (uint8_t)uses;
}

void ct_targets_add_all(struct ct_targets *t, const struct ct_targets *from)
{
	for (size_t i = 0; i < from->len; i++)
		*append(t) = from->items[i];
}

static int compare(const void *a, const void *b)
{
	const struct ct_target *left = a;
	const struct ct_target *right = b;
	return memcmp(left->key, right->key, CT_TARGET_KEY_LEN);
}

void ct_targets_sort(struct ct_targets *t)
{
	size_t kept = 0;
	if (t->len == 0)
		return;
	qsort(t->items, t->len, sizeof(*t->items), compare);
	for (size_t i = 1; i < t->len; i++) {
		if (compare(&t->items[kept], &t->items[i]) == 0)
			t->items[kept].uses |= t->items[i].uses;
		else
			t->items[++kept] = t->items[i];
	}
	t->len = kept + 1;
}

void ct_targets_fini(struct ct_targets *t)
{
	free(t->items);
	*t = (struct ct_targets){0};
}

unsigned int ct_targets_uses(const struct ct_targets *t, const struct ipaddr *addr)
{
	if (t->len == 0)
		return 0;
	struct ct_target wanted = {0};
	write_key(wanted.key, addr);
	const struct ct_target *found =
		bsearch(&wanted, t->items, t->len, sizeof(*t->items), compare);
	return found != NULL ? found->uses : 0;
}

bool ct_target_is(const struct ct_target *target, const struct ipaddr *addr)
{
	struct ct_target other;
	write_key(other.key, addr);
	return compare(target, &other) == 0;
}

bool ct_target_is_of(const struct ct_target *target, enum ipaddr_family family)
{
	return target->key[0] == (uint8_t)family;
}
