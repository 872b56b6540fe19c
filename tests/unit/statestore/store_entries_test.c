#include "statestore/store_entries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/support/memory_scan.h"

#define BASE_MS 200
#define MAX_MS 3000
#define KEYS_MAX 16

static uint32_t least(void)
{
	return 0;
}

static uint32_t most(void)
{
	return UINT32_MAX;
}

static int setup(void **state)
{
	struct store_entries *s = xcalloc(1, sizeof(*s));
	s->times = (struct statestore_times){BASE_MS, MAX_MS, MAX_MS};
	backoff_set_random(least);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	store_entries_fini(*state);
	free(*state);
	backoff_set_random(NULL);
	return 0;
}

/* "key=value key-" for the next write. */
static void expect_pick(struct store_entries *s, uint64_t now_ms, const char *wanted)
{
	struct store_change changes[KEYS_MAX];
	AUTO(strv_fini) struct strv words = {0};
	size_t count = store_entries_pick(s, now_ms, changes);
	for (size_t i = 0; i < count; i++) {
		if (changes[i].value != NULL)
			strv_pushf(&words, "%s=%s", changes[i].key, changes[i].value);
		else
			strv_pushf(&words, "%s-", changes[i].key);
	}
	AUTO(mem_free) char *got = strv_join(&words, " ");
	assert_string_equal(got, wanted);
}

static void a_refused_write_is_taken_apart(void **state)
{
	struct store_entries *s = *state;
	store_entries_want(s, "a", "1");
	store_entries_know(s, "b", "old");
	store_entries_want(s, "b", NULL);
	expect_pick(s, 1000, "a=1 b-");
	store_entries_refused(s, "too large", 1000, 0);
	assert_true(store_entries_are_in_doubt(s));
	assert_null(store_entries_refusal(s));
	expect_pick(s, 1000, "a=1");
	store_entries_refused(s, "a is too large", 1000, 0);
	assert_null(store_entries_refusal(s)); /* b may be at fault as well */
	expect_pick(s, 1000, "b-");
	store_entries_stored(s);
	assert_false(store_entries_are_in_doubt(s));
	assert_string_equal(store_entries_refusal(s), "a is too large");
	assert_true(store_entries_all_tried(s, 1000));
	assert_false(store_entries_all_tried(s, 1001));
	/* b is as others again. */
	store_entries_want(s, "b", "2");
	store_entries_want(s, "c", "3");
	expect_pick(s, 1001, "b=2 c=3");
	store_entries_stored(s);
	store_entries_hurry(s);
	expect_pick(s, 1001, "a=1");
	store_entries_stored(s);
	assert_null(store_entries_refusal(s));
	assert_true(store_entries_all_stored(s));
	assert_true(store_entries_next_due(s) == STORE_ENTRIES_NEVER);
}

/* Whatever the draw, the pause has a floor and a ceiling, and the one that was asked for holds. */
static void pauses_have_bounds(void **state)
{
	struct store_entries *s = *state;
	uint64_t now_ms = 5000;
	store_entries_want(s, "a", "1");
	for (unsigned int i = 0; i < 40; i++) {
		backoff_set_random(i % 2 == 0 ? least : most);
		expect_pick(s, now_ms, "a=1");
		store_entries_refused(s, "no", now_ms, 0);
		uint64_t due_ms = store_entries_next_due(s);
		assert_true(due_ms >= now_ms + BASE_MS / 2 && due_ms <= now_ms + MAX_MS);
		expect_pick(s, due_ms - 1, "");
		now_ms = due_ms;
	}
	expect_pick(s, now_ms, "a=1");
	store_entries_refused(s, "no", now_ms, 10000);
	assert_true(store_entries_next_due(s) == now_ms + 10000);
}

