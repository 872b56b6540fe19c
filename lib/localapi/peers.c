#include "lib/localapi/peers.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

struct kept {
	struct peer peer;
	bool is_told; /* during a full replacement: told again */
};

struct peers {
	struct strv names; /* wanted, without trailing dot */
	struct ipaddr *addresses;
	size_t address_count;
	uint64_t wants_generation;

	struct kept *items;
	size_t len, cap;
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

void peers_free(struct peers *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->len; i++)
		peer_fini(&p->items[i].peer);
	free(p->items);
	strv_fini(&p->names);
	free(p->addresses);
	free(p);
}

/* Length without one trailing dot. */
static size_t name_len(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && name[len - 1] == '.' ? len - 1 : len;
}

static bool same_name(const char *a, const char *b)
{
	size_t len = name_len(a);
	return len == name_len(b) && strncasecmp(a, b, len) == 0;
}

static bool wants_name(const struct peers *p, const char *name)
{
	for (size_t i = 0; i < p->names.len; i++) {
		if (same_name(p->names.items[i], name))
			return true;
	}
	return false;
}

bool peers_wants_route(const struct peers *p, const struct ipprefix *prefix)
{
	for (size_t i = 0; i < p->address_count; i++) {
		if (ipprefix_contains(prefix, &p->addresses[i]))
			return true;
	}
	return false;
}

static void drop(struct peers *p, size_t i)
{
	peer_fini(&p->items[i].peer);
	p->len--;
	memmove(&p->items[i], &p->items[i + 1], (p->len - i) * sizeof(p->items[0]));
	p->generation++;
}

static bool is_wanted(const struct peers *p, const struct peer *candidate)
{
	if (wants_name(p, candidate->name))
		return true;
	for (size_t i = 0; i < candidate->route_count; i++) {
		if (peers_wants_route(p, &candidate->routes[i]))
			return true;
	}
	return false;
}

bool peers_want(
	struct peers *p, const struct strv *names, const struct ipaddr *addresses, size_t count)
{
	bool same = strv_equal(&p->names, names) && count == p->address_count;
	for (size_t i = 0; same && i < count; i++)
		same = ipaddr_equal(&addresses[i], &p->addresses[i]);
	if (same)
		return false;
	strv_copy(&p->names, names);
	free(p->addresses);
	p->addresses = count > 0 ? xcalloc(count, sizeof(*addresses)) : NULL;
	for (size_t i = 0; i < count; i++)
		p->addresses[i] = addresses[i];
	p->address_count = count;
	p->wants_generation++;
	for (size_t i = p->len; i > 0; i--) {
		if (!is_wanted(p, &p->items[i - 1].peer))
			drop(p, i - 1);
	}
	return true;
}

bool peers_wants_any(const struct peers *p)
{
	return p->names.len > 0 || p->address_count > 0;
}

uint64_t peers_wants_generation(const struct peers *p)
{
	return p->wants_generation;
}

void peers_begin_full(struct peers *p)
{
	for (size_t i = 0; i < p->len; i++)
		p->items[i].is_told = false;
}

void peers_end_full(struct peers *p)
{
	for (size_t i = p->len; i > 0; i--) {
		if (!p->items[i - 1].is_told)
			drop(p, i - 1);
	}
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
	return a->id == b->id && strcmp(a->name, b->name) == 0 &&
	       same_prefixes(a->addresses, a->address_count, b->addresses, b->address_count) &&
	       same_prefixes(a->routes, a->route_count, b->routes, b->route_count);
}

/* What is kept of a candidate: of its routes only those that lead to a wanted address. */
static struct peer reduce(const struct peers *p, const struct peer *candidate)
{
	struct peer kept = {.id = candidate->id, .name = xstrdup(candidate->name)};
	if (candidate->address_count > 0) {
		size_t bytes = candidate->address_count * sizeof(*kept.addresses);
		kept.addresses = xcalloc(1, bytes);
		memcpy(kept.addresses, candidate->addresses, bytes);
		kept.address_count = candidate->address_count;
	}
	for (size_t i = 0; i < candidate->route_count; i++) {
		if (!peers_wants_route(p, &candidate->routes[i]))
			continue;
		kept.routes = xrealloc(kept.routes, kept.route_count + 1, sizeof(*kept.routes));
		kept.routes[kept.route_count++] = candidate->routes[i];
	}
	return kept;
}

static struct kept *find_id(const struct peers *p, int64_t id)
{
	for (size_t i = 0; i < p->len; i++) {
		if (p->items[i].peer.id == id)
			return &p->items[i];
	}
	return NULL;
}

/* A peer with an id is that id, whatever its name; a name is the key where one has no id. */
static struct kept *find(const struct peers *p, const struct peer *candidate)
{
	struct kept *k = candidate->id != 0 ? find_id(p, candidate->id) : NULL;
	for (size_t i = 0; k == NULL && i < p->len; i++) {
		const struct peer *peer = &p->items[i].peer;
		if ((candidate->id == 0 || peer->id == 0) && same_name(peer->name, candidate->name))
			k = &p->items[i];
	}
	return k;
}

static struct kept *add(struct peers *p)
{
	if (p->len == p->cap) {
		p->cap = p->cap > 0 ? p->cap * 2 : 4;
		p->items = xrealloc(p->items, p->cap, sizeof(*p->items));
	}
	p->items[p->len] = (struct kept){.peer = {.id = 0}};
	return &p->items[p->len++];
}

/* What was kept by name before the id was known. */
static void drop_nameless_twin(struct peers *p, const struct peer *candidate)
{
	for (size_t i = p->len; candidate->id != 0 && i > 0; i--) {
		const struct peer *peer = &p->items[i - 1].peer;
		if (peer->id == 0 && same_name(peer->name, candidate->name))
			drop(p, i - 1);
	}
}

void peers_update(struct peers *p, const struct peer *candidate)
{
	if (candidate->id == 0 && candidate->name[0] == '\0')
		return;
	struct kept *k = find(p, candidate);
	if (!is_wanted(p, candidate)) {
		if (k != NULL)
			drop(p, (size_t)(k - p->items));
		return;
	}
	if (k == NULL)
		k = add(p);
	k->is_told = true;
	struct peer wanted = reduce(p, candidate);
	if (k->peer.name != NULL && same_peer(&k->peer, &wanted)) {
		peer_fini(&wanted);
	} else {
		peer_fini(&k->peer);
		k->peer = wanted;
		p->generation++;
	}
	drop_nameless_twin(p, candidate);
}

void peers_remove(struct peers *p, int64_t id)
{
	struct kept *k = id != 0 ? find_id(p, id) : NULL;
	if (k != NULL)
		drop(p, (size_t)(k - p->items));
}

const struct peer *peers_by_name(const struct peers *p, const char *fqdn)
{
	for (size_t i = 0; i < p->len; i++) {
		if (same_name(p->items[i].peer.name, fqdn))
			return &p->items[i].peer;
	}
	return NULL;
}

const struct peer *peers_by_route(const struct peers *p, const struct ipaddr *address)
{
	for (size_t i = 0; i < p->len; i++) {
		const struct peer *peer = &p->items[i].peer;
		for (size_t j = 0; j < peer->route_count; j++) {
			if (ipprefix_contains(&peer->routes[j], address))
				return peer;
		}
	}
	return NULL;
}

size_t peers_count(const struct peers *p)
{
	return p->len;
}

uint64_t peers_generation(const struct peers *p)
{
	return p->generation;
}
