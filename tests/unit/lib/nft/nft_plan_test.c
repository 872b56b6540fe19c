/* Desired states compiled, and planned against the present state. */
#include "lib/nft/nft_plan.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_batch.h"
#include "tests/support/address.h"

static void wanted_init(struct nft_wanted *w)
{
	struct ipaddr own = address_of("100.64.0.1");
	nft_wanted_init(w, "tailscale0", "a/b");
	nft_wanted_set_own(w, &own);
}

static void map(struct nft_wanted *w, const char *service, uint16_t port, const char *target)
{
	struct err e = {0};
	struct nft_portmap m = {
		(char *)(uintptr_t)service, IPPROTO_TCP, port, address_of(target), 80};
	assert_int_equal(nft_wanted_add_portmap(w, &m, &e), 0);
}

static void compile(struct nft_wanted *w, struct nft_desired *out)
{
	struct err e = {0};
	assert_int_equal(nft_compile(w, true, out, &e), 0);
	nft_wanted_fini(w);
}

static void plan_between(
	struct nft_plan *plan, const struct nft_desired *want, const struct nft_desired *have)
{
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {NULL, NULL};
	for (int f = 0; f < NFT_MODEL_FAMILIES && have != NULL; f++)
		actual[f] = &have->images[f];
	nft_plan_make(plan, want, actual);
}

static void test_conflicts(void **state)
{
	AUTO(nft_desired_fini) struct nft_desired d = {0};
	struct nft_wanted w;
	(void)state;
	wanted_init(&w);
	map(&w, "b", 80, "100.64.1.2");
	map(&w, "a", 80, "100.64.1.1");
	map(&w, "a", 80, "100.64.1.9"); /* a name with two addresses: the first counts */
	map(&w, "Z", 81, "100.64.1.3");
	map(&w, "a", 81, "100.64.1.1");
	compile(&w, &d);
	const struct nft_elems *maps = &d.images[NFT_MODEL_V4].sets[NFT_SCHEMA_EGRESS_PM];
	assert_int_equal(maps->len, 2);
	assert_string_equal(maps->items[0].comment, "a");
	assert_int_equal(maps->items[0].data[3], 1);
	assert_string_equal(maps->items[1].comment, "Z");
	assert_int_equal(d.conflict_count, 2);
	assert_string_equal(d.conflicts[0].service, "b");
	assert_string_equal(d.conflicts[0].winner, "a");
	assert_string_equal(d.conflicts[0].what, "tcp 80");
	assert_int_equal(d.conflicts[0].family, NFT_MODEL_V4);
	assert_int_equal(d.conflicts[0].proto, IPPROTO_TCP);
	assert_int_equal(d.conflicts[0].port, 80);
	assert_int_equal(d.conflicts[1].port, 81);
	assert_string_equal(d.conflicts[1].service, "a");
	/* The targets of losers are not targets. */
	assert_int_equal(d.images[NFT_MODEL_V4].sets[NFT_SCHEMA_EGRESS_DST].len, 2);
}

static void test_address_conflict(void **state)
{
	AUTO(nft_desired_fini) struct nft_desired d = {0};
	struct nft_wanted w;
	struct err e = {0};
	struct nft_pair b = {
		(char *)(uintptr_t) "b", address_of("100.99.0.1"), address_of("10.0.0.1")};
	struct nft_pair a = {
		(char *)(uintptr_t) "a", address_of("100.99.0.1"), address_of("10.0.0.2")};
	(void)state;
	wanted_init(&w);
	assert_int_equal(nft_wanted_add_pair(&w, &b, &e), 0);
	assert_int_equal(nft_wanted_add_pair(&w, &a, &e), 0);
	compile(&w, &d);
	assert_int_equal(d.conflict_count, 1);
	assert_string_equal(d.conflicts[0].service, "b");
	assert_string_equal(d.conflicts[0].winner, "a");
	assert_string_equal(d.conflicts[0].what, "100.99.0.1");
	assert_int_equal(d.conflicts[0].proto, 0);
}

