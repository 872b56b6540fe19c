#include "boot/daemon/daemon.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "boot/daemon/daemon_conditions.h"
#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "tests/support/child.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

/* "$1" is --socket=PATH. Each start leaves a line in the file "starts". */
#define HEAD "#!/bin/sh\nsocket=${1#--socket=}\necho $$ \"$@\" >>\"${socket%/*}/starts\"\n"
/* No child of its own, which would be left behind by SIGKILL. */
#define STAY "exec sleep 600\n"
#define SERVES HEAD "ln -sfn real \"$socket\"\n" STAY
#define STUBBORN HEAD "trap '' TERM\nln -sfn real \"$socket\"\n" STAY
#define SILENT HEAD STAY
#define LEAVES HEAD "exit 7\n"

struct bench {
	char *dir;
	char *socket;
	int listener; /* -1 without one */
	struct condition_set conditions;
	struct log_capture log;
	struct strv args;
	struct daemon *daemon;
	unsigned ready, down, failed, stopped;
	bool never_ran;
	char status[128];
};

static void on_ready(void *arg)
{
	struct bench *b = arg;
	b->ready++;
}

static void on_down(void *arg, const char *status)
{
	struct bench *b = arg;
	b->down++;
	snprintf(b->status, sizeof(b->status), "%s", status);
}

static void on_failed(void *arg, bool never_ran, const char *status)
{
	struct bench *b = arg;
	b->failed++;
	b->never_ran = never_ran;
	snprintf(b->status, sizeof(b->status), "%s", status);
}

static void on_stopped(void *arg)
{
	struct bench *b = arg;
	b->stopped++;
}

static void write_program(struct bench *b, const char *text)
{
	/* A script that runs may not be written to: a new file takes its place. */
	AUTO(mem_free) char *from = tempdir_path(b->dir, "new");
	AUTO(mem_free) char *to = tempdir_path(b->dir, "tailscaled");
	tempdir_write(b->dir, "new", text);
	assert_int_equal(chmod(from, 0755), 0);
	assert_int_equal(rename(from, to), 0);
}

/* Binds dir/name; listens at once unless told not to. */
static int bind_socket(struct bench *b, const char *name, bool listens)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO(mem_free) char *path = tempdir_path(b->dir, name);
	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (listens)
		assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static int set_up(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	*state = b;
	if (child_bench_open(NULL) < 0)
		return -1;
	b->dir = tempdir_new();
	b->socket = tempdir_path(b->dir, "socket");
	b->listener = -1;
	AUTO(mem_free) char *path = xasprintf("%s:/usr/bin:/bin", b->dir);
	setenv("PATH", path, 1);
	strv_pushf(&b->args, "--socket=%s", b->socket);
	strv_push(&b->args, "--state=mem:");
	log_capture_start(&b->log);
	condition_kinds_add(&b->conditions, DAEMON_CONDITIONS);
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	if (b->daemon != NULL && daemon_has_process(b->daemon)) {
		daemon_stop(b->daemon, 0);
		loop_wait_count(child_bench_loop(), &b->stopped, 1, LOOP_WAIT_MS);
	}
	daemon_free(b->daemon);
	log_capture_stop(&b->log);
	fd_close(&b->listener);
	strv_fini(&b->args);
	free(b->socket);
	tempdir_free(b->dir);
	condition_set_fini(&b->conditions);
	free(b);
	return child_bench_close(NULL);
}

static void make_args(void *arg, struct strv *out)
{
	const struct bench *b = arg;
	strv_copy(out, &b->args);
}

static void make(struct bench *b, const char *program, uint32_t limit)
{
	struct daemon_options options = {
		.socket = b->socket,
		.make_args = make_args,
		.make_args_arg = b,
		.restart_limit = limit,
		.restart_window_ms = 60000,
		.backoff_base_ms = 150,
		.backoff_max_ms = 300,
	};
	struct daemon_events events = {on_ready, on_down, on_failed, on_stopped, b};
	write_program(b, program);
	b->daemon = daemon_new(
		child_bench_loop(), child_bench_table(), &b->conditions, &options, &events);
}

static void start(struct bench *b, const char *program, uint32_t limit)
{
	struct err e;
	make(b, program, limit);
	assert_int_equal(daemon_start(b->daemon, &e), 0);
}

static struct bench *serving(struct bench *b, uint32_t limit)
{
	b->listener = bind_socket(b, "real", true);
	start(b, SERVES, limit);
	return b;
}

/* Pid of the newest start. */
static pid_t newest_pid(struct bench *b, unsigned *starts)
{
	AUTO(mem_free) char *text = tempdir_read(b->dir, "starts");
	pid_t pid = 0;
	*starts = 0;
	for (char *at = text; at != NULL && *at != '\0'; at = strchr(at, '\n') + 1) {
		pid = (pid_t)strtol(at, NULL, 10);
		(*starts)++;
	}
	return pid;
}

static unsigned starts(struct bench *b)
{
	unsigned count;
	newest_pid(b, &count);
	return count;
}

static bool has_all_starts(void *arg)
{
	struct bench *b = arg;
	return starts(b) >= b->ready;
}

/* The socket of these programs outlives them: the next one may be found ready before it runs. */
static void wait_ready(struct bench *b, unsigned count)
{
	assert_true(loop_wait_count(child_bench_loop(), &b->ready, count, LOOP_WAIT_MS));
	assert_true(loop_wait(child_bench_loop(), has_all_starts, b, LOOP_WAIT_MS));
}

static void kill_newest(struct bench *b)
{
	unsigned count;
	assert_int_equal(kill(newest_pid(b, &count), SIGKILL), 0);
}

