#include "statestore/statestore.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/memory_place.h"

struct fixture {
	struct place_bench b;
	unsigned int flushes;
	bool complete;
	unsigned int waits, dones;
	struct err done; /* code 0: consistent */
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	place_bench_open(&f->b);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	place_bench_close(&f->b);
	free(f);
	return 0;
}

static void on_flushed(void *arg, bool complete)
{
	struct fixture *f = arg;
	f->flushes++;
	f->complete = complete;
}

static void a_flush_tries_at_once(void **state)
{
	struct fixture *f = *state;
	statestore_set(f->b.store, "a", "1");
	place_turn(&f->b);
	place_answer(&f->b, -EAGAIN, 3600000);
	statestore_flush(f->b.store, 5000, on_flushed, f);
	place_expect_writes(&f->b, "a=1", 2);
	place_answer(&f->b, -EAGAIN, 0);
	place_pass(&f->b, PLACE_BASE_MS);
	place_answer(&f->b, 0, 0);
	assert_int_equal(f->flushes, 1);
	assert_true(f->complete);
	place_pass(&f->b, 10000);
	assert_int_equal(f->flushes, 1);
}

static void a_flush_of_nothing_is_done_soon(void **state)
{
	struct fixture *f = *state;
	statestore_flush(f->b.store, 5000, on_flushed, f);
	assert_int_equal(f->flushes, 0); /* never from within the call */
	place_turn(&f->b);
	assert_int_equal(f->flushes, 1);
	assert_true(f->complete);
}

static void a_flush_has_a_limit(void **state)
{
	struct fixture *f = *state;
	statestore_set(f->b.store, "a", "1");
	statestore_flush(f->b.store, 5000, on_flushed, f);
	assert_true(place_is_writing(&f->b));
	/* Set during the flush: it is part of it. */
	statestore_set(f->b.store, "b", "2");
	place_answer(&f->b, 0, 0);
	assert_int_equal(f->flushes, 0);
	place_pass(&f->b, 5000);
	assert_int_equal(f->flushes, 1);
	assert_false(f->complete);
	place_answer(&f->b, 0, 0);
	assert_int_equal(f->flushes, 1);
}

/* What is refused will not be stored by waiting. */
static void a_flush_does_not_wait_for_what_is_refused(void **state)
{
	struct fixture *f = *state;
	statestore_require(f->b.store, "c", "a");
	statestore_set(f->b.store, "a", "1");
	statestore_set(f->b.store, "b", "2");
	statestore_set(f->b.store, "c", "3");
	place_turn(&f->b);
	place_answer(&f->b, -EROFS, 0);
	place_answer(&f->b, -EROFS, 0);
	place_answer(&f->b, -EROFS, 0);
	place_pass(&f->b, 1);
	assert_true(statestore_is_tried(f->b.store));
	statestore_flush(f->b.store, 5000, on_flushed, f);
	/* It is tried once more all the same. */
	place_expect_writes(&f->b, "a=1", 4);
	place_answer(&f->b, -EROFS, 0);
	assert_int_equal(f->flushes, 0);
	place_expect_writes(&f->b, "b=2", 5);
	place_answer(&f->b, -EROFS, 0);
	assert_int_equal(f->flushes, 1);
	assert_false(f->complete);
}

static void on_wait(void *arg, const char *place)
{
	struct fixture *f = arg;
	assert_string_equal(place, "the place");
	f->waits++;
}

static void on_done(void *arg, const struct err *err)
{
	struct fixture *f = arg;
	f->dones++;
	f->done = err != NULL ? *err : (struct err){0};
}

static void await(struct fixture *f, uint32_t timeout_ms)
{
	struct store_consistency_events events = {on_wait, on_done, f};
	statestore_await_consistent(f->b.store, timeout_ms, &events);
	assert_int_equal(f->dones, 0);
}

static void complete_state_is_seen_at_once(void **state)
{
	struct fixture *f = *state;
	await(f, 5000);
	place_answer_list(
		&f->b, "_machinekey _profiles _current-profile profile-a profile-b other", 0);
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->done.code, 0);
	assert_int_equal(f->waits, 0);
	place_pass(&f->b, 10000);
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->b.place.lists, 1);
}

