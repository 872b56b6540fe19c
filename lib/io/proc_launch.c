#include "lib/io/proc_launch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/proc.h"
#include "lib/io/signals.h"

/* In the child the error pipe sits right above the standard streams, so that one range above it can
 * be closed. */
#define CHILD_ERROR_FD 3
#define CHILD_FIRST_FREE_FD 4

/* By convention of shells: the program could not be started. Only a tracer sees it. */
#define EXIT_NOT_STARTED 127

/* Longest wait for execve. Reached only when the program's file system hangs; then the child counts
 * as running and a later failure shows as its exit status. */
#define EXEC_WAIT_MS 5000

struct child_plan {
	const struct proc_spec *spec;
	char *const *argv;
	pid_t parent;
	int stream_fds[2]; /* what becomes descriptors 1 and 2, -1 = /dev/null */
	int error_fd;
};

int proc_launch_pipes(
	struct proc_launch *launch, const struct proc_spec *spec, int write_fds[2], struct err *e)
{
	const enum proc_stdio wanted[2] = {spec->out, spec->err};

	*launch = (struct proc_launch){.read_fds = {-1, -1}};
	write_fds[0] = write_fds[1] = -1;
	for (int i = 0; i < 2; i++) {
		int fds[2];

		if (wanted[i] != PROC_STDIO_PIPE)
			continue;
		if (pipe2(fds, O_CLOEXEC) == 0) {
			launch->read_fds[i] = fds[0];
			write_fds[i] = fds[1];
			/* Only our end is non-blocking: a child with non-blocking output would lose
			 * lines. */
			if (fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0)
				continue;
		}
		int code = -errno;
		for (int k = 0; k < 2; k++) {
			fd_close(&launch->read_fds[k]);
			fd_close(&write_fds[k]);
		}
		return err_set_errno(e, code, "open pipe for %s", spec->path);
	}
	return 0;
}

/* Everything from here to child_main runs in the child of a fork: system calls only. */

static void child_fail(int error_fd, int code)
{
	ssize_t ignored = write(error_fd, &code, sizeof(code));

	(void)ignored;
	_exit(EXIT_NOT_STARTED);
}

/* A kernel or a sandbox without close_range: the directory lists what is open, in ascending order,
 * so that closing while reading skips nothing. Without /proc only inherited descriptors remain
 * open, because all of ours are close-on-exec. */
static void close_listed_from(int first)
{
	union {
		char bytes[2048];
		struct dirent64 entry;
	} batch;
	int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t got;

	if (dir < 0)
		return;
	while ((got = getdents64(dir, &batch, sizeof(batch))) > 0) {
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *entry = (const void *)(batch.bytes + at);
			int fd = 0;

			at += entry->d_reclen;
			for (const char *c = entry->d_name; *c >= '0' && *c <= '9'; c++)
				fd = fd * 10 + (*c - '0');
			if (fd >= first && fd != dir)
				close(fd);
		}
	}
	close(dir);
}

static void child_set_streams(const struct child_plan *plan)
{
	const enum proc_stdio wanted[2] = {plan->spec->out, plan->spec->err};
	int error_fd = fcntl(plan->error_fd, F_DUPFD_CLOEXEC, CHILD_FIRST_FREE_FD);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int sources[2] = {-1, -1};

	if (error_fd < 0 || null_fd < 0)
		child_fail(plan->error_fd, errno);
	/* Moved out of the way first: we may have been started with 0 to 2 closed. */
	null_fd = fcntl(null_fd, F_DUPFD_CLOEXEC, CHILD_FIRST_FREE_FD);
	if (null_fd < 0)
		child_fail(error_fd, errno);
	for (int i = 0; i < 2; i++) {
		if (wanted[i] == PROC_STDIO_INHERIT)
			continue;
		sources[i] = null_fd;
		if (wanted[i] == PROC_STDIO_PIPE)
			sources[i] =
				fcntl(plan->stream_fds[i], F_DUPFD_CLOEXEC, CHILD_FIRST_FREE_FD);
		if (sources[i] < 0)
			child_fail(error_fd, errno);
	}
	if (dup2(null_fd, STDIN_FILENO) < 0)
		child_fail(error_fd, errno);
	for (int i = 0; i < 2; i++) {
		if (sources[i] >= 0 && dup2(sources[i], STDOUT_FILENO + i) < 0)
			child_fail(error_fd, errno);
	}
	if (dup3(error_fd, CHILD_ERROR_FD, O_CLOEXEC) < 0)
		child_fail(error_fd, errno);
	if (close_range(CHILD_FIRST_FREE_FD, ~0U, 0) < 0)
		close_listed_from(CHILD_FIRST_FREE_FD);
}

