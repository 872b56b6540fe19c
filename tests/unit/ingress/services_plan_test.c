#include "ingress/services_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_compile.h"
#include "lib/nft/nft_model.h"

#define A4 "\"IPv4Mapping\":{\"TailscaleServiceIP\":\"100.99.0.1\",\"ClusterIP\":\"10.0.0.1\"}"
#define B4 "\"IPv4Mapping\":{\"TailscaleServiceIP\":\"100.99.0.2\",\"ClusterIP\":\"10.0.0.2\"}"
#define A6 "\"IPv6Mapping\":{\"TailscaleServiceIP\":\"fd7a::1\",\"ClusterIP\":\"fd00::1\"}"

static struct ingress_config parse(const char *text)
{
	struct ingress_config config = {0};
	struct err e;
	assert_int_equal(ingress_config_parse(text, strlen(text), &config, &e), 0);
	return config;
}

/* "svc:a 100.99.0.1>10.0.0.1 svc:b" */
static char *show(const struct ingress_config *config)
{
	AUTO(strv_fini) struct strv words = {0};
	for (size_t i = 0; i < config->count; i++) {
		const struct ingress_service *s = &config->services[i];
		const struct ingress_mapping *mappings[] = {&s->v4, &s->v6};
		strv_push(&words, s->name);
		for (size_t k = 0; k < ARRAY_LEN(mappings); k++) {
			char vip[IPADDR_TEXT_MAX];
			char to[IPADDR_TEXT_MAX];
			if (mappings[k]->is_set)
				strv_pushf(&words, "%s>%s", ipaddr_format(&mappings[k]->vip, vip),
					ipaddr_format(&mappings[k]->cluster_ip, to));
		}
	}
	return strv_join(&words, " ");
}

static void expect(const struct ingress_config *config, const char *expected)
{
	AUTO(mem_free) char *text = show(config);
	assert_string_equal(text, expected);
}