static void incomplete_state_is_waited_for(void **state)
{
	struct fixture *f = *state;
	uint64_t elapsed = 0;
	await(f, 60000);
	for (unsigned int n = 1; n < 30; n++) {
		place_answer_list(&f->b, "_machinekey _profiles profile-a", 0);
		assert_int_equal(f->waits, 1);
		uint64_t pause = n * n * 10 < 2000 ? n * n * 10 : 2000;
		place_pass(&f->b, pause - 2);
		assert_int_equal(f->b.place.lists, n);
		place_pass(&f->b, 2);
		assert_int_equal(f->b.place.lists, n + 1);
		elapsed += pause;
	}
	assert_true(elapsed < 60000);
	place_answer_list(&f->b, "_machinekey _profiles _current-profile profile-a", 0);
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->done.code, 0);
}

static void waiting_has_a_limit(void **state)
{
	struct fixture *f = *state;
	await(f, 1000);
	place_answer_list(&f->b, "_profiles", 0);
	place_pass(&f->b, 1000);
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->done.code, -ETIMEDOUT);
	assert_string_equal(f->done.msg, "context deadline exceeded");
	/* An answer that comes too late says nothing to anybody. */
	if (f->b.place.listed_fn != NULL)
		place_answer_list(&f->b, "", 0);
	place_pass(&f->b, 5000);
	assert_int_equal(f->dones, 1);
}

static void a_place_that_is_absent_is_complete(void **state)
{
	struct fixture *f = *state;
	await(f, 1000);
	place_answer_list(&f->b, "", -ENOENT);
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->done.code, 0);
}

static void a_place_that_fails_is_given_up_soon(void **state)
{
	struct fixture *f = *state;
	await(f, 60000);
	place_answer_list(&f->b, "", -EAGAIN);
	place_pass(&f->b, 10);
	place_answer_list(&f->b, "_profiles", 0); /* back in between: counted anew */
	place_pass(&f->b, 40);
	for (unsigned int i = 3; i < 6; i++) {
		assert_int_equal(f->dones, 0);
		assert_int_equal(f->b.place.lists, i);
		place_answer_list(&f->b, "", -EAGAIN);
		place_pass(&f->b, 400);
	}
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->done.code, -EAGAIN);
	assert_int_equal(f->waits, 1);
}

/* The looks take at most that long with these keys, whatever the jitter. */
static void expect_given_up(struct fixture *f, const char *keys, uint64_t limit_ms)
{
	uint64_t elapsed = 0;
	await(f, 60000);
	while (f->dones == 0 && elapsed < 60000) {
		if (f->b.place.listed_fn != NULL)
			place_answer_list(&f->b, keys, 0);
		place_pass(&f->b, 10);
		elapsed += 10;
	}
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->done.code, 0);
	assert_true(elapsed > 1000 && elapsed <= limit_ms);
}

static void a_node_that_never_logged_in_is_not_waited_for_long(void **state)
{
	expect_given_up(*state, "_machinekey", 1500);
}

static void nor_is_one_that_was_logged_out(void **state)
{
	expect_given_up(*state, "_machinekey _profiles _current-profile device_id", 1500);
}

static void a_login_under_way_is_waited_for(void **state)
{
	struct fixture *f = *state;
	await(f, 60000);
	for (unsigned int n = 1; n < 7; n++) {
		place_answer_list(&f->b, "_machinekey _profiles _current-profile", 0);
		place_pass(&f->b, n * n * 10);
	}
	for (unsigned int n = 7; n < 20; n++) {
		place_answer_list(&f->b, "_machinekey _profiles profile-a", 0);
		place_pass(&f->b, n * n * 10);
	}
	assert_int_equal(f->dones, 0);
	place_answer_list(&f->b, "_machinekey _profiles _current-profile profile-a", 0);
	assert_int_equal(f->dones, 1);
}

