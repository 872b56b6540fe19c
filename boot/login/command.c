#include "boot/login/command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "boot/login/mask.h"
#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/proc.h"

/* Longest line that is held back to be masked as a whole. */
#define LINE_MAX_BYTES ((size_t)16 * 1024)
/* A mark may be longer than what it hides, by less than this. */
#define MASKED_GROWTH 4
/* A flag that is refused is named before 4 KiB of explanations. */
#define SAID_MAX_BYTES 16384

struct command {
	struct proc *proc;
	const struct mask *mask_ref;
	struct buf line; /* of standard error, not complete yet */
	struct buf said;
	command_fn fn;
	void *arg;
};

static void command_free(struct command *c)
{
	proc_free(c->proc);
	buf_wipe(&c->line);
	buf_fini(&c->said);
	free(c);
}

/* The newest bytes are kept; NUL would hide what follows it. */
static void remember(struct command *c, const char *text, size_t len)
{
	struct err e;
	if (len > SAID_MAX_BYTES) {
		text += len - SAID_MAX_BYTES;
		len = SAID_MAX_BYTES;
	}
	if (c->said.len + len > SAID_MAX_BYTES)
		buf_consume(&c->said, c->said.len + len - SAID_MAX_BYTES);
	size_t begin = c->said.len;
	if (buf_append(&c->said, text, len, &e) < 0)
		return;
	for (size_t i = begin; i < c->said.len; i++) {
		if (c->said.data[i] == '\0')
			c->said.data[i] = ' ';
	}
}

/* is_whole: the line has come to its end, or nothing follows. */
static void pass_on(struct command *c, bool is_whole)
{
	struct err e;
	AUTO(buf_fini) struct buf masked = BUF_INIT(c->line.len * MASKED_GROWTH + MASKED_GROWTH);
	int dealt_with =
		mask_append(c->mask_ref, buf_cstr(&c->line), c->line.len, is_whole, &masked, &e);
	if (dealt_with < 0) {
		/* No memory to mask it: then nobody sees it. */
		buf_wipe(&c->line);
		return;
	}
	if (masked.len > 0)
		log_raw(masked.data, masked.len);
	remember(c, buf_cstr(&masked), masked.len);
	if (is_whole)
		buf_wipe(&c->line);
	else
		buf_consume(&c->line, (size_t)dealt_with);
}

static void on_output(void *arg, int stream, const char *data, size_t len)
{
	struct command *c = arg;
	(void)stream;
	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t part = end != NULL ? (size_t)(end - data) + 1 : len;
		struct err e;
		if (part > LINE_MAX_BYTES)
			part = LINE_MAX_BYTES;
		if (buf_append(&c->line, data, part, &e) < 0)
			buf_wipe(&c->line);
		if (data[part - 1] == '\n')
			pass_on(c, true);
		else if (c->line.len >= LINE_MAX_BYTES + c->mask_ref->longest)
			pass_on(c, false);
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
		pass_on(c, true);
	log_raw_end();
	if (!WIFEXITED(wstatus) || WEXITSTATUS(wstatus) != 0) {
		proc_format_status(wstatus, status, sizeof(status));
		err_set(&e, -ECHILD, "%s", status);
	}
	c->fn(c->arg, buf_cstr(&c->said), e.code != 0 ? &e : NULL);
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
	c->mask_ref = mask;
	/* One more part may come before the line is looked at. */
	c->line = BUF_INIT(2 * LINE_MAX_BYTES + mask->longest);
	c->said = BUF_INIT(SAID_MAX_BYTES);
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
