#include "ingress/services.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ingress/ingress_conditions.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/nft/nft.h"
#include "lib/nft/nft_memory.h"
#include "tests/support/ingress_bench.h"
#include "tests/support/tempdir.h"

#define KEY STORE_KEY_INGRESS_CONFIG
#define POD ",\"podIPv4\":\"10.1.0.1\",\"podIPv6\":\"fd00::1\"}"
#define NOTHING KEY "={\"podIPv4\":\"10.1.0.1\",\"podIPv6\":\"fd00::1\"}"
#define MAP4(vip, to) \
	"{\"IPv4Mapping\":{\"TailscaleServiceIP\":\"" vip "\",\"ClusterIP\":\"" to "\"}}"
#define WEB "{\"svc:web\":" MAP4("100.99.0.1", "10.0.0.1") "}"
#define WEB_STANDS KEY "={\"configs\":" WEB POD
#define ADDING(name, vip, to)                                          \
	"adding DNAT rule for Tailscale Service " name " with IP " vip \
	" to Kubernetes Service IP " to
#define DELETING(name, vip, to)                                          \
	"deleting DNAT rule for Tailscale Service " name " with IP " vip \
	" to Kubernetes Service IP " to

static void what_is_there_is_read_at_once_and_published_when_it_stands(void **state)
{
	struct ingress_bench *f = *state;
	ingress_bench_put(f, WEB);
	ingress_bench_start(f);
	assert_true(log_capture_has(&f->b.log, "starting ingress proxy..."));
	AUTO(mem_free)
	char *line = xasprintf("configuring ingress proxy using configuration file at %s", f->path);
	assert_true(log_capture_has(&f->b.log, line));
	ingress_bench_contribute(f);
	assert_int_equal(ingress_bench_elements(f, NFT_MODEL_V4), 0);
	place_expect_writes(&f->b, NULL, 0);
	ingress_bench_turns(f);
	assert_int_equal(ingress_bench_elements(f, NFT_MODEL_V4), 1);
	place_expect_writes(&f->b, WEB_STANDS, 1);
	place_answer(&f->b, 0, 0);
	assert_int_equal(
		log_capture_count(&f->b.log, ADDING("svc:web", "100.99.0.1", "10.0.0.1")), 1);
	/* Again for another reason: nothing is new. */
	ingress_bench_apply(f);
	place_expect_writes(&f->b, WEB_STANDS, 1);
	assert_int_equal(log_capture_count(&f->b.log, "DNAT rule"), 1);
	assert_int_equal(f->changes, 0);
	assert_int_equal(f->b.log.worst, LOG_LEVEL_INFO);
}

static void changes_are_followed(void **state)
{
	struct ingress_bench *f = *state;
	ingress_bench_start(f);
	ingress_bench_apply(f);
	place_expect_writes(&f->b, NULL, 0);
	ingress_bench_change(f, WEB);
	place_expect_writes(&f->b, WEB_STANDS, 1);
	assert_true(log_capture_has(&f->b.log,
		"config file change detected, ensuring firewall config is up to date..."));
	log_capture_reset(&f->b.log);
	ingress_bench_change(f, "{\"svc:web\":" MAP4("100.99.0.1", "10.0.0.2") ",\"svc:x\":{}}");
	place_expect_writes(&f->b,
		KEY
		"={\"configs\":{\"svc:web\":" MAP4("100.99.0.1", "10.0.0.2") ",\"svc:x\":{}}" POD,
		2);
	assert_int_equal(log_capture_count(&f->b.log, "DNAT rule"), 2);
	assert_true(log_capture_has(&f->b.log, DELETING("svc:web", "100.99.0.1", "10.0.0.1")));
	assert_true(log_capture_has(&f->b.log, ADDING("svc:web", "100.99.0.1", "10.0.0.2")));
	/* All gone, one way or the other: a status that says so. */
	ingress_bench_change(f, "");
	place_expect_writes(&f->b, NOTHING, 3);
	assert_true(log_capture_has(&f->b.log, DELETING("svc:web", "100.99.0.1", "10.0.0.2")));
	assert_int_equal(ingress_bench_elements(f, NFT_MODEL_V4), 0);
	ingress_bench_change(f, WEB);
	assert_int_equal(unlink(f->path), 0);
	ingress_bench_turns(f);
	assert_int_equal(f->changes, 4);
	ingress_bench_pass_doubt(f);
	assert_int_equal(f->changes, 5);
	ingress_bench_apply(f);
	place_expect_writes(&f->b, NOTHING, 5);
}

