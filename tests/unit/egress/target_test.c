#include "egress/target.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "egress/egress_conditions.h"
#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "lib/nft/nft.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/log_capture.h"
#include "tests/support/tailnet.h"

#define NOT_FOUND                                                                             \
	"could not find Tailscale node, service or 4via6 address \"web.example.ts.net\"; it " \
	"either does not exist, or not reachable because of ACLs"

struct bench {
	struct tailnet tailnet;
	struct condition_set conditions;
	struct log_capture log;
	struct egress_target *target;
	bool is_unknown;
	bool has_no_v6;
	struct err e;
};

static int open_bench(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	tailnet_open(&b->tailnet);
	tailnet_want(&b->tailnet, "web.example.ts.net", "");
	log_capture_start(&b->log);
	condition_kinds_add(&b->conditions, EGRESS_CONDITIONS);
	*state = b;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *b = *state;
	egress_target_free(b->target);
	tailnet_close(&b->tailnet);
	condition_set_fini(&b->conditions);
	log_capture_stop(&b->log);
	mem_free(state);
	return 0;
}

static void aim(struct bench *b, const char *ip, const char *fqdn)
{
	struct egress_target_options options = {ip, fqdn};
	b->target = egress_target_new(&b->conditions, &options);
}

/* A round of the data path; want is "V4 V6" of the targets, "-" for none. */
static void expect(struct bench *b, const char *own, int code, const char *want)
{
	AUTO(strv_fini) struct strv words = {0};
	struct egress_netmap netmap = {b->tailnet.peers, b->tailnet.records, !b->is_unknown};
	struct nft_wanted w;
	char text[NFT_MODEL_FAMILIES][IPADDR_TEXT_MAX] = {"-", "-"};
	str_words(own, &words);
	nft_wanted_init(&w, "tailscale0", "a/b");
	if (b->has_no_v6)
		nft_wanted_disable(&w, NFT_MODEL_V6);
	for (size_t i = 0; i < words.len; i++) {
		struct ipaddr addr = tailnet_addr(words.items[i]);
		nft_wanted_set_own(&w, &addr);
	}
	assert_int_equal(egress_target_contribute(b->target, &netmap, &w, &b->e), code);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		if (w.families[f].catch_all.family != IPADDR_NONE)
			ipaddr_format(&w.families[f].catch_all, text[f]);
	}
	AUTO(mem_free) char *got = xasprintf("%s %s", text[NFT_MODEL_V4], text[NFT_MODEL_V6]);
	assert_string_equal(got, want);
	nft_wanted_fini(&w);
	egress_target_applied(b->target, &(struct nft_result){.code = 0}, &b->e);
}

static const char *reason(const struct bench *b)
{
	const struct condition *c = condition_get(&b->conditions, CONDITION_EGRESS_TARGET_UNKNOWN);
	return c->raised ? c->reason : "";
}

#define INSTALLING "Installing forwarding rules for destination "

static void test_address(void **state)
{
	struct bench *b = *state;
	aim(b, "100.64.0.2", "");
	expect(b, "100.64.0.1 fd7a::1", 0, "100.64.0.2 -");
	expect(b, "100.64.0.1 fd7a::1", 0, "100.64.0.2 -");
	assert_int_equal(log_capture_count(&b->log, INSTALLING "100.64.0.2"), 1);
	expect(b, "100.64.0.9 fd7a::1", 0, "100.64.0.2 -");
	assert_int_equal(log_capture_count(&b->log, INSTALLING), 2);
}

static void test_address_out_of_reach(void **state)
{
	struct bench *b = *state;
	aim(b, "fd7a::2", NULL);
	expect(b, "100.64.0.1", -EADDRNOTAVAIL, "- -");
	assert_string_equal(
		b->e.msg, "no tailscale IP matching family of fd7a::2 found in [100.64.0.1/32]");
	expect(b, "100.64.0.1 fd7a::1", 0, "- fd7a::2");
	b->has_no_v6 = true;
	expect(b, "100.64.0.1 fd7a::1", -EAFNOSUPPORT, "- -");
	assert_string_equal(b->e.msg, "no tailscale IP matching family of fd7a::2 found in "
				      "[100.64.0.1/32], host supports IPv6: false");
	assert_int_equal(log_capture_count(&b->log, INSTALLING), 1);
}

static void test_no_address(void **state)
{
	struct bench *b = *state;
	aim(b, "web", "");
	expect(b, "100.64.0.1", -EINVAL, "- -");
}