static void add_backend(struct nft_wanted *w, const char *backend)
{
	struct err e = {0};
	struct ipaddr from = address_of("100.64.0.1");
	struct ipaddr to = address_of(backend);
	assert_int_equal(nft_wanted_add_backend(w, &from, &to, &e), 0);
}

/* Without numgen in the kernel: the first backend, whenever that comes to light. */
static void test_unbalanced(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		AUTO(nft_desired_fini) struct nft_desired d = {0};
		struct nft_wanted w;
		struct nft_wanted copy;
		struct ipaddr second = address_of("10.0.0.2");
		struct ipaddr third = address_of("10.0.0.3");
		wanted_init(&w);
		if (late == 0)
			nft_wanted_unbalance(&w);
		add_backend(&w, "10.0.0.1");
		add_backend(&w, "10.0.0.2");
		add_backend(&w, "10.0.0.3");
		if (late == 1)
			nft_wanted_unbalance(&w);
		nft_wanted_copy(&copy, &w);
		nft_wanted_fini(&w);
		assert_true(copy.is_unbalanced);
		assert_true(nft_addresses_contain(&copy.live, &second));
		assert_true(nft_addresses_contain(&copy.live, &third));
		compile(&copy, &d);
		const struct nft_image *v4 = &d.images[NFT_MODEL_V4];
		assert_int_equal(v4->backends.len, 0);
		assert_int_equal(v4->sets[NFT_SCHEMA_DADDR_MAP].len, 1);
		assert_int_equal(v4->sets[NFT_SCHEMA_DADDR_MAP].items[0].data[3], 1);
		for (size_t i = 0; i < v4->rules[NFT_SCHEMA_PREROUTING].len; i++)
			assert_null(strstr(v4->rules[NFT_SCHEMA_PREROUTING].items[i], "numgen"));
	}
}

static void test_nothing_known(void **state)
{
	AUTO(nft_desired_fini) struct nft_desired want = {0};
	AUTO(nft_plan_fini) struct nft_plan plan = {0};
	struct nft_wanted w;
	(void)state;
	wanted_init(&w);
	map(&w, "a", 80, "100.64.1.1");
	compile(&w, &want);
	plan_between(&plan, &want, NULL);
	assert_int_equal(plan.families[NFT_MODEL_V4].kind, NFT_PLAN_FULL);
	assert_int_equal(plan.families[NFT_MODEL_V6].kind, NFT_PLAN_FULL);
	assert_true(nft_plan_is_structural(&plan));
	assert_int_equal(nft_plan_elements(&plan), 2);
	nft_plan_escalate(&plan);
	assert_int_equal(plan.families[NFT_MODEL_V4].kind, NFT_PLAN_REBUILD);
}

static void test_deltas(void **state)
{
	AUTO(nft_desired_fini) struct nft_desired have = {0};
	AUTO(nft_desired_fini) struct nft_desired want = {0};
	AUTO(nft_plan_fini) struct nft_plan plan = {0};
	AUTO(nft_plan_fini) struct nft_plan none = {0};
	struct nft_wanted w;
	(void)state;
	wanted_init(&w);
	map(&w, "keep", 80, "100.64.1.1");
	map(&w, "change", 81, "100.64.1.2");
	map(&w, "gone", 82, "100.64.1.3");
	compile(&w, &have);
	wanted_init(&w);
	map(&w, "keep", 80, "100.64.1.1");
	map(&w, "change", 81, "100.64.1.4");
	map(&w, "new", 83, "100.64.1.2");
	compile(&w, &want);
	plan_between(&plan, &want, &have);
	const struct nft_plan_family *v4 = &plan.families[NFT_MODEL_V4];
	assert_int_equal(v4->kind, NFT_PLAN_DELTA);
	assert_int_equal(v4->chains, 0);
	assert_int_equal(v4->removed[NFT_SCHEMA_EGRESS_PM].len, 2);
	assert_int_equal(v4->added[NFT_SCHEMA_EGRESS_PM].len, 2);
	assert_string_equal(v4->removed[NFT_SCHEMA_EGRESS_PM].items[1]->comment, "gone");
	assert_string_equal(v4->added[NFT_SCHEMA_EGRESS_PM].items[1]->comment, "new");
	assert_int_equal(v4->removed[NFT_SCHEMA_EGRESS_DST].len, 1);
	assert_int_equal(v4->added[NFT_SCHEMA_EGRESS_DST].len, 1);
	assert_int_equal(plan.families[NFT_MODEL_V6].kind, NFT_PLAN_NONE);
	assert_false(nft_plan_is_structural(&plan));
	plan_between(&none, &want, &want);
	assert_true(nft_plan_is_empty(&none));
}

