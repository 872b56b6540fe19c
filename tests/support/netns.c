#include "tests/support/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mem.h"

static void fail(const char *what)
{
	fprintf(stderr, "netns: %s: %s\n", what, strerror(errno));
	exit(1);
}

void netns_require_program(const char *path)
{
	if (access(path, X_OK) == 0)
		return;
	fprintf(stderr, "netns: %s is needed for the tests of the kernel\n", path);
	exit(1);
}

void netns_require(void)
{
	netns_require_program("/usr/sbin/nft");
	netns_require_program("/usr/sbin/ip");
	if (geteuid() != 0) {
		fprintf(stderr, "netns: the tests of the kernel must run as root\n");
		exit(1);
	}
	int home = netns_current();
	close(netns_new());
	netns_enter(home);
	close(home);
}

int netns_current(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("open the network namespace");
	return fd;
}

int netns_new(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		fail("make a network namespace");
	netns_do("ip link set lo up");
	return netns_current();
}

void netns_enter(int ns)
{
	if (setns(ns, CLONE_NEWNET) < 0)
		fail("enter a network namespace");
}

/* Runs the command; its output, errors included, is appended to a growing text. */
static int run(const char *command, char **output)
{
	int pipe_fds[2];
	size_t len = 0;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		fail("pipe");
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		dup2(pipe_fds[1], 1);
		dup2(pipe_fds[1], 2);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(pipe_fds[1]);
	*output = xcalloc(1, 1);
	for (;;) {
		*output = xrealloc(*output, len + 65536, 1);
		ssize_t n = read(pipe_fds[0], *output + len, 65535);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	(*output)[len] = '\0';
	close(pipe_fds[0]);
	int status = 0;
	if (waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

char *netns_run(const char *command)
{
	char *output = NULL;
	int status = run(command, &output);
	if (status == 0)
		return output;
	fprintf(stderr, "netns: '%s' ended with %d: %s\n", command, status, output);
	exit(1);
}

int netns_try(const char *command)
{
	AUTO(mem_free) char *output = NULL;
	return run(command, &output);
}

void netns_do(const char *command, ...)
{
	va_list args;
	va_start(args, command);
	AUTO(mem_free) char *text = xvasprintf(command, args);
	va_end(args);
	free(netns_run(text));
}
