#include "lib/io/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "tests/support/broken_loop.h"
#include "tests/support/loop_wait.h"

struct reader {
	int fds[2];
	struct loop_source *source;
	unsigned int calls;
};

static void on_readable(void *arg, uint32_t events)
{
	struct reader *r = arg;
	char byte;
	(void)events;
	if (read(r->fds[0], &byte, 1) == 1)
		r->calls++;
}

static void reader_open(struct reader *r, struct loop *loop)
{
	struct err e;
	assert_int_equal(pipe2(r->fds, O_CLOEXEC | O_NONBLOCK), 0);
	r->source = loop_add(loop, r->fds[0], EPOLLIN, on_readable, r, &e);
	assert_non_null(r->source);
}

static void reader_close(struct reader *r)
{
	loop_source_remove(r->source);
	fd_close(&r->fds[0]);
	fd_close(&r->fds[1]);
}

static void on_timer(void *arg)
{
	unsigned int *calls = arg;
	(*calls)++;
}

static void a_new_one_has_the_sources_of_the_old(void **state)
{
	struct err e;
	struct timer timer;
	struct reader readers[4] = {0};
	unsigned int ticks = 0;
	struct loop *loop = loop_new(&e);
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		reader_open(&readers[i], loop);
	timer_init(&timer, loop, on_timer, &ticks);
	/* From the middle and both ends of the list. */
	reader_close(&readers[1]);
	reader_close(&readers[3]);
	loop_source_set(readers[2].source, 0);
	broken_loop_make();
	assert_int_equal(loop_run(loop, &e), -EINVAL);
	assert_int_equal(loop_renew(loop, &e), 0);
	timer_start(&timer, 1);
	assert_int_equal(write(readers[0].fds[1], "x", 1), 1);
	assert_int_equal(write(readers[2].fds[1], "x", 1), 1);
	assert_true(loop_wait_count(loop, &readers[0].calls, 1, LOOP_WAIT_MS));
	assert_true(loop_wait_count(loop, &ticks, 1, LOOP_WAIT_MS));
	/* A parked source stays parked. */
	assert_int_equal(readers[2].calls, 0);
	loop_source_set(readers[2].source, EPOLLIN);
	assert_true(loop_wait_count(loop, &readers[2].calls, 1, LOOP_WAIT_MS));
	reader_close(&readers[0]);
	reader_close(&readers[2]);
	loop_free(loop);
}

static void without_descriptors_there_is_none(void **state)
{
	struct err e;
	struct rlimit before, none;
	struct loop *loop = loop_new(&e);
	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int code = loop_renew(loop, &e);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(code, -EMFILE);
	loop_stop(loop);
	assert_int_equal(loop_run(loop, &e), 0);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_one_has_the_sources_of_the_old),
		cmocka_unit_test(without_descriptors_there_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
