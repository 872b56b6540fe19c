#include "egress/resolve.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/tailnet.h"

#define NOT_FOUND(name)                                                   \
	"could not find Tailscale node, service or 4via6 address \"" name \
	"\"; it either does not exist, or not reachable because of ACLs"
#define VIA "fd7a:115c:a1e0:b1a:0:7:a01:203"

static int open_tailnet(void **state)
{
	struct tailnet *t = xcalloc(1, sizeof(*t));
	tailnet_open(t);
	tailnet_want(t,
		"web.example.ts.net both.example.ts.net svc.example.ts.net bare.example.ts.net",
		"100.100.0.1 100.100.0.2 fd7a::c " VIA);
	*state = t;
	return 0;
}

static int close_tailnet(void **state)
{
	tailnet_close(*state);
	mem_free(state);
	return 0;
}

static void expect(struct tailnet *t, const char *fqdn, const char *want)
{
	struct egress_netmap netmap = {t->peers, t->records, true};
	struct nft_addresses found = {0};
	struct err e = {0};
	int code = egress_resolve(fqdn, &netmap, &found, &e);
	AUTO(mem_free) char *text = code == 0 ? tailnet_print(&found) : xstrdup(e.msg);
	assert_int_equal(code, e.code);
	assert_string_equal(text, want);
	nft_addresses_fini(&found);
}

static void test_peer(void **state)
{
	struct tailnet *t = *state;
	tailnet_peer(t, 1, "web.example.ts.net.", "100.64.0.2/32 fd7a::2/128", "100.64.0.2/32");
	tailnet_peer(t, 2, "both.example.ts.net.",
		"fd7a::3/128 100.64.0.3/32 10.0.0.0/8 100.64.0.4/32 100.64.0.3/32", "");
	expect(t, "web.example.ts.net", "[100.64.0.2 fd7a::2]");
	expect(t, ".Web.example.TS.net.", "[100.64.0.2 fd7a::2]");
	expect(t, "both.example.ts.net", "[fd7a::3 100.64.0.3 100.64.0.4]");
	expect(t, "svc.example.ts.net", NOT_FOUND("svc.example.ts.net"));
	tailnet_remove(t, 1);
	expect(t, "web.example.ts.net", NOT_FOUND("web.example.ts.net"));
}

/* A record alone is not a Service: a peer must have its address, as a full-length prefix. */
static void test_service(void **state)
{
	struct tailnet *t = *state;
	tailnet_record(t, "svc.example.ts.net.", "100.100.0.1 fd7a::c 100.100.0.2");
	expect(t, "svc.example.ts.net", NOT_FOUND("svc.example.ts.net"));
	tailnet_peer(t, 3, "a.example.ts.net.", "100.64.0.7/32", "100.100.0.0/24");
	expect(t, "svc.example.ts.net", NOT_FOUND("svc.example.ts.net"));
	tailnet_peer(t, 4, "b.example.ts.net.", "100.64.0.8/32", "fd7a::c/128 100.100.0.1/32");
	tailnet_peer(t, 5, "c.example.ts.net.", "100.64.0.9/32", "100.100.0.1/32");
	expect(t, "SVC.example.ts.net", "[100.100.0.1 fd7a::c]");
	tailnet_peer(t, 6, "svc.example.ts.net.", "100.64.0.6/32", "");
	expect(t, "svc.example.ts.net", "[100.64.0.6]");
	tailnet_remove(t, 6);
	tailnet_record(t, "svc.example.ts.net.", "");
	expect(t, "svc.example.ts.net", NOT_FOUND("svc.example.ts.net"));
}

/* A peer without addresses is passed over; one without an address of its own has none. */
static void test_peer_without_addresses(void **state)
{
	struct tailnet *t = *state;
	tailnet_peer(t, 7, "bare.example.ts.net.", "", "");
	expect(t, "bare.example.ts.net", NOT_FOUND("bare.example.ts.net"));
	tailnet_peer(t, 7, "bare.example.ts.net.", "10.0.0.0/8", "");
	expect(t, "bare.example.ts.net", "[]");
}

static void test_via(void **state)
{
	struct tailnet *t = *state;
	expect(t, "10-1-2-3-via-7.example.ts.net",
		"resolved 4via6 address " VIA " for \"10-1-2-3-via-7.example.ts.net\" but no peer "
		"advertises a route containing it");
	tailnet_peer(t, 8, "r.example.ts.net.", "100.64.0.7/32", "fd7a:115c:a1e0:b1a::/64");
	expect(t, "10-1-2-3-via-7", "[" VIA "]");
	expect(t, "10-1-2-3-via-0x7.example.ts.net", "[" VIA "]");
}

static void test_no_name(void **state)
{
	expect(*state, "a..b", "error parsing \"a..b\" as FQDN: \"\" is not a valid DNS label");
	expect(*state, "", NOT_FOUND(""));
}

static void test_wants(void **state)
{
	struct tailnet *t = *state;
	static const struct {
		const char *fqdn, *names, *routes;
	} rows[] = {
		{"web.example.ts.net", "web.example.ts.net.", "[]"},
		{".Web.example.ts.net.", "Web.example.ts.net.", "[]"},
		{"svc.example.ts.net", "svc.example.ts.net.", "[100.100.0.1 fd7a::c]"},
		{"10-1-2-3-via-7", "10-1-2-3-via-7.", "[" VIA "]"},
		{"a..b", "", "[]"},
	};
	tailnet_record(t, "svc.example.ts.net", "100.100.0.1 fd7a::c");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(strv_fini) struct strv names = {0};
		struct nft_addresses routes = {0};
		egress_resolve_wants(rows[i].fqdn, t->records, &names, &routes);
		AUTO(mem_free) char *joined = strv_join(&names, " ");
		AUTO(mem_free) char *printed = tailnet_print(&routes);
		assert_string_equal(joined, rows[i].names);
		assert_string_equal(printed, rows[i].routes);
		nft_addresses_fini(&routes);
	}
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, open_tailnet, close_tailnet)
	const struct CMUnitTest tests[] = {
		ROW(test_peer),
		ROW(test_service),
		ROW(test_peer_without_addresses),
		ROW(test_via),
		ROW(test_no_name),
		ROW(test_wants),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
