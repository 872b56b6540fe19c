#include "lib/io/proc.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/child.h"
#include "tests/support/loop_wait.h"

static bool has_output(void *arg)
{
	const struct child *child = arg;
	return child->out[0].len > 0;
}

static void test_output_and_status(void **state)
{
	struct child child;

	(void)state;
	child_init(&child);
	child_run(&child, "echo out; echo err >&2; exit 3", PROC_STDIO_PIPE);
	child_wait_exit(&child);
	assert_string_equal(buf_cstr(&child.out[0]), "out\n");
	assert_string_equal(buf_cstr(&child.out[1]), "err\n");
	assert_int_equal(child.ends[0], 1);
	assert_int_equal(child.ends[1], 1);
	child_expect_status(child.wstatus, "exit status 3");
	child_fini(&child);
}

/* Everything that a child wrote is delivered before its exit is reported, however late we read. */
static void test_output_before_exit(void **state)
{
	struct child child;

	(void)state;
	child_init(&child);
	child_run(&child, "head -c 60000 /dev/zero", PROC_STDIO_PIPE);
	child_wait_zombie(&child);
	proc_table_reap(child_bench_table());
	assert_int_equal(child.exits, 1);
	assert_int_equal(child.out_at_exit, 60000);
	assert_int_equal(child.ends[0], 1);
	child_fini(&child);

	child_init(&child);
	child_run(&child, "head -c 3000000 /dev/zero", PROC_STDIO_PIPE);
	child_wait_exit(&child);
	assert_int_equal(child.out_at_exit, 3000000);
	child_fini(&child);
}

static void test_grandchild_holds_pipe(void **state)
{
	struct child child;
	struct proc_spec spec = {.out = PROC_STDIO_PIPE, .err = PROC_STDIO_PIPE, .own_group = true};
	pid_t group;

	(void)state;
	child_init(&child);
	child_run_spec(&child, &spec, "echo early; sleep 1000 & exit 0");
	group = proc_pid(child.proc);
	child_wait_exit(&child);
	assert_string_equal(buf_cstr(&child.out[0]), "early\n");
	assert_int_equal(child.ends[0], 0);
	assert_int_equal(kill(-group, SIGKILL), 0);
	assert_true(loop_wait_count(child_bench_loop(), &child.ends[0], 1, LOOP_WAIT_MS));
	assert_true(loop_wait_count(child_bench_loop(), &child.ends[1], 1, LOOP_WAIT_MS));
	child_fini(&child);
	child_wait_orphans(1);
}

static void test_signal(void **state)
{
	struct child child;
	struct err e = {0};

	(void)state;
	child_init(&child);
	child_run(&child, "exec sleep 1000", PROC_STDIO_NULL);
	assert_int_equal(proc_signal(child.proc, SIGTERM, &e), 0);
	child_wait_exit(&child);
	child_expect_status(child.wstatus, "signal: terminated");
	assert_int_equal(proc_signal(child.proc, SIGTERM, &e), -ESRCH);
	child_fini(&child);
}

static void test_free_and_spawn_at_exit(void **state)
{
	struct child first, second;

	(void)state;
	child_init(&first);
	child_init(&second);
	first.free_at_exit = true;
	first.spawn_at_exit_ref = &second;
	child_run(&first, "echo x", PROC_STDIO_PIPE);
	child_wait_exit(&second);
	assert_int_equal(first.exits, 1);
	assert_null(first.proc);
	child_expect_status(second.wstatus, "exit status 7");
	child_fini(&first);
	child_fini(&second);
}

static void test_free_at_output(void **state)
{
	struct child child, late, after;

	(void)state;
	child_init(&child);
	child_init(&late);
	child_init(&after);
	child.free_at_output = true;
	child_run(&child, "echo x; echo y >&2; exec sleep 0.05", PROC_STDIO_PIPE);
	/* This one is freed while the reaper drains it. */
	late.free_at_output = true;
	child_run(&late, "echo x; echo y >&2", PROC_STDIO_PIPE);
	child_wait_zombie(&late);
	proc_table_reap(child_bench_table());
	child_run(&after, "exec sleep 0.1", PROC_STDIO_NULL);
	child_wait_exit(&after);
	assert_int_equal(child.exits, 0);
	assert_int_equal(late.exits, 0);
	assert_int_equal(proc_table_orphans(child_bench_table()), 0);
	child_fini(&child);
	child_fini(&late);
	child_fini(&after);
}

