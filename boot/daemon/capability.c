#include "boot/daemon/capability.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/proc.h"
#include "lib/io/timer.h"

#define ANSWER_MAX ((size_t)64 * 1024)
#define LIMIT_MS 2000
#define VERSION_MAX 1000000

struct capability_ask {
	struct proc *proc;
	struct buf answer;
	struct timer limit;
	capability_fn fn;
	void *arg;
};

static void ask_free(struct capability_ask *a)
{
	timer_stop(&a->limit);
	proc_free(a->proc);
	buf_fini(&a->answer);
	free(a);
}

static void finish(struct capability_ask *a, int version, const struct err *err)
{
	capability_fn fn = a->fn;
	void *arg = a->arg;
	ask_free(a);
	fn(arg, version, err);
}

static void kill_command(struct capability_ask *a)
{
	struct err e;
	/* -ESRCH: it has ended by itself. */
	if (proc_signal(a->proc, SIGKILL, &e) < 0)
		err_clear(&e);
}

static void on_limit(void *arg)
{
	struct capability_ask *a = arg;
	struct err e;
	kill_command(a);
	err_set(&e, -ETIMEDOUT, "tailscale version has not ended within %d s", LIMIT_MS / 1000);
	finish(a, 0, &e);
}

static void on_output(void *arg, int stream, const char *data, size_t len)
{
	struct capability_ask *a = arg;
	struct err e;
	(void)stream;
	/* The parser refuses an answer that is too long. */
	if (buf_append(&a->answer, data, len, &e) < 0)
		buf_reset(&a->answer);
}

int capability_parse(const char *text, size_t len, struct err *e)
{
	AUTO(json_freep) struct json *doc = json_parse(text, len, e);
	int64_t version = 0;
	if (doc != NULL && json_get_i64(doc, "cap", &version, e) == 0 &&
		(version < 1 || version > VERSION_MAX))
		err_set(e, -ERANGE, "cap: %lld is no capability version", (long long)version);
	else if (doc != NULL && version != 0)
		return (int)version;
	err_wrap(e, "tailscale version --json");
	return 0;
}

static void on_ended(void *arg, int wstatus)
{
	struct capability_ask *a = arg;
	struct err e;
	char status[64];
	if (!WIFEXITED(wstatus) || WEXITSTATUS(wstatus) != 0) {
		proc_format_status(wstatus, status, sizeof(status));
		err_set(&e, -ECHILD, "tailscale version: %s", status);
		finish(a, 0, &e);
		return;
	}
	int version = capability_parse(buf_cstr(&a->answer), a->answer.len, &e);
	finish(a, version, version == 0 ? &e : NULL);
}

struct capability_ask *capability_ask(
	struct loop *loop, struct proc_table *procs, capability_fn fn, void *arg, struct err *e)
{
	AUTO(mem_free) char *path = proc_find("tailscale", e);
	if (path == NULL)
		return NULL;
	AUTO(strv_fini) struct strv args = {0};
	strv_push(&args, "version");
	strv_push(&args, "--json");
	struct capability_ask *a = xcalloc(1, sizeof(*a));
	a->fn = fn;
	a->arg = arg;
	a->answer = BUF_INIT(ANSWER_MAX);
	timer_init(&a->limit, loop, on_limit, a);
	struct proc_spec spec = {
		.path = path,
		.args = &args,
		.out = PROC_STDIO_PIPE,
		.err = PROC_STDIO_NULL,
		.own_group = true,
		.death_signal = SIGKILL,
	};
	a->proc = proc_spawn(procs, &spec, on_output, on_ended, a, e);
	if (a->proc == NULL) {
		ask_free(a);
		return NULL;
	}
	timer_start(&a->limit, LIMIT_MS);
	return a;
}

void capability_cancel(struct capability_ask *a)
{
	if (a == NULL)
		return;
	kill_command(a);
	ask_free(a);
}
