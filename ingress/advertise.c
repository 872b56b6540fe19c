#include "ingress/advertise.h"

#include <errno.h>
#include <stdlib.h>

#include "ingress/ingress_conditions.h"
#include "ingress/ingress_events.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/localapi/localapi.h"

struct advertise {
	struct localapi *api_ref;
	struct condition_set *conditions_ref;
	bool automatic;
	uint32_t grace_ms;
	struct backoff backoff;
	struct timer retry;
	uint32_t pause_ms;
	struct timer next;   /* check */
	uint64_t checked_ms; /* 0 = never */

	struct localapi_call *call; /* refresh or withdrawal, one at a time */
	struct strv wanted;         /* being advertised */
	struct strv advertised;     /* by us, to this daemon process */
	struct strv withheld;       /* never */
	bool is_stale;              /* a refresh was requested while a call was under way */

	/* withdrawal */
	bool is_withdrawing;
	struct timer grace;
	struct timer limit;
	struct err failure; /* code 0: none */
	void (*done_fn)(void *arg, const struct err *err);
	void *done_arg;
};

static void refresh(void *arg);

static void try_again(struct advertise *a, const struct err *err)
{
	condition_raise(a->conditions_ref, CONDITION_ADVERTISE_FAILED, "%s", err->msg);
	timer_start(&a->retry, backoff_next(&a->backoff));
}

static void refreshed(struct advertise *a)
{
	condition_clear(a->conditions_ref, CONDITION_ADVERTISE_FAILED);
	backoff_reset(&a->backoff);
	if (a->is_stale)
		timer_start(&a->retry, 0);
	a->is_stale = false;
}

static void on_advertised(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct advertise *a = arg;
	(void)reply;
	a->call = NULL;
	if (err != NULL) {
		try_again(a, err);
		return;
	}
	strv_copy(&a->advertised, &a->wanted);
	refreshed(a);
}

static void advertise(struct advertise *a)
{
	a->call = localapi_advertise(a->api_ref, &a->wanted, on_advertised, a);
}

static int advertised_names(const struct localapi_reply *reply, struct strv *out, struct err *e)
{
	AUTO(json_freep) struct json *prefs = json_parse(reply->body, reply->len, e);
	if (prefs == NULL || json_get_strv(prefs, "AdvertiseServices", out, e) < 0)
		return err_wrap(e, "prefs of tailscaled");
	return 0;
}

/* What we have advertised may have been withdrawn by others. */
static void on_prefs_seen(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct advertise *a = arg;
	AUTO(strv_fini) struct strv now = {0};
	struct err e;
	a->call = NULL;
	if (err == NULL && advertised_names(reply, &now, &e) < 0)
		err = &e;
	if (err != NULL) {
		try_again(a, err);
		return;
	}
	strv_sort(&now);
	if (strv_equal(&now, &a->wanted))
		refreshed(a);
	else
		advertise(a);
}

static int service_names(const struct advertise *a, const struct localapi_reply *reply,
	struct strv *out, struct err *e)
{
	AUTO(json_freep) struct json *config = json_parse(reply->body, reply->len, e);
	if (config == NULL)
		return err_wrap(e, "serve config of the daemon");
	const struct json *services = json_get_fold(config, "Services");
	for (const struct json *s = json_first(services); s != NULL; s = json_next(s)) {
		if (json_key(s) != NULL && !strv_contains(&a->withheld, json_key(s)))
			strv_push(out, json_key(s));
	}
	strv_sort(out);
	return 0;
}

static void on_serve_config(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct advertise *a = arg;
	struct err e;
	a->call = NULL;
	strv_reset(&a->wanted);
	if (err == NULL && service_names(a, reply, &a->wanted, &e) < 0)
		err = &e;
	if (err != NULL) {
		try_again(a, err);
		return;
	}
	/* Without Services we have never advertised anything, and what others have set is left
	 * alone. */
	if (!strv_equal(&a->wanted, &a->advertised))
		advertise(a);
	else if (a->wanted.len > 0)
		a->call = localapi_prefs_get(a->api_ref, on_prefs_seen, a);
	else
		refreshed(a);
}

