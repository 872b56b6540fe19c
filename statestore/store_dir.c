#include "statestore/store_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/io/timer.h"

#define VALUE_MAX (1024u * 1024)
#define STATE_FILE "tailscaled.state"

struct dir_backend {
	char *state_dir;
	char *published;
	/* A backend must answer from the loop. */
	struct timer written, listed;
	store_written_fn written_fn;
	void *written_arg;
	struct err write_error;
	store_listed_fn listed_fn;
	void *listed_arg;
	struct strv keys;
	struct err list_error;
};

/* Keys are file names: no path separators, no leading dot. */
static bool is_file_name(const char *key)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	return key[0] != '\0' && key[0] != '.' && strspn(key, allowed) == strlen(key);
}

static const char *describe(void *self)
{
	const struct dir_backend *b = self;
	return b->published;
}

static int write_one(const struct dir_backend *b, const struct store_change *c, struct err *e)
{
	if (!is_file_name(c->key))
		return err_set(e, -EINVAL, "key \"%s\" is no file name", c->key);
	AUTO(mem_free) char *path = xasprintf("%s/%s", b->published, c->key);
	if (c->value == NULL)
		return atomicfile_remove(path, e);
	if (atomicfile_make_dirs(b->published, 0700, e) < 0)
		return e->code;
	return atomicfile_write(path, c->value, strlen(c->value), 0600, e);
}

static void report_written(void *arg)
{
	struct dir_backend *b = arg;
	struct err e = b->write_error;
	b->written_fn(b->written_arg, e.code != 0 ? &e : NULL, 0);
}

static void write_changes(void *self, const struct store_change *changes, size_t count,
	store_written_fn fn, void *arg)
{
	struct dir_backend *b = self;
	b->written_fn = fn;
	b->written_arg = arg;
	b->write_error = (struct err){0};
	/* Changes made before one failed are made again, which is harmless. */
	for (size_t i = 0; i < count; i++) {
		if (write_one(b, &changes[i], &b->write_error) < 0)
			break;
	}
	timer_start(&b->written, 0);
}

static void report_listed(void *arg)
{
	struct dir_backend *b = arg;
	struct err e = b->list_error;
	b->listed_fn(b->listed_arg, &b->keys, e.code != 0 ? &e : NULL);
}

static int read_keys(struct dir_backend *b, struct err *e)
{
	AUTO(mem_free) char *path = xasprintf("%s/" STATE_FILE, b->state_dir);
	AUTO(buf_wipe) struct buf text = BUF_INIT(JSON_TEXT_MAX);
	if (atomicfile_read(path, &text, e) < 0)
		return e->code;
	/* A daemon that was killed before its first write leaves such a file, without keys. */
	if (text.len == 0)
		return 0;
	AUTO(json_freep) struct json *doc = json_parse(text.data, text.len, e);
	if (doc == NULL)
		return err_wrap(e, "%s", path);
	for (const struct json *m = json_first(doc); m != NULL; m = json_next(m)) {
		if (json_key(m) != NULL)
			strv_push(&b->keys, json_key(m));
	}
	return 0;
}

static void list_keys(void *self, store_listed_fn fn, void *arg)
{
	struct dir_backend *b = self;
	b->listed_fn = fn;
	b->listed_arg = arg;
	b->list_error = (struct err){0};
	strv_reset(&b->keys);
	if (read_keys(b, &b->list_error) < 0)
		strv_reset(&b->keys);
	timer_start(&b->listed, 0);
}

static void cancel(void *self)
{
	struct dir_backend *b = self;
	timer_stop(&b->written);
	timer_stop(&b->listed);
}

static void free_backend(void *self)
{
	struct dir_backend *b = self;
	cancel(b);
	strv_fini(&b->keys);
	free(b->state_dir);
	free(b->published);
	free(b);
}

void store_dir_backend(struct loop *loop, const char *state_dir, struct statestore_backend *out)
{
	struct dir_backend *b = xcalloc(1, sizeof(*b));
	b->state_dir = xstrdup(state_dir);
	b->published = xasprintf("%s/" STORE_DIR_PUBLISHED, state_dir);
	timer_init(&b->written, loop, report_written, b);
	timer_init(&b->listed, loop, report_listed, b);
	*out = (struct statestore_backend){
		describe, write_changes, list_keys, cancel, free_backend, b};
}

static void load_file(const char *published, const char *key, struct statestore *s)
{
	AUTO(mem_free) char *path = xasprintf("%s/%s", published, key);
	AUTO(buf_fini) struct buf value = BUF_INIT(VALUE_MAX);
	struct err unreadable;
	if (atomicfile_read(path, &value, &unreadable) == 0 &&
		strlen(buf_cstr(&value)) == value.len)
		statestore_known(s, key, buf_cstr(&value));
}

void store_dir_load_known(const char *state_dir, struct statestore *s)
{
	AUTO(mem_free) char *published = xasprintf("%s/" STORE_DIR_PUBLISHED, state_dir);
	atomicfile_remove_stale(published);
	DIR *dir = opendir(published);
	struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (is_file_name(entry->d_name))
			load_file(published, entry->d_name, s);
	}
	if (dir != NULL)
		closedir(dir);
}
