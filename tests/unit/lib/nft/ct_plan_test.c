/* Which flows go on. */
#include "lib/nft/ct_plan.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/address.h"

#define POD "10.244.0.1"
#define OLD_OWN "100.64.0.9"
#define OWN "100.64.0.1"

static void map(struct nft_wanted *w, uint8_t proto, uint16_t port, const char *target, uint16_t to)
{
	struct err e = {0};
	struct nft_portmap m = {(char[]){"s"}, proto, port, address_of(target), to};
	assert_int_equal(nft_wanted_add_portmap(w, &m, &e), 0);
}

static void pair(struct nft_wanted *w, const char *from, const char *to)
{
	struct err e = {0};
	struct nft_pair p = {(char[]){"p"}, address_of(from), address_of(to)};
	assert_int_equal(nft_wanted_add_pair(w, &p, &e), 0);
}

static void backend(struct nft_wanted *w, const char *from, const char *to)
{
	struct err e = {0};
	struct ipaddr a = address_of(from);
	struct ipaddr b = address_of(to);
	assert_int_equal(nft_wanted_add_backend(w, &a, &b, &e), 0);
}

static void wanted_init(struct nft_wanted *w, const char *own_text)
{
	struct ipaddr own = address_of(own_text);
	struct ipaddr pod = address_of(POD);
	nft_wanted_init(w, "tailscale0", "a/b");
	nft_wanted_set_own(w, &own);
	nft_wanted_set_pod(w, &pod);
}

struct bench {
	struct nft_wanted before_wanted;
	struct nft_wanted wanted;
	struct nft_desired before;
	struct nft_desired now;
	struct ct_past past;
	struct ct_view view;
};

static void add_past(
	struct ct_past *past, const struct nft_desired *before, const struct nft_wanted *now)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		ct_past_add(past, (enum nft_model_family)f, &before->images[f],
			&now->families[f].balanced_from);
}

/* Before: ports 1 to 3 to target .1, 4 to .4; now: 1 stays, 2 moves to .2 (.1 lives), 3 gone, 4
 * moves to .2 (.4 is gone), 5 is new. */
static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct err e = {0};
	wanted_init(&b->before_wanted, OLD_OWN);
	wanted_init(&b->wanted, OWN);
	for (uint8_t proto = IPPROTO_TCP; proto <= IPPROTO_UDP;
		proto += IPPROTO_UDP - IPPROTO_TCP) {
		map(&b->before_wanted, proto, 1, "100.64.1.1", 80);
		map(&b->before_wanted, proto, 2, "100.64.1.1", 80);
		map(&b->before_wanted, proto, 3, "100.64.1.3", 80);
		map(&b->before_wanted, proto, 4, "100.64.1.4", 80);
		map(&b->wanted, proto, 1, "100.64.1.1", 80);
		map(&b->wanted, proto, 2, "100.64.1.2", 80);
		map(&b->wanted, proto, 4, "100.64.1.2", 80);
		map(&b->wanted, proto, 5, "100.64.1.2", 80);
	}
	pair(&b->before_wanted, "100.99.0.1", "10.96.0.1");
	pair(&b->wanted, "100.99.0.1", "10.96.0.2");
	pair(&b->wanted, "100.99.0.2", "10.96.0.2");
	backend(&b->before_wanted, "100.99.0.9", "10.1.0.1");
	backend(&b->before_wanted, "100.99.0.9", "10.1.0.2");
	backend(&b->wanted, "100.99.0.9", "10.1.0.2");
	backend(&b->wanted, "100.99.0.9", "10.1.0.3");
	assert_int_equal(nft_compile(&b->before_wanted, true, &b->before, &e), 0);
	assert_int_equal(nft_compile(&b->wanted, true, &b->now, &e), 0);
	add_past(&b->past, &b->before, &b->wanted);
	ct_view_init(&b->view, &b->past, &b->now, &b->wanted);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	ct_view_fini(&b->view);
	ct_past_fini(&b->past);
	nft_desired_fini(&b->before);
	nft_desired_fini(&b->now);
	nft_wanted_fini(&b->before_wanted);
	nft_wanted_fini(&b->wanted);
	free(b);
	return 0;
}

struct flow_case {
	const char *name;
	uint8_t proto;
	uint32_t status;
	const char *to; /* original destination */
	uint16_t port;
	const char *target; /* who answers */
	uint16_t target_port;
	const char *answer_to;
	enum ct_verdict verdict;
};

#define DNAT IPS_DST_NAT
#define BOTH (IPS_DST_NAT | IPS_SRC_NAT)

