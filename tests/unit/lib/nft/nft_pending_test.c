/* Flows that do not follow the rules yet: what is kept of the past, and when it is tried again. */
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/nft/ct_entry.h"
#include "lib/nft/nft.h"
#include "lib/nft/nft_memory.h"
#include "tests/support/address.h"
#include "tests/support/loop_wait.h"
#include "tests/support/nft_bench.h"

#define CLIENT "10.244.0.2"
#define POD "10.244.0.1"
#define SECOND "100.64.1.2"
#define THIRD "100.64.1.3"

/* What was reported besides the results of requests. */
static unsigned int reports;
static int reported_code;
static int reported_flows_code;

static void on_repaired(void *arg, const struct nft_result *result, const struct err *e)
{
	(void)arg;
	(void)e;
	reports++;
	reported_code = result->code;
	reported_flows_code = result->flows_error.code;
}

/* One UDP flow that the first rules have translated. */
static int setup(void **state)
{
	struct err e = {0};
	assert_int_equal(nft_bench_open(state), 0);
	struct nft_bench *b = *state;
	struct ct_entry flow = {
		.proto = IPPROTO_UDP,
		.status = IPS_DST_NAT,
		.original = {address_of(CLIENT), address_of(POD), 4000, NFT_BENCH_PORT},
		.reply = {address_of(NFT_BENCH_TARGET), address_of(CLIENT), 80, 4000},
	};
	reports = 0;
	b->proto = IPPROTO_UDP;
	assert_int_equal(nft_bench_apply(b, 1), 0);
	nft_memory_add_flow(b->memory, &flow);
	assert_int_equal(nft_watch(b->nft, on_repaired, b, &e), 0);
	return 0;
}

static void test_followed_at_once(void **state)
{
	struct nft_bench *b = *state;
	b->target = SECOND;
	assert_int_equal(nft_bench_apply(b, 1), 0);
	assert_int_equal(b->last.flows_ended, 1);
	assert_int_equal(b->last.flows_error.code, 0);
	assert_true(loop_wait_idle(b->loop, 20));
	assert_int_equal(reports, 0);
}

/* The rules are not written again, and each try is reported. */
static void test_pass_is_tried_again(void **state)
{
	struct nft_bench *b = *state;
	b->target = SECOND;
	nft_memory_fail_flows(b->memory, -ETIMEDOUT, 2);
	assert_int_equal(nft_bench_apply(b, 1), 0);
	assert_int_equal(b->last.flows_error.code, -ETIMEDOUT);
	size_t commits = nft_memory_commits(b->memory);
	assert_true(loop_wait_count(b->loop, &reports, 1, LOOP_WAIT_MS));
	assert_int_equal(reported_flows_code, -ETIMEDOUT);
	assert_int_equal(nft_memory_flows(b->memory), 1);
	assert_true(loop_wait_count(b->loop, &reports, 2, LOOP_WAIT_MS));
	assert_int_equal(reported_code, 0);
	assert_int_equal(reported_flows_code, 0);
	assert_int_equal(nft_memory_flows(b->memory), 0);
	assert_int_equal(nft_memory_commits(b->memory), commits);
}

/* Two faults at once: between the failed passes another program removes the rules. The old target
 * must not be forgotten with the tables that knew it. */
static void test_rules_flushed_between_two_failures(void **state)
{
	struct nft_bench *b = *state;
	b->target = SECOND;
	nft_memory_fail_flows(b->memory, -ETIMEDOUT, 2);
	assert_int_equal(nft_bench_apply(b, 1), 0);
	assert_int_equal(b->last.flows_error.code, -ETIMEDOUT);
	for (int family = 0; family < NFT_MODEL_FAMILIES; family++)
		nft_image_fini(nft_memory_image(b->memory, (enum nft_model_family)family));
	nft_memory_disturb(b->memory);
	assert_true(loop_wait_count(b->loop, &reports, 1, LOOP_WAIT_MS));
	assert_int_equal(nft_bench_maps(b), 1);
	assert_int_equal(reported_flows_code, -ETIMEDOUT);
	assert_int_equal(nft_memory_flows(b->memory), 1);
	assert_true(loop_wait_count(b->loop, &reports, 2, LOOP_WAIT_MS));
	assert_int_equal(reported_code, 0);
	assert_int_equal(reported_flows_code, 0);
	assert_int_equal(nft_memory_flows(b->memory), 0);
}