static void the_same_again_is_no_news(void **state)
{
	struct ingress_bench *f = *state;
	ingress_bench_put(f, WEB);
	ingress_bench_start(f);
	ingress_bench_apply(f);
	log_capture_reset(&f->b.log);
	ingress_bench_put(f, " " WEB "\n");
	ingress_bench_turns(f);
	assert_int_equal(f->changes, 0);
	assert_int_equal(f->b.log.texts.len, 0);
}

/* Like a file that is being rewritten in place. */
static void a_file_that_is_empty_for_a_moment(void **state)
{
	struct ingress_bench *f = *state;
	ingress_bench_put(f, WEB);
	ingress_bench_start(f);
	ingress_bench_apply(f);
	ingress_bench_put(f, "");
	ingress_bench_turns(f);
	ingress_bench_put(f, WEB);
	ingress_bench_turns(f);
	ingress_bench_pass_doubt(f);
	assert_int_equal(f->changes, 0);
	assert_int_equal(ingress_bench_elements(f, NFT_MODEL_V4), 1);
}

static void doubt_begins_anew_after_a_failure(void **state)
{
	struct ingress_bench *f = *state;
	ingress_bench_put(f, WEB);
	ingress_bench_start(f);
	ingress_bench_apply(f);
	ingress_bench_put(f, "");
	ingress_bench_turns(f);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	ingress_bench_pass_doubt(f);
	assert_true(ingress_bench_is_raised(f, CONDITION_INGRESS_CONFIG_INVALID));
	assert_int_equal(rmdir(f->path), 0);
	ingress_bench_put(f, "");
	ingress_bench_turns(f);
	assert_int_equal(f->changes, 0);
	ingress_bench_pass_doubt(f);
	assert_int_equal(f->changes, 1);
}

