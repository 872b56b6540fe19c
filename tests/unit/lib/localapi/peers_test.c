#include "lib/localapi/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/address.h"

struct fixture {
	struct peers *peers;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->peers = peers_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	peers_free(f->peers);
	free(f);
	return 0;
}

/* Words: names, and at most one address. */
static bool want(struct fixture *f, const char *names, const char *one_address)
{
	AUTO(strv_fini) struct strv list = {0};
	struct ipaddr a = {0};
	str_words(names, &list);
	if (one_address != NULL)
		a = address_of(one_address);
	return peers_want(f->peers, &list, &a, one_address != NULL ? 1 : 0);
}

/* A peer with one address and one route, NULL for none. */
static void report(
	struct fixture *f, int64_t id, const char *name, const char *own, const char *route)
{
	AUTO(mem_free) char *copy = xstrdup(name);
	struct ipprefix addresses[1], routes[1];
	struct peer p = {.id = id, .name = copy, .addresses = addresses, .routes = routes};
	if (own != NULL)
		addresses[p.address_count++] = prefix_of(own);
	if (route != NULL)
		routes[p.route_count++] = prefix_of(route);
	peers_update(f->peers, &p);
}

static void nothing_is_kept_unasked(void **state)
{
	struct fixture *f = *state;
	assert_false(peers_wants_any(f->peers));
	report(f, 1, "web.ts.net.", "100.64.0.1/32", "10.0.0.0/8");
	assert_int_equal(peers_count(f->peers), 0);
	assert_null(peers_by_name(f->peers, "web.ts.net"));
	peers_remove(f->peers, 1);
	assert_true(peers_generation(f->peers) == 0);
	peers_free(NULL);
}

static void wants_are_compared(void **state)
{
	struct fixture *f = *state;
	assert_false(want(f, "", NULL));
	assert_true(want(f, "a b", NULL));
	assert_false(want(f, "a b", NULL));
	/* They are sets of names, not of texts. */
	assert_false(want(f, "b. A b", NULL));
	assert_false(want(f, "a b .", NULL));
	assert_false(peers_wants_addresses(f->peers));
	assert_true(want(f, "b a", "10.0.0.1"));
	assert_false(want(f, "b a", "10.0.0.1"));
	assert_true(want(f, "b a", "10.0.0.2"));
	assert_true(peers_wants_generation(f->peers) == 3);
	assert_true(peers_wants_any(f->peers));
	assert_true(peers_wants_addresses(f->peers));
	/* Nobody has a route to an address with a zone. */
	assert_true(want(f, "b a", "fe80::1%eth0"));
	assert_false(peers_wants_addresses(f->peers));
	assert_true(want(f, "", NULL));
	assert_false(peers_wants_any(f->peers));
}

static void names_match_without_dot_and_case(void **state)
{
	struct fixture *f = *state;
	want(f, "Web.TS.net", NULL);
	report(f, 1, "web.ts.net.", "100.64.0.1/32", NULL);
	report(f, 2, "web.ts.net.x.", "100.64.0.2/32", NULL);
	report(f, 3, "xweb.ts.net.", "100.64.0.3/32", NULL);
	assert_int_equal(peers_count(f->peers), 1);
	assert_non_null(peers_by_name(f->peers, "WEB.ts.net."));
	assert_non_null(peers_by_name(f->peers, "web.ts.net"));
	assert_null(peers_by_name(f->peers, "web.ts.net.."));
	assert_null(peers_by_name(f->peers, ""));
}

static void changes_are_counted(void **state)
{
	struct fixture *f = *state;
	want(f, "a.", NULL);
	report(f, 1, "a.", "100.64.0.1/32", NULL);
	uint64_t generation = peers_generation(f->peers);
	report(f, 1, "a.", "100.64.0.1/32", "10.0.0.0/8");
	assert_true(peers_generation(f->peers) == generation);
	report(f, 1, "a.", "100.64.0.2/32", NULL);
	assert_true(peers_generation(f->peers) == ++generation);
	report(f, 1, "a.", NULL, NULL);
	assert_true(peers_generation(f->peers) == ++generation);
	/* Renamed away. */
	report(f, 1, "b.", NULL, NULL);
	assert_true(peers_generation(f->peers) == ++generation);
	assert_int_equal(peers_count(f->peers), 0);
}

