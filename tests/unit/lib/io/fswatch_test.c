#include "lib/io/fswatch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "tests/support/tempdir.h"
#include "tests/support/watch_bench.h"

static void test_changes_in_directory(void **state)
{
	struct watch_bench *bench = *state;
	AUTO(mem_free) char *file = tempdir_path(bench->dir, "d/file");

	watch_bench_make_dir(bench, "d");
	tempdir_write(bench->dir, "d/old", "x");
	tempdir_write(bench->dir, "d/kept", "text");
	watch_bench_watch(bench, "d");
	watch_bench_expect_silence(bench);
	tempdir_write(bench->dir, "d/file", "one");
	watch_bench_expect_call(bench);
	tempdir_write(bench->dir, "d/file", "two");
	watch_bench_expect_call(bench);
	assert_int_equal(chmod(file, 0600), 0);
	watch_bench_expect_call(bench);
	watch_bench_rename(bench, "d/file", "d/other");
	watch_bench_expect_call(bench);
	watch_bench_rename(bench, "d/other", "outside");
	watch_bench_expect_call(bench);
	watch_bench_remove(bench, "d/old");
	watch_bench_expect_call(bench);
	watch_bench_make_dir(bench, "d/folder");
	watch_bench_expect_call(bench);

	/* Reading is no change, nor are events beside the directory. */
	tempdir_write(bench->dir, "outside", "again");
	AUTO(mem_free) char *text = tempdir_read(bench->dir, "d/kept");
	assert_string_equal(text, "text");
	watch_bench_expect_silence(bench);
}

/* A mounted volume: names point through `..data`, which is switched in one step. */
static void test_volume_update(void **state)
{
	struct watch_bench *bench = *state;

	tempdir_write(bench->dir, "v/..1/key", "one");
	watch_bench_point(bench, "v/..data", "..1");
	watch_bench_point(bench, "v/key", "..data/key");
	watch_bench_watch(bench, "v");
	tempdir_write(bench->dir, "v/..2/key", "two");
	watch_bench_point(bench, "v/..data", "..2");
	watch_bench_remove(bench, "v/..1/key");
	watch_bench_remove(bench, "v/..1");
	watch_bench_expect_call(bench);
	AUTO(mem_free) char *text = tempdir_read(bench->dir, "v/key");
	assert_string_equal(text, "two");
}

static void test_debounce(void **state)
{
	struct watch_bench *bench = *state;

	watch_bench_watch(bench, ".");
	tempdir_write(bench->dir, "a", "");
	watch_bench_pass_time(bench, 60);
	tempdir_write(bench->dir, "b", "");
	watch_bench_pass_time(bench, 60);
	assert_int_equal(bench->calls, 0);
	watch_bench_pass_time(bench, 39);
	assert_int_equal(bench->calls, 0);
	watch_bench_pass_time(bench, 1);
	assert_int_equal(bench->calls, 1);

	/* Events without a pause: a call every four debounce times. */
	bench->calls = 0;
	for (int i = 0; i < 160; i++) {
		tempdir_write(bench->dir, "a", "x");
		watch_bench_pass_time(bench, 10);
	}
	assert_in_range(bench->calls, 3, 4);
}

/* The event that the directory was made is lost: only the overflow makes us look. */
static void test_queue_overflow(void **state)
{
	struct watch_bench *bench = *state;
	AUTO(mem_free) char *path = tempdir_path(bench->dir, "junk");

	watch_bench_watch(bench, "d");
	for (int i = 0; i < 20000; i++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		close(fd);
		assert_int_equal(unlink(path), 0);
	}
	tempdir_write(bench->dir, "d/file", "x");
	for (int i = 0; i < 1000 && bench->calls == 0; i++)
		watch_bench_pass_time(bench, 1);
	assert_int_equal(bench->calls, 1);
	watch_bench_expect_silence(bench);
	tempdir_write(bench->dir, "d/file", "y");
	watch_bench_expect_call(bench);
}

/* Out of descriptors, as out of inotify instances: polls, and is notified again when it can be. */
static void test_polling(void **state)
{
	struct watch_bench *bench = *state;
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	bench->watch = fswatch_new(
		bench->loop, bench->dir, WATCH_BENCH_DEBOUNCE_MS, watch_bench_on_change, bench);
	assert_false(fswatch_is_notified(bench->watch));
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(bench->calls, i);
		watch_bench_pass_time(bench, WATCH_BENCH_RECHECK_MS);
		watch_bench_pass_time(bench, WATCH_BENCH_DEBOUNCE_MS);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	watch_bench_pass_time(bench, WATCH_BENCH_RECHECK_MS);
	assert_true(fswatch_is_notified(bench->watch));
	watch_bench_expect_call(bench);
	tempdir_write(bench->dir, "file", "x");
	watch_bench_expect_call(bench);
	watch_bench_pass_time(bench, WATCH_BENCH_RECHECK_MS);
	watch_bench_expect_silence(bench);
}

static void test_free_in_call(void **state)
{
	struct watch_bench *bench = *state;

	fswatch_free(NULL);
	watch_bench_watch(bench, ".");
	bench->free_in_call = true;
	tempdir_write(bench->dir, "file", "x");
	watch_bench_pass_time(bench, WATCH_BENCH_DEBOUNCE_MS);
	assert_int_equal(bench->calls, 1);
	assert_null(bench->watch);
	tempdir_write(bench->dir, "file", "y");
	watch_bench_pass_time(bench, WATCH_BENCH_RECHECK_MS);
	assert_int_equal(bench->calls, 1);
}

static void test_no_debounce(void **state)
{
	struct watch_bench *bench = *state;

	bench->watch = fswatch_new(bench->loop, bench->dir, 0, watch_bench_on_change, bench);
	watch_bench_turn(bench);
	assert_int_equal(bench->calls, 0);
	tempdir_write(bench->dir, "file", "x");
	watch_bench_turn(bench);
	watch_bench_turn(bench);
	assert_int_equal(bench->calls, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, watch_bench_open, watch_bench_close)

/* The directory is watched, so that the creation of a missing file is seen. */
static void test_file_of_a_directory(void **state)
{
	struct watch_bench *bench = *state;
	AUTO(mem_free) char *path = xasprintf("%s/config/cap-1.hujson", bench->dir);

	watch_bench_make_dir(bench, "config");
	bench->watch = fswatch_new_for_file(
		bench->loop, path, WATCH_BENCH_DEBOUNCE_MS, watch_bench_on_change, bench);
	watch_bench_point(bench, "config/cap-1.hujson", "elsewhere");
	watch_bench_expect_call(bench);
	watch_bench_make_dir(bench, "other");
	watch_bench_expect_silence(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes_in_directory),
		TEST(test_volume_update),
		TEST(test_debounce),
		TEST(test_queue_overflow),
		TEST(test_polling),
		TEST(test_free_in_call),
		TEST(test_no_debounce),
		TEST(test_file_of_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
