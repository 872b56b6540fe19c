#include "lib/io/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/child.h"
#include "tests/support/tempdir.h"

/* A descriptor that is not close-on-exec and must be absent in children. */
#define STRAY_FD 57

static void test_cannot_execute(void **state)
{
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *plain = tempdir_path(dir, "plain");
	struct proc_spec spec = {.path = "/no/such/program", .out = PROC_STDIO_PIPE};
	struct child child;
	struct err e = {0};

	(void)state;
	child_init(&child);
	assert_null(
		proc_spawn(child_bench_table(), &spec, child_on_output, child_on_exit, &child, &e));
	assert_int_equal(e.code, -ENOENT);
	assert_non_null(strstr(e.msg, "/no/such/program"));
	tempdir_write(dir, "plain", "x");
	spec.path = plain;
	assert_null(
		proc_spawn(child_bench_table(), &spec, child_on_output, child_on_exit, &child, &e));
	assert_int_equal(e.code, -EACCES);
	assert_int_equal(chmod(plain, 0700), 0);
	assert_null(
		proc_spawn(child_bench_table(), &spec, child_on_output, child_on_exit, &child, &e));
	assert_int_equal(e.code, -ENOEXEC);

	/* The three are reaped without a callback, and are no orphans. */
	assert_true(child_wait_none());
	assert_int_equal(child.exits, 0);
	assert_int_equal(child.ends[0], 0);
	assert_int_equal(proc_table_orphans(child_bench_table()), 0);
	child_fini(&child);
}

/* What a child starts with: no signal blocked or ignored, nothing on standard input, no descriptor
 * except the standard ones. */
static void check_child_state(void)
{
	struct child child;
	struct proc_spec spec = {.out = PROC_STDIO_PIPE, .err = PROC_STDIO_NULL, .own_group = true};

	child_init(&child);
	child_run_spec(&child, &spec,
		"grep -E '^Sig(Blk|Ign)' /proc/self/status; "
		"readlink /proc/self/fd/0 /proc/self/fd/2; "
		"for fd in /proc/$$/fd/*; do test ! -e $fd || echo ${fd##*/}; done; "
		"cut -d' ' -f5 /proc/$$/stat; echo $$");
	pid_t pid = proc_pid(child.proc);
	child_wait_exit(&child);
	AUTO(mem_free)
	char *expected = xasprintf("SigBlk:\t0000000000000000\n"
				   "SigIgn:\t0000000000000000\n"
				   "/dev/null\n/dev/null\n0\n1\n2\n%d\n%d\n",
		(int)pid, (int)pid);
	assert_string_equal(buf_cstr(&child.out[0]), expected);
	child_fini(&child);
}

static void test_child_state(void **state)
{
	int stray = open("/dev/null", O_RDONLY);

	(void)state;
	assert_true(stray >= 0);
	assert_int_equal(dup2(stray, STRAY_FD), STRAY_FD);
	check_child_state();
	close(STRAY_FD);
	close(stray);
}

/* With 0 and 1 closed the pipes get their numbers. */
static void test_standard_streams_closed(void **state)
{
	struct child child;
	int saved[2];

	(void)state;
	child_init(&child);
	fflush(stdout);
	for (int fd = 0; fd < 2; fd++) {
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
		close(fd);
	}
	child_run(&child, "echo out; echo err >&2; cat", PROC_STDIO_PIPE);
	child_wait_exit(&child);
	proc_free(STEAL(child.proc));
	for (int fd = 0; fd < 2; fd++) {
		if (saved[fd] < 0)
			continue;
		assert_int_equal(dup2(saved[fd], fd), fd);
		close(saved[fd]);
	}
	assert_string_equal(buf_cstr(&child.out[0]), "out\n");
	assert_string_equal(buf_cstr(&child.out[1]), "err\n");
	assert_int_equal(child.wstatus, 0);
	child_fini(&child);
}

