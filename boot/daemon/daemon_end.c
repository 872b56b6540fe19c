#include "boot/daemon/daemon_end.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "lib/io/proc.h"

#define STATUS_MAX 128
/* Longer than any line of the daemon that is useful in an error. */
#define KEPT_MAX 4096
#define OUT_OF_MEMORY " (out of memory: the kernel's OOM killer ended it)"

void daemon_end_init(struct daemon_end *end, const char *root, const struct mask *mask)
{
	*end = (struct daemon_end){0};
	relay_init(&end->relay, mask, KEPT_MAX);
	oom_find(&end->oom, root);
}

void daemon_end_fini(struct daemon_end *end)
{
	oom_fini(&end->oom);
	relay_fini(&end->relay);
}

void daemon_end_begin(struct daemon_end *end)
{
	oom_mark(&end->oom);
	relay_reset(&end->relay);
}

void daemon_end_feed(struct daemon_end *end, const char *data, size_t len)
{
	relay_feed(&end->relay, data, len);
}

void daemon_end_format(struct daemon_end *end, int wstatus, char *out, size_t size)
{
	char status[STATUS_MAX];
	bool is_killed = WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGKILL;
	relay_end(&end->relay);
	proc_format_status(wstatus, status, sizeof(status));
	snprintf(out, size, "%s%s", status,
		is_killed && oom_has_killed(&end->oom) ? OUT_OF_MEMORY : "");
}

void daemon_end_last_line(const struct daemon_end *end, char *out, size_t size)
{
	relay_last_line(&end->relay, out, size);
}
