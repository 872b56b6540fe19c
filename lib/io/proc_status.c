#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "lib/base/mem.h"
#include "lib/io/proc.h"

/* The names that Go uses, in lower case, independent of the C library. Higher numbers have none. */
static const char *const signal_names[] = {
	[SIGHUP] = "hangup",
	[SIGINT] = "interrupt",
	[SIGQUIT] = "quit",
	[SIGILL] = "illegal instruction",
	[SIGTRAP] = "trace/breakpoint trap",
	[SIGABRT] = "aborted",
	[SIGBUS] = "bus error",
	[SIGFPE] = "floating point exception",
	[SIGKILL] = "killed",
	[SIGUSR1] = "user defined signal 1",
	[SIGSEGV] = "segmentation fault",
	[SIGUSR2] = "user defined signal 2",
	[SIGPIPE] = "broken pipe",
	[SIGALRM] = "alarm clock",
	[SIGTERM] = "terminated",
};

void proc_format_status(int wstatus, char *out, size_t size)
{
	if (WIFEXITED(wstatus)) {
		snprintf(out, size, "exit status %d", WEXITSTATUS(wstatus));
		return;
	}
	int signo = WTERMSIG(wstatus);
	const char *core = WCOREDUMP(wstatus) ? " (core dumped)" : "";
	if (signo >= 0 && (size_t)signo < ARRAY_LEN(signal_names) && signal_names[signo])
		snprintf(out, size, "signal: %s%s", signal_names[signo], core);
	else
		snprintf(out, size, "signal: signal %d%s", signo, core);
}
