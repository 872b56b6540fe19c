#include "lib/localapi/peers.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/localapi/hashed.h"
#include "lib/localapi/names.h"
#include "lib/localapi/peer_routes.h"
#include "lib/localapi/peer_wants.h"

struct kept {
	struct peer peer;
	uint64_t place;                    /* in the order of insertion */
	uint64_t round;                    /* the last replacement that contained it */
	struct kept *prev, *next;          /* of all, by place */
	struct hashed_link by_key;         /* by id, or by name where there is no id */
	ptrdiff_t name_at;                 /* index in the wanted names, or -1 */
	struct kept *before, *behind;      /* of the same wanted name, by place */
	struct peer_route_holder *holders; /* one per route */
};

struct kept_list {
	struct kept *first, *last;
};

struct peers {
	struct peer_wants wants;
	uint64_t wants_generation;

	struct kept_list all;
	struct hashed keys;
	struct kept_list *named; /* one per wanted name */
	struct peer_routes routes;
	size_t len;
	uint64_t next_place, round;
	uint64_t generation;
};

struct peers *peers_new(void)
{
	return xcalloc(1, sizeof(struct peers));
}

static void peer_fini(struct peer *p)
{
	free(p->name);
	free(p->addresses);
	free(p->routes);
}

static uint64_t key_hash(const struct peer *peer)
{
	char folded[NAMES_TEXT_MAX];
	if (peer->id != 0)
		return hashed_bytes(&peer->id, sizeof(peer->id));
	return hashed_bytes(folded, names_fold(peer->name, folded));
}

static struct kept *find_id(const struct peers *p, int64_t id)
{
	struct hashed_link *l = hashed_first(&p->keys, hashed_bytes(&id, sizeof(id)));
	for (; l != NULL; l = hashed_next(l)) {
		struct kept *k = CONTAINER_OF(l, struct kept, by_key);
		if (k->peer.id == id)
			return k;
	}
	return NULL;
}

/* Among those without an id. */
static struct kept *find_name(const struct peers *p, const char *name)
{
	char folded[NAMES_TEXT_MAX];
	char other[NAMES_TEXT_MAX];
	size_t len = names_fold(name, folded);
	struct hashed_link *l = hashed_first(&p->keys, hashed_bytes(folded, len));
	for (; l != NULL; l = hashed_next(l)) {
		struct kept *k = CONTAINER_OF(l, struct kept, by_key);
		if (k->peer.id == 0 && names_fold(k->peer.name, other) == len &&
			memcmp(folded, other, len) == 0)
			return k;
	}
	return NULL;
}

static void name_index(struct peers *p, struct kept *k)
{
	k->name_at = names_find(&p->wants.names, k->peer.name);
	if (k->name_at < 0)
		return;
	struct kept_list *list = &p->named[k->name_at];
	struct kept *before = list->last;
	while (before != NULL && before->place > k->place)
		before = before->before;
	k->before = before;
	k->behind = before != NULL ? before->behind : list->first;
	*(before != NULL ? &before->behind : &list->first) = k;
	*(k->behind != NULL ? &k->behind->before : &list->last) = k;
}

static void name_unindex(struct peers *p, struct kept *k)
{
	if (k->name_at < 0)
		return;
	struct kept_list *list = &p->named[k->name_at];
	*(k->before != NULL ? &k->before->behind : &list->first) = k->behind;
	*(k->behind != NULL ? &k->behind->before : &list->last) = k->before;
	k->name_at = -1;
}

static void routes_index(struct peers *p, struct kept *k)
{
	if (k->peer.route_count > 0)
		k->holders = xcalloc(k->peer.route_count, sizeof(*k->holders));
	for (size_t i = 0; i < k->peer.route_count; i++) {
		k->holders[i].peer_ref = &k->peer;
		k->holders[i].place = k->place;
		peer_routes_add(&p->routes, &k->holders[i], &k->peer.routes[i]);
	}
}

static void routes_unindex(struct peers *p, struct kept *k)
{
	for (size_t i = 0; i < k->peer.route_count; i++)
		peer_routes_remove(&p->routes, &k->holders[i]);
	free(k->holders);
	k->holders = NULL;
}

/* Appends a copy of the peer. */
static struct kept *add(struct peers *p, struct peer *peer_take)
{
	struct kept *k = xcalloc(1, sizeof(*k));
	k->peer = *peer_take;
	k->place = p->next_place++;
	k->prev = p->all.last;
	*(k->prev != NULL ? &k->prev->next : &p->all.first) = k;
	p->all.last = k;
	hashed_add(&p->keys, &k->by_key, key_hash(&k->peer));
	name_index(p, k);
	routes_index(p, k);
	p->len++;
	return k;
}

/* The key stays, as k was found by it. */
static void become(struct peers *p, struct kept *k, struct peer *peer_take)
{
	name_unindex(p, k);
	routes_unindex(p, k);
	peer_fini(&k->peer);
	k->peer = *peer_take;
	name_index(p, k);
	routes_index(p, k);
}

static void drop(struct peers *p, struct kept *k)
{
	name_unindex(p, k);
	routes_unindex(p, k);
	hashed_remove(&p->keys, &k->by_key);
	*(k->prev != NULL ? &k->prev->next : &p->all.first) = k->next;
	*(k->next != NULL ? &k->next->prev : &p->all.last) = k->prev;
	peer_fini(&k->peer);
	free(k);
	p->len--;
	p->generation++;
}

