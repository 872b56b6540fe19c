#include "lib/io/fswatch.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "tests/support/tempdir.h"
#include "tests/support/watch_bench.h"

static void test_absent_then_made(void **state)
{
	struct watch_bench *bench = *state;

	watch_bench_watch(bench, "a/b/c");
	watch_bench_make_dir(bench, "unrelated");
	watch_bench_expect_silence(bench);
	watch_bench_make_dir(bench, "a");
	watch_bench_expect_silence(bench);
	watch_bench_make_dir(bench, "a/b");
	watch_bench_expect_silence(bench);
	watch_bench_make_dir(bench, "a/b/c");
	watch_bench_expect_call(bench);
	tempdir_write(bench->dir, "a/b/c/file", "x");
	watch_bench_expect_call(bench);
}

/* Everything within one turn, so that later parts appear before the first is watched. */
static void test_made_at_once(void **state)
{
	struct watch_bench *bench = *state;

	watch_bench_watch(bench, "a/b/c");
	tempdir_write(bench->dir, "a/b/c/file", "x");
	watch_bench_expect_call(bench);
	tempdir_write(bench->dir, "a/b/c/file", "y");
	watch_bench_expect_call(bench);
}

static void test_removed_and_made_anew(void **state)
{
	struct watch_bench *bench = *state;

	watch_bench_make_dir(bench, "a");
	watch_bench_make_dir(bench, "a/b");
	watch_bench_watch(bench, "a/b");
	for (int i = 0; i < 3; i++) {
		watch_bench_remove(bench, "a/b");
		watch_bench_expect_call(bench);
		watch_bench_remove(bench, "a");
		watch_bench_expect_silence(bench);
		watch_bench_make_dir(bench, "a");
		watch_bench_make_dir(bench, "a/b");
		watch_bench_expect_call(bench);
		/* The new one often has the inode of the old. */
		watch_bench_remove(bench, "a/b");
		watch_bench_make_dir(bench, "a/b");
		watch_bench_expect_call(bench);
		tempdir_write(bench->dir, "a/b/file", "x");
		watch_bench_remove(bench, "a/b/file");
		watch_bench_expect_call(bench);
	}
}

static void test_moved_and_replaced(void **state)
{
	struct watch_bench *bench = *state;

	watch_bench_make_dir(bench, "a");
	watch_bench_make_dir(bench, "a/b");
	watch_bench_make_dir(bench, "n");
	tempdir_write(bench->dir, "n/b/file", "new");
	watch_bench_watch(bench, "a/b");
	watch_bench_rename(bench, "a", "old");
	watch_bench_expect_call(bench);
	tempdir_write(bench->dir, "old/b/file", "x");
	watch_bench_expect_silence(bench);
	watch_bench_rename(bench, "n", "a");
	watch_bench_expect_call(bench);
	tempdir_write(bench->dir, "a/b/file", "x");
	watch_bench_expect_call(bench);
}

static void test_link_switched(void **state)
{
	struct watch_bench *bench = *state;

	tempdir_write(bench->dir, "one/d/file", "1");
	tempdir_write(bench->dir, "two/d/file", "2");
	watch_bench_point(bench, "link", "one");
	watch_bench_watch(bench, "link/d");
	tempdir_write(bench->dir, "one/d/file", "x");
	watch_bench_expect_call(bench);
	watch_bench_point(bench, "link", "two");
	watch_bench_expect_call(bench);
	tempdir_write(bench->dir, "two/d/file", "x");
	watch_bench_expect_call(bench);
	tempdir_write(bench->dir, "one/d/file", "y");
	watch_bench_expect_silence(bench);
	watch_bench_remove(bench, "link");
	watch_bench_expect_call(bench);
	watch_bench_point(bench, "link", "one");
	watch_bench_expect_call(bench);
}

/* Beside our path, where only the directory itself shows it. */
static void test_link_target_replaced(void **state)
{
	struct watch_bench *bench = *state;

	watch_bench_make_dir(bench, "other");
	watch_bench_make_dir(bench, "other/real");
	watch_bench_point(bench, "link", "other/real");
	watch_bench_watch(bench, "link");
	watch_bench_rename(bench, "other/real", "other/old");
	watch_bench_make_dir(bench, "other/real");
	watch_bench_expect_call(bench);
	tempdir_write(bench->dir, "other/real/file", "x");
	watch_bench_expect_call(bench);
}

