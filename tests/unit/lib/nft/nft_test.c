/* Whole runs, on the firewall in memory: order of requests, refusals, repairs. */
#include "lib/nft/nft.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/nft/nft_memory.h"
#include "tests/support/loop_wait.h"
#include "tests/support/nft_bench.h"

/* Each test has its own bench. */
static unsigned int repairs;

static int setup(void **state)
{
	repairs = 0;
	return nft_bench_open(state);
}

static void on_repaired(void *arg, const struct nft_result *result, const struct err *e)
{
	(void)arg;
	(void)e;
	assert_non_null(result->repaired);
	repairs++;
}

static void test_apply(void **state)
{
	struct nft_bench *b = *state;
	assert_int_equal(nft_bench_apply(b, 3), 0);
	assert_int_equal(b->last.transactions, 1);
	assert_int_equal(nft_bench_maps(b), 3);
	assert_int_equal(nft_bench_apply(b, 3), 0);
	assert_int_equal(b->last.transactions, 0);
	assert_int_equal(nft_bench_apply(b, 4), 0);
	assert_int_equal(b->last.elements, 1);
	assert_int_equal(nft_memory_commits(b->memory), 2);
}

static void test_newest_request_counts(void **state)
{
	struct nft_bench *b = *state;
	nft_bench_ask(b, 1);
	nft_bench_ask(b, 2);
	nft_bench_ask(b, 3);
	assert_int_equal(b->cancelled, 2);
	assert_true(loop_wait_count(b->loop, &b->results, 1, LOOP_WAIT_MS));
	assert_int_equal(nft_bench_maps(b), 3);
	assert_int_equal(nft_memory_commits(b->memory), 1);
}

static void test_edited_behind_our_back(void **state)
{
	struct nft_bench *b = *state;
	assert_int_equal(nft_bench_apply(b, 3), 0);
	/* The delta that would remove a third port is refused; what is there is read and mended. */
	struct nft_elems *elems =
		&nft_memory_image(b->memory, NFT_MODEL_V4)->sets[NFT_SCHEMA_EGRESS_PM];
	nft_elems_fini(elems);
	assert_int_equal(nft_bench_apply(b, 2), 0);
	assert_int_equal(nft_bench_maps(b), 2);
	/* So is a table that is gone. */
	nft_image_fini(nft_memory_image(b->memory, NFT_MODEL_V4));
	assert_int_equal(nft_bench_apply(b, 5), 0);
	assert_int_equal(nft_bench_maps(b), 5);
}

static void test_short_of_memory(void **state)
{
	struct nft_bench *b = *state;
	nft_memory_fail(b->memory, -ENOMEM, 3);
	assert_int_equal(nft_bench_apply(b, 3), 0);
	assert_int_equal(nft_bench_maps(b), 3);
	nft_memory_fail(b->memory, -ENOMEM, 100);
	assert_int_equal(nft_bench_apply(b, 4), -ENOMEM);
	assert_int_equal(nft_bench_maps(b), 3);
	nft_memory_fail(b->memory, 0, 0);
	assert_int_equal(nft_bench_apply(b, 4), 0);
	assert_int_equal(nft_bench_maps(b), 4);
}

/* The batch is committed but its answers are lost: reading finds that, and flows follow the
 * rules. */
static void test_lost_answers(void **state)
{
	struct nft_bench *b = *state;
	assert_int_equal(nft_bench_apply(b, 1), 0);
	assert_int_equal(nft_memory_reconciles(b->memory), 1);
	nft_memory_fail(b->memory, -ENOBUFS, 1);
	assert_int_equal(nft_bench_apply(b, 2), 0);
	assert_int_equal(nft_bench_maps(b), 2);
	assert_int_equal(nft_memory_commits(b->memory), 2);
	assert_int_equal(nft_memory_reconciles(b->memory), 2);
}

static void test_refused_for_good(void **state)
{
	struct nft_bench *b = *state;
	nft_memory_fail(b->memory, -EPERM, 1);
	assert_int_equal(nft_bench_apply(b, 3), -EPERM);
	assert_string_equal(b->e.msg, "commit: Operation not permitted");
	assert_int_equal(nft_bench_maps(b), 0);
}

static void test_too_large_for_comments(void **state)
{
	struct nft_bench *b = *state;
	nft_memory_fail(b->memory, -EMSGSIZE, 1);
	assert_int_equal(nft_bench_apply(b, 3), 0);
	const struct nft_elems *elems =
		&nft_memory_image(b->memory, NFT_MODEL_V4)->sets[NFT_SCHEMA_EGRESS_PM];
	assert_int_equal(elems->len, 3);
	assert_null(elems->items[0].comment);
	nft_memory_fail(b->memory, -EMSGSIZE, 2);
	assert_int_equal(nft_bench_apply(b, 4), -EMSGSIZE);
}

