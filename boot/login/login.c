#include "boot/login/login_internal.h"

#include <stdlib.h>

#include "boot/bus/bus.h"
#include "boot/config/config_conditions.h"
#include "boot/login/login_conditions.h"
#include "boot/login/login_events.h"
#include "boot/login/reissue.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "lib/base/mem.h"
#include "statestore/statestore.h"

void login_post(struct login *l, enum login_event event)
{
	l->fn(l->arg, event);
}

static void on_retry(void *arg)
{
	login_post(arg, LOGIN_EVENT_RETRY);
}

static void on_grace_over(void *arg)
{
	login_post(arg, LOGIN_EVENT_GRACE_OVER);
}

void login_init(
	struct login *l, const struct login_partners *partners, login_event_fn fn, void *arg)
{
	*l = (struct login){
		.partners = *partners,
		.fn = fn,
		.arg = arg,
		.backoff = BACKOFF_INIT(
			partners->times->login_retry_base_ms, partners->times->login_retry_max_ms),
		.shown_state = IPN_STATE_UNKNOWN,
	};
	credentials_init(&l->credentials, partners->settings);
	timer_init(&l->retry, partners->loop, on_retry, l);
	timer_init(&l->grace, partners->loop, on_grace_over, l);
	timer_init(&l->let_in, partners->loop, login_let_in, l);
	login_init_command(l);
	login_init_registration(l);
}

static void free_reissue(struct login *l)
{
	if (l->reissue != NULL && reissue_is_asked(l->reissue))
		l->request_stands = true;
	reissue_free(l->reissue);
	l->reissue = NULL;
}

/* An operator removes the device of a node that asks for a key, so nothing may be asked for once
 * the node is logged in. */
static void withdraw_request(struct login *l)
{
	if (!l->request_stands)
		return;
	l->request_stands = false;
	/* A value other than the wanted one makes the store write. */
	statestore_known(l->store_ref, STORE_KEY_REISSUE_AUTHKEY, SECRET_SHOWN);
	statestore_set(l->store_ref, STORE_KEY_REISSUE_AUTHKEY, NULL);
}

static void stop_timers(struct login *l)
{
	timer_stop(&l->retry);
	timer_stop(&l->grace);
}

void login_fini(struct login *l)
{
	login_stop(l);
	credentials_fini(&l->credentials);
	free(l->deleted_id);
	free(l->failure);
	free(l->command_said);
}

void login_set_store(struct login *l, struct kube *kube, struct statestore *store)
{
	l->kube_ref = kube;
	l->store_ref = store;
}

void login_forget_daemon(struct login *l)
{
	login_cancel_command(l);
	registration_stop(&l->registration);
	timer_stop(&l->let_in);
	stop_timers(l);
	l->shown_state = IPN_STATE_UNKNOWN;
	l->shown_approval = false;
	l->waits_for_person = false;
	l->was_patient = false;
	l->needed_login = false;
	l->is_refused = false;
	l->has_warning = false;
	l->control_is_away = false;
	l->up_ran = false;
	l->set_ran = false;
}

void login_stop(struct login *l)
{
	registration_stop(&l->registration);
	timer_stop(&l->let_in);
	stop_timers(l);
	login_cancel_command(l);
	free_reissue(l);
}

void login_set_failure_take(struct login *l, char *text_take)
{
	free(l->failure);
	l->failure = text_take;
}

void login_log_failure(const struct login *l, const char *command)
{
	log_event(EV_NODE_COMMAND_FAILED, command, l->failure);
}

const char *login_failure(const struct login *l)
{
	return l->failure;
}

void login_show_approval(struct login *l)
{
	l->waits_for_person = true;
	if (!l->shown_approval)
		log_event(EV_NODE_APPROVAL);
	l->shown_approval = true;
	login_raise_reason(l, CONDITION_NEEDS_APPROVAL, "the device waits for approval");
}

void login_show_state(struct login *l)
{
	enum ipn_state state = l->partners.bus->facts.ipn_state;
	l->waits_for_person = false;
	if (state != l->shown_state)
		log_event(EV_NODE_STATE_WAIT, ipn_state_name(state));
	l->shown_state = state;
	if (state == IPN_STATE_STOPPED)
		login_decide_stopped(l);
}

void login_succeeded(struct login *l)
{
	l->succeeded_once = true;
	l->waits_for_person = false;
	l->was_patient = false;
	stop_timers(l);
	/* A tool that succeeded with the old map has proved nothing. */
	if (login_is_refused(l)) {
		login_decide_refused(l);
		return;
	}
	backoff_reset(&l->backoff);
	withdraw_request(l);
}

bool login_is_refused(const struct login *l)
{
	return l->is_refused || l->is_deleted;
}

bool login_waits_for_person(const struct login *l)
{
	return l->waits_for_person;
}

static void on_reissue_done(void *arg, const struct err *err)
{
	struct login *l = arg;
	if (err != NULL)
		login_set_failure_take(l, xstrdup(err->msg));
	login_post(l, err == NULL ? LOGIN_EVENT_KEY_ISSUED : LOGIN_EVENT_KEY_FAILED);
}

void login_start_reissue(struct login *l)
{
	const struct times *t = l->partners.times;
	struct reissue_options options = {
		.config_dir = l->partners.settings->config_dir,
		.config = l->partners.config,
		.secret = l->partners.settings->kube_secret,
		.limit_ms = t->reissue_limit_ms,
		.limit_shown_ms = times_get(false)->reissue_limit_ms,
		.retry_base_ms = t->retry_base_ms,
		.retry_max_ms = t->retry_max_ms,
	};
	stop_timers(l);
	condition_raise(l->partners.conditions, CONDITION_KEY_REISSUE_PENDING,
		"waiting for a new auth key");
	l->reissue = reissue_new(l->partners.loop, l->partners.api, l->kube_ref, l->store_ref,
		&options, on_reissue_done, l);
}

void login_key_issued(struct login *l)
{
	free_reissue(l);
	condition_clear(l->partners.conditions, CONDITION_KEY_REISSUE_PENDING);
}

void login_key_failed(struct login *l)
{
	free_reissue(l);
	condition_raise(l->partners.conditions, CONDITION_KEY_REISSUE_PENDING, "%s", l->failure);
}

void login_cancel_reissue(struct login *l)
{
	log_event(EV_REISSUE_CANCELLED);
	free_reissue(l);
	withdraw_request(l);
	condition_clear(l->partners.conditions, CONDITION_KEY_REISSUE_PENDING);
}
