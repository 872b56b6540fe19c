/*
 * The table of peers beside a plain list that does the same by walking: thousands of random
 * changes, and every look-up must agree after each.
 */
#include "lib/localapi/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/address.h"

#define NAMES 6
#define ADDRESSES 4
#define PREFIXES 6
#define IDS 7
#define MODEL_MAX 16

static const char *const names[NAMES] = {"a.", "B.", "c.", "D.x.", "e.", "f."};
static const char *const addresses[ADDRESSES] = {"10.0.0.1", "10.0.0.2", "10.1.0.1", "fd7a::1"};
static const char *const prefixes[PREFIXES] = {
	"0.0.0.0/0", "10.0.0.0/30", "10.0.0.1/32", "10.1.0.0/16", "fd7a::1/128", "::/0"};

struct entry {
	int64_t id;
	int name;
	int own;         /* the last byte of its address */
	unsigned routes; /* set of prefixes, before they are sifted */
	bool is_reported;
};

struct model {
	struct peers *peers;
	uint32_t random;
	unsigned wanted_names, wanted_addresses; /* sets */
	struct entry entries[MODEL_MAX];         /* in the order of keeping */
	size_t len;
};

static unsigned below(struct model *m, unsigned limit)
{
	m->random = m->random * 1664525 + 1013904223;
	return (m->random >> 8) % limit;
}

static struct ipaddr address(int i)
{
	return address_of(addresses[i]);
}

static struct ipprefix prefix(int i)
{
	return prefix_of(prefixes[i]);
}

static bool leads_to_wanted(const struct model *m, int route)
{
	struct ipprefix p = prefix(route);
	for (int i = 0; i < ADDRESSES; i++) {
		struct ipaddr a = address(i);
		if ((m->wanted_addresses >> i & 1) != 0 && ipprefix_contains(&p, &a))
			return true;
	}
	return false;
}

static unsigned sifted(const struct model *m, unsigned routes)
{
	unsigned left = 0;
	for (int i = 0; i < PREFIXES; i++) {
		if ((routes >> i & 1) != 0 && leads_to_wanted(m, i))
			left |= 1u << i;
	}
	return left;
}

static bool is_wanted(const struct model *m, const struct entry *e)
{
	return (m->wanted_names >> e->name & 1) != 0 || sifted(m, e->routes) != 0;
}

static void model_drop(struct model *m, size_t i)
{
	m->len--;
	memmove(&m->entries[i], &m->entries[i + 1], (m->len - i) * sizeof(m->entries[0]));
}

static size_t model_find(const struct model *m, int64_t id, int name)
{
	size_t i = 0;
	while (i < m->len && (m->entries[i].id != id || (id == 0 && m->entries[i].name != name)))
		i++;
	return i;
}

static void do_want(struct model *m)
{
	AUTO(strv_fini) struct strv list = {0};
	struct ipaddr wanted[ADDRESSES];
	size_t count = 0;
	unsigned wanted_names = below(m, 1u << NAMES), wanted_addresses = below(m, 1u << ADDRESSES);
	for (int i = NAMES - 1; i >= 0; i--) {
		if ((wanted_names >> i & 1) != 0)
			strv_push(&list, names[i]);
	}
	for (int i = ADDRESSES - 1; i >= 0; i--) {
		if ((wanted_addresses >> i & 1) != 0)
			wanted[count++] = address(i);
	}
	bool changed = wanted_names != m->wanted_names || wanted_addresses != m->wanted_addresses;
	assert_int_equal(peers_want(m->peers, &list, wanted, count), changed);
	m->wanted_names = wanted_names;
	m->wanted_addresses = wanted_addresses;
	for (size_t i = m->len; i > 0; i--) {
		m->entries[i - 1].routes = sifted(m, m->entries[i - 1].routes);
		if (!is_wanted(m, &m->entries[i - 1]))
			model_drop(m, i - 1);
	}
}

static void report(struct model *m, const struct entry *e)
{
	char name[16];
	struct ipprefix own = {0}, routes[PREFIXES];
	struct peer p = {.id = e->id, .name = name, .addresses = &own, .address_count = 1};
	snprintf(name, sizeof(name), "%s", names[e->name]);
	own.addr = address(0);
	own.addr.bytes[3] = (uint8_t)e->own;
	own.bits = 32;
	p.routes = routes;
	for (int i = 0; i < PREFIXES; i++) {
		if ((e->routes >> i & 1) != 0)
			routes[p.route_count++] = prefix(i);
	}
	peers_update(m->peers, &p);
}

static void do_report(struct model *m)
{
	struct entry e = {
		.id = below(m, IDS),
		.name = (int)below(m, NAMES),
		.own = (int)below(m, 3),
		.routes = below(m, 3) == 0 ? below(m, 1u << PREFIXES) : 0,
		.is_reported = true,
	};
	report(m, &e);
	e.routes = sifted(m, e.routes);
	size_t twin = e.id != 0 ? model_find(m, 0, e.name) : m->len;
	if (twin < m->len)
		model_drop(m, twin);
	size_t i = model_find(m, e.id, e.name);
	if (!is_wanted(m, &e)) {
		if (i < m->len)
			model_drop(m, i);
		return;
	}
	assert_true(i < MODEL_MAX);
	m->entries[i] = e;
	m->len += i == m->len;
}

