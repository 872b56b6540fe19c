#include "statestore/store_dir.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "statestore/statestore_conditions.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

struct fixture {
	struct loop *loop;
	char *dir, *state_dir;
	struct statestore_backend backend;
	unsigned int written, listed;
	struct err err;
	struct strv keys;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e;
	f->loop = loop_new(&e);
	f->dir = tempdir_new();
	f->state_dir = tempdir_path(f->dir, "state");
	*state = f;
	store_dir_backend(f->loop, f->state_dir, &f->backend);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	if (f->backend.free != NULL)
		f->backend.free(f->backend.self);
	loop_free(f->loop);
	tempdir_free(f->dir);
	free(f->state_dir);
	strv_fini(&f->keys);
	free(f);
	return 0;
}

static void on_written(void *arg, const struct err *err, uint64_t retry_after_ms)
{
	struct fixture *f = arg;
	f->written++;
	f->err = err != NULL ? *err : (struct err){0};
	assert_true(retry_after_ms == 0);
}

static void on_listed(void *arg, const struct strv *keys, const struct err *err)
{
	struct fixture *f = arg;
	f->listed++;
	strv_copy(&f->keys, keys);
	f->err = err != NULL ? *err : (struct err){0};
}

static void write_two(
	struct fixture *f, const char *a, const char *a_value, const char *b, const char *b_value)
{
	const struct store_change changes[] = {{a, a_value}, {b, b_value}};
	unsigned int before = f->written;
	f->backend.write(f->backend.self, changes, b != NULL ? 2 : 1, on_written, f);
	assert_int_equal(f->written, before); /* never from within the call */
	assert_true(loop_wait_count(f->loop, &f->written, before + 1, LOOP_WAIT_MS));
}

static void list(struct fixture *f)
{
	unsigned int before = f->listed;
	f->backend.list(f->backend.self, on_listed, f);
	assert_int_equal(f->listed, before);
	assert_true(loop_wait_count(f->loop, &f->listed, before + 1, LOOP_WAIT_MS));
}

static void expect_file(struct fixture *f, const char *key, const char *value)
{
	AUTO(mem_free) char *name = xasprintf("state/published/%s", key);
	AUTO(mem_free) char *text = tempdir_read(f->dir, name);
	if (value == NULL) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_string_equal(text, value);
}

static mode_t mode_of(struct fixture *f, const char *name)
{
	AUTO(mem_free) char *path = tempdir_path(f->dir, name);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void each_key_is_a_file(void **state)
{
	struct fixture *f = *state;
	write_two(f, "device_id", "nABC", "egress-services", "{}");
	assert_int_equal(mode_of(f, "state/published"), 0700);
	assert_string_equal(f->err.msg, "");
	expect_file(f, "device_id", "nABC");
	expect_file(f, "egress-services", "{}");
	assert_int_equal(mode_of(f, "state/published/device_id"), 0600);
	write_two(f, "device_id", "", "egress-services", NULL);
	assert_string_equal(f->err.msg, "");
	expect_file(f, "device_id", "");
	expect_file(f, "egress-services", NULL);
	/* Not there already. */
	write_two(f, "egress-services", NULL, NULL, NULL);
	assert_string_equal(f->err.msg, "");
	AUTO(mem_free) char *place = tempdir_path(f->dir, "state/published");
	assert_string_equal(f->backend.describe(f->backend.self), place);
}

static void a_folder_that_went_away_is_made_again(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *published = tempdir_path(f->dir, "state/published");
	write_two(f, "b", "1", NULL, NULL);
	write_two(f, "b", NULL, NULL, NULL);
	assert_int_equal(rmdir(published), 0);
	write_two(f, "a", "1", NULL, NULL);
	assert_string_equal(f->err.msg, "");
	expect_file(f, "a", "1");
}

static void a_failure_is_reported(void **state)
{
	struct fixture *f = *state;
	tempdir_write(f->dir, "state/published/dir/file", "x");
	write_two(f, "dir", "1", "b", "2");
	assert_int_not_equal(f->err.code, 0);
	assert_non_null(strstr(f->err.msg, "published/dir"));
	expect_file(f, "b", NULL); /* tried again with the first */
}

static void keys_lead_nowhere_else(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "../x", "a/b", ".hidden", "a b", "a\nb", "ä"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_two(f, bad[i], "1", NULL, NULL);
		assert_int_equal(f->err.code, -EINVAL);
		write_two(f, bad[i], NULL, NULL, NULL);
		assert_int_equal(f->err.code, -EINVAL);
	}
}