static void a_place_that_is_mute_is_given_up_soon(void **state)
{
	struct fixture *f = *state;
	await(f, 60000);
	place_pass(&f->b, 1999);
	assert_int_equal(f->dones, 0);
	place_pass(&f->b, 1);
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->done.code, -ETIMEDOUT);
	assert_non_null(strstr(f->done.msg, "the place: no answer"));
	place_answer_list(&f->b, "_profiles", 0);
	place_pass(&f->b, 60000);
	assert_int_equal(f->dones + f->waits, 1);
}

/* An answer in between gives the next look the whole time again. */
static void a_slow_place_is_waited_for(void **state)
{
	struct fixture *f = *state;
	await(f, 60000);
	for (unsigned int n = 1; n < 5; n++) {
		place_pass(&f->b, 1900);
		place_answer_list(&f->b, "_machinekey _profiles profile-a", 0);
		place_pass(&f->b, n * n * 10);
		assert_int_equal(f->b.place.lists, n + 1);
	}
	assert_int_equal(f->dones, 0);
}

static void cancelled_waits_are_silent(void **state)
{
	struct fixture *f = *state;
	statestore_set(f->b.store, "a", "1");
	statestore_flush(f->b.store, 1000, on_flushed, f);
	await(f, 1000);
	statestore_cancel_waits(f->b.store);
	place_answer_list(&f->b, "_profiles", 0);
	place_answer(&f->b, 0, 0);
	place_pass(&f->b, 10000);
	assert_int_equal(f->flushes + f->dones + f->waits, 0);
	/* The write was not cancelled with them. */
	assert_true(statestore_is_idle(f->b.store));
}

static void a_store_that_keeps_nothing(void **state)
{
	struct fixture *f = *state;
	const struct statestore_times times = {PLACE_BASE_MS, PLACE_MAX_MS, PLACE_AWAY_MAX_MS};
	struct store_consistency_events events = {on_wait, on_done, f};
	struct statestore *none = statestore_new(f->b.loop, &f->b.conditions, NULL, &times);
	assert_false(statestore_is_kept(none));
	assert_true(statestore_is_kept(f->b.store));
	statestore_known(none, "b", "1");
	statestore_require(none, "a", "b");
	statestore_set(none, "a", "1");
	assert_true(statestore_is_idle(none));
	assert_true(statestore_is_stored(none, "a"));
	assert_string_equal(statestore_describe(none), "nowhere");
	statestore_flush(none, 1000, on_flushed, f);
	statestore_await_consistent(none, 1000, &events);
	assert_int_equal(f->flushes + f->dones, 0);
	place_turn(&f->b);
	assert_int_equal(f->flushes, 1);
	assert_true(f->complete);
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->done.code, 0);
	statestore_free(none);
}

static void freeing_cancels_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	statestore_set(f->b.store, "a", "1");
	place_turn(&f->b);
	statestore_flush(f->b.store, 1000, on_flushed, f);
	await(f, 1000);
	statestore_free(f->b.store);
	f->b.store = NULL;
	statestore_free(NULL);
	assert_int_equal(f->b.place.frees, 1);
	assert_true(f->b.place.cancels >= 1);
	place_pass(&f->b, 100000);
	assert_int_equal(f->flushes + f->dones, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_flush_tries_at_once),
		TEST(a_flush_of_nothing_is_done_soon),
		TEST(a_flush_has_a_limit),
		TEST(a_flush_does_not_wait_for_what_is_refused),
		TEST(complete_state_is_seen_at_once),
		TEST(incomplete_state_is_waited_for),
		TEST(waiting_has_a_limit),
		TEST(a_place_that_is_absent_is_complete),
		TEST(a_place_that_fails_is_given_up_soon),
		TEST(a_node_that_never_logged_in_is_not_waited_for_long),
		TEST(nor_is_one_that_was_logged_out),
		TEST(a_login_under_way_is_waited_for),
		TEST(a_place_that_is_mute_is_given_up_soon),
		TEST(a_slow_place_is_waited_for),
		TEST(cancelled_waits_are_silent),
		TEST(a_store_that_keeps_nothing),
		TEST(freeing_cancels_what_is_under_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