static void a_file_that_cannot_be_read_is_tried_again(void **state)
{
	struct ingress_bench *f = *state;
	struct rlimit before;
	ingress_bench_start(f);
	ingress_bench_apply(f);
	/* No descriptor is left: that there is one again is no event of the folder. */
	ingress_bench_put(f, WEB);
	int next = dup(STDIN_FILENO);
	assert_int_not_equal(next, -1);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	struct rlimit none = {(rlim_t)next, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	ingress_bench_turns(f);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(ingress_bench_is_raised(f, CONDITION_INGRESS_CONFIG_INVALID));
	assert_int_equal(f->changes, 0);
	place_pass(&f->b, 2000);
	ingress_bench_turns(f);
	assert_int_equal(f->changes, 1);
	assert_false(ingress_bench_is_raised(f, CONDITION_INGRESS_CONFIG_INVALID));
	ingress_bench_apply(f);
	place_expect_writes(&f->b, WEB_STANDS, 1);
}

static void an_empty_document_has_a_status(void **state)
{
	struct ingress_bench *f = *state;
	ingress_bench_put(f, "{}");
	ingress_bench_start(f);
	ingress_bench_apply(f);
	place_expect_writes(&f->b, NOTHING, 1);
}

static void a_status_from_before_is_replaced(void **state)
{
	struct ingress_bench *f = *state;
	statestore_known(f->b.store, KEY, "{\"configs\":" WEB ",\"podIPv4\":\"10.9.9.9\"}");
	ingress_bench_start(f);
	ingress_bench_apply(f);
	place_expect_writes(&f->b, NOTHING, 1);
}

static void a_broken_document_changes_nothing(void **state)
{
	struct ingress_bench *f = *state;
	AUTO(mem_free) char *sentence = xasprintf("%s: line 2 column 1: text ends early", f->path);
	ingress_bench_put(f, WEB);
	ingress_bench_start(f);
	ingress_bench_apply(f);
	ingress_bench_put(f, "{\n");
	ingress_bench_turns(f);
	assert_int_equal(f->changes, 0);
	assert_string_equal(ingress_bench_reason(f, CONDITION_INGRESS_CONFIG_INVALID), sentence);
	ingress_bench_apply(f);
	place_expect_writes(&f->b, WEB_STANDS, 1);
	assert_int_equal(ingress_bench_elements(f, NFT_MODEL_V4), 1);
	/* What it was before is no change either. */
	ingress_bench_put(f, WEB);
	ingress_bench_turns(f);
	assert_int_equal(f->changes, 0);
	assert_false(ingress_bench_is_raised(f, CONDITION_INGRESS_CONFIG_INVALID));
	/* Neither is what cannot be read. */
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	ingress_bench_turns(f);
	assert_int_equal(f->changes, 0);
	assert_true(ingress_bench_is_raised(f, CONDITION_INGRESS_CONFIG_INVALID));
}

static void a_service_at_fault_keeps_what_it_had(void **state)
{
	struct ingress_bench *f = *state;
	ingress_bench_put(f, WEB);
	ingress_bench_start(f);
	ingress_bench_apply(f);
	ingress_bench_change(f, "{\"svc:web\":7,\"svc:b\":" MAP4("100.99.0.2",
					"10.0.0.2") ",\"svc:z\":{\"IPv6Mapping\":{}}}");
	assert_string_equal(ingress_bench_reason(f, CONDITION_INGRESS_SERVICE_FAILED),
		"2 faults, the first: svc:web: a number where an object belongs");
	assert_int_equal(log_capture_count(&f->b.log, "ingress proxy: Tailscale Service"), 2);
	place_expect_writes(&f->b,
		KEY "={\"configs\":{\"svc:b\":" MAP4("100.99.0.2", "10.0.0.2") ",\"svc:web\":" MAP4(
			"100.99.0.1", "10.0.0.1") "}" POD,
		2);
	/* Logged once; a new reason is logged again. */
	ingress_bench_put(f, "{\"svc:web\":7,\"svc:b\":" MAP4("100.99.0.2", "10.0.0.2") "}");
	ingress_bench_turns(f);
	assert_int_equal(f->changes, 1);
	assert_string_equal(ingress_bench_reason(f, CONDITION_INGRESS_SERVICE_FAILED),
		"svc:web: a number where an object belongs");
	assert_int_equal(log_capture_count(&f->b.log, "ingress proxy: Tailscale Service"), 2);
	ingress_bench_put(f, "{\"svc:web\":[],\"svc:b\":" MAP4("100.99.0.2", "10.0.0.2") "}");
	ingress_bench_turns(f);
	assert_int_equal(log_capture_count(&f->b.log, "ingress proxy: Tailscale Service"), 3);
	ingress_bench_change(f, WEB);
	assert_false(ingress_bench_is_raised(f, CONDITION_INGRESS_SERVICE_FAILED));
	place_expect_writes(&f->b, WEB_STANDS, 3);
}

static void of_two_with_one_address_the_first_has_it(void **state)
{
	struct ingress_bench *f = *state;
	ingress_bench_put(f, "{\"svc:b\":" MAP4("100.99.0.1", "10.0.0.2") ",\"svc:a\":" MAP4(
				     "100.99.0.1", "10.0.0.1") "}");
	ingress_bench_start(f);
	ingress_bench_apply(f);
	place_expect_writes(
		&f->b, KEY "={\"configs\":{\"svc:a\":" MAP4("100.99.0.1", "10.0.0.1") "}" POD, 1);
	assert_string_equal(ingress_bench_reason(f, CONDITION_INGRESS_SERVICE_FAILED),
		"svc:b: 100.99.0.1 belongs to svc:a");
	ingress_bench_apply(f);
	assert_int_equal(log_capture_count(&f->b.log, "belongs to svc:a"), 2);
	assert_int_equal(log_capture_count(&f->b.log, "DNAT rule"), 1);
	ingress_bench_change(f, "{\"svc:b\":" MAP4("100.99.0.1", "10.0.0.2") "}");
	place_expect_writes(
		&f->b, KEY "={\"configs\":{\"svc:b\":" MAP4("100.99.0.1", "10.0.0.2") "}" POD, 2);
	assert_false(ingress_bench_is_raised(f, CONDITION_INGRESS_SERVICE_FAILED));
}

static void without_ipv6_the_other_mapping_stands(void **state)
{
	struct ingress_bench *f = *state;
	f->no_ipv6 = true;
	ingress_bench_put(f,
		"{\"svc:a\":{\"IPv4Mapping\":{\"TailscaleServiceIP\":\"100.99.0.1\",\"ClusterIP\":"
		"\"10.0.0.1\"},\"IPv6Mapping\":{\"TailscaleServiceIP\":\"fd7a::1\",\"ClusterIP\":"
		"\"fd00::9\"}}}");
	ingress_bench_start(f);
	ingress_bench_apply(f);
	ingress_bench_apply(f);
	place_expect_writes(
		&f->b, KEY "={\"configs\":{\"svc:a\":" MAP4("100.99.0.1", "10.0.0.1") "}" POD, 1);
	assert_int_equal(log_capture_count_id(&f->b.log, "ingress.not_served"), 1);
	assert_false(ingress_bench_is_raised(f, CONDITION_INGRESS_SERVICE_FAILED));
	f->no_ipv6 = false;
	ingress_bench_apply(f);
	assert_int_equal(ingress_bench_elements(f, NFT_MODEL_V6), 1);
	assert_true(log_capture_has(&f->b.log, ADDING("svc:a", "fd7a::1", "fd00::9")));
}

static void what_failed_is_not_published(void **state)
{
	struct ingress_bench *f = *state;
	ingress_bench_put(f, WEB);
	ingress_bench_start(f);
	nft_memory_fail(f->memory, -EPERM, 1);
	ingress_bench_apply(f);
	place_expect_writes(&f->b, NULL, 0);
	assert_int_equal(log_capture_count(&f->b.log, "DNAT rule"), 0);
	ingress_bench_apply(f);
	place_expect_writes(&f->b, WEB_STANDS, 1);
}

/* A contribution and its result, without a firewall. */
static void report_result(struct ingress_bench *f, int code)
{
	const struct nft_result result = {.code = code};
	struct err e = {.code = code};
	ingress_services_applied(f->s, &result, code < 0 ? &e : NULL);
	ingress_bench_turns(f);
}

static void a_result_that_was_overtaken_is_not_published(void **state)
{
	struct ingress_bench *f = *state;
	struct nft_wanted w;
	ingress_bench_put(f, WEB);
	ingress_bench_start(f);
	nft_wanted_init(&w, "tailscale0", "ns/pod");
	ingress_services_contribute(f->s, &w);
	ingress_services_contribute(f->s, &w);
	/* Of the first it is not known any more what was in it. */
	report_result(f, 0);
	place_expect_writes(&f->b, NULL, 0);
	report_result(f, -ECANCELED);
	place_expect_writes(&f->b, NULL, 0);
	/* Nobody asked. */
	report_result(f, 0);
	place_expect_writes(&f->b, NULL, 0);
	ingress_services_contribute(f->s, &w);
	report_result(f, 0);
	place_expect_writes(&f->b, WEB_STANDS, 1);
	nft_wanted_fini(&w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ingress_bench_open, ingress_bench_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_there_is_read_at_once_and_published_when_it_stands),
		TEST(changes_are_followed),
		TEST(the_same_again_is_no_news),
		TEST(a_file_that_is_empty_for_a_moment),
		TEST(doubt_begins_anew_after_a_failure),
		TEST(a_file_that_cannot_be_read_is_tried_again),
		TEST(an_empty_document_has_a_status),
		TEST(a_status_from_before_is_replaced),
		TEST(a_broken_document_changes_nothing),
		TEST(a_service_at_fault_keeps_what_it_had),
		TEST(of_two_with_one_address_the_first_has_it),
		TEST(without_ipv6_the_other_mapping_stands),
		TEST(what_failed_is_not_published),
		TEST(a_result_that_was_overtaken_is_not_published),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
