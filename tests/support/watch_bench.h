/*
 * A temporary folder, a watch in it and a clock that stands still: for the tests of
 * lib/io/fswatch.h. The kernel queues events within the system call that causes them, and the clock
 * is ours, so one turn of the loop sees all events and nothing here waits.
 */
#ifndef TESTS_SUPPORT_WATCH_BENCH_H
#define TESTS_SUPPORT_WATCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/io/fswatch.h"

#define WATCH_BENCH_DEBOUNCE_MS 100
/* How often the watch compares its path. */
#define WATCH_BENCH_RECHECK_MS 5000

struct watch_bench {
	struct loop *loop;
	char *dir;
	struct fswatch *watch;
	unsigned int calls;
	bool free_in_call;
};

/* Setup and teardown of a test; *state is the bench. */
int watch_bench_open(void **state);
int watch_bench_close(void **state);

/* The callback, with the bench as its argument. */
void watch_bench_on_change(void *arg);
/* Watches a name below the folder; it must be notified. */
void watch_bench_watch(struct watch_bench *bench, const char *name);

void watch_bench_turn(struct watch_bench *bench);
void watch_bench_pass_time(struct watch_bench *bench, uint64_t ms);
/* Expects exactly one call for the events since the last check, and none after it. */
void watch_bench_expect_call(struct watch_bench *bench);
void watch_bench_expect_silence(struct watch_bench *bench);

/* Names are below the folder. */
void watch_bench_make_dir(struct watch_bench *bench, const char *name);
void watch_bench_remove(struct watch_bench *bench, const char *name);
void watch_bench_rename(struct watch_bench *bench, const char *from, const char *to);
/* Makes the link or switches it in one step. */
void watch_bench_point(struct watch_bench *bench, const char *name, const char *target);

#endif