static void test_rules(void **state)
{
	AUTO(nft_desired_fini) struct nft_desired have = {0};
	AUTO(nft_desired_fini) struct nft_desired want = {0};
	AUTO(nft_plan_fini) struct nft_plan plan = {0};
	struct nft_wanted w;
	struct ipaddr moved = address_of("100.64.0.2");
	(void)state;
	wanted_init(&w);
	compile(&w, &have);
	wanted_init(&w);
	nft_wanted_set_own(&w, &moved);
	compile(&w, &want);
	plan_between(&plan, &want, &have);
	assert_int_equal(plan.families[NFT_MODEL_V4].chains, 1u << NFT_SCHEMA_POSTROUTING);
	assert_true(nft_plan_is_structural(&plan));
	assert_true(ipaddr_equal(&want.images[NFT_MODEL_V4].own, &moved));
}

static void test_backends(void **state)
{
	AUTO(nft_desired_fini) struct nft_desired three = {0};
	AUTO(nft_desired_fini) struct nft_desired other = {0};
	AUTO(nft_plan_fini) struct nft_plan plan = {0};
	struct nft_wanted w;
	struct err e = {0};
	struct ipaddr from = address_of("100.64.0.1");
	struct ipaddr to[] = {
		address_of("10.0.0.1"), address_of("10.0.0.2"), address_of("10.0.0.3")};
	(void)state;
	wanted_init(&w);
	assert_int_equal(nft_wanted_add_backend(&w, &from, &to[0], &e), 0);
	assert_int_equal(nft_wanted_add_backend(&w, &from, &to[1], &e), 0);
	compile(&w, &three);
	wanted_init(&w);
	assert_int_equal(nft_wanted_add_backend(&w, &from, &to[0], &e), 0);
	assert_int_equal(nft_wanted_add_backend(&w, &from, &to[2], &e), 0);
	compile(&w, &other);
	/* The rules read the same; only the anonymous map differs. */
	assert_true(strv_equal(&three.images[0].rules[NFT_SCHEMA_PREROUTING],
		&other.images[0].rules[NFT_SCHEMA_PREROUTING]));
	plan_between(&plan, &other, &three);
	assert_int_equal(plan.families[NFT_MODEL_V4].chains, 1u << NFT_SCHEMA_PREROUTING);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;
	for (; (text = strstr(text, part)) != NULL; text++)
		n++;
	return n;
}

/* Both ask for the way out, and the one of answers for the way in: what comes from the tunnel is no
 * answer to a peer. */
static void test_guards(void **state)
{
	static const char tun_name[] = "7461696c7363616c6530";
	AUTO(nft_desired_fini) struct nft_desired d = {0};
	struct nft_wanted w;
	(void)state;
	wanted_init(&w);
	compile(&w, &d);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		const struct strv *rules = &d.images[f].rules[NFT_SCHEMA_FORWARD];
		assert_int_equal(rules->len, 3);
		assert_non_null(strstr(rules->items[1], "leak-guard"));
		assert_int_equal(count(rules->items[1], tun_name), 1);
		assert_non_null(strstr(rules->items[2], "answer-guard"));
		assert_int_equal(count(rules->items[2], tun_name), 2);
	}
}

