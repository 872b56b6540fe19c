#include "ingress/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ingress/ingress_conditions.h"
#include "ingress/ingress_events.h"
#include "ingress/serve_watch.h"
#include "lib/base/backoff.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/io/fswatch.h"
#include "lib/io/timer.h"
#include "lib/localapi/localapi.h"
#include "statestore/statestore.h"

#define RESTORED_LOG_MS 60000

struct serve {
	struct localapi *api_ref;
	struct statestore *store_ref;
	struct condition_set *conditions_ref;
	serve_accepted_fn fn;
	void *arg;
	char *path;
	char *domain;         /* NULL until known */
	char *suffix;         /* "" until known */
	char *unknown_logged; /* in the last log line; NULL = none */
	bool is_paused;
	struct serve_plan current; /* last accepted; document NULL = none */
	bool is_lost;              /* the daemon may not have it, and needs it again */
	bool is_stale;             /* the domain has changed: to be posted again */
	struct serve_plan pending; /* under way */
	struct localapi_call *call;
	struct serve_watch *served;
	bool is_restoring;           /* the daemon has lost it while it runs */
	uint64_t restored_logged_ms; /* 0 = never */
	struct fswatch *watch;
	struct timer retry;
	struct backoff backoff;
	enum serve_shown {
		SHOWN_NOTHING,
		SHOWN_MISSING,
		SHOWN_EMPTY
	} shown;
};

static void look(void *arg);

static void accepted(struct serve *s)
{
	serve_plan_fini(&s->current);
	s->current = s->pending;
	s->pending = (struct serve_plan){0};
	s->is_lost = false;
	s->is_stale = false;
	s->is_restoring = false;
	condition_clear(s->conditions_ref, CONDITION_SERVE_APPLY_FAILED);
	backoff_reset(&s->backoff);
	if (s->store_ref != NULL)
		statestore_set(s->store_ref, STORE_KEY_HTTPS_ENDPOINT, s->domain);
	s->fn(s->arg, &s->current);
}

static void on_applied(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct serve *s = arg;
	(void)reply;
	s->call = NULL;
	if (err != NULL) {
		/* Whether it has taken effect is not known. */
		s->is_lost = true;
		condition_raise(s->conditions_ref, CONDITION_SERVE_APPLY_FAILED, "%s", err->msg);
		timer_start(&s->retry, backoff_next(&s->backoff));
		return;
	}
	/* The file may have changed meanwhile. */
	timer_start(&s->retry, 0);
	serve_watch_start(s->served, s->pending.document);
	accepted(s);
}

/* Logs an absent or empty file once. */
static void show(struct serve *s, enum serve_shown what)
{
	if (s->shown != what && what == SHOWN_EMPTY)
		log_event(EV_SERVE_EMPTY);
	if (s->shown != what && what != SHOWN_NOTHING)
		log_event(EV_SERVE_MISSING, s->path);
	s->shown = what;
}

/* Logged once, until they change. */
static void log_unknown(struct serve *s, const struct strv *unknown)
{
	char *text = unknown->len > 0 ? strv_join(unknown, ", ") : NULL;
	bool is_news =
		text != NULL && (s->unknown_logged == NULL || strcmp(text, s->unknown_logged) != 0);
	if (is_news)
		log_event(EV_SERVE_UNKNOWN, s->path, text);
	free(s->unknown_logged);
	s->unknown_logged = text;
}

/* Reads the file into s->pending; false when there is nothing usable, which is logged. */
static bool read_plan(struct serve *s)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(JSON_TEXT_MAX);
	struct err e;
	int code = atomicfile_read(s->path, &text, &e);
	if (code == -ENOENT || (code == 0 && text.len == 0)) {
		show(s, code == 0 ? SHOWN_EMPTY : SHOWN_MISSING);
		condition_clear(s->conditions_ref, CONDITION_SERVE_CONFIG_INVALID);
		return false;
	}
	show(s, SHOWN_NOTHING);
	if (code == 0) {
		struct serve_names names = {s->domain, s->suffix};
		code = serve_plan_make(text.data, text.len, &names, &s->pending, &e);
		if (code < 0)
			err_wrap(&e, "%s", s->path);
	}
	if (code < 0) {
		condition_raise(s->conditions_ref, CONDITION_SERVE_CONFIG_INVALID,
			"serve proxy: failed to read serve config: %s", e.msg);
		return false;
	}
	condition_clear(s->conditions_ref, CONDITION_SERVE_CONFIG_INVALID);
	log_unknown(s, &s->pending.unknown);
	return true;
}