static void test_repair(void **state)
{
	struct nft_bench *b = *state;
	struct err e = {0};
	assert_int_equal(nft_watch(b->nft, on_repaired, b, &e), 0);
	assert_int_equal(nft_watch(b->nft, on_repaired, b, &e), -EBUSY);
	nft_memory_disturb(b->memory); /* nothing to be repaired yet */
	assert_int_equal(nft_bench_apply(b, 3), 0);
	nft_memory_disturb(b->memory); /* and nothing was changed */
	assert_true(loop_wait_idle(b->loop, 100));
	assert_int_equal(repairs, 0);
	nft_image_fini(nft_memory_image(b->memory, NFT_MODEL_V4));
	nft_memory_disturb(b->memory);
	nft_memory_disturb(b->memory);
	assert_true(loop_wait_count(b->loop, &repairs, 1, LOOP_WAIT_MS));
	assert_int_equal(nft_bench_maps(b), 3);
	assert_int_equal(nft_memory_commits(b->memory), 2);
}

/* A failed repair is tried again, without another event and without another request. */
static void test_repair_fails_first(void **state)
{
	struct nft_bench *b = *state;
	struct err e = {0};
	assert_int_equal(nft_watch(b->nft, on_repaired, b, &e), 0);
	assert_int_equal(nft_bench_apply(b, 3), 0);
	nft_image_fini(nft_memory_image(b->memory, NFT_MODEL_V4));
	nft_memory_fail(b->memory, -ENOMEM, 9);
	nft_memory_disturb(b->memory);
	assert_true(loop_wait_count(b->loop, &repairs, 2, LOOP_WAIT_MS));
	assert_int_equal(nft_bench_maps(b), 3);
}

/* After a repair that failed for good, the same request is not assumed to be fulfilled. */
static void test_request_after_failed_repair(void **state)
{
	struct nft_bench *b = *state;
	struct err e = {0};
	assert_int_equal(nft_watch(b->nft, on_repaired, b, &e), 0);
	assert_int_equal(nft_bench_apply(b, 3), 0);
	nft_image_fini(nft_memory_image(b->memory, NFT_MODEL_V4));
	nft_memory_fail(b->memory, -EPERM, 1);
	nft_memory_disturb(b->memory);
	assert_true(loop_wait_count(b->loop, &repairs, 1, LOOP_WAIT_MS));
	assert_int_equal(nft_bench_maps(b), 0);
	assert_int_equal(nft_bench_apply(b, 3), 0);
	assert_int_equal(b->last.transactions, 1);
	assert_true(b->last.was_read_back);
	assert_int_equal(nft_bench_maps(b), 3);
}

static void on_repaired_and_edited(void *arg, const struct nft_result *result, const struct err *e)
{
	struct nft_bench *b = arg;
	(void)result;
	(void)e;
	repairs++;
	nft_image_fini(nft_memory_image(b->memory, NFT_MODEL_V4));
	nft_memory_disturb(b->memory);
}

static void test_foreign_edits_all_the_time(void **state)
{
	struct nft_bench *b = *state;
	struct err e = {0};
	assert_int_equal(nft_watch(b->nft, on_repaired_and_edited, b, &e), 0);
	assert_int_equal(nft_bench_apply(b, 3), 0);
	nft_image_fini(nft_memory_image(b->memory, NFT_MODEL_V4));
	nft_memory_disturb(b->memory);
	assert_true(loop_wait_count(b->loop, &repairs, 4, LOOP_WAIT_MS));
	assert_int_equal(nft_bench_apply(b, 5), 0);
	assert_int_equal(nft_bench_maps(b), 5);
}

static void test_other_owner(void **state)
{
	struct nft_bench *b = *state;
	struct nft_image *image = nft_memory_image(b->memory, NFT_MODEL_V6);
	image->has_table = true;
	image->owner = xstrdup("c/d");
	assert_int_equal(nft_bench_apply(b, 1), -EEXIST);
	assert_int_equal(nft_memory_commits(b->memory), 0);
	free(image->owner);
	image->owner = xstrdup("a/b");
	assert_int_equal(nft_bench_apply(b, 1), 0);
}

static void test_remove(void **state)
{
	struct nft_bench *b = *state;
	assert_int_equal(nft_bench_apply(b, 1), 0);
	unsigned int target = b->results + 1;
	nft_remove(b->nft, "a/b", nft_bench_on_result, b);
	assert_true(loop_wait_count(b->loop, &b->results, target, LOOP_WAIT_MS));
	assert_int_equal(b->last.code, 0);
	assert_false(nft_memory_image(b->memory, NFT_MODEL_V4)->has_table);
	assert_false(nft_memory_image(b->memory, NFT_MODEL_V6)->has_table);
}

static void test_freed_under_way(void **state)
{
	struct nft_bench *b = *state;
	struct err e = {0};
	nft_bench_ask(b, 1);
	assert_int_equal(loop_turn(b->loop, 0, &e), 0);
	nft_bench_ask(b, 2);
	/* closing frees both runs, neither gets a result */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_apply, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_newest_request_counts, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(
			test_edited_behind_our_back, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_short_of_memory, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_lost_answers, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_refused_for_good, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(
			test_too_large_for_comments, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_repair, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_repair_fails_first, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(
			test_request_after_failed_repair, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(
			test_foreign_edits_all_the_time, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_other_owner, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_remove, setup, nft_bench_close),
		cmocka_unit_test_setup_teardown(test_freed_under_way, setup, nft_bench_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