static void stop_and_wait(struct bench *b, uint64_t term_ms)
{
	daemon_stop(b->daemon, term_ms);
	assert_int_equal(b->stopped, 0); /* never from within the call */
	assert_true(loop_wait_count(child_bench_loop(), &b->stopped, 1, LOOP_WAIT_MS));
	assert_false(daemon_has_process(b->daemon));
}

static void test_ready_by_a_symlinked_socket(void **state)
{
	struct bench *b = serving(*state, 10);
	assert_false(daemon_is_up(b->daemon));
	wait_ready(b, 1);
	assert_true(daemon_is_up(b->daemon));
	AUTO(mem_free) char *line = tempdir_read(b->dir, "starts");
	assert_non_null(strstr(line, " --state=mem:"));
	assert_true(log_capture_has(&b->log, "Starting tailscaled"));
	assert_true(log_capture_has(&b->log, "Waiting for tailscaled socket at /"));
	stop_and_wait(b, 5000);
	assert_true(log_capture_has(&b->log, "Sending SIGTERM to tailscaled"));
	assert_true(log_capture_has(&b->log, "tailscaled exited"));
	assert_false(log_capture_has(&b->log, "SIGKILL"));
	assert_int_equal(b->down + b->failed, 0);
}

static void test_stale_socket_file_does_not_pass(void **state)
{
	struct bench *b = *state;
	int stale = bind_socket(b, "socket", true);
	fd_close(&stale);
	start(b, SILENT, 10);
	assert_true(loop_wait_idle(child_bench_loop(), 300));
	assert_int_equal(b->ready, 0);
	assert_int_equal(unlink(b->socket), 0);
	b->listener = bind_socket(b, "socket", true);
	wait_ready(b, 1);
}

static void test_bind_precedes_listen(void **state)
{
	struct bench *b = *state;
	b->listener = bind_socket(b, "real", false);
	start(b, SERVES, 10);
	assert_true(loop_wait_idle(child_bench_loop(), 300));
	assert_int_equal(b->ready, 0);
	assert_int_equal(listen(b->listener, 16), 0);
	wait_ready(b, 1);
}

static void test_crash_is_mended_at_once(void **state)
{
	struct bench *b = serving(*state, 10);
	wait_ready(b, 1);
	kill_newest(b);
	assert_true(loop_wait_count(child_bench_loop(), &b->down, 1, LOOP_WAIT_MS));
	assert_string_equal(b->status, "signal: killed");
	assert_true(condition_is_raised(&b->conditions, CONDITION_DAEMON_DOWN));
	assert_true(
		log_capture_has(&b->log, "restarting it in 0 ms (crash 1 of 10 in the window)"));
	wait_ready(b, 2);
	assert_false(condition_is_raised(&b->conditions, CONDITION_DAEMON_DOWN));
	assert_int_equal(starts(b), 2);
}

static void test_sixth_restart_waits(void **state)
{
	struct bench *b = serving(*state, 10);
	for (unsigned i = 1; i <= 6; i++) {
		wait_ready(b, i);
		kill_newest(b);
		assert_true(loop_wait_count(child_bench_loop(), &b->down, i, LOOP_WAIT_MS));
		assert_int_equal(
			log_capture_count(&b->log, "restarting it in 0 ms"), i < 6 ? i : 5);
	}
	wait_ready(b, 7);
}

static void test_budget(void **state)
{
	struct bench *b = serving(*state, 2);
	wait_ready(b, 1);
	write_program(b, LEAVES);
	kill_newest(b);
	assert_true(loop_wait_count(child_bench_loop(), &b->failed, 1, LOOP_WAIT_MS));
	assert_false(b->never_ran);
	assert_string_equal(b->status, "exit status 7");
	assert_int_equal(starts(b), 3);
	assert_int_equal(b->down, 2);
	/* It stays down. */
	assert_true(loop_wait_idle(child_bench_loop(), 300));
	assert_int_equal(starts(b), 3);
	stop_and_wait(b, 100);
}

static void test_never_ran(void **state)
{
	struct bench *b = *state;
	start(b, LEAVES, 10);
	assert_true(loop_wait_count(child_bench_loop(), &b->failed, 1, LOOP_WAIT_MS));
	assert_true(b->never_ran);
	assert_string_equal(b->status, "exit status 7");
	assert_int_equal(starts(b), 1);
	assert_false(daemon_has_process(b->daemon));
	stop_and_wait(b, 100);
}

static void test_cannot_be_found(void **state)
{
	struct bench *b = *state;
	struct err e;
	AUTO(mem_free) char *path = tempdir_path(b->dir, "tailscaled");
	setenv("PATH", b->dir, 1);
	make(b, LEAVES, 10);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(daemon_start(b->daemon, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "starting tailscaled failed: "));
	stop_and_wait(b, 100);
}

static void test_recycle(void **state)
{
	struct bench *b = serving(*state, 0);
	wait_ready(b, 1);
	daemon_restart(b->daemon);
	assert_int_equal(b->down, 1);
	assert_false(daemon_is_up(b->daemon));
	wait_ready(b, 2);
	assert_int_equal(starts(b), 2);
	/* No crash: the budget of none is not used up. */
	assert_int_equal(b->failed, 0);
}

static void test_stop_of_a_stubborn_one(void **state)
{
	struct bench *b = *state;
	b->listener = bind_socket(b, "real", true);
	start(b, STUBBORN, 10);
	wait_ready(b, 1);
	stop_and_wait(b, 150);
	assert_true(log_capture_has(&b->log, "did not end in time, sending SIGKILL"));
	assert_int_equal(starts(b), 1);
}

static void test_stop_during_a_recycle(void **state)
{
	struct bench *b = serving(*state, 10);
	wait_ready(b, 1);
	daemon_restart(b->daemon);
	stop_and_wait(b, 5000);
	assert_int_equal(starts(b), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
