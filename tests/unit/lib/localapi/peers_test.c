#include "lib/localapi/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

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

static struct ipaddr address(const char *text)
{
	struct ipaddr a;
	struct err e;
	assert_int_equal(ipaddr_parse(text, &a, &e), 0);
	return a;
}

static struct ipprefix prefix(const char *text)
{
	struct ipprefix p;
	struct err e;
	assert_int_equal(ipprefix_parse(text, &p, &e), 0);
	return p;
}

/* Words: names, and at most one address. */
static bool want(struct fixture *f, const char *names, const char *one_address)
{
	AUTO(strv_fini) struct strv list = {0};
	struct ipaddr a = {0};
	str_words(names, &list);
	if (one_address != NULL)
		a = address(one_address);
	return peers_want(f->peers, &list, &a, one_address != NULL ? 1 : 0);
}

/* A peer with one address and one route, NULL for none. */
static void tell(
	struct fixture *f, int64_t id, const char *name, const char *own, const char *route)
{
	AUTO(mem_free) char *copy = xstrdup(name);
	struct ipprefix addresses[1], routes[1];
	struct peer p = {.id = id, .name = copy, .addresses = addresses, .routes = routes};
	if (own != NULL)
		addresses[p.address_count++] = prefix(own);
	if (route != NULL)
		routes[p.route_count++] = prefix(route);
	peers_update(f->peers, &p);
}

static void nothing_is_kept_unasked(void **state)
{
	struct fixture *f = *state;
	assert_false(peers_wants_any(f->peers));
	tell(f, 1, "web.ts.net.", "100.64.0.1/32", "10.0.0.0/8");
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
	assert_true(want(f, "b a", NULL));
	assert_true(want(f, "b a", "10.0.0.1"));
	assert_false(want(f, "b a", "10.0.0.1"));
	assert_true(want(f, "b a", "10.0.0.2"));
	assert_true(peers_wants_generation(f->peers) == 4);
	assert_true(peers_wants_any(f->peers));
	assert_true(want(f, "", NULL));
	assert_false(peers_wants_any(f->peers));
}

static void names_match_without_dot_and_case(void **state)
{
	struct fixture *f = *state;
	want(f, "Web.TS.net", NULL);
	tell(f, 1, "web.ts.net.", "100.64.0.1/32", NULL);
	tell(f, 2, "web.ts.net.x.", "100.64.0.2/32", NULL);
	tell(f, 3, "xweb.ts.net.", "100.64.0.3/32", NULL);
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
	tell(f, 1, "a.", "100.64.0.1/32", NULL);
	uint64_t generation = peers_generation(f->peers);
	tell(f, 1, "a.", "100.64.0.1/32", "10.0.0.0/8");
	assert_true(peers_generation(f->peers) == generation);
	tell(f, 1, "a.", "100.64.0.2/32", NULL);
	assert_true(peers_generation(f->peers) == ++generation);
	tell(f, 1, "a.", NULL, NULL);
	assert_true(peers_generation(f->peers) == ++generation);
	/* Renamed away. */
	tell(f, 1, "b.", NULL, NULL);
	assert_true(peers_generation(f->peers) == ++generation);
	assert_int_equal(peers_count(f->peers), 0);
}

static void routes_are_kept_when_they_lead_to_a_wanted_address(void **state)
{
	struct fixture *f = *state;
	struct ipaddr wanted = address("fd7a:115c:a1e0:b1a:0:7:a01:203");
	struct ipaddr other = address("10.1.2.3");
	want(f, "", "fd7a:115c:a1e0:b1a:0:7:a01:203");
	assert_true(peers_wants_any(f->peers));
	tell(f, 1, "r.", "100.64.0.1/32", "fd7a:115c:a1e0:b1a:0:7:a01:200/120");
	tell(f, 2, "s.", "100.64.0.2/32", "10.0.0.0/8");
	assert_int_equal(peers_count(f->peers), 1);
	assert_string_equal(peers_by_route(f->peers, &wanted)->name, "r.");
	assert_null(peers_by_route(f->peers, &other));
	/* The route is withdrawn. */
	tell(f, 1, "r.", "100.64.0.1/32", "fd7a:115c:a1e0:b1a:0:8::/96");
	assert_int_equal(peers_count(f->peers), 0);
	struct ipprefix zero = prefix("0.0.0.0/0"), v6 = prefix("::/0");
	assert_false(peers_wants_route(f->peers, &zero));
	assert_true(peers_wants_route(f->peers, &v6));
}