static void routes_are_kept_when_they_lead_to_a_wanted_address(void **state)
{
	struct fixture *f = *state;
	struct ipaddr wanted = address_of("fd7a:115c:a1e0:b1a:0:7:a01:203");
	struct ipaddr other = address_of("10.1.2.3");
	want(f, "", "fd7a:115c:a1e0:b1a:0:7:a01:203");
	assert_true(peers_wants_any(f->peers));
	report(f, 1, "r.", "100.64.0.1/32", "fd7a:115c:a1e0:b1a:0:7:a01:200/120");
	report(f, 2, "s.", "100.64.0.2/32", "10.0.0.0/8");
	assert_int_equal(peers_count(f->peers), 1);
	assert_string_equal(peers_by_route(f->peers, &wanted)->name, "r.");
	assert_null(peers_by_route(f->peers, &other));
	/* The route is withdrawn. */
	report(f, 1, "r.", "100.64.0.1/32", "fd7a:115c:a1e0:b1a:0:8::/96");
	assert_int_equal(peers_count(f->peers), 0);
	struct ipprefix zero = prefix_of("0.0.0.0/0"), v6 = prefix_of("::/0");
	assert_false(peers_wants_route(f->peers, &zero));
	assert_true(peers_wants_route(f->peers, &v6));
}

static void a_peer_without_an_id_is_its_name(void **state)
{
	struct fixture *f = *state;
	want(f, "a. b.", NULL);
	report(f, 0, "", "100.64.0.9/32", NULL);
	report(f, 0, "a.", "100.64.0.1/32", NULL);
	report(f, 0, "b.", "100.64.0.2/32", NULL);
	report(f, 0, "A.", "100.64.0.3/32", NULL);
	assert_int_equal(peers_count(f->peers), 2);
	assert_int_equal(peers_by_name(f->peers, "a")->addresses[0].addr.bytes[3], 3);
	/* Ids alone are removed. */
	peers_remove(f->peers, 0);
	assert_int_equal(peers_count(f->peers), 2);
	/* Now it has one. */
	report(f, 7, "a.", "100.64.0.4/32", NULL);
	assert_int_equal(peers_count(f->peers), 2);
	assert_true(peers_by_name(f->peers, "a")->id == 7);
	peers_remove(f->peers, 7);
	assert_null(peers_by_name(f->peers, "a"));
}

static void an_id_outranks_a_name(void **state)
{
	struct fixture *f = *state;
	want(f, "a. b.", NULL);
	report(f, 0, "b.", "100.64.0.1/32", NULL);
	report(f, 5, "a.", "100.64.0.2/32", NULL);
	/* Renamed to a name that was kept without id: one peer is left. */
	report(f, 5, "b.", "100.64.0.3/32", NULL);
	assert_int_equal(peers_count(f->peers), 1);
	assert_true(peers_by_name(f->peers, "b")->id == 5);
	/* Another id of the same name is another peer until the first is removed. */
	report(f, 6, "b.", "100.64.0.4/32", NULL);
	assert_int_equal(peers_count(f->peers), 2);
	peers_remove(f->peers, 5);
	assert_true(peers_by_name(f->peers, "b")->id == 6);
}

static void a_full_replacement_drops_what_is_not_reported(void **state)
{
	struct fixture *f = *state;
	want(f, "a. b. c.", NULL);
	report(f, 1, "a.", NULL, NULL);
	report(f, 2, "b.", NULL, NULL);
	peers_begin_full(f->peers);
	report(f, 2, "b.", NULL, NULL);
	report(f, 3, "c.", NULL, NULL);
	assert_int_equal(peers_count(f->peers), 3);
	peers_end_full(f->peers);
	assert_int_equal(peers_count(f->peers), 2);
	assert_null(peers_by_name(f->peers, "a"));
	/* One that is cut off drops nothing. */
	peers_begin_full(f->peers);
	report(f, 2, "b.", NULL, NULL);
	peers_begin_full(f->peers);
	report(f, 3, "c.", NULL, NULL);
	peers_end_full(f->peers);
	assert_int_equal(peers_count(f->peers), 1);
}

