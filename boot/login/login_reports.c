#include "boot/login/login_internal.h"

#include <stdlib.h>
#include <string.h>

#include "boot/bus/bus.h"
#include "boot/login/login_conditions.h"
#include "boot/login/login_reason.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define WARNING_LOGIN "login-state"

void login_raise_reason(struct login *l, const struct condition_kind *kind, const char *text)
{
	struct condition_set *conditions = l->partners.conditions;
	/* There is one cause at a time. */
	for (size_t i = 0; i < conditions->count; i++) {
		const struct condition_kind *other = conditions->items[i].kind;
		if (other != kind && login_reason_is_of_try(other))
			condition_clear(conditions, other);
	}
	AUTO(mem_free) char *masked = mask_text(&l->credentials.mask, text);
	AUTO(mem_free) char *reason = login_reason_text(masked);
	condition_raise(conditions, kind, "%s", reason);
}

/* A node with a saved map counts as Running independent of the control server. */
static void set_refused(struct login *l, const struct condition_kind *kind)
{
	l->is_refused = kind->readiness == CONDITION_BLOCKS;
	timer_stop(&l->let_in);
	if (l->is_refused)
		login_post(l, LOGIN_EVENT_REFUSED);
}

/* Reports KEY_REFUSED when a new key helps; arms the grace when the warning gives no reason.
 *  */
static void classify_warning(struct login *l, const struct ipn_warning *warning, bool is_awaited)
{
	const struct condition_kind *kind;
	bool is_known = login_reason_classify(warning->error, LOGIN_REASON_HEALTH, &kind);
	l->control_is_away = is_known && login_reason_is_away(kind);
	if (is_known)
		login_raise_reason(l, kind, warning->error);
	if (l->partners.bus->facts.ipn_state == IPN_STATE_RUNNING) {
		if (is_known)
			set_refused(l, kind);
		return;
	}
	if (!settings_is_one_step(l->partners.settings) || l->store_ref == NULL || !is_awaited)
		return;
	if (is_known && login_reason_is_key_refused(kind))
		login_post(l, LOGIN_EVENT_KEY_REFUSED);
	else if (!is_known && !timer_is_armed(&l->grace))
		timer_start(&l->grace, l->partners.times->refusal_grace_ms);
}

static void clear_reasons(struct login *l)
{
	struct condition_set *conditions = l->partners.conditions;
	for (size_t i = 0; i < conditions->count; i++) {
		const struct condition_kind *kind = conditions->items[i].kind;
		if (condition_is_of_group(kind, CONDITION_GROUP_LOGIN) &&
			!warnings_stands(&l->warnings, kind) &&
			!(l->is_deleted && kind == CONDITION_DEVICE_DELETED))
			condition_clear(conditions, kind);
	}
}

void login_let_in(void *login)
{
	struct login *l = login;
	timer_stop(&l->let_in);
	l->is_refused = false;
	clear_reasons(l);
	login_post(l, LOGIN_EVENT_LET_IN);
}

/* Each try begins by clearing the refusal of the previous one. */
static void let_in_later(struct login *l)
{
	if (!l->is_refused)
		login_let_in(l);
	else if (!timer_is_armed(&l->let_in))
		timer_start(&l->let_in, l->partners.times->let_in_ms);
}

void login_on_health(struct login *l, const struct ipn_notify *n, bool is_awaited)
{
	const struct ipn_warning *warning = ipn_notify_warning(n, WARNING_LOGIN);
	warnings_update(&l->warnings, l->partners.conditions, n);
	l->has_warning = warning != NULL;
	l->control_is_away = l->control_is_away && l->has_warning;
	if (warning != NULL)
		classify_warning(l, warning, is_awaited);
	else if (l->partners.bus->facts.ipn_state == IPN_STATE_RUNNING)
		let_in_later(l);
}

static void set_known(struct login *l)
{
	if (!l->is_deleted)
		return;
	l->is_deleted = false;
	condition_clear(l->partners.conditions, CONDITION_DEVICE_DELETED);
	login_post(l, LOGIN_EVENT_LET_IN);
}