static void test_free_while_running(void **state)
{
	struct child child, after;
	struct err e = {0};

	(void)state;
	child_init(&child);
	child_init(&after);
	child_run(&child, "exec sleep 1000", PROC_STDIO_PIPE);
	assert_int_equal(proc_signal(child.proc, SIGKILL, &e), 0);
	proc_free(STEAL(child.proc));
	child_run(&after, "exec sleep 0.05", PROC_STDIO_NULL);
	child_wait_exit(&after);
	assert_int_equal(child.exits, 0);
	assert_int_equal(proc_table_orphans(child_bench_table()), 0);
	child_fini(&child);
	child_fini(&after);
}

/* Signals coalesce: one call must find all children, a bounded number for each turn. */
static void test_many_at_once(void **state)
{
	enum {
		MANY = 200
	};
	AUTO(mem_free) struct child *children = xcalloc(MANY, sizeof(*children));
	char *no_environment[] = {NULL};
	struct proc_spec spec = {.path = "/bin/true",
		.envp = no_environment,
		.out = PROC_STDIO_NULL,
		.err = PROC_STDIO_NULL};
	struct err e = {0};

	(void)state;
	for (int i = 0; i < MANY; i++) {
		child_init(&children[i]);
		children[i].proc = proc_spawn(
			child_bench_table(), &spec, NULL, child_on_exit, &children[i], &e);
		assert_non_null(children[i].proc);
	}
	for (int i = 0; i < MANY; i++)
		child_wait_zombie(&children[i]);
	for (int i = 0; i < MANY; i++) {
		child_wait_exit(&children[i]);
		assert_int_equal(children[i].wstatus, 0);
		child_fini(&children[i]);
	}
}

static void test_orphans(void **state)
{
	struct child child;

	(void)state;
	child_init(&child);
	child_run(&child, "(sleep 0.05) & (sleep 0.01) & (exit 9) & exit 4", PROC_STDIO_NULL);
	child_wait_exit(&child);
	child_expect_status(child.wstatus, "exit status 4");
	child_fini(&child);
	child_wait_orphans(3);
}

/* Without the loop: the willing child ends by SIGTERM, the other by SIGKILL, and no callback is
 * called. */
static void test_end_without_loop(void **state)
{
	struct child willing, stubborn;
	pid_t pids[2];

	(void)state;
	child_init(&willing);
	child_init(&stubborn);
	child_run(&willing, "exec sleep 1000", PROC_STDIO_INHERIT);
	child_run(&stubborn, "trap '' TERM; echo; exec sleep 1000", PROC_STDIO_PIPE);
	assert_true(loop_wait(child_bench_loop(), has_output, &stubborn, LOOP_WAIT_MS));
	pids[0] = proc_pid(willing.proc);
	pids[1] = proc_pid(stubborn.proc);
	proc_table_end(child_bench_table(), 200, 5000);
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		assert_int_equal(kill(pids[i], 0), -1);
		assert_int_equal(errno, ESRCH);
	}
	assert_int_equal(willing.exits + stubborn.exits, 0);
	child_fini(&willing);
	child_fini(&stubborn);
}

static void test_format_status(void **state)
{
	static const struct {
		int wstatus;
		const char *text;
	} rows[] = {
		{0, "exit status 0"},
		{1 << 8, "exit status 1"},
		{255 << 8, "exit status 255"},
		{SIGHUP, "signal: hangup"},
		{SIGINT, "signal: interrupt"},
		{SIGKILL, "signal: killed"},
		{SIGTERM, "signal: terminated"},
		{SIGSEGV, "signal: segmentation fault"},
		{SIGSEGV | 0x80, "signal: segmentation fault (core dumped)"},
		{SIGABRT | 0x80, "signal: aborted (core dumped)"},
		{SIGSYS, "signal: signal 31"},
		{64, "signal: signal 64"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		child_expect_status(rows[i].wstatus, rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_output_and_status, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(
			test_output_before_exit, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(
			test_grandchild_holds_pipe, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(test_signal, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(
			test_free_and_spawn_at_exit, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(
			test_free_at_output, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(
			test_free_while_running, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(
			test_many_at_once, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(test_orphans, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(
			test_end_without_loop, child_bench_open, child_bench_close),
		cmocka_unit_test(test_format_status),
	};

	child_bench_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