static void test_foreign_schema(void **state)
{
	AUTO(nft_desired_fini) struct nft_desired want = {0};
	AUTO(nft_plan_fini) struct nft_plan plan = {0};
	AUTO(nft_plan_fini) struct nft_plan removal = {0};
	struct nft_image strange = {.has_table = true};
	struct nft_image absent = {0};
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {&strange, &absent};
	struct nft_wanted w;
	(void)state;
	wanted_init(&w);
	compile(&w, &want);
	nft_plan_make(&plan, &want, actual);
	assert_int_equal(plan.families[NFT_MODEL_V4].kind, NFT_PLAN_REBUILD);
	assert_int_equal(plan.families[NFT_MODEL_V6].kind, NFT_PLAN_FULL);
	nft_plan_make_removal(&removal, actual);
	assert_int_equal(removal.families[NFT_MODEL_V4].kind, NFT_PLAN_REMOVE);
	assert_int_equal(removal.families[NFT_MODEL_V6].kind, NFT_PLAN_NONE);
}

static void test_descriptions(void **state)
{
	AUTO(nft_desired_fini) struct nft_desired want = {0};
	AUTO(nft_plan_fini) struct nft_plan plan = {0};
	AUTO(nlwrite_fini) struct nlwrite batch = NLWRITE_INIT(NLWRITE_BATCH_MAX, 100);
	struct nft_wanted w;
	struct err e = {0};
	char text[NFT_BATCH_TEXT_MAX];
	static const char *const expected[] = {
		"the batch as a whole",
		"table ip ts_sidecar",
		"table ip ts_sidecar, set egress_pm",
		"table ip ts_sidecar, set daddr_map",
		"table ip ts_sidecar, set egress_dst",
		"table ip ts_sidecar, set local_ports",
		"table ip ts_sidecar, chain prerouting",
		"table ip ts_sidecar, chain postrouting",
		"table ip ts_sidecar, chain mss_clamp",
		"table ip ts_sidecar, chain forward",
		"table ip ts_sidecar, elements of egress_pm",
		"table ip ts_sidecar, elements of daddr_map",
		"table ip ts_sidecar, elements of egress_dst",
		"table ip ts_sidecar, elements of local_ports",
		"table ip ts_sidecar, chain prerouting, all rules",
		"table ip ts_sidecar, chain postrouting, all rules",
		"table ip ts_sidecar, chain mss_clamp, all rules",
		"table ip ts_sidecar, chain forward, all rules",
		"table ip ts_sidecar, chain prerouting, rule by-daddr",
		"table ip ts_sidecar, chain prerouting, rule egress-portmap",
		"table ip ts_sidecar, chain postrouting, rule egress-self",
		"table ip ts_sidecar, chain mss_clamp, rule mss-out",
		"table ip ts_sidecar, chain mss_clamp, rule mss-in",
		"table ip ts_sidecar, chain forward, rule syn-to-clamp",
		"table ip ts_sidecar, chain forward, rule leak-guard",
		"table ip ts_sidecar, chain forward, rule answer-guard",
	};
	(void)state;
	wanted_init(&w);
	map(&w, "web", 80, "100.64.1.1");
	struct nft_wanted copy;
	nft_wanted_copy(&copy, &w);
	compile(&w, &want);
	plan_between(&plan, &want, NULL);
	assert_int_equal(nft_batch_write(&batch, &plan, &copy, &want, &e), 0);
	for (uint32_t i = 0; i < ARRAY_LEN(expected); i++) {
		nft_batch_describe(batch.buf.data, batch.buf.len, 100 + i, 0, text);
		assert_string_equal(text, expected[i]);
	}
	/* Header, table and set are 20 + 16 + 16 bytes; the element's key lies behind them. */
	nft_batch_describe(batch.buf.data, batch.buf.len, 126, 76, text);
	assert_string_equal(text, "table ip ts_sidecar, element tcp 80 of egress_pm (web)");
	nft_wanted_fini(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_address_conflict),
		cmocka_unit_test(test_unbalanced),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_deltas),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_backends),
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_foreign_schema),
		cmocka_unit_test(test_descriptions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