static const struct flow_case cases[] = {
	{"same", IPPROTO_UDP, DNAT, POD, 1, "100.64.1.1", 80, OWN, CT_KEEP_SAME},
	{"same, TCP", IPPROTO_TCP, DNAT, POD, 1, "100.64.1.1", 80, OWN, CT_KEEP_SAME},
	{"old source", IPPROTO_TCP, BOTH, POD, 1, "100.64.1.1", 80, OLD_OWN, CT_END_SOURCE},
	{"old source, UDP", IPPROTO_UDP, BOTH, POD, 1, "100.64.1.1", 80, OLD_OWN, CT_END_SOURCE},
	{"new source", IPPROTO_TCP, BOTH, POD, 1, "100.64.1.1", 80, OWN, CT_KEEP_SAME},
	{"moved, UDP", IPPROTO_UDP, DNAT, POD, 2, "100.64.1.1", 80, OWN, CT_END_CHANGED},
	{"moved, old lives", IPPROTO_TCP, DNAT, POD, 2, "100.64.1.1", 80, OWN, CT_KEEP_LIVE},
	{"key gone", IPPROTO_TCP, DNAT, POD, 3, "100.64.1.3", 80, OWN, CT_END_GONE},
	{"key gone, UDP", IPPROTO_UDP, DNAT, POD, 3, "100.64.1.3", 80, OWN, CT_END_CHANGED},
	{"target gone", IPPROTO_TCP, DNAT, POD, 4, "100.64.1.4", 80, OWN, CT_END_GONE},
	{"other port", IPPROTO_UDP, DNAT, POD, 1, "100.64.1.1", 81, OWN, CT_END_CHANGED},
	{"early UDP", IPPROTO_UDP, 0, POD, 5, POD, 5, "10.244.0.2", CT_END_UNTRANSLATED},
	{"early TCP", IPPROTO_TCP, 0, POD, 5, POD, 5, "10.244.0.2", CT_KEEP_FOREIGN},
	{"no port of ours", IPPROTO_UDP, 0, POD, 41641, POD, 41641, "1.2.3.4", CT_KEEP_FOREIGN},
	{"elsewhere", IPPROTO_UDP, 0, "8.8.8.8", 5, "8.8.8.8", 5, POD, CT_KEEP_FOREIGN},
	{"of others", IPPROTO_UDP, DNAT, POD, 5, "10.9.9.9", 5, POD, CT_KEEP_FOREIGN},
	{"pair moved, UDP", IPPROTO_UDP, DNAT, "100.99.0.1", 7, "10.96.0.1", 7, POD,
		CT_END_CHANGED},
	{"pair moved", IPPROTO_TCP, DNAT, "100.99.0.1", 7, "10.96.0.1", 7, POD, CT_END_GONE},
	{"pair early", IPPROTO_UDP, 0, "100.99.0.2", 7, "100.99.0.2", 7, POD, CT_END_UNTRANSLATED},
	{"pair same", IPPROTO_ICMP, DNAT, "100.99.0.2", 0, "10.96.0.2", 0, POD, CT_KEEP_SAME},
	{"backend same", IPPROTO_TCP, DNAT, "100.99.0.9", 7, "10.1.0.3", 7, POD, CT_KEEP_SAME},
	{"backend away", IPPROTO_TCP, DNAT, "100.99.0.9", 7, "10.1.0.1", 7, POD, CT_KEEP_LIVE},
	{"backend away, UDP", IPPROTO_UDP, DNAT, "100.99.0.9", 7, "10.1.0.1", 7, POD,
		CT_END_CHANGED},
};

static enum ct_verdict decide(const struct ct_view *view, const struct flow_case *c)
{
	struct ct_entry entry = {
		.proto = c->proto,
		.status = c->status,
		.original = {address_of("10.244.0.2"), address_of(c->to), 4000, c->port},
		.reply = {address_of(c->target), address_of(c->answer_to), c->target_port, 4000},
	};
	return ct_plan_decide(view, &entry);
}

static void test_flows(void **state)
{
	struct bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum ct_verdict verdict = decide(&b->view, &cases[i]);
		if (verdict != cases[i].verdict)
			fail_msg("%s: %d, not %d", cases[i].name, (int)verdict,
				(int)cases[i].verdict);
	}
}

/* With nothing changed, nothing of ours ends. */
static void test_unchanged(void **state)
{
	struct bench *b = *state;
	struct ct_past past = {0};
	struct ct_view same;
	add_past(&past, &b->now, &b->wanted);
	ct_view_init(&same, &past, &b->now, &b->wanted);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (cases[i].verdict == CT_KEEP_SAME || cases[i].verdict == CT_KEEP_FOREIGN)
			assert_false(ct_verdict_is_end(decide(&same, &cases[i])));
	}
	ct_view_fini(&same);
	ct_past_fini(&past);
}

