#include "boot/config/confwatch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "boot/config/config_conditions.h"
#include "boot/config/config_events.h"
#include "boot/config/daemon_config.h"
#include "lib/base/backoff.h"
#include "lib/base/buf.h"
#include "lib/base/condition.h"
#include "lib/base/digest.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/io/fswatch.h"
#include "lib/io/timer.h"
#include "lib/localapi/localapi.h"

struct confwatch {
	struct localapi *api_ref;
	struct condition_set *conditions_ref;
	char *path;
	struct digest
		loaded; /* of the bytes the daemon was told to load last, or has from its start */
	struct digest asked; /* of the bytes of the call under way */
	struct fswatch *watch;
	struct localapi_call *call;
	struct timer retry;
	struct backoff backoff;
};

/* 0 with the digest of a file that would load. */
static int read_valid(struct confwatch *c, struct digest *digest, struct err *e)
{
	AUTO(buf_wipe) struct buf text = BUF_INIT(DAEMON_CONFIG_MAX);
	if (atomicfile_read(c->path, &text, e) < 0)
		return err_wrap(e, "reading tailscaled config");
	digest_of(text.data, text.len, digest);
	if (digest_equal(digest, &c->loaded))
		return 0;
	return daemon_config_check(c->path, e);
}

static void on_reloaded(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct confwatch *c = arg;
	struct err ignored;
	c->call = NULL;
	if (err != NULL) {
		condition_raise(c->conditions_ref, CONDITION_CONFIG_RELOAD_FAILED, "%s", err->msg);
		timer_start(&c->retry, backoff_next(&c->backoff));
		return;
	}
	backoff_reset(&c->backoff);
	condition_clear(c->conditions_ref, CONDITION_CONFIG_RELOAD_FAILED);
	c->loaded = c->asked;
	AUTO(json_freep) struct json *body = json_parse(reply->body, reply->len, &ignored);
	if (json_bool(json_get_fold(body, "Reloaded"), false))
		log_event(EV_CONFIG_RELOADED);
	/* The file may have changed while the daemon was loading. */
	timer_start(&c->retry, 0);
}

static void look(void *arg)
{
	struct confwatch *c = arg;
	struct err e;
	struct digest digest;
	if (c->call != NULL)
		return;
	if (read_valid(c, &digest, &e) < 0) {
		condition_raise(c->conditions_ref, CONDITION_CONFIG_INVALID, "%s", e.msg);
		return;
	}
	condition_clear(c->conditions_ref, CONDITION_CONFIG_INVALID);
	if (digest_equal(&digest, &c->loaded)) {
		condition_clear(c->conditions_ref, CONDITION_CONFIG_RELOAD_FAILED);
		return;
	}
	log_event(EV_CONFIG_CHANGED);
	timer_stop(&c->retry);
	c->asked = digest;
	c->call = localapi_reload_config(c->api_ref, on_reloaded, c);
}

struct confwatch *confwatch_new(struct loop *loop, struct localapi *api,
	struct condition_set *conditions, const struct confwatch_options *options)
{
	struct confwatch *c = xcalloc(1, sizeof(*c));
	struct err ignored;
	c->api_ref = api;
	c->conditions_ref = conditions;
	c->path = xstrdup(options->path);
	c->backoff = BACKOFF_INIT(options->retry_base_ms, options->retry_max_ms);
	timer_init(&c->retry, loop, look, c);
	/* Unreadable now: whatever is readable later counts as changed. */
	AUTO(buf_wipe) struct buf text = BUF_INIT(DAEMON_CONFIG_MAX);
	if (atomicfile_read(c->path, &text, &ignored) == 0)
		digest_of(text.data, text.len, &c->loaded);
	c->watch = fswatch_new_for_file(loop, options->path, options->debounce_ms, look, c);
	return c;
}

void confwatch_free(struct confwatch *c)
{
	if (c == NULL)
		return;
	localapi_cancel(c->call);
	timer_stop(&c->retry);
	fswatch_free(c->watch);
	free(c->path);
	free(c);
}

void confwatch_reload(struct confwatch *c)
{
	memset(&c->loaded, 0, sizeof(c->loaded));
	look(c);
}
