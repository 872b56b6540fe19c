/* Whether values that went through the store are still in memory afterwards. */
#include "statestore/statestore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "statestore/statestore_conditions.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/log_capture.h"
#include "tests/support/memory_scan.h"

static const char *describe(void *self)
{
	(void)self;
	return "a place";
}

/* Takes everything and keeps nothing. */
static void write_changes(void *self, const struct store_change *changes, size_t count,
	store_written_fn fn, void *arg)
{
	unsigned int *writes = self;
	(void)changes;
	(void)count;
	++*writes;
	fn(arg, NULL, 0);
}

static void nothing(void *self)
{
	(void)self;
}

static void set_secret(struct statestore *s, const char *key)
{
	AUTO(buf_wipe) struct buf value = BUF_INIT(1000);
	memory_secret_put(&value);
	statestore_set(s, key, buf_cstr(&value));
}

static void turn(struct loop *loop)
{
	struct err e;
	assert_int_equal(loop_turn(loop, 0, &e), 0);
}

static void replaced_and_removed_values_leave_nothing(void **state)
{
	(void)state;
	AUTO(condition_set_fini) struct condition_set conditions = {0};
	unsigned int writes = 0;
	struct log_capture log = {0};
	struct err e;
	const struct statestore_backend backend = {
		describe, write_changes, NULL, nothing, nothing, &writes};
	const struct statestore_times times = {1, 1, 1};
	condition_kinds_add(&conditions, STATESTORE_CONDITIONS);
	log_capture_start(&log);
	struct loop *loop = loop_new(&e);
	struct statestore *s = statestore_new(loop, &conditions, &backend, &times);
	/* More keys than the first list has room for, so that it is moved. */
	for (int i = 0; i < 40; i++) {
		AUTO(mem_free) char *key = xasprintf("key-%d", i);
		set_secret(s, key);
	}
	turn(loop);
	assert_true(writes > 0);
	size_t stored = memory_secret_count();
	for (int i = 0; i < 40; i++) {
		AUTO(mem_free) char *key = xasprintf("key-%d", i);
		statestore_set(s, key, i % 2 == 0 ? NULL : "other");
	}
	turn(loop);
	bool is_idle = statestore_is_idle(s);
	size_t changed = memory_secret_count();
	set_secret(s, "last");
	statestore_free(s);
	size_t freed = memory_secret_count();
	loop_free(loop);
	log_capture_stop(&log);
	assert_true(is_idle);
	assert_true(stored >= 40);
	assert_int_equal(changed, 0);
	assert_int_equal(freed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced_and_removed_values_leave_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