static void what_is_not_wanted_any_more_goes(void **state)
{
	struct fixture *f = *state;
	want(f, "a. b.", "10.0.0.1");
	report(f, 1, "a.", NULL, NULL);
	report(f, 2, "b.", NULL, "10.0.0.0/24");
	report(f, 3, "c.", NULL, "10.0.0.0/8");
	assert_int_equal(peers_count(f->peers), 3);
	struct ipaddr old = address_of("10.0.0.1"), new = address_of("10.0.9.1");
	assert_string_equal(peers_by_route(f->peers, &old)->name, "b.");
	want(f, "a.", "10.0.9.1");
	assert_int_equal(peers_count(f->peers), 2);
	assert_non_null(peers_by_name(f->peers, "a"));
	assert_string_equal(peers_by_route(f->peers, &new)->name, "c.");
	/* By name it was not asked for. */
	assert_null(peers_by_name(f->peers, "c"));
	assert_null(peers_by_name(f->peers, "b"));
	/* Both at once. */
	want(f, "c.", "10.0.9.1");
	assert_int_equal(peers_count(f->peers), 1);
	assert_ptr_equal(peers_by_name(f->peers, "C"), peers_by_route(f->peers, &new));
	uint64_t generation = peers_generation(f->peers);
	want(f, "c.", NULL);
	assert_true(peers_generation(f->peers) > generation);
	assert_null(peers_by_route(f->peers, &new));
	assert_int_equal(peers_by_name(f->peers, "c")->route_count, 0);
	want(f, "", NULL);
	assert_int_equal(peers_count(f->peers), 0);
}

static void many_are_no_matter(void **state)
{
	struct fixture *f = *state;
	AUTO(strv_fini) struct strv names = {0};
	for (int i = 0; i < 300; i++)
		strv_pushf(&names, "p%d.ts.net", i);
	peers_want(f->peers, &names, NULL, 0);
	for (int i = 0; i < 300; i++)
		report(f, i + 1, names.items[299 - i], "100.64.0.1/32", NULL);
	assert_int_equal(peers_count(f->peers), 300);
	for (int i = 0; i < 300; i += 2)
		peers_remove(f->peers, i + 1);
	assert_int_equal(peers_count(f->peers), 150);
}

/* Of several that fit, the one kept for the longest time. */
static void the_first_of_a_name_is_found(void **state)
{
	struct fixture *f = *state;
	want(f, "a. b.", NULL);
	report(f, 3, "a.", "100.64.0.3/32", NULL);
	report(f, 1, "A.", "100.64.0.1/32", NULL);
	report(f, 2, "b.", "100.64.0.2/32", NULL);
	assert_true(peers_by_name(f->peers, "a")->id == 3);
	/* Changed, reported again in another order, wanted again: it stays. */
	report(f, 3, "a.", "100.64.0.4/32", NULL);
	peers_begin_full(f->peers);
	report(f, 2, "b.", "100.64.0.2/32", NULL);
	report(f, 1, "a.", "100.64.0.1/32", NULL);
	report(f, 3, "a.", "100.64.0.3/32", NULL);
	peers_end_full(f->peers);
	assert_true(peers_by_name(f->peers, "a")->id == 3);
	want(f, "a. b. c.", NULL);
	assert_true(peers_by_name(f->peers, "a")->id == 3);
	/* Renamed to a name others have: their order is that of keeping. */
	report(f, 3, "b.", "100.64.0.3/32", NULL);
	assert_true(peers_by_name(f->peers, "a")->id == 1);
	assert_true(peers_by_name(f->peers, "b")->id == 3);
	report(f, 2, "a.", "100.64.0.2/32", NULL);
	assert_true(peers_by_name(f->peers, "a")->id == 1);
	peers_remove(f->peers, 1);
	assert_true(peers_by_name(f->peers, "a")->id == 2);
	peers_remove(f->peers, 2);
	assert_null(peers_by_name(f->peers, "a"));
	/* One that comes back is behind those that stayed. */
	report(f, 4, "a.", "100.64.0.4/32", NULL);
	report(f, 2, "a.", "100.64.0.2/32", NULL);
	assert_true(peers_by_name(f->peers, "a")->id == 4);
}

static void a_peer_that_comes_back_is_reported(void **state)
{
	struct fixture *f = *state;
	want(f, "a.", NULL);
	for (uint64_t round = 0; round < 3; round++) {
		report(f, 9, "a.", "100.64.0.1/32", NULL);
		assert_true(peers_generation(f->peers) == 2 * round + 1);
		report(f, 9, "a.", "100.64.0.1/32", NULL);
		assert_true(peers_generation(f->peers) == 2 * round + 1);
		peers_remove(f->peers, 9);
		assert_true(peers_generation(f->peers) == 2 * round + 2);
		peers_remove(f->peers, 9);
		assert_true(peers_generation(f->peers) == 2 * round + 2);
		assert_null(peers_by_name(f->peers, "a"));
	}
}

