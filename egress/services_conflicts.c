#include "egress/services_conflicts.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/nft/nft.h"

static int compare(const void *left, const void *right)
{
	const struct egress_conflict *a = left;
	const struct egress_conflict *b = right;
	int order = strcmp(a->service, b->service);
	if (order == 0)
		order = a->proto - b->proto;
	if (order == 0)
		order = a->match - b->match;
	return order;
}

static void item_fini(struct egress_conflict *item)
{
	free(item->service);
	free(item->winner);
}

void egress_conflicts_fini(struct egress_conflicts *c)
{
	for (size_t i = 0; i < c->len; i++)
		item_fini(&c->items[i]);
	free(c->items);
	*c = (struct egress_conflicts){0};
}

/* A port can be lost in both families. */
static void drop_repeats(struct egress_conflicts *c)
{
	size_t kept = 0;
	for (size_t i = 0; i < c->len; i++) {
		if (kept > 0 && compare(&c->items[kept - 1], &c->items[i]) == 0)
			item_fini(&c->items[i]);
		else
			c->items[kept++] = c->items[i];
	}
	c->len = kept;
}

void egress_conflicts_read(struct egress_conflicts *c, const struct nft_result *result)
{
	if (result->conflict_count == 0)
		return;
	c->items = xcalloc(result->conflict_count, sizeof(*c->items));
	for (size_t i = 0; i < result->conflict_count; i++) {
		const struct nft_conflict *from = &result->conflicts[i];
		if (from->proto == 0)
			continue;
		c->items[c->len++] = (struct egress_conflict){
			.service = xstrdup(from->service),
			.winner = xstrdup(from->winner),
			.proto = from->proto,
			.match = from->port,
		};
	}
	qsort(c->items, c->len, sizeof(*c->items), compare);
	drop_repeats(c);
}

/* Index of the first one that does not sort before the key. */
static size_t lower_bound(const struct egress_conflicts *c, const struct egress_conflict *key)
{
	size_t low = 0;
	size_t high = c->len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(&c->items[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct egress_conflict *egress_conflicts_find(
	const struct egress_conflicts *c, const char *service, uint8_t proto, uint16_t match)
{
	/* The name is only compared. */
	struct egress_conflict key = {
		.service = (char *)(uintptr_t)service, .proto = proto, .match = match};
	size_t at = lower_bound(c, &key);
	return at < c->len && compare(&c->items[at], &key) == 0 ? &c->items[at] : NULL;
}

const struct egress_conflict *egress_conflicts_first(
	const struct egress_conflicts *c, const char *service)
{
	struct egress_conflict key = {.service = (char *)(uintptr_t)service};
	size_t at = lower_bound(c, &key);
	return at < c->len && strcmp(c->items[at].service, service) == 0 ? &c->items[at] : NULL;
}

bool egress_conflicts_contain(
	const struct egress_conflicts *c, const struct egress_conflict *conflict)
{
	size_t at = lower_bound(c, conflict);
	return at < c->len && compare(&c->items[at], conflict) == 0 &&
	       strcmp(c->items[at].winner, conflict->winner) == 0;
}

bool egress_conflicts_equal(const struct egress_conflicts *a, const struct egress_conflicts *b)
{
	for (size_t i = 0; i < a->len && a->len == b->len; i++) {
		if (!egress_conflicts_contain(b, &a->items[i]))
			return false;
	}
	return a->len == b->len;
}

const char *egress_conflict_format(
	const struct egress_conflict *conflict, char out[static EGRESS_CONFLICT_TEXT_MAX])
{
	snprintf(out, EGRESS_CONFLICT_TEXT_MAX, "%s port %u is served by %s",
		conflict->proto == IPPROTO_TCP ? "tcp" : "udp", conflict->match, conflict->winner);
	return out;
}
