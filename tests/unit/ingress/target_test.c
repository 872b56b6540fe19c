#include "ingress/target.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft.h"
#include "tests/support/log_capture.h"

#define INSTALLING "Installing proxy rules"
#define VIA "installing rules to forward traffic for 10.1.0.1 to node's tailnet IP"

struct fixture {
	struct log_capture log;
	struct ingress_target *t;
	const char *own[2];   /* NULL = none */
	const char *pod_ipv6; /* NULL = none */
	bool no_ipv6;
	struct strv pairs; /* of the last contribution: "from>to" */
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	log_capture_start(&f->log);
	f->own[0] = "100.64.0.1";
	f->own[1] = "fd7a::1";
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	ingress_target_free(f->t);
	ingress_target_free(NULL);
	log_capture_stop(&f->log);
	strv_fini(&f->pairs);
	mem_free(state);
	return 0;
}

static void make(struct fixture *f, const char *dest_ip, bool via_ingress)
{
	const struct ingress_target_options options = {
		.dest_ip = dest_ip,
		.pod_ip = "10.1.0.1",
		.via_ingress = via_ingress,
		.pod_ipv4 = "10.1.0.1",
		.pod_ipv6 = f->pod_ipv6 != NULL ? f->pod_ipv6 : "",
	};
	f->t = ingress_target_new(&options);
}

static int contribute(struct fixture *f)
{
	struct nft_wanted w;
	nft_wanted_init(&w, "tailscale0", "ns/pod");
	if (f->no_ipv6)
		nft_wanted_disable(&w, NFT_MODEL_V6);
	for (size_t i = 0; i < ARRAY_LEN(f->own); i++) {
		struct ipaddr own;
		struct err e;
		if (f->own[i] == NULL)
			continue;
		assert_int_equal(ipaddr_parse(f->own[i], &own, &e), 0);
		nft_wanted_set_own(&w, &own);
	}
	f->err = (struct err){0};
	int code = ingress_target_contribute(f->t, &w, &f->err);
	assert_int_equal(f->err.code, code);
	strv_reset(&f->pairs);
	for (size_t i = 0; i < w.pair_count; i++) {
		char from[IPADDR_TEXT_MAX];
		char to[IPADDR_TEXT_MAX];
		strv_pushf(&f->pairs, "%s>%s", ipaddr_format(&w.pairs[i].from, from),
			ipaddr_format(&w.pairs[i].to, to));
		assert_true(w.pairs[i].service[0] != '\0');
	}
	nft_wanted_fini(&w);
	return code;
}

static void applied(struct fixture *f, int code)
{
	const struct nft_result result = {.code = code};
	const struct err e = {.code = code};
	ingress_target_applied(f->t, &result, code < 0 ? &e : NULL);
}

static void expect_pairs(struct fixture *f, const char *expected)
{
	AUTO(mem_free) char *text = strv_join(&f->pairs, " ");
	assert_string_equal(text, expected);
}

static void the_target_is_reached_at_the_own_address(void **state)
{
	struct fixture *f = *state;
	make(f, "10.0.0.9", false);
	assert_int_equal(contribute(f), 0);
	expect_pairs(f, "100.64.0.1>10.0.0.9");
	assert_false(log_capture_has(&f->log, INSTALLING));
	applied(f, 0);
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 1);
	/* Once for each address. */
	assert_int_equal(contribute(f), 0);
	applied(f, 0);
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 1);
	f->own[0] = "100.64.0.2";
	assert_int_equal(contribute(f), 0);
	expect_pairs(f, "100.64.0.2>10.0.0.9");
	applied(f, -EAGAIN);
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 1);
	applied(f, 0);
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 2);
	assert_int_equal(f->log.worst, LOG_LEVEL_INFO);
}

static void an_ipv6_target_is_warned_of(void **state)
{
	struct fixture *f = *state;
	make(f, "fd00::9", false);
	assert_int_equal(contribute(f), 0);
	expect_pairs(f, "fd7a::1>fd00::9");
	applied(f, 0);
	assert_int_equal(log_capture_count_id(&f->log, "ingress.target_ipv6"), 1);
	f->own[0] = NULL;
	f->own[1] = "fd7a::2";
	assert_int_equal(contribute(f), 0);
	applied(f, 0);
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 2);
	assert_int_equal(log_capture_count_id(&f->log, "ingress.target_ipv6"), 1);
}