static void refresh(void *arg)
{
	struct advertise *a = arg;
	if (!a->automatic || a->is_withdrawing)
		return;
	if (a->call != NULL) {
		a->is_stale = true;
		return;
	}
	timer_stop(&a->retry);
	timer_stop(&a->next);
	a->checked_ms = clock_now_ms();
	a->call = localapi_serve_get(a->api_ref, on_serve_config, a);
}

static void finish_withdrawal(struct advertise *a)
{
	timer_stop(&a->grace);
	timer_stop(&a->limit);
	localapi_cancel(a->call);
	a->call = NULL;
	/* The callback may free us. */
	struct err failure = a->failure;
	a->done_fn(a->done_arg, failure.code != 0 ? &failure : NULL);
}

static void on_grace_over(void *arg)
{
	finish_withdrawal(arg);
}

static void on_limit(void *arg)
{
	struct advertise *a = arg;
	err_set(&a->failure, -ETIMEDOUT, "tailscaled did not answer in time");
	finish_withdrawal(a);
}

static void on_withdrawn(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct advertise *a = arg;
	(void)reply;
	a->call = NULL;
	if (err != NULL) {
		a->failure = *err;
		finish_withdrawal(a);
		return;
	}
	timer_stop(&a->limit);
	timer_start(&a->grace, a->grace_ms);
}

static void on_prefs(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct advertise *a = arg;
	AUTO(strv_fini) struct strv services = {0};
	a->call = NULL;
	if (err != NULL) {
		a->failure = *err;
		finish_withdrawal(a);
		return;
	}
	if (advertised_names(reply, &services, &a->failure) < 0) {
		finish_withdrawal(a);
		return;
	}
	if (services.len == 0) {
		finish_withdrawal(a);
		return;
	}
	AUTO(mem_free) char *names = strv_join(&services, " ");
	log_event(EV_ADVERTISE_WITHDRAWING, names);
	a->call = localapi_advertise(a->api_ref, NULL, on_withdrawn, a);
}

struct advertise *advertise_new(struct loop *loop, struct localapi *api,
	struct condition_set *conditions, const struct advertise_options *options)
{
	struct advertise *a = xcalloc(1, sizeof(*a));
	a->api_ref = api;
	a->conditions_ref = conditions;
	a->automatic = options->automatic;
	a->backoff = BACKOFF_INIT(options->retry_base_ms, options->retry_max_ms);
	a->pause_ms = options->pause_ms;
	timer_init(&a->retry, loop, refresh, a);
	timer_init(&a->next, loop, refresh, a);
	timer_init(&a->grace, loop, on_grace_over, a);
	timer_init(&a->limit, loop, on_limit, a);
	return a;
}

void advertise_free(struct advertise *a)
{
	if (a == NULL)
		return;
	localapi_cancel(a->call);
	timer_stop(&a->retry);
	timer_stop(&a->next);
	timer_stop(&a->grace);
	timer_stop(&a->limit);
	strv_fini(&a->wanted);
	strv_fini(&a->advertised);
	strv_fini(&a->withheld);
	free(a);
}

void advertise_refresh(struct advertise *a)
{
	refresh(a);
}

void advertise_look(struct advertise *a)
{
	/* A failed one is retried by its own timer. */
	if (!a->automatic || timer_is_armed(&a->retry) || timer_is_armed(&a->next))
		return;
	timer_start_at(&a->next, a->checked_ms > 0 ? a->checked_ms + a->pause_ms : 0);
}

void advertise_withhold(struct advertise *a, const struct strv *services)
{
	strv_copy(&a->withheld, services);
}

void advertise_forget(struct advertise *a)
{
	if (a->is_withdrawing)
		return;
	localapi_cancel(a->call);
	a->call = NULL;
	a->is_stale = false;
	timer_stop(&a->retry);
	timer_stop(&a->next);
	strv_reset(&a->advertised);
}

void advertise_withdraw(struct advertise *a, uint32_t calls_ms, uint32_t grace_ms,
	void (*fn)(void *arg, const struct err *err), void *arg)
{
	advertise_forget(a);
	a->is_withdrawing = true;
	a->failure = (struct err){0};
	a->done_fn = fn;
	a->done_arg = arg;
	a->grace_ms = grace_ms;
	timer_start(&a->limit, calls_ms);
	a->call = localapi_prefs_get(a->api_ref, on_prefs, a);
}
