#include "boot/daemon/daemon.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "boot/daemon/daemon_conditions.h"
#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "tests/support/child.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tailscaled_bench.h"
#include "tests/support/tempdir.h"

static void test_ready_by_a_symlinked_socket(void **state)
{
	struct tailscaled_bench *b = tailscaled_serving(*state, 10);
	assert_false(daemon_is_up(b->daemon));
	tailscaled_wait_ready(b, 1);
	assert_true(daemon_is_up(b->daemon));
	AUTO(mem_free) char *line = tempdir_read(b->dir, "starts");
	assert_non_null(strstr(line, " --state=mem:"));
	assert_true(log_capture_has(&b->log, "Starting tailscaled"));
	assert_true(log_capture_has(&b->log, "Waiting for tailscaled socket at /"));
	tailscaled_stop_and_wait(b, 5000);
	assert_true(log_capture_has(&b->log, "Sending SIGTERM to tailscaled"));
	assert_true(log_capture_has(&b->log, "tailscaled exited"));
	assert_false(log_capture_has(&b->log, "SIGKILL"));
	assert_int_equal(b->down + b->failed, 0);
}

static void test_stale_socket_file_does_not_pass(void **state)
{
	struct tailscaled_bench *b = *state;
	int stale = tailscaled_bind_socket(b, "socket", true);
	fd_close(&stale);
	tailscaled_start(b, TAILSCALED_SILENT, 10);
	assert_true(loop_wait_idle(child_bench_loop(), 300));
	assert_int_equal(b->ready, 0);
	assert_int_equal(unlink(b->socket), 0);
	b->listener = tailscaled_bind_socket(b, "socket", true);
	tailscaled_wait_ready(b, 1);
}

static void test_bind_precedes_listen(void **state)
{
	struct tailscaled_bench *b = *state;
	b->listener = tailscaled_bind_socket(b, "real", false);
	tailscaled_start(b, TAILSCALED_SERVES, 10);
	assert_true(loop_wait_idle(child_bench_loop(), 300));
	assert_int_equal(b->ready, 0);
	assert_int_equal(listen(b->listener, 16), 0);
	tailscaled_wait_ready(b, 1);
}

static void test_crash_is_mended_at_once(void **state)
{
	struct tailscaled_bench *b = tailscaled_serving(*state, 10);
	tailscaled_wait_ready(b, 1);
	tailscaled_kill_newest(b);
	assert_true(loop_wait_count(child_bench_loop(), &b->down, 1, LOOP_WAIT_MS));
	assert_string_equal(b->status, "signal: killed");
	assert_true(condition_is_raised(&b->conditions, CONDITION_DAEMON_DOWN));
	assert_true(
		log_capture_has(&b->log, "restarting it in 0 ms (crash 1 of 10 in the window)"));
	tailscaled_wait_ready(b, 2);
	assert_false(condition_is_raised(&b->conditions, CONDITION_DAEMON_DOWN));
	assert_int_equal(tailscaled_starts(b), 2);
}

static void test_sixth_restart_waits(void **state)
{
	struct tailscaled_bench *b = tailscaled_serving(*state, 10);
	for (unsigned i = 1; i <= 6; i++) {
		tailscaled_wait_ready(b, i);
		tailscaled_kill_newest(b);
		assert_true(loop_wait_count(child_bench_loop(), &b->down, i, LOOP_WAIT_MS));
		assert_int_equal(
			log_capture_count(&b->log, "restarting it in 0 ms"), i < 6 ? i : 5);
	}
	tailscaled_wait_ready(b, 7);
}

static void test_budget(void **state)
{
	struct tailscaled_bench *b = tailscaled_serving(*state, 2);
	tailscaled_wait_ready(b, 1);
	tailscaled_write_program(b, TAILSCALED_LEAVES);
	tailscaled_kill_newest(b);
	assert_true(loop_wait_count(child_bench_loop(), &b->failed, 1, LOOP_WAIT_MS));
	assert_false(b->never_ran);
	assert_string_equal(b->status, "exit status 7");
	assert_string_equal(b->last_line, "out of luck");
	assert_int_equal(tailscaled_starts(b), 3);
	assert_int_equal(b->crashes, 3);
	assert_int_equal(b->down, 2);
	/* It stays down. */
	assert_true(loop_wait_idle(child_bench_loop(), 300));
	assert_int_equal(tailscaled_starts(b), 3);
	tailscaled_stop_and_wait(b, 100);
}

static void test_never_ran(void **state)
{
	struct tailscaled_bench *b = *state;
	tailscaled_start(b, TAILSCALED_LEAVES, 10);
	assert_true(loop_wait_count(child_bench_loop(), &b->failed, 1, LOOP_WAIT_MS));
	assert_true(b->never_ran);
	assert_string_equal(b->status, "exit status 7");
	assert_string_equal(b->last_line, "out of luck");
	assert_int_equal(tailscaled_starts(b), 1);
	assert_false(daemon_has_process(b->daemon));
	tailscaled_stop_and_wait(b, 100);
}

static void test_cannot_be_found(void **state)
{
	struct tailscaled_bench *b = *state;
	struct err e;
	AUTO(mem_free) char *path = tempdir_path(b->dir, "tailscaled");
	setenv("PATH", b->dir, 1);
	tailscaled_make(b, TAILSCALED_LEAVES, 10);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(daemon_start(b->daemon, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "starting tailscaled failed: "));
	tailscaled_stop_and_wait(b, 100);
}

static void test_recycle(void **state)
{
	struct tailscaled_bench *b = tailscaled_serving(*state, 0);
	tailscaled_wait_ready(b, 1);
	daemon_restart(b->daemon);
	assert_int_equal(b->down, 1);
	assert_false(daemon_is_up(b->daemon));
	tailscaled_wait_ready(b, 2);
	assert_int_equal(tailscaled_starts(b), 2);
	/* No crash: the budget of none is not used up. */
	assert_int_equal(b->failed, 0);
}

static void test_stop_of_a_stubborn_one(void **state)
{
	struct tailscaled_bench *b = *state;
	b->listener = tailscaled_bind_socket(b, "real", true);
	tailscaled_start(b, TAILSCALED_STUBBORN, 10);
	tailscaled_wait_ready(b, 1);
	tailscaled_stop_and_wait(b, 150);
	assert_true(log_capture_has(&b->log, "did not end in time, sending SIGKILL"));
	assert_int_equal(tailscaled_starts(b), 1);
}

static void test_stop_during_a_recycle(void **state)
{
	struct tailscaled_bench *b = tailscaled_serving(*state, 10);
	tailscaled_wait_ready(b, 1);
	daemon_restart(b->daemon);
	tailscaled_stop_and_wait(b, 5000);
	assert_int_equal(tailscaled_starts(b), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tailscaled_set_up, tailscaled_tear_down)

int main(void)
{
	child_bench_init();
	const struct CMUnitTest tests[] = {
		TEST(test_ready_by_a_symlinked_socket),
		TEST(test_stale_socket_file_does_not_pass),
		TEST(test_bind_precedes_listen),
		TEST(test_crash_is_mended_at_once),
		TEST(test_sixth_restart_waits),
		TEST(test_budget),
		TEST(test_never_ran),
		TEST(test_cannot_be_found),
		TEST(test_recycle),
		TEST(test_stop_of_a_stubborn_one),
		TEST(test_stop_during_a_recycle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
