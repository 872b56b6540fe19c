#include "tests/support/watch_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tempdir.h"

int watch_bench_open(void **state)
{
	struct watch_bench *bench = xcalloc(1, sizeof(*bench));
	struct err e = {0};

	fake_clock_install(1000);
	bench->dir = tempdir_new();
	bench->loop = loop_new(&e);
	*state = bench;
	return bench->loop ? 0 : -1;
}

int watch_bench_close(void **state)
{
	struct watch_bench *bench = *state;

	fswatch_free(bench->watch);
	loop_free(bench->loop);
	tempdir_free(bench->dir);
	free(bench);
	fake_clock_remove();
	return 0;
}

void watch_bench_on_change(void *arg)
{
	struct watch_bench *bench = arg;

	bench->calls++;
	if (bench->free_in_call)
		fswatch_free(STEAL(bench->watch));
}

void watch_bench_watch(struct watch_bench *bench, const char *name)
{
	AUTO(mem_free) char *path = tempdir_path(bench->dir, name);

	bench->watch = fswatch_new(
		bench->loop, path, WATCH_BENCH_DEBOUNCE_MS, watch_bench_on_change, bench);
	assert_true(fswatch_is_notified(bench->watch));
}

void watch_bench_turn(struct watch_bench *bench)
{
	struct err e = {0};

	assert_int_equal(loop_turn(bench->loop, 0, &e), 0);
}

void watch_bench_pass_time(struct watch_bench *bench, uint64_t ms)
{
	watch_bench_turn(bench);
	fake_clock_advance_ms(ms);
	watch_bench_turn(bench);
	watch_bench_turn(bench);
}

void watch_bench_expect_call(struct watch_bench *bench)
{
	bench->calls = 0;
	watch_bench_pass_time(bench, WATCH_BENCH_DEBOUNCE_MS - 1);
	assert_int_equal(bench->calls, 0);
	watch_bench_pass_time(bench, 1);
	assert_int_equal(bench->calls, 1);
	watch_bench_pass_time(bench, 4 * WATCH_BENCH_DEBOUNCE_MS);
	assert_int_equal(bench->calls, 1);
}

void watch_bench_expect_silence(struct watch_bench *bench)
{
	bench->calls = 0;
	watch_bench_pass_time(bench, 4 * WATCH_BENCH_DEBOUNCE_MS);
	assert_int_equal(bench->calls, 0);
}

void watch_bench_make_dir(struct watch_bench *bench, const char *name)
{
	AUTO(mem_free) char *path = tempdir_path(bench->dir, name);

	assert_int_equal(mkdir(path, 0700), 0);
}

void watch_bench_remove(struct watch_bench *bench, const char *name)
{
	AUTO(mem_free) char *path = tempdir_path(bench->dir, name);

	assert_int_equal(remove(path), 0);
}

void watch_bench_rename(struct watch_bench *bench, const char *from, const char *to)
{
	AUTO(mem_free) char *old_path = tempdir_path(bench->dir, from);
	AUTO(mem_free) char *new_path = tempdir_path(bench->dir, to);

	assert_int_equal(rename(old_path, new_path), 0);
}

void watch_bench_point(struct watch_bench *bench, const char *name, const char *target)
{
	AUTO(mem_free) char *temporary = xasprintf("%s/%s.tmp", bench->dir, name);

	assert_int_equal(symlink(target, temporary), 0);
	AUTO(mem_free) char *path = tempdir_path(bench->dir, name);
	assert_int_equal(rename(temporary, path), 0);
}