/* The same, and the first request after the flush replaces the rules once more. */
static void test_rules_flushed_and_changed_again(void **state)
{
	struct nft_bench *b = *state;
	b->target = SECOND;
	nft_memory_fail_flows(b->memory, -ETIMEDOUT, 2);
	assert_int_equal(nft_bench_apply(b, 1), 0);
	nft_image_fini(nft_memory_image(b->memory, NFT_MODEL_V4));
	b->target = THIRD;
	assert_int_equal(nft_bench_apply(b, 1), 0);
	assert_int_equal(b->last.flows_error.code, -ETIMEDOUT);
	assert_true(loop_wait_count(b->loop, &reports, 1, LOOP_WAIT_MS));
	assert_int_equal(reported_flows_code, 0);
	assert_int_equal(nft_memory_flows(b->memory), 0);
}

/* Neither the previous nor the present rules know the target of the first. */
static void test_past_of_two_changes(void **state)
{
	struct nft_bench *b = *state;
	nft_memory_fail_flows(b->memory, -ETIMEDOUT, 1);
	b->target = SECOND;
	assert_int_equal(nft_bench_apply(b, 1), 0);
	b->target = THIRD;
	assert_int_equal(nft_bench_apply(b, 1), 0);
	assert_int_equal(b->last.flows_error.code, 0);
	assert_int_equal(b->last.flows_ended, 1);
}

/* The change is already there when it is requested again. */
static void expect_followed_later(struct nft_bench *b)
{
	nft_memory_fail_reads(b->memory, -ETIMEDOUT, 1);
	assert_int_equal(nft_bench_apply(b, 1), -ETIMEDOUT);
	assert_int_equal(nft_memory_flows(b->memory), 1);
	assert_int_equal(nft_bench_apply(b, 1), 0);
	assert_int_equal(b->last.transactions, 0);
	assert_int_equal(b->last.flows_ended, 1);
	assert_int_equal(nft_memory_flows(b->memory), 0);
}

static void test_after_failed_read_back(void **state)
{
	struct nft_bench *b = *state;
	b->target = SECOND;
	b->own = "100.64.0.2"; /* changes a rule, which is read back */
	expect_followed_later(b);
}

static void test_after_lost_answers(void **state)
{
	struct nft_bench *b = *state;
	b->target = SECOND;
	nft_memory_fail(b->memory, -ENOBUFS, 1);
	expect_followed_later(b);
}

/* Nothing is pending once the tables are removed. */
static void test_removal_ends_it(void **state)
{
	struct nft_bench *b = *state;
	nft_memory_fail_flows(b->memory, -ETIMEDOUT, 1);
	b->target = SECOND;
	assert_int_equal(nft_bench_apply(b, 1), 0);
	nft_remove(b->nft, NFT_BENCH_OWNER, nft_bench_on_result, b);
	assert_true(loop_wait_count(b->loop, &b->results, 3, LOOP_WAIT_MS));
	size_t passes = nft_memory_reconciles(b->memory);
	assert_true(loop_wait_idle(b->loop, 400));
	assert_int_equal(nft_memory_reconciles(b->memory), passes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_followed_at_once, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_pass_is_tried_again, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(
			test_rules_flushed_between_two_failures, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(
			test_rules_flushed_and_changed_again, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_past_of_two_changes, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(
			test_after_failed_read_back, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_after_lost_answers, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_removal_ends_it, setup, nft_bench_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
