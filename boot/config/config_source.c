#include "boot/config/config_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/atomicfile.h"

/* A memory file system in every container; if it cannot be written the copy is beside the
 * socket. */
#define SHARED_MEMORY_DIR "/dev/shm"
#define COPY_MODE 0600

static void content_fini(struct config_content *content)
{
	free(content->path);
	buf_wipe(&content->text);
	daemon_config_values_fini(&content->values);
	*content = (struct config_content){.text = BUF_INIT(DAEMON_CONFIG_MAX)};
}

/* On failure `to` is unchanged. */
static int content_copy(struct config_content *to, const struct config_content *from, struct err *e)
{
	struct config_content copy = {.text = BUF_INIT(DAEMON_CONFIG_MAX)};
	if (buf_append(&copy.text, buf_cstr(&from->text), from->text.len, e) < 0)
		return e->code;
	copy.path = from->path != NULL ? xstrdup(from->path) : NULL;
	copy.digest = from->digest;
	secret_copy(&copy.values.authkey, &from->values.authkey);
	memcpy(copy.values.netfilter_mode, from->values.netfilter_mode,
		sizeof(copy.values.netfilter_mode));
	content_fini(to);
	*to = copy;
	return 0;
}

static bool same_content(const struct config_content *a, const struct config_content *b)
{
	return a->path != NULL && b->path != NULL && digest_equal(&a->digest, &b->digest);
}

/* The socket's path as one name, so that two daemons of one host have two copies. */
static char *copy_name(const char *socket)
{
	char *name = xasprintf("tailboot%s.config", socket);
	for (char *p = name; *p != '\0'; p++) {
		if (*p == '/')
			*p = '_';
	}
	return name;
}

static void remove_copies(const struct config_source *c)
{
	struct err ignored;
	for (size_t i = 0; i < ARRAY_LEN(c->copy_path); i++) {
		/* A file that cannot be removed is not ours, or was never written. */
		if (c->copy_path[i] != NULL && atomicfile_remove(c->copy_path[i], &ignored) < 0)
			err_clear(&ignored);
	}
}

void config_source_init(struct config_source *c, const char *dir, int capver, const char *socket,
	config_authkey_fn fn, void *arg)
{
	AUTO(mem_free) char *name = copy_name(socket);
	*c = (struct config_source){.fn = fn, .arg = arg, .capver = capver};
	c->dir = xstrdup(dir);
	c->copy_path[0] = xasprintf(SHARED_MEMORY_DIR "/%s", name);
	c->copy_path[1] = xasprintf("%s.config", socket);
	content_fini(&c->mounted);
	content_fini(&c->in_force);
	content_fini(&c->offered);
	remove_copies(c);
}

void config_source_set_capver(struct config_source *c, int capver)
{
	c->capver = capver;
	content_fini(&c->mounted);
}

void config_source_fini(struct config_source *c)
{
	remove_copies(c);
	content_fini(&c->mounted);
	content_fini(&c->in_force);
	content_fini(&c->offered);
	free(c->copy_path[0]);
	free(c->copy_path[1]);
	secret_fini(&c->tried_authkey);
	free(c->daemon_path);
	free(c->dir);
	*c = (struct config_source){0};
}

static int read_content(
	const struct config_source *c, struct config_content *content, struct err *e)
{
	content->path = daemon_config_choose(c->dir, c->capver, e);
	if (content->path == NULL)
		return e->code;
	if (atomicfile_read(content->path, &content->text, e) < 0)
		return err_wrap(e, "reading tailscaled config");
	digest_of(buf_cstr(&content->text), content->text.len, &content->digest);
	/* The check blanks comments, so it gets a copy of the bytes. */
	AUTO(buf_wipe) struct buf scratch = BUF_INIT(DAEMON_CONFIG_MAX);
	if (buf_append(&scratch, buf_cstr(&content->text), content->text.len, e) < 0)
		return e->code;
	static char empty[1] = "";
	char *text = scratch.len > 0 ? scratch.data : empty;
	if (daemon_config_parse(text, scratch.len, &content->values, e) < 0) {
		err_wrap(e, "error parsing config file %s", content->path);
		return err_wrap(e, "error validating tailscaled configfile contents");
	}
	return 0;
}