void peers_free(struct peers *p)
{
	if (p == NULL)
		return;
	while (p->all.first != NULL)
		drop(p, p->all.first);
	hashed_fini(&p->keys);
	peer_routes_fini(&p->routes);
	peer_wants_fini(&p->wants);
	free(p->named);
	free(p);
}

bool peers_wants_route(const struct peers *p, const struct ipprefix *prefix)
{
	return peer_wants_route(&p->wants, prefix);
}

static bool is_wanted(const struct peers *p, const struct peer *candidate)
{
	if (names_find(&p->wants.names, candidate->name) >= 0)
		return true;
	for (size_t i = 0; i < candidate->route_count; i++) {
		if (peers_wants_route(p, &candidate->routes[i]))
			return true;
	}
	return false;
}

static bool same_prefixes(
	const struct ipprefix *a, size_t a_count, const struct ipprefix *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++) {
		if (!ipprefix_equal(&a[i], &b[i]))
			return false;
	}
	return true;
}

static bool same_peer(const struct peer *a, const struct peer *b)
{
	return strcmp(a->name, b->name) == 0 &&
	       same_prefixes(a->addresses, a->address_count, b->addresses, b->address_count) &&
	       same_prefixes(a->routes, a->route_count, b->routes, b->route_count);
}

/* The part of a candidate that is kept: only routes that lead to a wanted address. */
static struct peer reduce(const struct peers *p, const struct peer *candidate)
{
	struct peer kept = {.id = candidate->id, .name = xstrdup(candidate->name)};
	if (candidate->address_count > 0) {
		kept.addresses = xcalloc(candidate->address_count, sizeof(*kept.addresses));
		for (; kept.address_count < candidate->address_count; kept.address_count++)
			kept.addresses[kept.address_count] =
				candidate->addresses[kept.address_count];
	}
	for (size_t i = 0; i < candidate->route_count; i++) {
		if (!peers_wants_route(p, &candidate->routes[i]))
			continue;
		if (kept.routes == NULL)
			kept.routes = xcalloc(candidate->route_count - i, sizeof(*kept.routes));
		kept.routes[kept.route_count++] = candidate->routes[i];
	}
	return kept;
}

/* After a change of the wants: all indexes into the lists of names are invalid. */
static void sift(struct peers *p)
{
	free(p->named);
	p->named = p->wants.names.len > 0 ? xcalloc(p->wants.names.len, sizeof(*p->named)) : NULL;
	for (struct kept *k = p->all.first; k != NULL; k = k->next)
		k->name_at = -1;
	for (struct kept *k = p->all.first, *next; k != NULL; k = next) {
		next = k->next;
		if (!is_wanted(p, &k->peer)) {
			drop(p, k);
			continue;
		}
		struct peer kept = reduce(p, &k->peer);
		if (!same_peer(&k->peer, &kept))
			p->generation++;
		become(p, k, &kept);
	}
}

bool peers_want(
	struct peers *p, const struct strv *names, const struct ipaddr *addresses, size_t count)
{
	if (!peer_wants_set(&p->wants, names, addresses, count))
		return false;
	p->wants_generation++;
	sift(p);
	return true;
}

bool peers_wants_any(const struct peers *p)
{
	return p->wants.names.len > 0 || p->wants.address_count > 0;
}

bool peers_wants_addresses(const struct peers *p)
{
	return p->wants.address_count > 0;
}

uint64_t peers_wants_generation(const struct peers *p)
{
	return p->wants_generation;
}

void peers_begin_full(struct peers *p)
{
	p->round++;
}

void peers_end_full(struct peers *p)
{
	for (struct kept *k = p->all.first, *next; k != NULL; k = next) {
		next = k->next;
		if (k->round != p->round)
			drop(p, k);
	}
}

void peers_update(struct peers *p, const struct peer *candidate)
{
	struct kept *k = find_name(p, candidate->name);
	if (candidate->id != 0) {
		/* It was kept by name before its id was known. */
		if (k != NULL)
			drop(p, k);
		k = find_id(p, candidate->id);
	} else if (!names_is_usable(candidate->name)) {
		return;
	}
	if (!is_wanted(p, candidate)) {
		if (k != NULL)
			drop(p, k);
		return;
	}
	struct peer wanted = reduce(p, candidate);
	if (k == NULL) {
		k = add(p, &wanted);
		p->generation++;
	} else if (same_peer(&k->peer, &wanted)) {
		peer_fini(&wanted);
	} else {
		become(p, k, &wanted);
		p->generation++;
	}
	k->round = p->round;
}

void peers_remove(struct peers *p, int64_t id)
{
	struct kept *k = id != 0 ? find_id(p, id) : NULL;
	if (k != NULL)
		drop(p, k);
}

const struct peer *peers_by_name(const struct peers *p, const char *fqdn)
{
	ptrdiff_t at = names_find(&p->wants.names, fqdn);
	return at >= 0 && p->named[at].first != NULL ? &p->named[at].first->peer : NULL;
}

const struct peer *peers_by_exact_route(const struct peers *p, const struct ipaddr *address)
{
	if (address->family == IPADDR_NONE || address->zone[0] != '\0')
		return NULL;
	struct ipprefix prefix = ipprefix_from_addr(address);
	return peer_routes_exact(&p->routes, &prefix);
}

const struct peer *peers_by_route(const struct peers *p, const struct ipaddr *address)
{
	return peer_routes_containing(&p->routes, address);
}

size_t peers_count(const struct peers *p)
{
	return p->len;
}

uint64_t peers_generation(const struct peers *p)
{
	return p->generation;
}
