/*
 * What the bus tells: facts of the node, conditions with their reasons, and events of the node's
 * table.
 */
#include "boot/supervisor.h"

#include <string.h>
#include <time.h>

#include "boot/boot_conditions.h"
#include "boot/login/login_conditions.h"
#include "boot/login/login_reason.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define WARNING_LOGIN "login-state"

/* Warnings of the daemon that are conditions of their own, for as long as they stand. */
static const struct {
	const char *warning;
	const struct condition_kind *code;
} health_conditions[] = {
	{"state-store-health", CONDITION_STATE_STORE_FAILED},
	{"tailnet-lock", CONDITION_NODE_LOCKED},
	{"network-status", CONDITION_NETWORK_DOWN},
};

void node_bus_opened(void *supervisor)
{
	struct supervisor *s = supervisor;
	condition_clear(&s->conditions, CONDITION_BUS_LOST);
	supervisor_post(s, NODE_EVENT_BUS_OPEN);
}

void node_bus_lost(void *supervisor, const struct err *why)
{
	struct supervisor *s = supervisor;
	condition_raise(
		&s->conditions, CONDITION_BUS_LOST, "failed to read from tailscaled: %s", why->msg);
}

void node_post_ipn_state(struct supervisor *s)
{
	switch (s->ipn_state) {
	case IPN_STATE_RUNNING:
		supervisor_post(s, NODE_EVENT_RUNNING);
		break;
	case IPN_STATE_NEEDS_LOGIN:
		supervisor_post(s, NODE_EVENT_NEEDS_LOGIN);
		break;
	case IPN_STATE_NEEDS_MACHINE_AUTH:
		supervisor_post(s, NODE_EVENT_NEEDS_APPROVAL);
		break;
	case IPN_STATE_NO_STATE:
	case IPN_STATE_IN_USE_OTHER_USER:
	case IPN_STATE_STOPPED:
	case IPN_STATE_STARTING:
		supervisor_post(s, NODE_EVENT_OTHER_STATE);
		break;
	case IPN_STATE_UNKNOWN:
		break;
	}
}

void node_raise_login_reason(
	struct supervisor *s, const struct condition_kind *code, const char *text)
{
	/* There is one cause at a time. */
	for (size_t i = 0; i < s->conditions.count; i++) {
		const struct condition_kind *other = s->conditions.items[i].kind;
		if (other != code && login_reason_is_of_try(other))
			condition_clear(&s->conditions, other);
	}
	AUTO(mem_free) char *masked = mask_text(&s->mask, text);
	AUTO(mem_free) char *reason = login_reason_text(masked);
	condition_raise(&s->conditions, code, "%s", reason);
}

/* Posts KEY_REFUSED when a new key is the cure; arms the grace when the warning gives no reason. */
static void judge_login_warning(struct supervisor *s, const struct ipn_warning *warning)
{
	const struct condition_kind *code;
	bool told = login_reason_classify(warning->error, LOGIN_REASON_HEALTH, &code);
	s->control_is_away = told && login_reason_is_away(code);
	if (told)
		node_raise_login_reason(s, code, warning->error);
	if (!settings_is_one_step(s->settings) || !s->has_kube_store || s->state != NODE_STATE_AUTH)
		return;
	if (told && login_reason_is_key_refused(code))
		supervisor_post(s, NODE_EVENT_KEY_REFUSED);
	else if (!told && !timer_is_armed(&s->refusal))
		timer_start(&s->refusal, s->times->refusal_grace_ms);
}