/* A switch inside the path of a link's target causes no event for us: the comparison finds it. */
static void test_link_behind_link(void **state)
{
	struct watch_bench *bench = *state;

	watch_bench_make_dir(bench, "hidden");
	tempdir_write(bench->dir, "one/file", "1");
	tempdir_write(bench->dir, "two/file", "2");
	watch_bench_point(bench, "hidden/inner", "../one");
	watch_bench_point(bench, "outer", "hidden/inner");
	watch_bench_watch(bench, "outer");
	watch_bench_point(bench, "hidden/inner", "../two");
	watch_bench_expect_silence(bench);
	watch_bench_pass_time(bench, WATCH_BENCH_RECHECK_MS);
	watch_bench_expect_call(bench);
	tempdir_write(bench->dir, "two/file", "x");
	watch_bench_expect_call(bench);
	watch_bench_pass_time(bench, WATCH_BENCH_RECHECK_MS);
	watch_bench_expect_silence(bench);
}

static void test_file_instead_of_directory(void **state)
{
	struct watch_bench *bench = *state;

	tempdir_write(bench->dir, "d", "a file");
	watch_bench_watch(bench, "d/e");
	watch_bench_expect_silence(bench);
	watch_bench_remove(bench, "d");
	tempdir_write(bench->dir, "d/e/file", "x");
	watch_bench_expect_call(bench);
}

static void test_link_loop(void **state)
{
	struct watch_bench *bench = *state;

	watch_bench_point(bench, "loop", "loop");
	watch_bench_watch(bench, "loop/x");
	watch_bench_expect_silence(bench);
	watch_bench_remove(bench, "loop");
	watch_bench_make_dir(bench, "loop");
	watch_bench_make_dir(bench, "loop/x");
	watch_bench_expect_call(bench);
}

/* Two parts of the path are one directory. */
static void test_link_to_itself(void **state)
{
	struct watch_bench *bench = *state;

	watch_bench_make_dir(bench, "d");
	watch_bench_point(bench, "d/self", ".");
	watch_bench_watch(bench, "d/self/self");
	tempdir_write(bench->dir, "d/file", "x");
	watch_bench_expect_call(bench);
	watch_bench_remove(bench, "d/self");
	watch_bench_expect_call(bench);
}

static void test_relative_path(void **state)
{
	struct watch_bench *bench = *state;
	AUTO(mem_free) char *before = getcwd(NULL, 0);

	assert_int_equal(chdir(bench->dir), 0);
	bench->watch = fswatch_new(
		bench->loop, "d//e/", WATCH_BENCH_DEBOUNCE_MS, watch_bench_on_change, bench);
	tempdir_write(bench->dir, "d/e/file", "x");
	watch_bench_expect_call(bench);
	watch_bench_remove(bench, "d/e/file");
	watch_bench_expect_call(bench);
	assert_int_equal(chdir(before), 0);
}

/* Last, as it leaves the process in a mount namespace of its own. */
static void test_mounted_over(void **state)
{
	struct watch_bench *bench = *state;
	AUTO(mem_free) char *path = tempdir_path(bench->dir, "d");

	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
		print_message("no mount namespace: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL), 0);
	watch_bench_make_dir(bench, "d");
	watch_bench_watch(bench, "d");
	assert_int_equal(mount("none", path, "tmpfs", 0, NULL), 0);
	watch_bench_pass_time(bench, WATCH_BENCH_RECHECK_MS);
	watch_bench_expect_call(bench);
	tempdir_write(bench->dir, "d/file", "x");
	watch_bench_expect_call(bench);
	assert_int_equal(umount(path), 0);
	watch_bench_expect_call(bench);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, watch_bench_open, watch_bench_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_absent_then_made),
		TEST(test_made_at_once),
		TEST(test_removed_and_made_anew),
		TEST(test_moved_and_replaced),
		TEST(test_link_switched),
		TEST(test_link_target_replaced),
		TEST(test_link_behind_link),
		TEST(test_file_instead_of_directory),
		TEST(test_link_loop),
		TEST(test_link_to_itself),
		TEST(test_relative_path),
		TEST(test_mounted_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