static void child_set_signals(void)
{
	/* Zero is SIG_DFL without flags in the kernel's struct sigaction, on every architecture. */
	static const unsigned long standard[8];

	/* Past glibc, which refuses the two signals it keeps for itself: its own posix_spawn leaves
	 * them ignored, so they are ignored when make or a similar program started us. SIGKILL and
	 * SIGSTOP cannot be set and are at their default. */
	for (int signo = 1; signo <= SIGRTMAX; signo++)
		(void)syscall(SYS_rt_sigaction, signo, standard, NULL, _NSIG / CHAR_BIT);
	(void)sigprocmask(SIG_SETMASK, signals_original_mask(), NULL);
}

__attribute__((noreturn)) static void child_main(const struct child_plan *plan)
{
	const struct proc_spec *spec = plan->spec;
	char *const *envp = spec->envp != NULL ? spec->envp : environ;

	child_set_streams(plan);
	if (spec->own_group && setpgid(0, 0) < 0)
		child_fail(CHILD_ERROR_FD, errno);
	if (spec->death_signal != 0) {
		if (prctl(PR_SET_PDEATHSIG, spec->death_signal) < 0)
			child_fail(CHILD_ERROR_FD, errno);
		/* The parent may have died before the request; then no signal comes any more.
		 *  */
		if (getppid() != plan->parent)
			_exit(EXIT_NOT_STARTED);
	}
	child_set_signals();
	execve(spec->path, plan->argv, envp);
	child_fail(CHILD_ERROR_FD, errno);
	_exit(EXIT_NOT_STARTED);
}

/* The end of the pipe without data means that execve succeeded and closed it. Returns the errno
 * that the child reported, or 0. */
static int read_child_error(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	int code = 0;
	ssize_t got;

	do {
		got = poll(&poll_fd, 1, EXEC_WAIT_MS);
	} while (got < 0 && errno == EINTR);
	if (got <= 0)
		return 0;
	do {
		got = read(fd, &code, sizeof(code));
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(code) ? code : 0;
}

/*
 * fork, not posix_spawn, which can neither set the death signal nor check the parent; and not
 * vfork, because its child shares our memory and stack: a death signal or a sandbox that kills it
 * halfway would be survivable, but a sanitizer or a signal handler running there would not. Our
 * memory is small, so the copied page tables cost well under a millisecond. With fork the parent
 * does not see that execve failed; a pipe that execve closes makes up for that.
 */
int proc_launch_exec(struct proc_launch *launch, const struct proc_spec *spec,
	const int write_fds[2], struct err *e)
{
	size_t arg_count = spec->args != NULL ? spec->args->len : 0;
	AUTO(mem_free) char **argv = xcalloc(arg_count + 2, sizeof(*argv));
	struct child_plan plan = {.spec = spec,
		.argv = argv,
		.parent = getpid(),
		.stream_fds = {write_fds[0], write_fds[1]}};
	int error_pipe[2];

	argv[0] = (char *)spec->path;
	for (size_t i = 0; i < arg_count; i++)
		argv[i + 1] = spec->args->items[i];
	if (pipe2(error_pipe, O_CLOEXEC) < 0)
		return err_set_errno(e, -errno, "open pipe to start %s", spec->path);
	plan.error_fd = error_pipe[1];
	pid_t pid = fork();
	if (pid == 0)
		child_main(&plan);
	int code = pid < 0 ? errno : 0;
	fd_close(&error_pipe[1]);
	if (pid > 0) {
		launch->pid = pid;
		code = read_child_error(error_pipe[0]);
	}
	fd_close(&error_pipe[0]);
	if (code != 0)
		return err_set_errno(e, -code, "fork/exec %s", spec->path);
	return 0;
}