static void the_daemons_keys_are_listed(void **state)
{
	struct fixture *f = *state;
	list(f);
	assert_int_equal(f->err.code, -ENOENT);
	tempdir_write(f->dir, "state/tailscaled.state",
		"{\"_machinekey\":\"a2V5\",\"_profiles\":\"e30=\",\"profile-a\":null}");
	list(f);
	assert_string_equal(f->err.msg, "");
	AUTO(mem_free) char *keys = strv_join(&f->keys, " ");
	assert_string_equal(keys, "_machinekey _profiles profile-a");
	tempdir_write(f->dir, "state/tailscaled.state", "{\"_machinekey\":");
	list(f);
	assert_int_equal(f->err.code, -EINVAL);
	assert_non_null(strstr(f->err.msg, "tailscaled.state"));
	assert_int_equal(f->keys.len, 0);
	/* As a daemon leaves it that was killed before its first write. */
	tempdir_write(f->dir, "state/tailscaled.state", "");
	list(f);
	assert_string_equal(f->err.msg, "");
	assert_int_equal(f->keys.len, 0);
	tempdir_write(f->dir, "state/tailscaled.state", "[]");
	list(f);
	assert_string_equal(f->err.msg, "");
	assert_int_equal(f->keys.len, 0);
}

static void cancelling_is_silent(void **state)
{
	struct fixture *f = *state;
	const struct store_change change = {"a", "1"};
	f->backend.write(f->backend.self, &change, 1, on_written, f);
	f->backend.list(f->backend.self, on_listed, f);
	f->backend.cancel(f->backend.self);
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->written + f->listed, 0);
	/* Freed in the middle. */
	f->backend.write(f->backend.self, &change, 1, on_written, f);
	f->backend.free(f->backend.self);
	f->backend.free = NULL;
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->written, 0);
}

static void what_the_files_hold_is_known(void **state)
{
	struct fixture *f = *state;
	struct condition_set conditions = {0};
	const struct statestore_times times = {200, 3000, 3000};
	struct log_capture log = {0};
	log_capture_start(&log);
	condition_kinds_add(&conditions, STATESTORE_CONDITIONS);
	tempdir_write(f->dir, "state/published/same", "1");
	tempdir_write(f->dir, "state/published/other", "old");
	tempdir_write(f->dir, "state/published/gone", "x");
	tempdir_write(f->dir, "state/published/.hidden", "x");
	tempdir_write(f->dir, "state/published/folder/x", "x");
	struct statestore *s = statestore_new(f->loop, &conditions, &f->backend, &times);
	f->backend.free = NULL; /* the store's now */
	store_dir_load_known(f->state_dir, s);
	statestore_set(s, "same", "1");
	assert_true(statestore_is_idle(s));
	statestore_set(s, "other", "new");
	statestore_set(s, "gone", NULL);
	assert_false(statestore_is_idle(s));
	for (int i = 0; i < 100 && !statestore_is_idle(s); i++)
		assert_true(loop_wait_idle(f->loop, 1));
	assert_true(statestore_is_idle(s));
	expect_file(f, "other", "new");
	expect_file(f, "gone", NULL);
	store_dir_load_known("/nowhere", s);
	statestore_free(s);
	condition_set_fini(&conditions);
	log_capture_stop(&log);
}

static void a_folder_that_cannot_be_made_is_a_failed_write(void **state)
{
	struct fixture *f = *state;
	tempdir_write(f->dir, "state", "x");
	write_two(f, "a", "1", NULL, NULL);
	assert_int_equal(f->err.code, -ENOTDIR);
	assert_non_null(strstr(f->err.msg, f->state_dir));
}

static void what_a_killed_run_left_is_removed(void **state)
{
	struct fixture *f = *state;
	struct condition_set conditions = {0};
	const struct statestore_times times = {200, 3000, 3000};
	condition_kinds_add(&conditions, STATESTORE_CONDITIONS);
	tempdir_write(f->dir, "state/published/.tailboot-1-0.tmp", "half");
	tempdir_write(f->dir, "state/published/.other-1-0.tmp", "x");
	tempdir_write(f->dir, "state/published/device_id", "nABC");
	struct statestore *s = statestore_new(f->loop, &conditions, &f->backend, &times);
	f->backend.free = NULL; /* the store's now */
	store_dir_load_known(f->state_dir, s);
	expect_file(f, ".tailboot-1-0.tmp", NULL);
	expect_file(f, ".other-1-0.tmp", "x");
	expect_file(f, "device_id", "nABC");
	statestore_free(s);
	condition_set_fini(&conditions);
}

/* The reason of a failure that lasts is the same each time. */
static void a_reason_does_not_change(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *file = tempdir_path(f->dir, "state/published/device_id");
	write_two(f, "other", "1", NULL, NULL);
	assert_int_equal(mkdir(file, 0700), 0);
	write_two(f, "device_id", "1", NULL, NULL);
	struct err first = f->err;
	write_two(f, "device_id", "2", NULL, NULL);
	assert_int_equal(first.code, -EISDIR);
	assert_string_equal(f->err.msg, first.msg);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_key_is_a_file),
		TEST(a_folder_that_went_away_is_made_again),
		TEST(a_failure_is_reported),
		TEST(keys_lead_nowhere_else),
		TEST(the_daemons_keys_are_listed),
		TEST(cancelling_is_silent),
		TEST(what_the_files_hold_is_known),
		TEST(a_folder_that_cannot_be_made_is_a_failed_write),
		TEST(what_a_killed_run_left_is_removed),
		TEST(a_reason_does_not_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