static void a_family_that_is_missing_is_named(void **state)
{
	struct fixture *f = *state;
	make(f, "fd00::9", false);
	f->own[1] = NULL;
	assert_int_equal(contribute(f), -EADDRNOTAVAIL);
	assert_string_equal(
		f->err.msg, "no tailscale IP matching family of fd00::9 found in [100.64.0.1/32]");
	expect_pairs(f, "");
	applied(f, 0);
	assert_int_equal(f->log.texts.len, 0);
	f->own[0] = NULL;
	assert_int_equal(contribute(f), -EADDRNOTAVAIL);
	assert_string_equal(f->err.msg, "no tailscale IP matching family of fd00::9 found in []");
	/* It comes later. */
	f->own[1] = "fd7a::1";
	assert_int_equal(contribute(f), 0);
	applied(f, 0);
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 1);
	/* Without a firewall for it. */
	f->no_ipv6 = true;
	assert_int_equal(contribute(f), -EAFNOSUPPORT);
	assert_non_null(strstr(f->err.msg, "this kernel has no firewall for IPv6"));
}

static void traffic_for_the_pod_goes_to_the_own_address(void **state)
{
	struct fixture *f = *state;
	make(f, "", true);
	assert_int_equal(contribute(f), 0);
	expect_pairs(f, "10.1.0.1>100.64.0.1");
	applied(f, 0);
	assert_int_equal(log_capture_count(&f->log, VIA), 1);
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 0);
}

static void both_families_of_the_pod_go_to_the_own_addresses(void **state)
{
	struct fixture *f = *state;
	f->pod_ipv6 = "fd00:1::1";
	make(f, "", true);
	assert_int_equal(contribute(f), 0);
	expect_pairs(f, "10.1.0.1>100.64.0.1 fd00:1::1>fd7a::1");
	applied(f, 0);
	assert_int_equal(log_capture_count(&f->log, VIA), 1);
	assert_int_equal(log_capture_count(&f->log, "forward traffic for fd00:1::1 to"), 1);
	/* The second is there as far as it can be. */
	f->own[1] = NULL;
	assert_int_equal(contribute(f), 0);
	expect_pairs(f, "10.1.0.1>100.64.0.1");
	f->own[1] = "fd7a::1";
	f->no_ipv6 = true;
	assert_int_equal(contribute(f), 0);
	expect_pairs(f, "10.1.0.1>100.64.0.1");
	/* Which one comes first is said by POD_IP. */
	ingress_target_free(f->t);
	const struct ingress_target_options options = {
		"", "fd00:1::1", true, "10.1.0.1", "fd00:1::1"};
	f->t = ingress_target_new(&options);
	f->no_ipv6 = false;
	assert_int_equal(contribute(f), 0);
	expect_pairs(f, "fd00:1::1>fd7a::1 10.1.0.1>100.64.0.1");
}

static void one_half_does_not_need_the_other(void **state)
{
	struct fixture *f = *state;
	make(f, "fd00::9", true);
	assert_int_equal(contribute(f), 0);
	expect_pairs(f, "fd7a::1>fd00::9 10.1.0.1>100.64.0.1");
	f->own[1] = NULL;
	assert_int_equal(contribute(f), -EADDRNOTAVAIL);
	expect_pairs(f, "10.1.0.1>100.64.0.1");
	applied(f, 0);
	assert_int_equal(log_capture_count(&f->log, VIA), 1);
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 0);
}

static void what_is_no_address_is_refused(void **state)
{
	struct fixture *f = *state;
	make(f, "nowhere", false);
	assert_int_equal(contribute(f), -EINVAL);
	assert_string_equal(f->err.msg, "ParseAddr(\"nowhere\"): unable to parse IP");
	expect_pairs(f, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_target_is_reached_at_the_own_address, setup, teardown),
		cmocka_unit_test_setup_teardown(an_ipv6_target_is_warned_of, setup, teardown),
		cmocka_unit_test_setup_teardown(a_family_that_is_missing_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(
			traffic_for_the_pod_goes_to_the_own_address, setup, teardown),
		cmocka_unit_test_setup_teardown(
			both_families_of_the_pod_go_to_the_own_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(one_half_does_not_need_the_other, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_address_is_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