static void test_name_is_followed(void **state)
{
	struct bench *b = *state;
	aim(b, "", "web.example.ts.net");
	expect(b, "100.64.0.1", -EAGAIN, "- -");
	assert_string_equal(b->e.msg, NOT_FOUND);
	assert_string_equal(reason(b), NOT_FOUND);
	tailnet_peer(&b->tailnet, 1, "web.example.ts.net.", "100.64.0.2/32 fd7a::2/128", "");
	expect(b, "100.64.0.1", 0, "100.64.0.2 -");
	assert_string_equal(reason(b), "");
	assert_int_equal(log_capture_count(&b->log, INSTALLING "100.64.0.2"), 1);
	expect(b, "100.64.0.1 fd7a::1", 0, "100.64.0.2 fd7a::2");
	tailnet_peer(&b->tailnet, 1, "web.example.ts.net.", "100.64.0.3/32 fd7a::2/128", "");
	expect(b, "100.64.0.1 fd7a::1", 0, "100.64.0.3 fd7a::2");
	assert_int_equal(log_capture_count(&b->log, INSTALLING "100.64.0.3"), 1);
	/* Gone: traffic goes on to where it went. */
	tailnet_remove(&b->tailnet, 1);
	expect(b, "100.64.0.1 fd7a::1", -EAGAIN, "100.64.0.3 fd7a::2");
	expect(b, "100.64.0.1", -EAGAIN, "100.64.0.3 -");
	assert_string_equal(reason(b), NOT_FOUND);
}

/* As long as the peers are not reported, nothing is missing. */
static void test_name_is_not_known_yet(void **state)
{
	struct bench *b = *state;
	aim(b, NULL, "web.example.ts.net");
	b->is_unknown = true;
	expect(b, "100.64.0.1", -EAGAIN, "- -");
	assert_string_equal(reason(b), "");
	assert_int_equal(b->log.texts.len, 0);
}

static void test_no_name(void **state)
{
	struct bench *b = *state;
	aim(b, NULL, "a..b");
	b->is_unknown = true;
	expect(b, "100.64.0.1", -EAGAIN, "- -");
	assert_string_equal(
		reason(b), "error parsing \"a..b\" as FQDN: \"\" is not a valid DNS label");
}

static void test_name_out_of_reach(void **state)
{
	struct bench *b = *state;
	aim(b, NULL, "web.example.ts.net");
	b->has_no_v6 = true;
	tailnet_peer(&b->tailnet, 1, "web.example.ts.net.", "::1/128", "");
	expect(b, "100.64.0.1 fd7a::1", -EAFNOSUPPORT, "- -");
	assert_string_equal(b->e.msg,
		"no forwarding rules for egress addresses [::1/128], host supports IPv6: false");
	b->has_no_v6 = false;
	expect(b, "100.64.0.1", -EADDRNOTAVAIL, "- -");
	assert_string_equal(
		b->e.msg, "no tailscale IP matching family of ::1 found in [100.64.0.1/32]");
	tailnet_peer(&b->tailnet, 1, "web.example.ts.net.", "10.0.0.0/8", "");
	expect(b, "100.64.0.1", -EAGAIN, "- -");
	assert_string_equal(reason(b), "tailnet target \"web.example.ts.net\" does not have any "
				       "backend addresses");
}

static void test_failed_runs_do_not_stand(void **state)
{
	struct bench *b = *state;
	aim(b, NULL, "web.example.ts.net");
	tailnet_peer(&b->tailnet, 1, "web.example.ts.net.", "100.64.0.2/32", "");
	expect(b, "100.64.0.1", 0, "100.64.0.2 -");
	tailnet_peer(&b->tailnet, 1, "web.example.ts.net.", "100.64.0.3/32", "");
	struct egress_netmap netmap = {b->tailnet.peers, b->tailnet.records, true};
	struct ipaddr own = tailnet_addr("100.64.0.1");
	struct nft_wanted w;
	nft_wanted_init(&w, "tailscale0", "a/b");
	nft_wanted_set_own(&w, &own);
	assert_int_equal(egress_target_contribute(b->target, &netmap, &w, &b->e), 0);
	nft_wanted_fini(&w);
	err_set(&b->e, -EBUSY, "busy");
	egress_target_applied(b->target, &(struct nft_result){.code = -EBUSY}, &b->e);
	tailnet_remove(&b->tailnet, 1);
	expect(b, "100.64.0.1", -EAGAIN, "100.64.0.2 -");
}

static void test_wants(void **state)
{
	struct bench *b = *state;
	AUTO(strv_fini) struct strv names = {0};
	struct nft_addresses routes = {0};
	aim(b, NULL, "web.example.ts.net");
	egress_target_wants(b->target, b->tailnet.records, &names, &routes);
	assert_int_equal(names.len, 1);
	assert_string_equal(names.items[0], "web.example.ts.net.");
	egress_target_free(b->target);
	aim(b, "100.64.0.2", NULL);
	egress_target_wants(b->target, b->tailnet.records, &names, &routes);
	assert_int_equal(names.len + routes.len, 1);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)
	const struct CMUnitTest tests[] = {
		ROW(test_address),
		ROW(test_address_out_of_reach),
		ROW(test_no_address),
		ROW(test_name_is_followed),
		ROW(test_name_is_not_known_yet),
		ROW(test_no_name),
		ROW(test_name_out_of_reach),
		ROW(test_failed_runs_do_not_stand),
		ROW(test_wants),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