static void do_remove(struct model *m)
{
	int64_t id = below(m, IDS);
	size_t i = id != 0 ? model_find(m, id, 0) : m->len;
	peers_remove(m->peers, id);
	if (i < m->len)
		model_drop(m, i);
}

static void do_replace(struct model *m)
{
	bool is_cut = below(m, 4) == 0;
	peers_begin_full(m->peers);
	for (size_t i = 0; i < m->len; i++)
		m->entries[i].is_reported = false;
	for (unsigned left = below(m, 8); left > 0; left--)
		do_report(m);
	if (is_cut)
		return;
	peers_end_full(m->peers);
	for (size_t i = m->len; i > 0; i--) {
		if (!m->entries[i - 1].is_reported)
			model_drop(m, i - 1);
	}
}

static void same(const struct model *m, const struct peer *found, size_t i)
{
	if (i == m->len) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_true(found->id == m->entries[i].id);
	assert_string_equal(found->name, names[m->entries[i].name]);
	assert_int_equal(found->addresses[0].addr.bytes[3], m->entries[i].own);
	assert_int_equal(found->route_count, __builtin_popcount(m->entries[i].routes));
}

static size_t model_route(const struct model *m, const struct ipaddr *a, bool is_exact)
{
	for (size_t i = 0; i < m->len; i++) {
		for (int j = 0; j < PREFIXES; j++) {
			struct ipprefix p = prefix(j);
			if ((m->entries[i].routes >> j & 1) != 0 && ipprefix_contains(&p, a) &&
				(!is_exact || ipprefix_is_single(&p)))
				return i;
		}
	}
	return m->len;
}

static void compare(const struct model *m)
{
	assert_int_equal(peers_count(m->peers), m->len);
	for (int name = 0; name < NAMES; name++) {
		size_t i = 0;
		while (i < m->len && m->entries[i].name != name)
			i++;
		if ((m->wanted_names >> name & 1) == 0)
			i = m->len;
		same(m, peers_by_name(m->peers, names[name]), i);
	}
	for (int j = 0; j < ADDRESSES; j++) {
		struct ipaddr a = address(j);
		same(m, peers_by_exact_route(m->peers, &a), model_route(m, &a, true));
		same(m, peers_by_route(m->peers, &a), model_route(m, &a, false));
	}
}

static void a_plain_list_agrees(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 20; seed++) {
		struct model m = {.peers = peers_new(), .random = seed * 7919};
		for (int step = 0; step < 300; step++) {
			uint64_t generation = peers_generation(m.peers);
			struct model before = m;
			unsigned what = below(&m, 16);
			if (what == 0)
				do_want(&m);
			else if (what < 3)
				do_remove(&m);
			else if (what < 5)
				do_replace(&m);
			else
				do_report(&m);
			compare(&m);
			/* Nothing changes unnoticed. */
			bool differs = m.len != before.len;
			for (size_t i = 0; !differs && i < m.len; i++)
				differs = m.entries[i].id != before.entries[i].id ||
					  m.entries[i].name != before.entries[i].name ||
					  m.entries[i].own != before.entries[i].own ||
					  m.entries[i].routes != before.entries[i].routes;
			assert_true(!differs || peers_generation(m.peers) > generation);
		}
		peers_free(m.peers);
	}
}

/* Nothing here walks through all that are kept: as many routes as there are peers. */
static void thousands_cost_no_walks(void **state)
{
	enum {
		PEERS = 40000
	};
	AUTO(strv_fini) struct strv none = {0};
	struct peers *peers = peers_new();
	struct ipprefix routes[2] = {prefix(0), prefix(2)};
	char name[] = "exit.";
	struct ipaddr wanted[] = {address(0), address(1)};
	struct peer p = {.name = name, .routes = routes, .route_count = 2};
	(void)state;
	peers_want(peers, &none, wanted, 2);
	for (int round = 0; round < 2; round++) {
		peers_begin_full(peers);
		for (p.id = 1; p.id <= PEERS; p.id++)
			peers_update(peers, &p);
		peers_end_full(peers);
		assert_int_equal(peers_count(peers), PEERS);
		for (int i = 0; i < PEERS; i++) {
			assert_true(peers_by_route(peers, &wanted[1])->id == 1);
			assert_true(peers_by_exact_route(peers, &wanted[0])->id == 1);
		}
	}
	for (int64_t id = PEERS; id > 1; id--)
		peers_remove(peers, id);
	assert_int_equal(peers_count(peers), 1);
	peers_free(peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_list_agrees),
		cmocka_unit_test(thousands_cost_no_walks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