static void a_full_prefix_is_no_default_route(void **state)
{
	struct fixture *f = *state;
	struct ipaddr vip = address_of("100.100.1.1"), v6 = address_of("::1"),
		      zone = address_of("fe80::1%x");
	want(f, "", "100.100.1.1");
	report(f, 1, "exit.", "100.64.0.1/32", "0.0.0.0/0");
	assert_non_null(peers_by_route(f->peers, &vip));
	assert_null(peers_by_exact_route(f->peers, &vip));
	report(f, 2, "net.", "100.64.0.2/32", "100.100.1.0/24");
	assert_null(peers_by_exact_route(f->peers, &vip));
	report(f, 3, "host.", "100.64.0.3/32", "100.100.1.1/32");
	report(f, 4, "host2.", "100.64.0.4/32", "100.100.1.1/32");
	assert_string_equal(peers_by_exact_route(f->peers, &vip)->name, "host.");
	assert_string_equal(peers_by_route(f->peers, &vip)->name, "exit.");
	assert_null(peers_by_route(f->peers, &v6));
	assert_null(peers_by_route(f->peers, &zone));
	assert_null(peers_by_exact_route(f->peers, &v6));
	assert_null(peers_by_exact_route(f->peers, &zone));
	assert_null(peers_by_exact_route(f->peers, &(struct ipaddr){0}));
	assert_null(peers_by_route(f->peers, &(struct ipaddr){0}));
	peers_remove(f->peers, 3);
	assert_string_equal(peers_by_exact_route(f->peers, &vip)->name, "host2.");
	report(f, 4, "host2.", "100.64.0.4/32", NULL);
	assert_null(peers_by_exact_route(f->peers, &vip));
	peers_remove(f->peers, 1);
	assert_string_equal(peers_by_route(f->peers, &vip)->name, "net.");
}

/* Whatever the prefix: it is wanted when one of the sorted addresses is in it. */
static void a_wanted_route_is_found_among_many(void **state)
{
	static const struct {
		const char *prefix;
		bool is_wanted;
	} rows[] = {
		{"0.0.0.0/0", true},
		{"::/0", true},
		{"10.0.0.0/8", true},
		{"10.77.3.4/8", true},
		{"10.0.0.1/32", true},
		{"10.0.0.2/32", false},
		{"10.0.0.3/32", true},
		{"10.0.0.2/31", true},
		{"10.0.0.4/30", false},
		{"9.0.0.0/8", false},
		{"11.0.0.0/8", false},
		{"192.168.255.255/32", true},
		{"192.168.0.0/16", true},
		{"255.0.0.0/8", false},
		{"128.0.0.0/1", true},
		{"0.0.0.0/5", false},
		{"fd7a::/64", true},
		{"fd7a::1/128", true},
		{"fd7a::2/128", false},
		{"fd7b::/16", false},
		{"ff00::/8", false},
		{"fd7a::/127", true},
		{"::/1", false},
	};
	static const char *const wanted[] = {
		"192.168.255.255", "10.0.0.3", "fd7a::1", "10.0.0.1", "10.0.0.3", "fd7a::1"};
	struct fixture *f = *state;
	AUTO(strv_fini) struct strv names = {0};
	struct ipaddr addresses[ARRAY_LEN(wanted)];
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		addresses[i] = address_of(wanted[i]);
	assert_true(peers_want(f->peers, &names, addresses, ARRAY_LEN(wanted)));
	assert_false(peers_want(f->peers, &names, addresses, ARRAY_LEN(wanted) - 2));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ipprefix p = prefix_of(rows[i].prefix);
		if (peers_wants_route(f->peers, &p) != rows[i].is_wanted)
			fail_msg("%s", rows[i].prefix);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_kept_unasked),
		TEST(wants_are_compared),
		TEST(names_match_without_dot_and_case),
		TEST(changes_are_counted),
		TEST(routes_are_kept_when_they_lead_to_a_wanted_address),
		TEST(a_peer_without_an_id_is_its_name),
		TEST(an_id_outranks_a_name),
		TEST(a_full_replacement_drops_what_is_not_reported),
		TEST(what_is_not_wanted_any_more_goes),
		TEST(many_are_no_matter),
		TEST(the_first_of_a_name_is_found),
		TEST(a_peer_that_comes_back_is_reported),
		TEST(a_full_prefix_is_no_default_route),
		TEST(a_wanted_route_is_found_among_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