static void test_arguments_and_environment(void **state)
{
	char *environment[] = {(char *)"A=first word", (char *)"B=", NULL};
	struct proc_spec spec = {.path = "/usr/bin/env", .out = PROC_STDIO_PIPE};
	struct child child;
	struct err e = {0};

	(void)state;
	child_init(&child);
	spec.envp = environment;
	child.proc =
		proc_spawn(child_bench_table(), &spec, child_on_output, child_on_exit, &child, &e);
	assert_non_null(child.proc);
	child_wait_exit(&child);
	assert_string_equal(buf_cstr(&child.out[0]), "A=first word\nB=\n");
	child_fini(&child);
}

static void test_death_signal(void **state)
{
	int pipe_fds[2];
	pid_t middle;
	char byte;

	(void)state;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	middle = fork();
	assert_true(middle >= 0);
	if (middle == 0) {
		struct proc_spec spec = {.path = "/bin/sleep", .death_signal = SIGKILL};
		struct strv args = {0};
		struct err e = {0};

		strv_push(&args, "1000");
		spec.args = &args;
		if (!proc_spawn(child_bench_table(), &spec, NULL, child_on_exit, NULL, &e))
			_exit(1);
		byte = 'x';
		_exit(write(pipe_fds[1], &byte, 1) == 1 ? 0 : 1);
	}
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	/* We reap both: the one in the middle, which the child_bench_table() does not know, and its
	 * child.
	 *  */
	child_wait_orphans(2);
}

static void test_find(void **state)
{
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *first = tempdir_path(dir, "first");
	AUTO(mem_free) char *second = tempdir_path(dir, "second");
	AUTO(mem_free) char *plain = tempdir_path(dir, "first/tool");
	AUTO(mem_free) char *program = tempdir_path(dir, "second/tool");
	AUTO(mem_free) char *folder = tempdir_path(dir, "first/folder");
	AUTO(mem_free) char *saved = xstrdup(getenv("PATH"));
	AUTO(mem_free) char *path = xasprintf("relative::%s:/no/such:%s", first, second);
	struct err e = {0};
	char *found;

	(void)state;
	tempdir_write(dir, "first/tool", "not executable");
	tempdir_write(dir, "second/tool", "#!/bin/sh\n");
	assert_int_equal(chmod(plain, 0600), 0);
	assert_int_equal(chmod(program, 0700), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	setenv("PATH", path, 1);
	found = proc_find("tool", &e);
	assert_string_equal(found, program);
	free(found);
	assert_null(proc_find("folder", &e));
	assert_int_equal(e.code, -ENOENT);
	assert_string_equal(e.msg, "exec: \"folder\": executable file not found in $PATH");
	assert_null(proc_find("", &e));
	assert_int_equal(e.code, -ENOENT);
	unsetenv("PATH");
	assert_null(proc_find("tool", &e));
	assert_int_equal(e.code, -ENOENT);
	found = proc_find(program, &e);
	assert_string_equal(found, program);
	free(found);
	assert_null(proc_find(folder, &e));
	assert_int_equal(e.code, -EISDIR);
	assert_null(proc_find(plain, &e));
	assert_int_equal(e.code, -EACCES);
	assert_null(proc_find("./no-such-tool", &e));
	assert_int_equal(e.code, -ENOENT);
	setenv("PATH", saved, 1);
}

/* Some container runtimes deny system calls they do not know. Last, as a filter stays. */
static void test_without_close_range(void **state)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_close_range, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = ARRAY_LEN(rules), .filter = rules};

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
	assert_int_equal(close_range(1000, 1000, 0), -1);
	test_child_state(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_cannot_execute, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(
			test_child_state, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(
			test_standard_streams_closed, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(
			test_arguments_and_environment, child_bench_open, child_bench_close),
		cmocka_unit_test_setup_teardown(
			test_death_signal, child_bench_open, child_bench_close),
		cmocka_unit_test(test_find),
		cmocka_unit_test_setup_teardown(
			test_without_close_range, child_bench_open, child_bench_close),
	};

	child_bench_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