static void test_live(void **state)
{
	struct bench *b = *state;
	struct flow_case c = {"", IPPROTO_TCP, DNAT, POD, 4, "100.64.1.4", 80, OWN, CT_KEEP_LIVE};
	struct ipaddr target = address_of("100.64.1.4");
	assert_int_equal(decide(&b->view, &c), CT_END_GONE);
	nft_wanted_add_live(&b->wanted, &target);
	ct_view_fini(&b->view);
	ct_view_init(&b->view, &b->past, &b->now, &b->wanted);
	assert_int_equal(decide(&b->view, &c), CT_KEEP_LIVE);
}

/* A family with unchanged rules: even a flow that would end goes on. */
static void test_other_family(void **state)
{
	struct bench *b = *state;
	b->view.has_changed[NFT_MODEL_V4] = false;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(decide(&b->view, &cases[i]), CT_KEEP_FOREIGN);
}

struct end_case {
	const char *name;
	const char *own_before; /* NULL: there was no table */
	const char *own;
	bool had_maps;
	bool has_maps;
	bool can_end;
};

static void compile_maps(
	struct nft_wanted *w, struct nft_desired *d, const char *own, bool has_maps)
{
	struct err e = {0};
	wanted_init(w, own);
	if (has_maps)
		map(w, IPPROTO_UDP, 1, "100.64.1.1", 80);
	assert_int_equal(nft_compile(w, true, d, &e), 0);
}

/* Nothing is read when no flow can end, so every possible flow must be one that goes on. */
static void test_can_end(void **state)
{
	static const struct end_case ends[] = {
		{"first, no services", NULL, OWN, false, false, false},
		{"first, services", NULL, OWN, false, true, true},
		{"still none", OWN, OWN, false, false, false},
		{"the first one", OWN, OWN, false, true, true},
		{"the last one", OWN, OWN, true, false, true},
		{"own address", OLD_OWN, OWN, false, false, true},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const struct end_case *c = &ends[i];
		struct nft_wanted wanted[2];
		struct nft_desired desired[2] = {0};
		compile_maps(
			&wanted[0], &desired[0], c->own_before ? c->own_before : OWN, c->had_maps);
		compile_maps(&wanted[1], &desired[1], c->own, c->has_maps);
		static const struct nft_image nothing;
		const struct nft_image *before =
			c->own_before != NULL ? &desired[0].images[NFT_MODEL_V4] : &nothing;
		struct ct_past past = {0};
		struct ct_view view;
		ct_past_add(&past, NFT_MODEL_V4, before, &wanted[1].families[0].balanced_from);
		ct_view_init(&view, &past, &desired[1], &wanted[1]);
		if (ct_plan_can_end(&view, NFT_MODEL_V4) != c->can_end)
			fail_msg("%s", c->name);
		assert_false(ct_plan_can_end(&view, NFT_MODEL_V6));
		for (size_t k = 0; k < ARRAY_LEN(cases) && !c->can_end; k++)
			assert_false(ct_verdict_is_end(decide(&view, &cases[k])));
		ct_view_fini(&view);
		ct_past_fini(&past);
		for (int k = 0; k < 2; k++) {
			nft_desired_fini(&desired[k]);
			nft_wanted_fini(&wanted[k]);
		}
	}
}

static void test_catch_all_can_end(void **state)
{
	(void)state;
	struct nft_wanted w;
	struct nft_desired desired = {0};
	struct err e = {0};
	struct ipaddr target = address_of("100.64.1.9");
	wanted_init(&w, OWN);
	assert_int_equal(nft_wanted_set_catch_all(&w, &target, &e), 0);
	assert_int_equal(nft_compile(&w, true, &desired, &e), 0);
	static const struct nft_image nothing;
	struct ct_past past = {0};
	struct ct_view view;
	ct_past_add(&past, NFT_MODEL_V4, &nothing, &w.families[NFT_MODEL_V4].balanced_from);
	ct_view_init(&view, &past, &desired, &w);
	assert_true(ct_plan_can_end(&view, NFT_MODEL_V4));
	ct_view_fini(&view);
	ct_past_fini(&past);
	nft_desired_fini(&desired);
	nft_wanted_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unchanged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_live, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_family, setup, teardown),
		cmocka_unit_test(test_can_end),
		cmocka_unit_test(test_catch_all_can_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
