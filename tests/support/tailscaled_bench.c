#include "tests/support/tailscaled_bench.h"

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

#include "boot/daemon/daemon.h"
#include "boot/daemon/daemon_conditions.h"
#include "lib/base/mem.h"
#include "tests/support/child.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

static void on_ready(void *arg)
{
	struct tailscaled_bench *b = arg;
	b->ready++;
}

static void on_down(void *arg, const char *status)
{
	struct tailscaled_bench *b = arg;
	b->down++;
	snprintf(b->status, sizeof(b->status), "%s", status);
}

static void on_failed(void *arg, const struct daemon_failure *failure)
{
	struct tailscaled_bench *b = arg;
	b->failed++;
	b->never_ran = failure->never_ran;
	b->crashes = failure->crashes;
	snprintf(b->status, sizeof(b->status), "%s", failure->status);
	snprintf(b->last_line, sizeof(b->last_line), "%s", failure->last_line);
}

static void on_stopped(void *arg)
{
	struct tailscaled_bench *b = arg;
	b->stopped++;
}

void tailscaled_write_program(struct tailscaled_bench *b, const char *text)
{
	/* A running script cannot be written to: a new file replaces it. */
	AUTO(mem_free) char *from = tempdir_path(b->dir, "new");
	AUTO(mem_free) char *to = tempdir_path(b->dir, "tailscaled");
	tempdir_write(b->dir, "new", text);
	assert_int_equal(chmod(from, 0755), 0);
	assert_int_equal(rename(from, to), 0);
}

/* Binds dir/name; listens at once unless disabled. */
int tailscaled_bind_socket(struct tailscaled_bench *b, const char *name, bool listens)
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

int tailscaled_set_up(void **state)
{
	struct tailscaled_bench *b = xcalloc(1, sizeof(*b));
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

int tailscaled_tear_down(void **state)
{
	struct tailscaled_bench *b = *state;
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
	mask_fini(&b->mask);
	free(b);
	return child_bench_close(NULL);
}

static void make_args(void *arg, struct strv *out)
{
	const struct tailscaled_bench *b = arg;
	strv_copy(out, &b->args);
}

void tailscaled_make(struct tailscaled_bench *b, const char *program, uint32_t limit)
{
	struct daemon_options options = {
		.socket = b->socket,
		.root = b->dir,
		.mask = &b->mask,
		.make_args = make_args,
		.make_args_arg = b,
		.restart_limit = limit,
		.restart_window_ms = 60000,
		.start_timeout_ms = TAILSCALED_START_TIMEOUT_MS,
		.backoff_base_ms = 150,
		.backoff_max_ms = 300,
	};
	struct daemon_events events = {on_ready, on_down, on_failed, on_stopped, b};
	tailscaled_write_program(b, program);
	b->daemon = daemon_new(
		child_bench_loop(), child_bench_table(), &b->conditions, &options, &events);
}

void tailscaled_start(struct tailscaled_bench *b, const char *program, uint32_t limit)
{
	struct err e;
	tailscaled_make(b, program, limit);
	assert_int_equal(daemon_start(b->daemon, &e), 0);
}

struct tailscaled_bench *tailscaled_serving(struct tailscaled_bench *b, uint32_t limit)
{
	b->listener = tailscaled_bind_socket(b, "real", true);
	tailscaled_start(b, TAILSCALED_SERVES, limit);
	return b;
}

/* Pid of the newest start. */
pid_t tailscaled_newest_pid(struct tailscaled_bench *b, unsigned *starts)
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

unsigned tailscaled_starts(struct tailscaled_bench *b)
{
	unsigned count;
	tailscaled_newest_pid(b, &count);
	return count;
}

static bool has_all_starts(void *arg)
{
	struct tailscaled_bench *b = arg;
	return tailscaled_starts(b) >= b->ready;
}

/* The socket of these programs outlives them: the next one may seem ready before it runs. */
void tailscaled_wait_ready(struct tailscaled_bench *b, unsigned count)
{
	assert_true(loop_wait_count(child_bench_loop(), &b->ready, count, LOOP_WAIT_MS));
	assert_true(loop_wait(child_bench_loop(), has_all_starts, b, LOOP_WAIT_MS));
}

void tailscaled_kill_newest(struct tailscaled_bench *b)
{
	unsigned count;
	assert_int_equal(kill(tailscaled_newest_pid(b, &count), SIGKILL), 0);
}

void tailscaled_stop_and_wait(struct tailscaled_bench *b, uint64_t term_ms)
{
	daemon_stop(b->daemon, term_ms);
	assert_int_equal(b->stopped, 0); /* never from within the call */
	assert_true(loop_wait_count(child_bench_loop(), &b->stopped, 1, LOOP_WAIT_MS));
	assert_false(daemon_has_process(b->daemon));
}
