#include "boot/login/command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "boot/output/relay.h"
#include "lib/base/mem.h"
#include "lib/io/proc.h"

#define SAID_MAX_BYTES 16384

struct command {
	struct proc *proc;
	struct relay relay; /* of standard error */
	command_fn fn;
	void *arg;
};

static void command_free(struct command *c)
{
	proc_free(c->proc);
	relay_fini(&c->relay);
	free(c);
}

static void on_output(void *arg, int stream, const char *data, size_t len)
{
	struct command *c = arg;
	(void)stream;
	relay_feed(&c->relay, data, len);
}

static void on_ended(void *arg, int wstatus)
{
	struct command *c = arg;
	char status[64];
	struct err e = {0};
	relay_end(&c->relay);
	if (!WIFEXITED(wstatus) || WEXITSTATUS(wstatus) != 0) {
		proc_format_status(wstatus, status, sizeof(status));
		err_set(&e, -ECHILD, "%s", status);
	}
	c->fn(c->arg, relay_said(&c->relay), e.code != 0 ? &e : NULL);
	command_free(c);
}

struct command *command_run(struct proc_table *procs, const struct strv *args,
	const struct mask *mask, command_fn fn, void *arg, struct err *e)
{
	AUTO(mem_free) char *path = proc_find("tailscale", e);
	if (path == NULL)
		return NULL;
	struct command *c = xcalloc(1, sizeof(*c));
	c->fn = fn;
	c->arg = arg;
	relay_init(&c->relay, mask, SAID_MAX_BYTES);
	struct proc_spec spec = {
		.path = path,
		.args = args,
		.err = PROC_STDIO_PIPE,
		.death_signal = SIGKILL,
	};
	c->proc = proc_spawn(procs, &spec, on_output, on_ended, c, e);
	if (c->proc == NULL) {
		command_free(c);
		return NULL;
	}
	return c;
}

void command_cancel(struct command *c)
{
	if (c == NULL)
		return;
	struct err e;
	/* -ESRCH: it has already ended, and its callback no longer matters. */
	if (proc_signal(c->proc, SIGKILL, &e) < 0)
		err_clear(&e);
	command_free(c);
}