/* The plan that the daemon had before. */
static void plan_current(struct serve *s)
{
	serve_plan_fini(&s->pending);
	s->pending.document = xstrdup(s->current.document);
	s->pending.needs_https = s->current.needs_https;
	strv_copy(&s->pending.cert_domains, &s->current.cert_domains);
	strv_copy(&s->pending.services, &s->current.services);
	strv_copy(&s->pending.withheld, &s->current.withheld);
}

/* True when there is a plan to carry out in s->pending. */
static bool make_plan(struct serve *s)
{
	if (read_plan(s))
		return s->is_lost || s->is_stale || s->current.document == NULL ||
		       strcmp(s->current.document, s->pending.document) != 0;
	/* What failed is no longer wanted, and there was nothing before it. */
	if (s->current.document == NULL)
		condition_clear(s->conditions_ref, CONDITION_SERVE_APPLY_FAILED);
	if (!s->is_lost || s->current.document == NULL)
		return false;
	plan_current(s);
	return true;
}

static void look(void *arg)
{
	struct serve *s = arg;
	if (s->domain == NULL || s->is_paused || s->call != NULL || !make_plan(s))
		return;
	timer_stop(&s->retry);
	serve_watch_stop(s->served);
	if (s->pending.needs_https && strcmp(s->domain, SERVE_NO_HTTPS) == 0) {
		log_event(EV_SERVE_NO_HTTPS);
		accepted(s);
		return;
	}
	if (!s->is_restoring)
		log_event(EV_SERVE_APPLYING);
	s->call = localapi_serve_set(s->api_ref, s->pending.document, on_applied, s);
}

/* One line per interval, however often it is cleared. */
static void on_cleared(void *arg)
{
	struct serve *s = arg;
	uint64_t now_ms = clock_now_ms();
	s->is_lost = s->is_restoring = true;
	timer_start(&s->retry, 0);
	if (s->restored_logged_ms != 0 && now_ms - s->restored_logged_ms < RESTORED_LOG_MS)
		return;
	s->restored_logged_ms = now_ms;
	log_event(EV_SERVE_RESTORING);
}

struct serve *serve_new(struct loop *loop, struct localapi *api, struct statestore *store,
	struct condition_set *conditions, const struct serve_options *options, serve_accepted_fn fn,
	void *arg)
{
	struct serve *s = xcalloc(1, sizeof(*s));
	s->api_ref = api;
	s->store_ref = store;
	s->conditions_ref = conditions;
	s->fn = fn;
	s->arg = arg;
	s->path = xstrdup(options->path);
	s->suffix = xstrdup("");
	s->backoff = BACKOFF_INIT(options->retry_base_ms, options->retry_max_ms);
	timer_init(&s->retry, loop, look, s);
	s->served = serve_watch_new(loop, api, options->watch_ms, on_cleared, s);
	s->watch = fswatch_new_for_file(loop, options->path, options->debounce_ms, look, s);
	return s;
}

void serve_free(struct serve *s)
{
	if (s == NULL)
		return;
	localapi_cancel(s->call);
	serve_watch_free(s->served);
	fswatch_free(s->watch);
	timer_stop(&s->retry);
	serve_plan_fini(&s->pending);
	serve_plan_fini(&s->current);
	free(s->domain);
	free(s->suffix);
	free(s->unknown_logged);
	free(s->path);
	free(s);
}

void serve_set_cert_domain(struct serve *s, const char *domain)
{
	if (s->domain != NULL && strcmp(s->domain, domain) == 0)
		return;
	free(s->domain);
	s->domain = xstrdup(domain);
	/* The endpoint changes even when the document does not. */
	s->is_stale = true;
	timer_start(&s->retry, 0);
}

void serve_set_suffix(struct serve *s, const char *suffix)
{
	if (strcmp(s->suffix, suffix) == 0)
		return;
	free(s->suffix);
	s->suffix = xstrdup(suffix);
	timer_start(&s->retry, 0);
}

void serve_pause(struct serve *s)
{
	s->is_paused = true;
	serve_watch_stop(s->served);
	localapi_cancel(s->call);
	s->call = NULL;
	timer_stop(&s->retry);
}

void serve_reapply(struct serve *s)
{
	s->is_paused = false;
	s->is_lost = true;
	timer_start(&s->retry, 0);
}
