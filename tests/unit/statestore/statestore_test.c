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
#include "statestore/statestore_conditions.h"
#include "tests/support/memory_place.h"

struct fixture {
	struct place_bench b;
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

static void keys_set_together_go_out_together(void **state)
{
	struct fixture *f = *state;
	statestore_set(f->b.store, "a", "1");
	statestore_set(f->b.store, "b", NULL); /* absent already */
	statestore_set(f->b.store, "c", "3");
	place_expect_writes(&f->b, NULL, 0); /* not from within the call */
	assert_false(statestore_is_stored(f->b.store, "a"));
	assert_true(statestore_is_stored(f->b.store, "b"));
	assert_true(statestore_is_stored(f->b.store, "never set"));
	place_turn(&f->b);
	place_expect_writes(&f->b, "a=1 c=3", 1);
	assert_false(statestore_is_idle(f->b.store));
	place_answer(&f->b, 0, 0);
	assert_true(statestore_is_idle(f->b.store));
	assert_int_equal(f->b.answered, 1);
	/* What is there is not written again. */
	statestore_set(f->b.store, "a", "1");
	place_turn(&f->b);
	place_expect_writes(&f->b, "a=1 c=3", 1);
	statestore_set(f->b.store, "a", NULL);
	place_turn(&f->b);
	place_expect_writes(&f->b, "a-", 2);
}

static void what_is_known_is_not_written(void **state)
{
	struct fixture *f = *state;
	statestore_known(f->b.store, "a", "1");
	statestore_known(f->b.store, "old", "x");
	assert_true(statestore_is_idle(f->b.store));
	statestore_set(f->b.store, "a", "1");
	place_turn(&f->b);
	place_expect_writes(&f->b, NULL, 0);
	assert_string_equal(statestore_value(f->b.store, "a"), "1");
	assert_string_equal(statestore_value(f->b.store, "old"), "x");
	assert_null(statestore_value(f->b.store, "new"));
	statestore_set(f->b.store, "old", NULL);
	statestore_set(f->b.store, "new", "2");
	place_turn(&f->b);
	place_expect_writes(&f->b, "old- new=2", 1);
	assert_null(statestore_value(f->b.store, "old"));
	assert_string_equal(statestore_value(f->b.store, "new"), "2");
}

static void the_latest_value_wins(void **state)
{
	struct fixture *f = *state;
	statestore_set(f->b.store, "a", "1");
	statestore_set(f->b.store, "a", "2");
	place_turn(&f->b);
	place_expect_writes(&f->b, "a=2", 1);
	statestore_set(f->b.store, "a", "3");
	statestore_set(f->b.store, "a", "4");
	place_turn(&f->b);
	place_expect_writes(&f->b, "a=2", 1); /* one at a time */
	place_answer(&f->b, 0, 0);
	place_expect_writes(&f->b, "a=4", 2);
	place_answer(&f->b, 0, 0);
	assert_true(statestore_is_idle(f->b.store));
}

static void a_change_of_mind_during_a_write_is_written(void **state)
{
	struct fixture *f = *state;
	statestore_known(f->b.store, "a", "old");
	statestore_set(f->b.store, "a", "new");
	place_turn(&f->b);
	statestore_set(f->b.store, "a", "old");
	/* The place is about to hold the other value. */
	assert_false(statestore_is_idle(f->b.store));
	place_answer(&f->b, 0, 0);
	place_expect_writes(&f->b, "a=old", 2);
	place_answer(&f->b, 0, 0);
	assert_true(statestore_is_idle(f->b.store));
}

static bool is_raised(struct fixture *f)
{
	return condition_is_raised(&f->b.conditions, CONDITION_STORE_WRITE_FAILED);
}

/* Sets three keys, of which the place refuses "big"; a and c are stored at once all the same. */
static void refuse_big(struct fixture *f)
{
	statestore_set(f->b.store, "a", "1");
	statestore_set(f->b.store, "big", "x");
	statestore_set(f->b.store, "c", "3");
	place_turn(&f->b);
	place_expect_writes(&f->b, "a=1 big=x c=3", 1);
	place_answer(&f->b, -EINVAL, 0);
	assert_false(is_raised(f)); /* it is not known yet which key caused it */
	place_expect_writes(&f->b, "a=1", 2);
	place_answer(&f->b, 0, 0);
	place_expect_writes(&f->b, "big=x", 3);
	place_answer(&f->b, -EINVAL, 0);
	place_expect_writes(&f->b, "c=3", 4);
	place_answer(&f->b, 0, 0);
	assert_true(statestore_is_stored(f->b.store, "a"));
	assert_true(statestore_is_stored(f->b.store, "c"));
	assert_true(is_raised(f));
	assert_false(place_is_writing(&f->b));
}

/* A value that is refused, for its size, say, waits for itself and holds up nothing. */
static void a_value_that_is_refused_holds_up_no_other(void **state)
{
	struct fixture *f = *state;
	uint64_t delay = PLACE_BASE_MS;
	refuse_big(f);
	for (unsigned int i = 0; i < 8; i++) {
		/* Others go at once, together, however long its own pause has become. */
		AUTO(mem_free) char *value = xasprintf("%u", i);
		AUTO(mem_free) char *both = xasprintf("a=%u c=%u", i, i);
		statestore_set(f->b.store, "a", value);
		statestore_set(f->b.store, "c", value);
		place_turn(&f->b);
		place_expect_writes(&f->b, both, 5 + 2 * i);
		place_answer(&f->b, 0, 0);
		place_pass(&f->b, delay - 2);
		assert_false(place_is_writing(&f->b));
		assert_true(is_raised(f));
		place_pass(&f->b, 2);
		place_expect_writes(&f->b, "big=x", 6 + 2 * i);
		place_answer(&f->b, -EINVAL, 0);
		delay = delay * 2 < PLACE_MAX_MS ? delay * 2 : PLACE_MAX_MS;
	}
	assert_false(statestore_is_idle(f->b.store));
	assert_true(statestore_is_tried(f->b.store));
	assert_int_equal(
		condition_get(&f->b.conditions, CONDITION_STORE_WRITE_FAILED)->transitions, 1);
	place_pass(&f->b, delay);
	place_answer(&f->b, 0, 0);
	assert_true(statestore_is_idle(f->b.store));
	assert_false(is_raised(f));
	/* Together again. */
	statestore_set(f->b.store, "big", "y");
	statestore_set(f->b.store, "c", "4");
	place_turn(&f->b);
	place_expect_writes(&f->b, "big=y c=4", 22);
}

static void a_new_value_of_a_refused_key_goes_at_once(void **state)
{
	struct fixture *f = *state;
	refuse_big(f);
	for (unsigned int n = 5; n < 9; n++) {
		place_pass(&f->b, PLACE_MAX_MS); /* its pause grows to the longest */
		place_expect_writes(&f->b, "big=x", n);
		place_answer(&f->b, -EINVAL, 0);
	}
	/* No stream of refused writes: the first pause holds. */
	statestore_set(f->b.store, "big", "y");
	assert_false(statestore_is_tried(f->b.store));
	place_pass(&f->b, PLACE_BASE_MS - 2);
	assert_false(place_is_writing(&f->b));
	place_pass(&f->b, 2);
	place_expect_writes(&f->b, "big=y", 9);
	/* One that came while the other was under way. */
	statestore_set(f->b.store, "big", "z");
	place_answer(&f->b, -EINVAL, 0);
	place_pass(&f->b, PLACE_BASE_MS);
	place_expect_writes(&f->b, "big=z", 10);
	place_answer(&f->b, -EINVAL, 0);
	/* Later, nothing is in the way. */
	place_pass(&f->b, 2 * PLACE_BASE_MS);
	place_answer(&f->b, -EINVAL, 0);
	place_pass(&f->b, PLACE_BASE_MS);
	statestore_set(f->b.store, "big", "small");
	place_turn(&f->b);
	place_expect_writes(&f->b, "big=small", 12);
	place_answer(&f->b, 0, 0);
	assert_false(is_raised(f));
	/* The same value again changes nothing. */
	statestore_set(f->b.store, "big", "w");
	place_turn(&f->b);
	place_answer(&f->b, -EINVAL, 0);
	statestore_set(f->b.store, "big", "w");
	place_pass(&f->b, PLACE_BASE_MS - 2);
	assert_false(place_is_writing(&f->b));
}

static void a_place_that_is_away_holds_up_all(void **state)
{
	struct fixture *f = *state;
	refuse_big(f);
	statestore_set(f->b.store, "a", "2");
	place_turn(&f->b);
	place_answer(&f->b, -EAGAIN, 0);
	assert_non_null(strstr(
		condition_get(&f->b.conditions, CONDITION_STORE_WRITE_FAILED)->reason, "11"));
	statestore_set(f->b.store, "c", "4");
	statestore_set(f->b.store, "big", "y");
	place_pass(&f->b, PLACE_BASE_MS - 2);
	assert_false(place_is_writing(&f->b));
	place_pass(&f->b, 2);
	place_expect_writes(&f->b, "big=y", 6);
	place_answer(&f->b, 0, 0);
	place_expect_writes(&f->b, "a=2 c=4", 7);
	place_answer(&f->b, 0, 0);
	assert_false(is_raised(f));
}

static void a_write_that_failed_may_have_been_carried_out(void **state)
{
	struct fixture *f = *state;
	statestore_known(f->b.store, "a", "old");
	statestore_set(f->b.store, "a", "new");
	place_turn(&f->b);
	statestore_set(f->b.store, "a", "old");
	place_answer(&f->b, -ETIMEDOUT, 0);
	assert_false(statestore_is_idle(f->b.store));
	place_pass(&f->b, PLACE_BASE_MS);
	place_expect_writes(&f->b, "a=old", 2);
	place_answer(&f->b, 0, 0);
	assert_true(statestore_is_idle(f->b.store));
	assert_false(condition_is_raised(&f->b.conditions, CONDITION_STORE_WRITE_FAILED));
	/* The same with a key that should be absent. */
	statestore_set(f->b.store, "b", "1");
	place_turn(&f->b);
	place_answer(&f->b, -ECONNRESET, 0);
	statestore_set(f->b.store, "b", NULL);
	place_pass(&f->b, PLACE_BASE_MS);
	place_expect_writes(&f->b, "b-", 4);
}

static void a_failure_is_kept_and_tried_again(void **state)
{
	struct fixture *f = *state;
	statestore_set(f->b.store, "a", "1");
	place_turn(&f->b);
	uint64_t delay = PLACE_BASE_MS;
	for (unsigned int i = 0; i < 12; i++) {
		place_answer(&f->b, -EAGAIN, 0);
		assert_true(is_raised(f));
		/* What is set meanwhile waits for the next try. */
		AUTO(mem_free) char *value = xasprintf("%u", i + 2);
		statestore_set(f->b.store, "a", value);
		place_pass(&f->b, delay - 2);
		assert_false(place_is_writing(&f->b));
		place_pass(&f->b, 2);
		assert_true(place_is_writing(&f->b));
		delay = delay * 2 < PLACE_MAX_MS ? delay * 2 : PLACE_MAX_MS;
	}
	place_expect_writes(&f->b, "a=13", 13);
	place_answer(&f->b, 0, 0);
	assert_false(is_raised(f));
	assert_int_equal(f->b.answered, 13);
	/* And the next failure starts from the begin. */
	statestore_set(f->b.store, "a", NULL);
	place_turn(&f->b);
	place_answer(&f->b, -EAGAIN, 0);
	place_pass(&f->b, PLACE_BASE_MS);
	assert_true(place_is_writing(&f->b));
}

/* Fails so often that its pause is the longest. */
static void fail_for_long(struct fixture *f, int code)
{
	for (int i = 0; i < 8; i++) {
		assert_true(place_is_writing(&f->b));
		place_answer(&f->b, code, 0);
		place_pass(&f->b, PLACE_MAX_MS);
	}
	place_answer(&f->b, code, 0);
}

static void a_place_that_is_back_is_written_soon(void **state)
{
	struct fixture *f = *state;
	statestore_set(f->b.store, "a", "1");
	place_turn(&f->b);
	fail_for_long(f, -ECONNREFUSED);
	place_pass(&f->b, PLACE_AWAY_MAX_MS - 1);
	assert_false(place_is_writing(&f->b));
	place_pass(&f->b, 1);
	/* It is reached again, and answers that it is overloaded. */
	fail_for_long(f, -EAGAIN);
	place_pass(&f->b, PLACE_MAX_MS - 1);
	assert_false(place_is_writing(&f->b));
	place_pass(&f->b, 1);
	assert_true(place_is_writing(&f->b));
}

static void the_server_may_ask_for_a_longer_pause(void **state)
{
	struct fixture *f = *state;
	statestore_set(f->b.store, "a", "1");
	place_turn(&f->b);
	place_answer(&f->b, -EAGAIN, 60000);
	place_pass(&f->b, 59999);
	assert_false(place_is_writing(&f->b));
	place_pass(&f->b, 1);
	assert_true(place_is_writing(&f->b));
}

static void a_key_waits_for_its_prerequisite(void **state)
{
	struct fixture *f = *state;
	statestore_require(f->b.store, "b", "a");
	statestore_require(f->b.store, "c", "b");
	statestore_require(f->b.store, "d", "never wanted");
	statestore_set(f->b.store, "c", "3");
	statestore_set(f->b.store, "d", "4");
	statestore_set(f->b.store, "b", "2");
	statestore_set(f->b.store, "a", "1");
	place_turn(&f->b);
	place_expect_writes(&f->b, "d=4 a=1", 1);
	place_answer(&f->b, -EAGAIN, 0);
	place_pass(&f->b, PLACE_BASE_MS);
	place_expect_writes(&f->b, "d=4 a=1", 2);
	place_answer(&f->b, 0, 0);
	place_expect_writes(&f->b, "b=2", 3); /* at once */
	/* A prerequisite that is on its way again. */
	statestore_set(f->b.store, "a", "5");
	place_answer(&f->b, 0, 0);
	place_expect_writes(&f->b, "c=3 a=5", 4);
	place_answer(&f->b, 0, 0);
	statestore_set(f->b.store, "a", "6");
	statestore_set(f->b.store, "b", "7");
	place_turn(&f->b);
	place_expect_writes(&f->b, "a=6", 5);
	place_answer(&f->b, 0, 0);
	place_expect_writes(&f->b, "b=7", 6);
}

static void many_keys_are_no_matter(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 100; i++) {
		AUTO(mem_free) char *key = xasprintf("k%d", i);
		AUTO(mem_free) char *first = xasprintf("k%d", i + 100);
		statestore_require(f->b.store, key, first);
		statestore_set(f->b.store, key, "v");
	}
	place_turn(&f->b);
	place_expect_writes(&f->b, f->b.place.writes.items[0], 1);
	place_answer(&f->b, 0, 0);
	assert_true(statestore_is_idle(f->b.store));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(keys_set_together_go_out_together),
		TEST(what_is_known_is_not_written),
		TEST(the_latest_value_wins),
		TEST(a_change_of_mind_during_a_write_is_written),
		TEST(a_value_that_is_refused_holds_up_no_other),
		TEST(a_new_value_of_a_refused_key_goes_at_once),
		TEST(a_place_that_is_away_holds_up_all),
		TEST(a_write_that_failed_may_have_been_carried_out),
		TEST(a_failure_is_kept_and_tried_again),
		TEST(a_place_that_is_back_is_written_soon),
		TEST(the_server_may_ask_for_a_longer_pause),
		TEST(a_key_waits_for_its_prerequisite),
		TEST(many_keys_are_no_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