static const char *own_id(const struct login *l)
{
	const char *id = l->partners.bus->facts.self.stable_id;
	return id != NULL ? id : "";
}

static void on_registration(void *arg, const char *why)
{
	struct login *l = arg;
	if (why == NULL) {
		set_known(l);
		return;
	}
	if (!l->is_deleted) {
		free(l->deleted_id);
		l->deleted_id = xstrdup(own_id(l));
	}
	l->is_deleted = true;
	condition_raise(l->partners.conditions, CONDITION_DEVICE_DELETED, "%s", why);
	login_post(l, LOGIN_EVENT_REFUSED);
}

void login_init_registration(struct login *l)
{
	registration_init(&l->registration, l->partners.loop, l->partners.api,
		l->partners.settings->registration_interval_ms, on_registration, l);
}

static bool is_expired(const struct selfnode *self)
{
	return self->known && self->key_expiry_s > 0 && self->key_expiry_s <= clock_wall();
}

/* Running after NeedsLogin is a login that was accepted. Otherwise the daemon may continue with its
 * saved map, and its warning stays until the daemon clears it. */
static void classify_running(struct login *l, const struct ipn_notify *n)
{
	registration_start(&l->registration);
	if (n->browse_to_url != NULL || n->auth_url != NULL)
		registration_look(&l->registration);
	/* A device that registers again gets another id. */
	if (l->is_deleted && (l->needed_login || strcmp(own_id(l), l->deleted_id) != 0))
		set_known(l);
	if (ipn_notify_state(n) != IPN_STATE_RUNNING)
		return;
	if (l->needed_login)
		l->has_warning = l->is_refused = false;
	l->needed_login = false;
	if (!n->has_health && !l->has_warning)
		let_in_later(l);
}

/* What the state itself shows of a lost login. */
static void classify_state(struct login *l, const struct ipn_notify *n, bool is_configured)
{
	struct condition_set *conditions = l->partners.conditions;
	const struct bus_facts *facts = &l->partners.bus->facts;
	bool needs_login = facts->ipn_state == IPN_STATE_NEEDS_LOGIN;
	if (facts->ipn_state == IPN_STATE_RUNNING) {
		classify_running(l, n);
		return;
	}
	registration_stop(&l->registration);
	l->needed_login = l->needed_login || needs_login;
	timer_stop(&l->let_in);
	l->is_refused = l->is_refused && !needs_login;
	if (!l->succeeded_once)
		return;
	if (needs_login && is_expired(&facts->self))
		condition_raise(conditions, CONDITION_NODE_KEY_EXPIRED, "the node key has expired");
	if (!n->has_prefs)
		return;
	/* A daemon that was just started without any state was not logged out. */
	if (n->logged_out && is_configured)
		condition_raise(conditions, CONDITION_LOGGED_OUT, "the node was logged out");
	else if (needs_login && !n->has_node_id && !is_configured)
		condition_raise(conditions, CONDITION_STATE_LOST,
			"tailscaled has come back without the state of the node");
	else if (facts->ipn_state == IPN_STATE_STOPPED && !n->want_running)
		condition_raise(conditions, CONDITION_STOPPED, LOGIN_STOPPED);
}

void login_on_notify(struct login *l, const struct ipn_notify *n, bool is_configured)
{
	bool is_running = l->partners.bus->facts.ipn_state == IPN_STATE_RUNNING;
	const struct condition_kind *kind;
	classify_state(l, n, is_configured);
	/* Reports to a running node may be about anything: only known ones count there. */
	if (n->error_message == NULL ||
		!login_reason_classify(n->error_message,
			is_running ? LOGIN_REASON_COMMAND : LOGIN_REASON_CONTROL, &kind))
		return;
	login_raise_reason(l, kind, n->error_message);
	if (is_running)
		set_refused(l, kind);
}

const char *login_reason(const struct login *l)
{
	const struct condition *c =
		condition_first_raised(l->partners.conditions, CONDITION_GROUP_LOGIN);
	return c != NULL ? c->reason : "";
}
