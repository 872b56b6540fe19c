/* Deadlines of a later start that hangs, and of a stopped daemon. */
#include "boot/daemon/daemon.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "boot/daemon/daemon_conditions.h"
#include "lib/base/condition.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "tests/support/child.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tailscaled_bench.h"

/* A later start that hangs before its socket is a crash; the next one is made at once. */
static void test_a_later_start_has_a_deadline(void **state)
{
	struct tailscaled_bench *b = tailscaled_serving(*state, 10);
	tailscaled_wait_ready(b, 1);
	tailscaled_write_program(b, TAILSCALED_SILENT);
	assert_int_equal(unlink(b->socket), 0);
	tailscaled_kill_newest(b);
	assert_true(loop_wait_count(child_bench_loop(), &b->down, 2, LOOP_WAIT_MS));
	assert_string_equal(b->status, "its socket was not ready within 1000 ms");
	assert_true(log_capture_has(&b->log, "not ready within 1000 ms, sending SIGKILL"));
	assert_true(
		log_capture_has(&b->log, "restarting it in 0 ms (crash 2 of 10 in the window)"));
	assert_true(condition_is_raised(&b->conditions, CONDITION_DAEMON_DOWN));
	tailscaled_write_program(b, TAILSCALED_SERVES);
	tailscaled_wait_ready(b, 2);
	assert_false(condition_is_raised(&b->conditions, CONDITION_DAEMON_DOWN));
}

/* The same for one that was started again on purpose, which is no crash, and for the budget. */
static void test_starts_that_hang_use_up_the_budget(void **state)
{
	struct tailscaled_bench *b = tailscaled_serving(*state, 1);
	tailscaled_wait_ready(b, 1);
	tailscaled_write_program(b, TAILSCALED_SILENT);
	assert_int_equal(unlink(b->socket), 0);
	daemon_restart(b->daemon);
	assert_true(loop_wait_count(child_bench_loop(), &b->failed, 1, LOOP_WAIT_MS));
	assert_false(b->never_ran);
	assert_string_equal(b->status, "its socket was not ready within 1000 ms");
	assert_int_equal(b->down, 2); /* the restart, and the first start that hung */
	assert_false(daemon_has_process(b->daemon));
}

/* The caller bounds the first start. */
static void test_the_first_start_has_no_deadline_here(void **state)
{
	struct tailscaled_bench *b = *state;
	tailscaled_start(b, TAILSCALED_SILENT, 10);
	assert_true(loop_wait_idle(child_bench_loop(), TAILSCALED_START_TIMEOUT_MS + 300));
	assert_int_equal(tailscaled_starts(b), 1);
	assert_int_equal(b->down + b->failed, 0);
}

static void test_stop_of_an_overdue_one(void **state)
{
	struct tailscaled_bench *b = tailscaled_serving(*state, 10);
	tailscaled_wait_ready(b, 1);
	tailscaled_write_program(b, TAILSCALED_SILENT);
	assert_int_equal(unlink(b->socket), 0);
	tailscaled_kill_newest(b);
	assert_true(loop_wait_count(child_bench_loop(), &b->down, 1, LOOP_WAIT_MS));
	tailscaled_stop_and_wait(b, 5000);
	assert_int_equal(b->failed, 0);
}

/* A stopped process handles SIGTERM only when it continues. */
static void test_a_stopped_one_ends_at_once(void **state)
{
	struct tailscaled_bench *b = tailscaled_serving(*state, 10);
	unsigned count;
	tailscaled_wait_ready(b, 1);
	assert_int_equal(kill(tailscaled_newest_pid(b, &count), SIGSTOP), 0);
	daemon_restart(b->daemon);
	tailscaled_wait_ready(b, 2);
	assert_int_equal(tailscaled_starts(b), 2);
	assert_false(log_capture_has(&b->log, "SIGKILL"));
	assert_int_equal(kill(tailscaled_newest_pid(b, &count), SIGSTOP), 0);
	tailscaled_stop_and_wait(b, 60000);
	assert_false(log_capture_has(&b->log, "SIGKILL"));
}

static bool has_dropped(void *arg)
{
	const uint64_t *target = arg;
	return log_dropped() >= *target;
}

/* A stalled reader of the log costs lines, which are counted, and never the daemon. */
static void test_a_full_reader_does_not_hold_it_up(void **state)
{
	struct tailscaled_bench *b = *state;
	char block[4096] = {0};
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	while (write(ends[1], block, sizeof(block)) > 0)
		;
	AUTO(fd_close) int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	assert_true(saved >= 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	uint64_t target = log_dropped() + 100000;
	b->listener = tailscaled_bind_socket(b, "real", true);
	tailscaled_start(
		b, TAILSCALED_HEAD "yes 'a line' | head -n 100000 >&2\n" TAILSCALED_LINK, 10);
	bool is_ready = loop_wait_count(child_bench_loop(), &b->ready, 1, LOOP_WAIT_MS) &&
			loop_wait(child_bench_loop(), has_dropped, &target, LOOP_WAIT_MS);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	assert_true(is_ready);
	assert_int_equal(log_dropped(), target);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tailscaled_set_up, tailscaled_tear_down)

int main(void)
{
	child_bench_init();
	const struct CMUnitTest tests[] = {
		TEST(test_a_later_start_has_a_deadline),
		TEST(test_starts_that_hang_use_up_the_budget),
		TEST(test_the_first_start_has_no_deadline_here),
		TEST(test_stop_of_an_overdue_one),
		TEST(test_a_stopped_one_ends_at_once),
		TEST(test_a_full_reader_does_not_hold_it_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
