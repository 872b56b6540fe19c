#include "boot/login/login_internal.h"

#include <stdlib.h>

#include "boot/bus/bus.h"
#include "boot/login/command.h"
#include "boot/login/login_conditions.h"
#include "boot/login/login_events.h"
#include "boot/login/login_reason.h"
#include "boot/settings/args.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/kube_secret.h"
#include "statestore/statestore.h"

/* The command has not ended in time. A Running node does not need it any more. */
static void on_limit(void *arg)
{
	struct login *l = arg;
	bool is_running = l->partners.bus->facts.ipn_state == IPN_STATE_RUNNING;
	unsigned long long seconds =
		(clock_now_ms() - l->command_since_ms + CLOCK_MS_PER_S / 2) / CLOCK_MS_PER_S;
	login_cancel_command(l);
	if (is_running && l->command_is_up) {
		log_event(EV_NODE_COMMAND_ABANDONED, seconds);
		login_post(l, LOGIN_EVENT_COMMAND_OK);
		return;
	}
	login_set_failure_take(l, xasprintf("it has not ended within %llu s", seconds));
	login_post(l, LOGIN_EVENT_COMMAND_FAILED);
}

void login_cancel_command(struct login *l)
{
	timer_stop(&l->limit);
	timer_stop(&l->failed);
	kube_cancel(l->key_call);
	l->key_call = NULL;
	command_cancel(l->command);
	l->command = NULL;
}

static void on_command_done(void *arg, const char *said, const struct err *err)
{
	struct login *l = arg;
	l->command = NULL;
	timer_stop(&l->limit);
	if (err == NULL) {
		login_post(l, LOGIN_EVENT_COMMAND_OK);
		return;
	}
	/* A command that fails because the daemon has ended is no failed login. The daemon may be
	 * reaped a moment later; then this failure is dropped. */
	l->command_error = *err;
	free(l->command_said);
	l->command_said = xstrdup(said);
	timer_start(&l->failed, l->partners.times->command_verdict_ms);
}

static void on_command_failed(void *arg)
{
	struct login *l = arg;
	const struct condition_kind *kind;
	const struct err *err = &l->command_error;
	AUTO(mem_free) char *reason = login_reason_of_command(l->command_said, &kind);
	/* The daemon's text takes precedence over the tool's: one cause, one text. */
	if (reason != NULL && !condition_is_raised(l->partners.conditions, kind))
		login_raise_reason(l, kind, reason);
	/* One that a signal has ended had not come to an error. */
	if (reason == NULL && str_starts(err->msg, "exit status"))
		reason = login_reason_last_line(l->command_said);
	login_set_failure_take(
		l, reason != NULL ? xasprintf("%s: %s", err->msg, reason) : xstrdup(err->msg));
	login_post(l, LOGIN_EVENT_COMMAND_FAILED);
}

void login_init_command(struct login *l)
{
	timer_init(&l->limit, l->partners.loop, on_limit, l);
	timer_init(&l->failed, l->partners.loop, on_command_failed, l);
}

/* The boot deadline bounds the first start, and a person may take their time. */
static void start_limit(struct login *l)
{
	if (l->succeeded_once && !l->waits_for_person)
		timer_start(&l->limit, l->partners.times->command_limit_ms);
	else
		timer_stop(&l->limit);
}

static void run_command(struct login *l, const struct strv *args, bool is_up)
{
	struct err e;
	l->command_is_up = is_up;
	l->command_since_ms = clock_now_ms();
	l->command =
		command_run(l->partners.procs, args, &l->credentials.mask, on_command_done, l, &e);
	if (l->command != NULL) {
		start_limit(l);
		return;
	}
	login_set_failure_take(l, xstrdup(e.msg));
	login_post(l, LOGIN_EVENT_COMMAND_FAILED);
}

static void raise_key_missing(struct login *l)
{
	const char *secret = l->partners.settings->kube_secret;
	AUTO(mem_free)
	char *text =
		l->store_ref != NULL && *secret != '\0'
			? xasprintf("no auth key was given, neither by TS_AUTHKEY nor by the key "
				    "authkey of the Secret %s: waiting for a login by hand",
				  secret)
			: xstrdup("no auth key was given: waiting for a login by hand");
	login_raise_reason(l, CONDITION_KEY_MISSING, text);
}

static void run_up(struct login *l)
{
	AUTO(strv_wipe) struct strv args = {0};
	log_event(EV_NODE_UP);
	l->up_ran = true;
	l->waits_for_person = !credentials_are_given(&l->credentials);
	if (l->waits_for_person && l->partners.bus->facts.ipn_state == IPN_STATE_NEEDS_LOGIN)
		raise_key_missing(l);
	args_tailscale_up(l->partners.settings, &l->credentials.stored, &args);
	run_command(l, &args, true);
}

static void adopt_stored(struct login *l, const struct kube_reply *reply)
{
	struct err e;
	AUTO(kube_fields_fini) struct kube_fields fields = {0};
	if (kube_secret_decode(reply->body, &fields, &e) < 0)
		return;
	const struct kube_field *field = kube_fields_get(&fields, STORE_KEY_AUTHKEY);
	if (field == NULL || field->len == 0 ||
		!credentials_set_stored(&l->credentials, field->value, field->len))
		return;
	log_event(EV_NODE_KEY_ADOPTED);
	login_post(l, LOGIN_EVENT_KEY_ADOPTED);
}

/* Without an answer the previous key is used: the daemon may accept it now. */
static void on_secret(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct login *l = arg;
	l->key_call = NULL;
	if (err == NULL)
		adopt_stored(l, reply);
	run_up(l);
}

void login_run_up(struct login *l)
{
	const struct settings *settings = l->partners.settings;
	/* A key may have been put into the Secret since it was read. The command itself reads a
	 * file:PATH key each time. */
	if (l->succeeded_once && l->kube_ref != NULL && settings_may_use_stored_authkey(settings))
		l->key_call = kube_secret_get(l->kube_ref, settings->kube_secret, on_secret, l);
	else
		run_up(l);
}

void login_run_set(struct login *l)
{
	AUTO(strv_wipe) struct strv args = {0};
	log_event(EV_NODE_SET);
	l->set_ran = true;
	args_tailscale_set(l->partners.settings, &args);
	run_command(l, &args, false);
}

void login_command_succeeded(struct login *l)
{
	l->waits_for_person = false;
}

void login_expect_command_end(struct login *l)
{
	l->waits_for_person = false;
	if (l->command != NULL)
		timer_start(&l->limit, l->partners.times->command_end_ms);
}

void login_await_command(struct login *l)
{
	if (l->command != NULL)
		start_limit(l);
}

void login_abandon_set(struct login *l)
{
	login_cancel_command(l);
	l->set_ran = false;
}
