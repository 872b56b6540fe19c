#include "lib/localapi/ipn_decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/localapi/peers.h"
#include "tests/support/address.h"
#include "tests/support/notify_bench.h"

static void peer_changes_are_seen_without_being_wanted(void **state)
{
	static const char *const texts[] = {"{\"PeersChanged\":[{\"ID\":5}]}\n",
		"{\"PeersRemoved\":[5]}\n", "{\"PeerChangedPatch\":[{\"NodeID\":5}]}\n"};
	struct notify_bench *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		notify_feed(f, texts[i]);
		assert_true(notify_last(f)->n.has_peer_changes);
		assert_true(ipn_notify_is_relevant(&notify_last(f)->n));
	}
	assert_int_equal(peers_count(f->peers), 0);
}

static void wanted_peers_are_kept(void **state)
{
	struct notify_bench *f = *state;
	notify_want(f, "web.t.ts.net", NULL);
	notify_feed(f, NOTIFY_STATUS);
	assert_int_equal(peers_count(f->peers), 1);
	const struct peer *p = peers_by_name(f->peers, "WEB.t.ts.net.");
	assert_non_null(p);
	assert_true(p->id == INT64_C(33223432117286174));
	assert_int_equal(p->address_count, 1);
	assert_int_equal(p->route_count, 0);
	/* A change, then its end. */
	notify_feed(f,
		"{\"PeersChanged\":[{\"ID\":33223432117286174,\"Name\":\"web.t.ts.net.\","
		"\"Addresses\":[\"100.64.0.9/32\",\"fd7a::9/128\"]},{\"ID\":9,\"Name\":\"x.\"}]}\n");
	assert_int_equal(peers_by_name(f->peers, "web.t.ts.net")->address_count, 2);
	notify_feed(f, "{\"PeersRemoved\":[1,\"33223432117286174\"]}\n");
	assert_int_equal(peers_count(f->peers), 1);
	notify_feed(f, "{\"PeersRemoved\":[33223432117286174]}\n");
	assert_int_equal(peers_count(f->peers), 0);
}

static void peers_are_kept_for_their_routes(void **state)
{
	struct notify_bench *f = *state;
	struct ipaddr a = address_of("10.1.2.3");
	notify_want(f, "", "10.1.2.3");
	notify_feed(f, NOTIFY_STATUS);
	const struct peer *p = peers_by_route(f->peers, &a);
	assert_non_null(p);
	assert_string_equal(p->name, "web.t.ts.net.");
	assert_int_equal(p->route_count, 1);
	assert_int_equal(p->routes[0].bits, 16);
}

static void a_status_replaces_all_peers(void **state)
{
	struct notify_bench *f = *state;
	notify_want(f, "web.t.ts.net db.t.ts.net", NULL);
	notify_feed(f, NOTIFY_STATUS);
	assert_int_equal(peers_count(f->peers), 2);
	notify_feed(f,
		"{\"InitialStatus\":{\"Peer\":{\"k\":{\"NodeID\":8,\"DNSName\":\"db.t.ts.net.\"}}}}\n");
	assert_int_equal(peers_count(f->peers), 1);
	assert_non_null(peers_by_name(f->peers, "db.t.ts.net"));
	notify_feed(f, "{\"InitialStatus\":{\"BackendState\":\"Running\",\"Peer\":null}}\n");
	assert_int_equal(peers_count(f->peers), 0);
}

static void odd_members_of_peers_count_as_absent(void **state)
{
	struct notify_bench *f = *state;
	notify_want(f, "web.t.ts.net", "10.0.0.1");
	notify_feed(f,
		"{\"PeersChanged\":[7,null,\"x\",[],{\"ID\":\"5\",\"Name\":\"web.t.ts.net.\","
		"\"Addresses\":[null,5,\"\",\"nonsense\",\"100.64.0.1/99\",\"100.64.0.5/32\",{}],"
		"\"AllowedIPs\":{\"a\":\"10.0.0.0/8\"}},{\"Name\":7},{\"ID\":1.5,\"Name\":\"\"}]}\n");
	assert_int_equal(peers_count(f->peers), 1);
	const struct peer *p = peers_by_name(f->peers, "web.t.ts.net");
	assert_true(p->id == 0);
	assert_int_equal(p->address_count, 1);
	assert_int_equal(p->route_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, notify_bench_open, notify_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(peer_changes_are_seen_without_being_wanted),
		TEST(wanted_peers_are_kept),
		TEST(peers_are_kept_for_their_routes),
		TEST(a_status_replaces_all_peers),
		TEST(odd_members_of_peers_count_as_absent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
