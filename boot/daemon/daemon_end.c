#include "boot/daemon/daemon_end.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "lib/io/proc.h"

#define STATUS_MAX 128
#define OUT_OF_MEMORY " (out of memory: the kernel's OOM killer ended it)"

void daemon_end_init(struct daemon_end *end, const char *root)
{
	*end = (struct daemon_end){0};
	oom_find(&end->oom, root);
}

void daemon_end_fini(struct daemon_end *end)
{
	oom_fini(&end->oom);
}

void daemon_end_begin(struct daemon_end *end)
{
	oom_mark(&end->oom);
}

void daemon_end_format(const struct daemon_end *end, int wstatus, char *out, size_t size)
{
	char status[STATUS_MAX];
	bool is_killed = WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGKILL;
	proc_format_status(wstatus, status, sizeof(status));
	snprintf(out, size, "%s%s", status,
		is_killed && oom_has_killed(&end->oom) ? OUT_OF_MEMORY : "");
}
