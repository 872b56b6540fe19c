#include "lib/io/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "tests/support/loop_wait.h"

struct pair {
	int ours;
	int theirs;
	struct loop_source *source;
	struct pair *victim_ref;
	struct loop *loop_ref;
	unsigned int calls;
	uint32_t events;
	bool remove_self;
};

static struct loop *loop;

static int setup(void **state)
{
	struct err e = {0};

	(void)state;
	loop = loop_new(&e);
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void on_pair(void *arg, uint32_t events)
{
	struct pair *pair = arg;

	pair->calls++;
	pair->events = events;
	if (pair->victim_ref) {
		loop_source_remove(STEAL(pair->victim_ref->source));
		fd_close(&pair->victim_ref->ours);
	}
	if (pair->remove_self) {
		loop_source_remove(STEAL(pair->source));
		fd_close(&pair->ours);
	}
}

static void pair_open(struct pair *pair, uint32_t events)
{
	int fds[2];
	struct err e = {0};

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	*pair = (struct pair){.ours = fds[0], .theirs = fds[1], .loop_ref = loop};
	pair->source = loop_add(loop, pair->ours, events, on_pair, pair, &e);
	assert_non_null(pair->source);
}

static void pair_close(struct pair *pair)
{
	loop_source_remove(pair->source);
	fd_close(&pair->ours);
	fd_close(&pair->theirs);
}

static void poke(struct pair *pair)
{
	assert_int_equal(write(pair->theirs, "x", 1), 1);
}

static void turn(void)
{
	struct err e = {0};

	assert_int_equal(loop_turn(loop, 0, &e), 0);
}

static void test_level_triggered(void **state)
{
	struct pair pair;
	char byte;

	(void)state;
	pair_open(&pair, EPOLLIN);
	turn();
	assert_int_equal(pair.calls, 0);
	poke(&pair);
	turn();
	turn();
	assert_int_equal(pair.calls, 2);
	assert_int_equal(pair.events, EPOLLIN);
	assert_int_equal(read(pair.ours, &byte, 1), 1);
	turn();
	assert_int_equal(pair.calls, 2);
	loop_source_set(pair.source, EPOLLOUT);
	turn();
	assert_int_equal(pair.events, EPOLLOUT);
	pair_close(&pair);
}

static void test_parked_is_silent(void **state)
{
	struct pair pair;
	struct err e = {0};
	uint64_t started_ns;

	(void)state;
	pair_open(&pair, EPOLLIN);
	poke(&pair);
	loop_source_set(pair.source, 0);
	for (int i = 0; i < 3; i++)
		turn();
	assert_int_equal(pair.calls, 0);
	fd_close(&pair.theirs);
	for (int i = 0; i < 3; i++)
		turn();
	assert_int_equal(pair.calls, 0);
	/* And the hang-up does not keep the loop awake. */
	started_ns = clock_now_ns();
	assert_int_equal(loop_turn(loop, 30, &e), 0);
	assert_true(clock_now_ns() - started_ns >= 29ULL * CLOCK_NS_PER_MS);

	/* Neither the byte nor the hang-up is lost. */
	loop_source_set(pair.source, EPOLLIN);
	turn();
	assert_int_equal(pair.calls, 1);
	assert_true(pair.events & EPOLLIN);
	assert_true(pair.events & EPOLLHUP);
	pair_close(&pair);
}

static void test_added_parked(void **state)
{
	struct pair pair;

	(void)state;
	pair_open(&pair, 0);
	poke(&pair);
	turn();
	assert_int_equal(pair.calls, 0);
	loop_source_set(pair.source, EPOLLIN);
	turn();
	assert_int_equal(pair.calls, 1);
	pair_close(&pair);
}

static void test_same_descriptor_twice(void **state)
{
	struct pair pair;
	struct err e = {0};

	(void)state;
	pair_open(&pair, EPOLLIN);
	assert_null(loop_add(loop, pair.ours, EPOLLIN, on_pair, &pair, &e));
	assert_int_equal(e.code, -EEXIST);
	loop_source_set(pair.source, 0);
	assert_null(loop_add(loop, pair.ours, EPOLLIN, on_pair, &pair, &e));
	assert_int_equal(e.code, -EEXIST);
	loop_source_remove(pair.source);
	pair.source = loop_add(loop, pair.ours, EPOLLIN, on_pair, &pair, &e);
	assert_non_null(pair.source);
	pair_close(&pair);
}

static void test_bad_descriptor(void **state)
{
	struct err e = {0};
	int fd;

	(void)state;
	assert_null(loop_add(loop, -1, EPOLLIN, on_pair, NULL, &e));
	assert_int_equal(e.code, -EBADF);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_null(loop_add(loop, fd, EPOLLIN, on_pair, NULL, &e));
	assert_int_equal(e.code, -EPERM);
	fd_close(&fd);
	loop_source_remove(NULL);
}

/* Of two that are ready in one batch each removes the other: exactly one is called. */
static void test_remove_other_in_batch(void **state)
{
	struct pair a, b;

	(void)state;
	pair_open(&a, EPOLLIN);
	pair_open(&b, EPOLLIN);
	a.victim_ref = &b;
	b.victim_ref = &a;
	poke(&a);
	poke(&b);
	turn();
	assert_int_equal(a.calls + b.calls, 1);
	turn();
	assert_int_equal(a.calls + b.calls, 2);
	pair_close(&a);
	pair_close(&b);
}

static void test_remove_self(void **state)
{
	struct pair pair;

	(void)state;
	pair_open(&pair, EPOLLIN);
	pair.remove_self = true;
	poke(&pair);
	turn();
	turn();
	assert_int_equal(pair.calls, 1);
	assert_int_equal(pair.ours, -1);
	pair_close(&pair);
}

static void on_replace(void *arg, uint32_t events)
{
	struct pair *pair = arg;
	struct err e = {0};

	(void)events;
	pair->calls++;
	loop_source_remove(pair->source);
	pair->source = loop_add(loop, pair->ours, EPOLLIN, on_pair, pair, &e);
	assert_non_null(pair->source);
	loop_source_set(pair->source, 0);
}

static void test_replace_within_callback(void **state)
{
	struct pair pair;
	struct err e = {0};

	(void)state;
	pair_open(&pair, EPOLLIN);
	loop_source_remove(pair.source);
	pair.source = loop_add(loop, pair.ours, EPOLLIN, on_replace, &pair, &e);
	assert_non_null(pair.source);
	poke(&pair);
	turn();
	turn();
	assert_int_equal(pair.calls, 1);
	pair_close(&pair);
}

static void on_nested(void *arg, uint32_t events)
{
	struct pair *pair = arg;
	struct err e = {0};

	(void)events;
	pair->calls++;
	assert_int_equal(loop_turn(loop, 0, &e), -EBUSY);
	loop_stop(loop);
}

static void test_no_nesting_and_stop(void **state)
{
	struct pair pair;
	struct err e = {0};

	(void)state;
	pair_open(&pair, EPOLLIN);
	loop_source_remove(pair.source);
	pair.source = loop_add(loop, pair.ours, EPOLLIN, on_nested, &pair, &e);
	assert_non_null(pair.source);
	poke(&pair);
	assert_int_equal(loop_run(loop, &e), 0);
	assert_int_equal(pair.calls, 1);
	/* A stop before the run is not lost, and each stop ends one run. */
	loop_stop(loop);
	assert_int_equal(loop_run(loop, &e), 0);
	assert_int_equal(pair.calls, 1);
	assert_int_equal(loop_run(loop, &e), 0);
	assert_int_equal(pair.calls, 2);
	pair_close(&pair);
}

static void on_stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void test_run_until_timer(void **state)
{
	struct timer timer;
	struct err e = {0};

	(void)state;
	timer_init(&timer, loop, on_stop, NULL);
	timer_start(&timer, 20);
	assert_int_equal(loop_run(loop, &e), 0);
	assert_false(timer_is_armed(&timer));
}

/* A timer that is always due leaves room for descriptors. */
static void rearm(void *arg)
{
	timer_start(arg, 0);
}

static void test_busy_timer_and_descriptor(void **state)
{
	struct pair pair;
	struct timer timer;

	(void)state;
	pair_open(&pair, EPOLLIN);
	timer_init(&timer, loop, rearm, &timer);
	timer_start(&timer, 0);
	poke(&pair);
	assert_true(loop_wait_count(loop, &pair.calls, 3, LOOP_WAIT_MS));
	timer_stop(&timer);
	pair_close(&pair);
}

static void test_more_sources_than_a_batch(void **state)
{
	struct pair pairs[100];
	unsigned int silent = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		pair_open(&pairs[i], EPOLLIN);
		poke(&pairs[i]);
	}
	/* Level-triggered sources that stay ready take turns. */
	for (int i = 0; i < 4; i++)
		turn();
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		silent += pairs[i].calls == 0;
		pair_close(&pairs[i]);
	}
	assert_int_equal(silent, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_level_triggered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parked_is_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_added_parked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_descriptor_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove_other_in_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove_self, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replace_within_callback, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_nesting_and_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_run_until_timer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy_timer_and_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_sources_than_a_batch, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
