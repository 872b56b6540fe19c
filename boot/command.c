#include "boot/command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/proc.h"

#define COMMAND_SECRETS_MAX 4
/* Longest line that is held back to be masked as a whole. */
#define LINE_MAX_BYTES (16 * 1024)
#define SAID_MAX_BYTES 4096

struct command {
	struct proc *proc;
	struct secret secrets[COMMAND_SECRETS_MAX];
	size_t secret_count;
	struct buf line; /* of standard error, not complete yet */
	struct buf said;
	command_fn fn;
	void *arg;
};

static void command_free(struct command *c)
{
	proc_free(c->proc);
	for (size_t i = 0; i < c->secret_count; i++)
		secret_fini(&c->secrets[i]);
	buf_wipe(&c->line);
	buf_fini(&c->said);
	free(c);
}

char *command_mask(const char *text, const struct secret *const *secrets, size_t secret_count)
{
	char *masked = xstrdup(text);
	for (size_t i = 0; i < secret_count; i++) {
		if (!secret_is_set(secrets[i]))
			continue;
		char *at;
		while ((at = strstr(masked, secret_str(secrets[i]))) != NULL) {
			char *next = xasprintf("%.*s" SECRET_SHOWN "%s", (int)(at - masked), masked,
				at + secrets[i]->len);
			explicit_bzero(masked, strlen(masked));
			free(masked);
			masked = next;
		}
	}
	return masked;
}

static void pass_on(struct command *c)
{
	const struct secret *secrets[COMMAND_SECRETS_MAX];
	for (size_t i = 0; i < c->secret_count; i++)
		secrets[i] = &c->secrets[i];
	AUTO(mem_free) char *masked = command_mask(buf_cstr(&c->line), secrets, c->secret_count);
	buf_wipe(&c->line);
	size_t len = strlen(masked);
	log_raw(masked, len);
	struct err e;
	if (c->said.len + len > SAID_MAX_BYTES)
		buf_consume(&c->said, c->said.len + len - SAID_MAX_BYTES < c->said.len
					      ? c->said.len + len - SAID_MAX_BYTES
					      : c->said.len);
	/* A single line beyond the cap says nothing that its own begin did not. */
	if (buf_append(&c->said, masked, len < SAID_MAX_BYTES ? len : SAID_MAX_BYTES, &e) < 0)
		buf_reset(&c->said);
}

static void on_output(void *arg, int stream, const char *data, size_t len)
{
	struct command *c = arg;
	(void)stream;
	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t part = end != NULL ? (size_t)(end - data) + 1 : len;
		struct err e;
		if (c->line.len + part > LINE_MAX_BYTES)
			pass_on(c);
		if (part > LINE_MAX_BYTES)
			part = LINE_MAX_BYTES;
		if (buf_append(&c->line, data, part, &e) < 0)
			buf_wipe(&c->line);
		if (data[part - 1] == '\n')
			pass_on(c);
		data += part;
		len -= part;
	}
}

static void on_ended(void *arg, int wstatus)
{
	struct command *c = arg;
	char status[64];
	struct err e = {0};
	if (c->line.len > 0)
		pass_on(c);
	if (!WIFEXITED(wstatus) || WEXITSTATUS(wstatus) != 0) {
		proc_format_status(wstatus, status, sizeof(status));
		err_set(&e, -ECHILD, "%s", status);
	}
	c->fn(c->arg, buf_cstr(&c->said), e.code != 0 ? &e : NULL);
	command_free(c);
}

struct command *command_run(struct proc_table *procs, const struct strv *args,
	const struct secret *const *secrets, size_t secret_count, command_fn fn, void *arg,
	struct err *e)
{
	AUTO(mem_free) char *path = proc_find("tailscale", e);
	if (path == NULL)
		return NULL;
	struct command *c = xcalloc(1, sizeof(*c));
	c->fn = fn;
	c->arg = arg;
	c->line = BUF_INIT(LINE_MAX_BYTES);
	c->said = BUF_INIT(SAID_MAX_BYTES);
	for (size_t i = 0; i < secret_count && i < COMMAND_SECRETS_MAX; i++)
		secret_copy(&c->secrets[c->secret_count++], secrets[i]);
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
	/* -ESRCH: it has ended by itself, and its callback no longer matters. */
	if (proc_signal(c->proc, SIGKILL, &e) < 0)
		err_clear(&e);
	command_free(c);
}
