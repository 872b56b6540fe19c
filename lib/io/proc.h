/*
 * Children: spawn, watch, signal, and the only reaper of the process. As PID 1 we inherit
 * orphans: every child that ends is reaped, and the status of our own is never lost to it,
 * because the pid is looked up (waitid with WNOWAIT) before it is reaped.
 *
 * A child gets the original signal mask, default handlers, its own process group when asked, no
 * descriptor above 2, and dies with the supervisor (PR_SET_PDEATHSIG) when asked.
 */
#ifndef LIB_IO_PROC_H
#define LIB_IO_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct loop;
struct proc_table;
struct proc;

enum proc_stdio {
	PROC_STDIO_INHERIT, /* the supervisor's own */
	PROC_STDIO_NULL,    /* /dev/null */
	PROC_STDIO_PIPE,    /* read through the loop, see proc_output_fn */
};

struct proc_spec {
	const char *path;        /* absolute path to execute, also argv[0] */
	const struct strv *args; /* arguments after argv[0] */
	char *const *envp;       /* NULL = our environment */
	enum proc_stdio out, err;
	bool own_group;   /* setpgid(0, 0) */
	int death_signal; /* PR_SET_PDEATHSIG, 0 = none */
};

/* Output of a child by pipe: bytes as they come, stream is 1 or 2; len 0 at the end of the
 * stream. */
typedef void (*proc_output_fn)(void *arg, int stream, const char *data, size_t len);
/* The child has been reaped; wstatus as of waitpid. All output has been delivered before, unless a
 * grandchild still holds the pipe. The struct proc is valid until proc_free. */
typedef void (*proc_exit_fn)(void *arg, int wstatus);

/* Reaps at proc_table_reap(), to be called on every SIGCHLD (and once at the start). */
struct proc_table *proc_table_new(struct loop *loop);
void proc_table_free(struct proc_table *table);
void proc_table_reap(struct proc_table *table);
/* For use after the loop has failed: ends every child of ours with SIGTERM, and after term_ms with
 * SIGKILL, and reaps it. Blocks until then, at most kill_ms longer. No callback is called. */
void proc_table_end(struct proc_table *table, uint32_t term_ms, uint32_t kill_ms);
/* Children reaped that were not ours, since the start. */
uint64_t proc_table_orphans(const struct proc_table *table);

/* NULL with the error set, also when the program cannot be executed (-ENOENT, -EACCES, …).
 * Callbacks are never called from within this call. output_fn may be NULL when nothing is piped. */
struct proc *proc_spawn(struct proc_table *table, const struct proc_spec *spec,
	proc_output_fn output_fn, proc_exit_fn exit_fn, void *arg, struct err *e) MUST_CHECK;
pid_t proc_pid(const struct proc *p); /* 0 once reaped */
bool proc_is_running(const struct proc *p);
/* Signals the child alone, not its group. 0 or -ESRCH once reaped. */
int proc_signal(struct proc *p, int signo, struct err *e) MUST_CHECK;
/* Detaches: the callbacks are not called any more; a child that still runs is reaped silently
 * later. */
void proc_free(struct proc *p);

/* Absolute path of a program by PATH (first executable regular file; folders that are not absolute
 * are skipped), caller frees. A name with a slash is checked as it is. NULL with -ENOENT: `exec:
 * "x": executable file not found in $PATH`. */
char *proc_find(const char *name, struct err *e) MUST_CHECK;

/* "exit status 3" or "signal: killed", as Go's exec package words it. */
void proc_format_status(int wstatus, char *out, size_t size);

#endif
