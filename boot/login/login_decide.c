#include "boot/login/login_internal.h"

#include "boot/bus/bus.h"
#include "boot/config/config_source.h"
#include "boot/login/login_conditions.h"
#include "boot/login/login_events.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"

/* In one-step mode the daemon logs in by itself: the only remedy is to request another key, after a
 * grace, because the state and the warning flicker while a login is under way. */
static void start_grace(struct login *l)
{
	if (!timer_is_armed(&l->grace))
		timer_start(&l->grace, l->partners.times->refusal_grace_ms);
}

bool login_wants_set(const struct login *l)
{
	return settings_is_two_step_once(l->partners.settings) && !l->set_ran;
}

bool login_wants_first_up(const struct login *l)
{
	const struct settings *settings = l->partners.settings;
	/* The reference logs in at every start of the container, in any state; a daemon restarted
	 * in place keeps its login unless its state was lost, which its state then shows. */
	bool always = !settings_is_one_step(settings) && !settings->auth_once;
	return always && !l->succeeded_once && !l->up_ran;
}

void login_decide(struct login *l)
{
	l->waits_for_person = false;
	if (settings_is_one_step(l->partners.settings))
		start_grace(l);
	else if (!l->up_ran)
		login_post(l, LOGIN_EVENT_WANT_UP);
	else
		login_retry_later(l);
}

/* The daemon has a key, and nothing is known against it: to ask for another one would cut it off in
 * the middle of the login that uses this one up. */
static bool is_trying(const struct login *l)
{
	return !l->was_patient && !l->has_warning &&
	       secret_is_set(config_source_authkey(l->partners.config));
}

/* The deadline of a short start leaves time to ask for a key. */
static uint64_t answer_ms(const struct login *l)
{
	uint64_t longest = l->partners.times->login_answer_ms;
	uint64_t part = l->partners.settings->boot_timeout_ms / 4;
	return !l->succeeded_once && part < longest ? part : longest;
}

void login_decide_refusal(struct login *l)
{
	bool needs_login = l->partners.bus->facts.ipn_state == IPN_STATE_NEEDS_LOGIN;
	if (!needs_login && !l->has_warning)
		return;
	/* A new key does not help while control is unreachable; the daemon tries again by
	 * itself. */
	if (l->control_is_away) {
		timer_start(&l->grace, l->partners.times->refusal_grace_ms);
		return;
	}
	if (is_trying(l)) {
		l->was_patient = true;
		timer_start(&l->grace, answer_ms(l));
		return;
	}
	if (l->store_ref != NULL) {
		login_post(l, LOGIN_EVENT_KEY_REFUSED);
		return;
	}
	if (!needs_login)
		return;
	if (condition_first_raised(l->partners.conditions, CONDITION_GROUP_LOGIN) == NULL)
		condition_raise(l->partners.conditions, CONDITION_KEY_MISSING,
			"tailscaled started with a config file, but tailscale is not logged in");
	login_post(l, LOGIN_EVENT_NO_KEY);
}

void login_request_key(struct login *l)
{
	if (l->partners.bus->facts.ipn_state == IPN_STATE_NEEDS_LOGIN)
		log_event(EV_REISSUE_NEEDS_LOGIN);
	else
		log_event(EV_REISSUE_KEY_FAILED);
	login_post(l, LOGIN_EVENT_WANT_REISSUE);
}

void login_decide_refused(struct login *l)
{
	if (settings_is_one_step(l->partners.settings) && l->has_warning)
		start_grace(l);
	else if (settings_is_one_step(l->partners.settings) ||
		 credentials_are_given(&l->credentials))
		login_retry_later(l);
}

/* In one-step mode the daemon itself logs in, when it starts. */
static void recover_one_step(struct login *l, enum ipn_state state)
{
	if (state == IPN_STATE_RUNNING && !l->has_warning)
		login_post(l, LOGIN_EVENT_WANT_RESTART);
	else if (state == IPN_STATE_STOPPED)
		login_post(l, LOGIN_EVENT_WANT_RELOAD);
	else
		start_grace(l);
}

void login_decide_recovery(struct login *l)
{
	enum ipn_state state = l->partners.bus->facts.ipn_state;
	bool is_one_step = settings_is_one_step(l->partners.settings);
	bool is_lost = state == IPN_STATE_NEEDS_LOGIN || state == IPN_STATE_STOPPED;
	bool is_refused = state == IPN_STATE_RUNNING && login_is_refused(l);
	/* A login that was refused in between, as after a new key that did not arrive. */
	bool is_stuck = is_one_step && state != IPN_STATE_RUNNING && l->has_warning;
	if (!is_lost && !is_refused && !is_stuck)
		return;
	if (!is_one_step) {
		login_post(l, LOGIN_EVENT_WANT_UP);
		return;
	}
	recover_one_step(l, state);
	if (!is_refused)
		login_retry_later(l);
}

/* At the first start it is switched on without a pause: the boot deadline does not wait. In
 * one-step mode the configuration file says whether it is on. */
void login_decide_stopped(struct login *l)
{
	condition_raise(l->partners.conditions, CONDITION_STOPPED, LOGIN_STOPPED);
	if (l->succeeded_once)
		login_retry_later(l);
	else if (!settings_is_one_step(l->partners.settings) && !l->up_ran)
		login_post(l, LOGIN_EVENT_WANT_UP);
}

void login_retry_later(struct login *l)
{
	if (l->succeeded_once && !timer_is_armed(&l->retry))
		timer_start(&l->retry, backoff_next(&l->backoff));
}