static void the_one_that_has_waited_longest_comes_first(void **state)
{
	struct store_entries *s = *state;
	store_entries_want(s, "a", "1");
	store_entries_want(s, "b", "1");
	expect_pick(s, 1000, "a=1 b=1");
	store_entries_refused(s, "no", 1000, 0);
	expect_pick(s, 1000, "a=1");
	store_entries_refused(s, "no", 1000, 0);
	expect_pick(s, 1001, "b=1");
	store_entries_refused(s, "no", 1001, 9000);
	store_entries_want(s, "b", "2");
	expect_pick(s, 9000, "a=1");
	store_entries_refused(s, "no", 9000, 0);
	expect_pick(s, 9000, "b=2");
}

static void a_prerequisite_that_is_refused_holds_what_needs_it(void **state)
{
	struct store_entries *s = *state;
	store_entries_require(s, "b", "a");
	store_entries_want(s, "b", "2");
	store_entries_want(s, "a", "1");
	expect_pick(s, 1000, "a=1");
	store_entries_refused(s, "no", 1000, 0);
	expect_pick(s, 1000, "");
	assert_true(store_entries_all_tried(s, 0));
	assert_false(store_entries_all_stored(s));
	assert_string_equal(store_entries_refusal(s), "no");
	store_entries_hurry(s);
	expect_pick(s, 1000, "a=1");
	assert_false(store_entries_all_tried(s, 0)); /* it is on its way */
	store_entries_stored(s);
	expect_pick(s, 1000, "b=2");
}

static void what_failed_is_unsure(void **state)
{
	struct store_entries *s = *state;
	store_entries_know(s, "a", "old");
	store_entries_want(s, "a", "new");
	expect_pick(s, 1000, "a=new");
	store_entries_want(s, "a", "old");
	store_entries_failed(s);
	assert_false(store_entries_all_stored(s));
	expect_pick(s, 1000, "a=old");
	store_entries_stored(s);
	assert_true(store_entries_all_stored(s));
}

static void a_place_that_is_gone_was_left_empty(void **state)
{
	struct store_entries *s = *state;
	store_entries_want(s, "a", "1");
	store_entries_know(s, "key", "theirs");
	store_entries_want(s, "key", NULL);
	expect_pick(s, 1000, "a=1 key-");
	store_entries_stored(s);
	store_entries_want(s, "b", "2");
	expect_pick(s, 1000, "b=2");
	store_entries_forget(s);
	store_entries_refused(s, "not found", 1000, 0);
	/* What was removed is none of ours there: whoever makes the place may have put it in. */
	expect_pick(s, 1000, "a=1");
	store_entries_stored(s);
	expect_pick(s, 9000, "b=2");
	store_entries_stored(s);
	assert_true(store_entries_all_stored(s));
}

static void want_secret(struct store_entries *s, const char *key)
{
	AUTO(buf_wipe) struct buf value = BUF_INIT(1000);
	memory_secret_put(&value);
	store_entries_want(s, key, buf_cstr(&value));
}

/* Some values are keys to something: what was replaced, written, removed or freed is nowhere. */
static void values_are_wiped(void **state)
{
	struct store_entries *s = *state;
	struct store_change changes[KEYS_MAX];
	want_secret(s, "authkey");
	assert_true(memory_secret_count() > 0);
	store_entries_want(s, "authkey", "other");
	assert_int_equal(memory_secret_count(), 0);
	want_secret(s, "authkey");
	assert_int_equal(store_entries_pick(s, 1000, changes), 1);
	store_entries_stored(s);
	assert_true(memory_secret_count() > 0);
	store_entries_want(s, "authkey", NULL);
	assert_int_equal(store_entries_pick(s, 1000, changes), 1);
	store_entries_stored(s);
	assert_int_equal(memory_secret_count(), 0);
	want_secret(s, "authkey");
	assert_int_equal(store_entries_pick(s, 1000, changes), 1);
	store_entries_failed(s);
	store_entries_fini(s);
	assert_int_equal(memory_secret_count(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_refused_write_is_taken_apart),
		TEST(pauses_have_bounds),
		TEST(the_one_that_has_waited_longest_comes_first),
		TEST(a_prerequisite_that_is_refused_holds_what_needs_it),
		TEST(what_failed_is_unsure),
		TEST(a_place_that_is_gone_was_left_empty),
		TEST(values_are_wiped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