int config_source_read(struct config_source *c, struct err *e)
{
	struct config_content content = {.text = BUF_INIT(DAEMON_CONFIG_MAX)};
	if (read_content(c, &content, e) < 0) {
		content_fini(&content);
		return e->code;
	}
	if (secret_is_set(&content.values.authkey))
		c->fn(c->arg, &content.values.authkey);
	if (!same_content(&content, &c->mounted))
		c->mounted_refused = false;
	content_fini(&c->mounted);
	c->mounted = content;
	return 0;
}

static int write_copy(const struct config_content *content, const char *path, struct err *e)
{
	return atomicfile_write(path, buf_cstr(&content->text), content->text.len, COPY_MODE, e);
}

static void set_daemon_path(struct config_source *c, const char *path)
{
	char *copy = xstrdup(path);
	free(c->daemon_path);
	c->daemon_path = copy;
}

/* Where the copy could be written; NULL with the error of the last candidate. */
static const char *put_copy(
	const struct config_source *c, const struct config_content *content, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(c->copy_path); i++) {
		if (write_copy(content, c->copy_path[i], e) == 0)
			return c->copy_path[i];
	}
	err_wrap(e, "keeping the last usable configuration of tailscaled");
	return NULL;
}

/* The content for the daemon's next start: never refused content, and its present content as long
 * as no mounted content is known to be usable. */
static const struct config_content *next_content(const struct config_source *c)
{
	bool is_usable = c->mounted.path != NULL && !c->mounted_refused;
	return is_usable || c->in_force.path == NULL ? &c->mounted : &c->in_force;
}

const char *config_source_start(struct config_source *c, struct err *e)
{
	bool is_usable = config_source_read(c, e) == 0;
	const struct config_content *content = next_content(c);
	if (content->path == NULL)
		return NULL;
	const char *path = content->path;
	if (!is_usable || content == &c->in_force) {
		path = put_copy(c, content, e);
		if (path == NULL)
			return NULL;
	}
	if (content != &c->in_force && content_copy(&c->in_force, content, e) < 0)
		return NULL;
	set_daemon_path(c, path);
	secret_copy(&c->tried_authkey, &c->in_force.values.authkey);
	return c->daemon_path;
}

const struct secret *config_source_authkey(const struct config_source *c)
{
	return c->in_force.path != NULL ? &c->in_force.values.authkey : &c->mounted.values.authkey;
}

const char *config_source_netfilter_mode(const struct config_source *c)
{
	return c->in_force.path != NULL ? c->in_force.values.netfilter_mode
					: c->mounted.values.netfilter_mode;
}

const struct secret *config_source_next_authkey(const struct config_source *c)
{
	return &next_content(c)->values.authkey;
}

bool config_source_has_untried_authkey(const struct config_source *c)
{
	const struct secret *next = config_source_next_authkey(c);
	return c->daemon_path != NULL && secret_is_set(next) &&
	       !secret_equal(next, &c->tried_authkey);
}

static bool daemon_has_copy(const struct config_source *c)
{
	return strcmp(c->daemon_path, c->copy_path[0]) == 0 ||
	       strcmp(c->daemon_path, c->copy_path[1]) == 0;
}

enum config_pending config_source_pending(const struct config_source *c)
{
	if (c->daemon_path == NULL || c->mounted.path == NULL ||
		same_content(&c->mounted, &c->in_force))
		return CONFIG_PENDING_NOTHING;
	if (daemon_has_copy(c) || strcmp(c->daemon_path, c->mounted.path) == 0)
		return CONFIG_PENDING_RELOAD;
	return CONFIG_PENDING_RESTART;
}

int config_source_offer(struct config_source *c, struct err *e)
{
	if (content_copy(&c->offered, &c->mounted, e) < 0)
		return e->code;
	if (daemon_has_copy(c) && write_copy(&c->mounted, c->daemon_path, e) < 0)
		return err_wrap(e, "handing the configuration to tailscaled");
	return 0;
}

void config_source_loaded(struct config_source *c)
{
	content_fini(&c->in_force);
	c->in_force = c->offered;
	if (same_content(&c->in_force, &c->mounted))
		c->mounted_refused = false;
	c->offered = (struct config_content){.text = BUF_INIT(DAEMON_CONFIG_MAX)};
}

void config_source_refused(struct config_source *c)
{
	if (same_content(&c->offered, &c->mounted))
		c->mounted_refused = true;
}
