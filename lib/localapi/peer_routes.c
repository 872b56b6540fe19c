#include "lib/localapi/peer_routes.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

struct peer_route {
	struct hashed_link link;
	struct ipprefix prefix; /* masked */
	struct peer_route_holder *first, *last;
};

struct ipprefix peer_routes_masked(const struct ipprefix *prefix)
{
	struct ipprefix masked = *prefix;
	size_t whole = prefix->bits / 8;
	if (prefix->bits % 8 != 0) {
		masked.addr.bytes[whole] &= (uint8_t)(0xff << (8 - prefix->bits % 8));
		whole++;
	}
	if (whole < sizeof(masked.addr.bytes))
		memset(masked.addr.bytes + whole, 0, sizeof(masked.addr.bytes) - whole);
	return masked;
}

static uint64_t hash_of(const struct ipprefix *masked)
{
	uint8_t key[2 + sizeof(masked->addr.bytes)] = {(uint8_t)masked->addr.family, masked->bits};
	memcpy(key + 2, masked->addr.bytes, sizeof(masked->addr.bytes));
	return hashed_bytes(key, sizeof(key));
}

static struct peer_route *find(const struct peer_routes *r, const struct ipprefix *masked)
{
	struct hashed_link *l = hashed_first(&r->table, hash_of(masked));
	for (; l != NULL; l = hashed_next(l)) {
		struct peer_route *route = CONTAINER_OF(l, struct peer_route, link);
		if (ipprefix_equal(&route->prefix, masked))
			return route;
	}
	return NULL;
}

static size_t family_index(const struct ipaddr *a)
{
	return a->family == IPADDR_V4 ? 0 : 1;
}

void peer_routes_fini(struct peer_routes *r)
{
	hashed_fini(&r->table);
}

/* Inserts after all with a lower place; usually that is the end. */
static void insert(struct peer_route *route, struct peer_route_holder *h)
{
	struct peer_route_holder *before = route->last;
	while (before != NULL && before->place > h->place)
		before = before->prev;
	h->prev = before;
	h->next = before != NULL ? before->next : route->first;
	*(before != NULL ? &before->next : &route->first) = h;
	*(h->next != NULL ? &h->next->prev : &route->last) = h;
}

void peer_routes_add(
	struct peer_routes *r, struct peer_route_holder *holder, const struct ipprefix *prefix)
{
	struct ipprefix masked = peer_routes_masked(prefix);
	struct peer_route *route = find(r, &masked);
	if (route == NULL) {
		route = xcalloc(1, sizeof(*route));
		route->prefix = masked;
		hashed_add(&r->table, &route->link, hash_of(&masked));
		r->lengths[family_index(&masked.addr)][masked.bits]++;
	}
	holder->route = route;
	insert(route, holder);
}

void peer_routes_remove(struct peer_routes *r, struct peer_route_holder *holder)
{
	struct peer_route *route = holder->route;
	*(holder->prev != NULL ? &holder->prev->next : &route->first) = holder->next;
	*(holder->next != NULL ? &holder->next->prev : &route->last) = holder->prev;
	holder->route = NULL;
	if (route->first != NULL)
		return;
	hashed_remove(&r->table, &route->link);
	r->lengths[family_index(&route->prefix.addr)][route->prefix.bits]--;
	free(route);
}

const struct peer *peer_routes_exact(const struct peer_routes *r, const struct ipprefix *prefix)
{
	struct ipprefix masked = peer_routes_masked(prefix);
	const struct peer_route *route = find(r, &masked);
	return route != NULL ? route->first->peer_ref : NULL;
}

const struct peer *peer_routes_containing(const struct peer_routes *r, const struct ipaddr *address)
{
	const struct peer_route_holder *first = NULL;
	struct ipprefix prefix = ipprefix_from_addr(address);
	if (address->family == IPADDR_NONE || address->zone[0] != '\0')
		return NULL;
	const uint32_t *lengths = r->lengths[family_index(address)];
	for (int bits = prefix.bits; bits >= 0; bits--) {
		if (lengths[bits] == 0)
			continue;
		prefix.bits = (uint8_t)bits;
		struct ipprefix masked = peer_routes_masked(&prefix);
		const struct peer_route *route = find(r, &masked);
		if (route != NULL && (first == NULL || route->first->place < first->place))
			first = route->first;
	}
	return first != NULL ? first->peer_ref : NULL;
}