static void a_peer_without_an_id_is_its_name(void **state)
{
	struct fixture *f = *state;
	want(f, "a. b.", NULL);
	tell(f, 0, "", "100.64.0.9/32", NULL);
	tell(f, 0, "a.", "100.64.0.1/32", NULL);
	tell(f, 0, "b.", "100.64.0.2/32", NULL);
	tell(f, 0, "A.", "100.64.0.3/32", NULL);
	assert_int_equal(peers_count(f->peers), 2);
	assert_int_equal(peers_by_name(f->peers, "a")->addresses[0].addr.bytes[3], 3);
	/* Ids alone are removed. */
	peers_remove(f->peers, 0);
	assert_int_equal(peers_count(f->peers), 2);
	/* Now it has one. */
	tell(f, 7, "a.", "100.64.0.4/32", NULL);
	assert_int_equal(peers_count(f->peers), 2);
	assert_true(peers_by_name(f->peers, "a")->id == 7);
	peers_remove(f->peers, 7);
	assert_null(peers_by_name(f->peers, "a"));
}

static void an_id_outranks_a_name(void **state)
{
	struct fixture *f = *state;
	want(f, "a. b.", NULL);
	tell(f, 0, "b.", "100.64.0.1/32", NULL);
	tell(f, 5, "a.", "100.64.0.2/32", NULL);
	/* Renamed to a name that was kept without id: one peer is left. */
	tell(f, 5, "b.", "100.64.0.3/32", NULL);
	assert_int_equal(peers_count(f->peers), 1);
	assert_true(peers_by_name(f->peers, "b")->id == 5);
	/* Another id of the same name is another peer until the first is removed. */
	tell(f, 6, "b.", "100.64.0.4/32", NULL);
	assert_int_equal(peers_count(f->peers), 2);
	peers_remove(f->peers, 5);
	assert_true(peers_by_name(f->peers, "b")->id == 6);
}

static void a_full_replacement_drops_what_is_not_told(void **state)
{
	struct fixture *f = *state;
	want(f, "a. b. c.", NULL);
	tell(f, 1, "a.", NULL, NULL);
	tell(f, 2, "b.", NULL, NULL);
	peers_begin_full(f->peers);
	tell(f, 2, "b.", NULL, NULL);
	tell(f, 3, "c.", NULL, NULL);
	assert_int_equal(peers_count(f->peers), 3);
	peers_end_full(f->peers);
	assert_int_equal(peers_count(f->peers), 2);
	assert_null(peers_by_name(f->peers, "a"));
	/* One that is cut off drops nothing. */
	peers_begin_full(f->peers);
	tell(f, 2, "b.", NULL, NULL);
	peers_begin_full(f->peers);
	tell(f, 3, "c.", NULL, NULL);
	peers_end_full(f->peers);
	assert_int_equal(peers_count(f->peers), 1);
}

static void what_is_not_wanted_any_more_goes(void **state)
{
	struct fixture *f = *state;
	want(f, "a. b.", "10.0.0.1");
	tell(f, 1, "a.", NULL, NULL);
	tell(f, 2, "b.", NULL, "10.0.0.0/24");
	tell(f, 3, "c.", NULL, "10.0.0.0/8");
	assert_int_equal(peers_count(f->peers), 3);
	want(f, "a.", "10.0.9.1");
	assert_int_equal(peers_count(f->peers), 2);
	assert_non_null(peers_by_name(f->peers, "a"));
	assert_non_null(peers_by_name(f->peers, "c"));
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
		tell(f, i + 1, names.items[299 - i], "100.64.0.1/32", NULL);
	assert_int_equal(peers_count(f->peers), 300);
	for (int i = 0; i < 300; i += 2)
		peers_remove(f->peers, i + 1);
	assert_int_equal(peers_count(f->peers), 150);
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
		TEST(a_full_replacement_drops_what_is_not_told),
		TEST(what_is_not_wanted_any_more_goes),
		TEST(many_are_no_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