static void a_service_at_fault_keeps_what_it_was(void **state)
{
	static const char *const rows[][3] = {
		{"", "{\"svc:a\":{" A4 "}}", "svc:a 100.99.0.1>10.0.0.1"},
		{"{\"svc:a\":{" A4 "}}", "", ""},
		{"{\"svc:a\":{" A4 "}}", "{\"svc:a\":{" B4 "}}", "svc:a 100.99.0.2>10.0.0.2"},
		{"{\"svc:a\":{" A4 "}}", "{\"svc:a\":{\"IPv4Mapping\":7}}",
			"svc:a 100.99.0.1>10.0.0.1"},
		{"{\"svc:a\":{" A4 "}}", "{\"svc:a\":7,\"svc:b\":{" B4 "," A6 "},\"svc:c\":7}",
			"svc:a 100.99.0.1>10.0.0.1 svc:b 100.99.0.2>10.0.0.2 fd7a::1>fd00::1"},
		{"{\"svc:a\":{" A4 "}}", "{\"svc:b\":{}}", "svc:b"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ingress_config before = parse(rows[i][0]);
		struct ingress_config document = parse(rows[i][1]);
		struct ingress_config merged;
		ingress_plan_merge(&before, &document, &merged);
		expect(&merged, rows[i][2]);
		for (size_t k = 0; k < merged.count; k++)
			assert_null(merged.services[k].fault);
		assert_true(ingress_plan_equal(&merged, &merged));
		assert_true(ingress_plan_equal(&before, &before));
		if (i < 3)
			assert_false(ingress_plan_equal(&before, &merged));
		ingress_config_fini(&before);
		ingress_config_fini(&document);
		ingress_config_fini(&merged);
	}
}

static void faults_are_named(void **state)
{
	struct ingress_config document =
		parse("{\"svc:b\":7,\"svc:a\":{\"IPv4Mapping\":{}},\"svc:c\":{}}");
	AUTO(strv_fini) struct strv faults = {0};
	(void)state;
	ingress_plan_faults(&document, &faults);
	assert_int_equal(faults.len, 2);
	assert_string_equal(faults.items[0], "svc:a: IPv4Mapping.TailscaleServiceIP: missing");
	assert_string_equal(faults.items[1], "svc:b: a number where an object belongs");
	ingress_config_fini(&document);
}

static void pairs_are_added(void **state)
{
	struct ingress_config config = parse("{\"svc:b\":{" A6 "," B4 "},\"svc:a\":{" A4 "}}");
	struct ingress_share share;
	struct nft_wanted w;
	(void)state;
	nft_wanted_init(&w, "tailscale0", "ns/pod");
	ingress_plan_contribute(&config, &w, &share);
	expect(&share.config,
		"svc:a 100.99.0.1>10.0.0.1 svc:b 100.99.0.2>10.0.0.2 fd7a::1>fd00::1");
	assert_int_equal(w.pair_count, 3);
	assert_string_equal(w.pairs[0].service, "svc:a");
	assert_string_equal(w.pairs[2].service, "svc:b");
	assert_int_equal(share.unserved, 0);
	assert_int_equal(share.refused.len, 0);
	ingress_share_fini(&share);
	nft_wanted_fini(&w);
	ingress_config_fini(&config);
}

static void a_family_that_is_not_served_is_left_out(void **state)
{
	struct ingress_config config = parse(
		"{\"svc:b\":{" A6 "," B4 "},\"svc:a\":{" A4 "},\"svc:c\":{" A6 "},\"svc:d\":{}}");
	struct ingress_share share;
	struct nft_wanted w;
	(void)state;
	nft_wanted_init(&w, "tailscale0", "ns/pod");
	nft_wanted_disable(&w, NFT_MODEL_V6);
	ingress_plan_contribute(&config, &w, &share);
	/* One that asks for nothing is carried out, one of which nothing can be is not. */
	expect(&share.config, "svc:a 100.99.0.1>10.0.0.1 svc:b 100.99.0.2>10.0.0.2 svc:d");
	assert_int_equal(share.unserved, 2);
	assert_string_equal(share.first_unserved, "svc:b");
	assert_int_equal(share.refused.len, 0);
	ingress_share_fini(&share);
	nft_wanted_fini(&w);
	ingress_config_fini(&config);
}

static void losers_are_removed(void **state)
{
	struct ingress_config config =
		parse("{\"svc:a\":{" A4 "," A6 "},\"svc:b\":{" B4 "," A6 "},\"svc:c\":{" A6 "}}");
	struct ingress_share share;
	struct nft_desired desired = {0};
	struct nft_wanted w;
	struct err e;
	(void)state;
	nft_wanted_init(&w, "tailscale0", "ns/pod");
	ingress_plan_contribute(&config, &w, &share);
	assert_int_equal(nft_compile(&w, true, &desired, &e), 0);
	assert_int_equal(desired.conflict_count, 2);
	ingress_plan_drop_lost(&share, desired.conflicts, desired.conflict_count);
	expect(&share.config,
		"svc:a 100.99.0.1>10.0.0.1 fd7a::1>fd00::1 svc:b 100.99.0.2>10.0.0.2");
	assert_int_equal(share.refused.len, 2);
	assert_string_equal(share.refused.items[0], "svc:b: fd7a::1 belongs to svc:a");
	assert_string_equal(share.refused.items[1], "svc:c: fd7a::1 belongs to svc:a");
	nft_desired_fini(&desired);
	ingress_share_fini(&share);
	nft_wanted_fini(&w);
	ingress_config_fini(&config);
}

static void conflicts_of_others_are_not_ours(void **state)
{
	char service[] = "svc:a";
	char other[] = "egress";
	const struct nft_conflict conflicts[] = {
		{.service = service, .winner = other, .what = "tcp 80"},
		{.service = service, .winner = other, .what = "100.99.0.77"},
		{.service = other, .winner = service, .what = "100.99.0.1"},
	};
	struct ingress_config config = parse("{\"svc:a\":{" A4 "}}");
	struct ingress_share share;
	struct nft_wanted w;
	(void)state;
	nft_wanted_init(&w, "tailscale0", "ns/pod");
	ingress_plan_contribute(&config, &w, &share);
	ingress_plan_drop_lost(&share, conflicts, ARRAY_LEN(conflicts));
	expect(&share.config, "svc:a 100.99.0.1>10.0.0.1");
	assert_int_equal(share.refused.len, 0);
	ingress_share_fini(&share);
	nft_wanted_fini(&w);
	ingress_config_fini(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_at_fault_keeps_what_it_was),
		cmocka_unit_test(faults_are_named),
		cmocka_unit_test(pairs_are_added),
		cmocka_unit_test(a_family_that_is_not_served_is_left_out),
		cmocka_unit_test(losers_are_removed),
		cmocka_unit_test(conflicts_of_others_are_not_ours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
