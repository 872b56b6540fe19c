#include "boot/config/confwatch.h"

#include <stdlib.h>

#include "boot/config/config_conditions.h"
#include "boot/config/config_events.h"
#include "boot/config/config_source.h"
#include "lib/base/backoff.h"
#include "lib/base/condition.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/fswatch.h"
#include "lib/io/timer.h"
#include "lib/localapi/localapi.h"

struct confwatch {
	struct localapi *api_ref;
	struct condition_set *conditions_ref;
	struct config_source *source_ref;
	struct confwatch_events events;
	struct fswatch *watch;
	struct localapi_call *call;
	struct timer retry;
	struct backoff backoff;
	bool is_forced; /* the same bytes must be loaded again */
};

static void retry_later(struct confwatch *c, const char *reason)
{
	condition_raise(c->conditions_ref, CONDITION_CONFIG_RELOAD_FAILED, "%s", reason);
	timer_start(&c->retry, backoff_next(&c->backoff));
}

static void on_reloaded(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct confwatch *c = arg;
	struct err ignored;
	c->call = NULL;
	if (err != NULL) {
		/* A daemon that is not running has refused nothing. */
		if (reply->status != 0)
			config_source_refused(c->source_ref);
		retry_later(c, err->msg);
		return;
	}
	backoff_reset(&c->backoff);
	condition_clear(c->conditions_ref, CONDITION_CONFIG_RELOAD_FAILED);
	config_source_loaded(c->source_ref);
	c->events.on_loaded(c->events.arg);
	AUTO(json_freep) struct json *body = json_parse(reply->body, reply->len, &ignored);
	if (json_bool(json_get_fold(body, "Reloaded"), false))
		log_event(EV_CONFIG_RELOADED);
	/* The file may have changed while the daemon was loading. */
	timer_start(&c->retry, 0);
}

static void reload(struct confwatch *c)
{
	struct err e;
	log_event(EV_CONFIG_CHANGED);
	timer_stop(&c->retry);
	c->is_forced = false;
	if (config_source_offer(c->source_ref, &e) < 0)
		retry_later(c, e.msg);
	else
		c->call = localapi_reload_config(c->api_ref, on_reloaded, c);
}

static void restart(struct confwatch *c)
{
	log_event(EV_CONFIG_RESTART, c->source_ref->mounted.path);
	c->events.on_restart(c->events.arg);
}

static void look(void *arg)
{
	struct confwatch *c = arg;
	struct err e;
	if (c->call != NULL)
		return;
	if (config_source_read(c->source_ref, &e) < 0) {
		condition_raise(c->conditions_ref, CONDITION_CONFIG_INVALID, "%s", e.msg);
		return;
	}
	condition_clear(c->conditions_ref, CONDITION_CONFIG_INVALID);
	enum config_pending pending = config_source_pending(c->source_ref);
	bool needs_new_key = config_source_has_untried_authkey(c->source_ref) &&
			     c->events.needs_login(c->events.arg);
	if (pending == CONFIG_PENDING_RESTART || needs_new_key)
		restart(c);
	else if (pending == CONFIG_PENDING_RELOAD || c->is_forced)
		reload(c);
	else
		condition_clear(c->conditions_ref, CONDITION_CONFIG_RELOAD_FAILED);
}

struct confwatch *confwatch_new(struct loop *loop, struct localapi *api,
	struct condition_set *conditions, const struct confwatch_options *options,
	const struct confwatch_events *events)
{
	struct confwatch *c = xcalloc(1, sizeof(*c));
	c->api_ref = api;
	c->conditions_ref = conditions;
	c->source_ref = options->source;
	c->events = *events;
	c->backoff = BACKOFF_INIT(options->retry_base_ms, options->retry_max_ms);
	timer_init(&c->retry, loop, look, c);
	c->watch = fswatch_new(loop, options->dir, options->debounce_ms, look, c);
	timer_start(&c->retry, 0);
	return c;
}

void confwatch_free(struct confwatch *c)
{
	if (c == NULL)
		return;
	localapi_cancel(c->call);
	timer_stop(&c->retry);
	fswatch_free(c->watch);
	free(c);
}

void confwatch_reload(struct confwatch *c)
{
	c->is_forced = true;
	look(c);
}
