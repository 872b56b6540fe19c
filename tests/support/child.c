#include "tests/support/child.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/signals.h"
#include "tests/support/loop_wait.h"

#define OUTPUT_MAX ((size_t)8 << 20)

static struct loop *loop;
static struct proc_table *table;
static struct signals *signals;

void child_bench_init(void)
{
	signals_block();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void on_signal(void *arg, int signo)
{
	(void)arg;
	if (signo == SIGCHLD)
		proc_table_reap(table);
}

int child_bench_open(void **state)
{
	struct err e = {0};

	(void)state;
	loop = loop_new(&e);
	if (!loop)
		return -1;
	table = proc_table_new(loop);
	signals = signals_open(loop, on_signal, NULL, &e);
	return signals ? 0 : -1;
}

static bool has_no_children(void *arg)
{
	siginfo_t info = {0};

	(void)arg;
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

bool child_wait_none(void)
{
	return loop_wait(loop, has_no_children, NULL, LOOP_WAIT_MS);
}

int child_bench_close(void **state)
{
	bool none_left = child_wait_none();

	(void)state;
	signals_close(STEAL(signals));
	proc_table_free(STEAL(table));
	loop_free(STEAL(loop));
	return none_left ? 0 : -1;
}

struct loop *child_bench_loop(void)
{
	return loop;
}

struct proc_table *child_bench_table(void)
{
	return table;
}

void child_init(struct child *child)
{
	*child = (struct child){.out = {BUF_INIT(OUTPUT_MAX), BUF_INIT(OUTPUT_MAX)}};
}

void child_fini(struct child *child)
{
	proc_free(STEAL(child->proc));
	buf_fini(&child->out[0]);
	buf_fini(&child->out[1]);
}

void child_on_output(void *arg, int stream, const char *data, size_t len)
{
	struct child *child = arg;
	struct err e = {0};

	assert_non_null(child->proc);
	assert_true(stream == 1 || stream == 2);
	if (len == 0)
		child->ends[stream - 1]++;
	else
		assert_int_equal(buf_append(&child->out[stream - 1], data, len, &e), 0);
	if (child->free_at_output)
		proc_free(STEAL(child->proc));
}

void child_on_exit(void *arg, int wstatus)
{
	struct child *child = arg;

	assert_non_null(child->proc);
	child->exits++;
	child->wstatus = wstatus;
	child->out_at_exit = child->out[0].len;
	assert_int_equal(proc_pid(child->proc), 0);
	assert_false(proc_is_running(child->proc));
	/* Allowed, and without effect: the outer round continues. */
	proc_table_reap(table);
	if (child->free_at_exit)
		proc_free(STEAL(child->proc));
	if (child->spawn_at_exit_ref)
		child_run(child->spawn_at_exit_ref, "exit 7", PROC_STDIO_NULL);
}

void child_run_spec(struct child *child, struct proc_spec *spec, const char *script)
{
	struct strv args = {0};
	struct err e = {0};

	strv_push(&args, "-c");
	strv_push(&args, script);
	spec->path = "/bin/sh";
	spec->args = &args;
	child->proc = proc_spawn(table, spec, child_on_output, child_on_exit, child, &e);
	strv_fini(&args);
	if (!child->proc)
		fail_msg("%s", e.msg);
	assert_int_equal(child->exits, 0);
	assert_true(proc_is_running(child->proc));
	assert_true(proc_pid(child->proc) > 0);
}

void child_run(struct child *child, const char *script, enum proc_stdio stdio)
{
	struct proc_spec spec = {.out = stdio, .err = stdio};

	child_run_spec(child, &spec, script);
}

void child_wait_exit(struct child *child)
{
	assert_true(loop_wait_count(loop, &child->exits, 1, LOOP_WAIT_MS));
	assert_int_equal(child->exits, 1);
}

void child_wait_zombie(const struct child *child)
{
	siginfo_t info = {0};
	id_t pid = (id_t)proc_pid(child->proc);

	assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
}

static bool has_orphans(void *arg)
{
	const uint64_t *count = arg;

	return proc_table_orphans(table) >= *count;
}

void child_wait_orphans(uint64_t count)
{
	assert_true(loop_wait(loop, has_orphans, &count, LOOP_WAIT_MS));
	assert_int_equal(proc_table_orphans(table), count);
}

void child_expect_status(int wstatus, const char *text)
{
	char got[64];

	proc_format_status(wstatus, got, sizeof(got));
	assert_string_equal(got, text);
}
