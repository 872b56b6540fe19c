/*
 * Starts a program from a specification: pipes, fork, the set-up of the child, exec. Private to
 * proc.c. Keeps no state: the caller owns everything that is returned.
 */
#ifndef LIB_IO_PROC_LAUNCH_H
#define LIB_IO_PROC_LAUNCH_H

#include <sys/types.h>

#include "lib/base/err.h"

struct proc_spec;

struct proc_launch {
	pid_t pid;       /* 0 = nothing was forked; otherwise to be reaped, also after a failure */
	int read_fds[2]; /* our ends of the pipes of streams 1 and 2, -1 without one */
};

/* Opens the pipes the specification asks for. On failure nothing is open. */
int proc_launch_pipes(struct proc_launch *launch, const struct proc_spec *spec, int write_fds[2],
	struct err *e) MUST_CHECK;
/* Forks and executes; waits until execve has succeeded or failed. The caller closes write_fds.
 * -ENOENT, -EACCES and the like of execve. */
int proc_launch_exec(struct proc_launch *launch, const struct proc_spec *spec,
	const int write_fds[2], struct err *e) MUST_CHECK;

#endif