static void take_health(struct supervisor *s, const struct ipn_notify *n)
{
	s->health_codes = 0;
	for (size_t i = 0; i < ARRAY_LEN(health_conditions); i++) {
		const struct ipn_warning *w = ipn_notify_warning(n, health_conditions[i].warning);
		if (w == NULL) {
			condition_clear(&s->conditions, health_conditions[i].code);
			continue;
		}
		s->health_codes |= 1u << i;
		condition_raise(&s->conditions, health_conditions[i].code, "%s",
			w->text[0] != '\0' ? w->text : w->title);
	}
	const struct ipn_warning *login = ipn_notify_warning(n, WARNING_LOGIN);
	s->login_warning = login != NULL;
	s->control_is_away = s->control_is_away && s->login_warning;
	if (login != NULL && s->ipn_state != IPN_STATE_RUNNING)
		judge_login_warning(s, login);
}

static bool stands_by_health(const struct supervisor *s, const struct condition_kind *code)
{
	for (size_t i = 0; i < ARRAY_LEN(health_conditions); i++) {
		if (health_conditions[i].code == code && (s->health_codes & (1u << i)) != 0)
			return true;
	}
	return false;
}

static void clear_login_reasons(struct supervisor *s)
{
	for (size_t i = 0; i < s->conditions.count; i++) {
		const struct condition_kind *code = s->conditions.items[i].kind;
		if (condition_is_of_group(code, CONDITION_GROUP_LOGIN) &&
			!stands_by_health(s, code))
			condition_clear(&s->conditions, code);
	}
}

/* A daemon that has lost its state tells an empty node until it is logged in: what is published
 * stays until there is something to put in its place. */
static bool is_identity(const struct selfnode *self)
{
	return self->stable_id[0] != '\0' || self->fqdn[0] != '\0' || self->address_count > 0;
}

static void take_facts(struct supervisor *s, const struct ipn_notify *n)
{
	enum ipn_state state = ipn_notify_state(n);
	if (state != IPN_STATE_UNKNOWN)
		s->ipn_state = state;
	if (n->self != NULL && is_identity(n->self))
		selfnode_copy(&s->self, n->self);
	if (n->has_cert_domains)
		strv_copy(&s->cert_domains, n->cert_domains);
	if (n->has_initial_status || n->has_self_change)
		s->netmap_seen = true;
}

/* What the state itself tells about a login that is lost. */
static void judge_state(struct supervisor *s, const struct ipn_notify *n)
{
	if (s->ipn_state == IPN_STATE_RUNNING) {
		clear_login_reasons(s);
		return;
	}
	if (!s->logged_in_once)
		return;
	bool needs_login = s->ipn_state == IPN_STATE_NEEDS_LOGIN;
	bool is_expired =
		s->self.known && s->self.key_expiry_s > 0 && s->self.key_expiry_s <= clock_wall();
	if (needs_login && is_expired)
		condition_raise(
			&s->conditions, CONDITION_NODE_KEY_EXPIRED, "the node key has expired");
	if (!n->has_prefs)
		return;
	/* A daemon that has just been started without any state is logged out by nobody. */
	if (n->logged_out && s->configured)
		condition_raise(&s->conditions, CONDITION_LOGGED_OUT, "the node was logged out");
	else if (needs_login && !n->has_node_id && !s->configured)
		condition_raise(&s->conditions, CONDITION_STATE_LOST,
			"tailscaled has come back without the state of the node");
	else if (s->ipn_state == IPN_STATE_STOPPED && !n->want_running)
		condition_raise(&s->conditions, CONDITION_STOPPED,
			"tailscale was switched off (tailscale down)");
}

void node_bus_notify(void *supervisor, const struct ipn_notify *n)
{
	struct supervisor *s = supervisor;
	const struct condition_kind *code;
	take_facts(s, n);
	judge_state(s, n);
	if (n->error_message != NULL && s->ipn_state != IPN_STATE_RUNNING &&
		login_reason_classify(n->error_message, LOGIN_REASON_CONTROL, &code))
		node_raise_login_reason(s, code, n->error_message);
	if (ipn_notify_state(n) != IPN_STATE_UNKNOWN)
		node_post_ipn_state(s);
	if (n->has_health)
		take_health(s, n);
	if (s->state == NODE_STATE_STEADY && ipn_notify_is_relevant(n))
		steady_update(s, n);
}
