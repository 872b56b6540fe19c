/*
 * What the bus tells: facts of the node, conditions with their reasons, and events of the node's
 * table.
 */
#include "boot/supervisor.h"

#include <string.h>
#include <time.h>

#include "boot/login_reason.h"
#include "boot/settings.h"
#include "boot/times.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define WARNING_LOGIN "login-state"
#define WARNING_STORE "state-store-health"
#define WARNING_LOCK "tailnet-lock"
#define WARNING_NETWORK "network-status"

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

/* A reason for a failed login replaces the one before: there is one cause at a time. */
static void raise_login_reason(struct supervisor *s, enum condition_code code, const char *text)
{
	for (int other = LOGIN_REASON_FIRST; other <= LOGIN_REASON_LAST; other++) {
		if (other != (int)code && other != CONDITION_NODE_KEY_EXPIRED)
			condition_clear(&s->conditions, (enum condition_code)other);
	}
	condition_raise(&s->conditions, code, "%s", text);
}

/* Posts KEY_REFUSED when a new key is the cure; arms the grace when the warning gives no reason. */
static void judge_login_warning(struct supervisor *s, const struct ipn_warning *warning)
{
	enum condition_code code;
	bool told = login_reason_classify(warning->error, LOGIN_REASON_HEALTH, &code);
	if (told)
		raise_login_reason(s, code, warning->error);
	if (!settings_is_one_step(s->settings) || !s->has_kube_store || s->state != NODE_STATE_AUTH)
		return;
	if (told && login_reason_is_key_refused(code))
		supervisor_post(s, NODE_EVENT_KEY_REFUSED);
	else if (!told && !timer_is_armed(&s->refusal))
		timer_start(&s->refusal, s->times->refusal_grace_ms);
}

static void set_condition(
	struct supervisor *s, enum condition_code code, const struct ipn_warning *warning)
{
	if (warning != NULL)
		condition_raise(&s->conditions, code, "%s",
			warning->text[0] != '\0' ? warning->text : warning->title);
	else
		condition_clear(&s->conditions, code);
}

static void take_health(struct supervisor *s, const struct ipn_notify *n)
{
	set_condition(s, CONDITION_STATE_STORE_FAILED, ipn_notify_warning(n, WARNING_STORE));
	set_condition(s, CONDITION_NODE_LOCKED, ipn_notify_warning(n, WARNING_LOCK));
	set_condition(s, CONDITION_NETWORK_DOWN, ipn_notify_warning(n, WARNING_NETWORK));
	const struct ipn_warning *login = ipn_notify_warning(n, WARNING_LOGIN);
	s->login_warning = login != NULL;
	if (login != NULL && s->ipn_state != IPN_STATE_RUNNING)
		judge_login_warning(s, login);
}

static void take_facts(struct supervisor *s, const struct ipn_notify *n)
{
	enum ipn_state state = ipn_notify_state(n);
	if (state != IPN_STATE_UNKNOWN)
		s->ipn_state = state;
	if (n->self != NULL)
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
		condition_clear_range(&s->conditions, LOGIN_REASON_FIRST, LOGIN_REASON_LAST);
		return;
	}
	if (!s->logged_in_once)
		return;
	bool is_expired =
		s->self.known && s->self.key_expiry_s > 0 && s->self.key_expiry_s <= clock_wall();
	if (s->ipn_state == IPN_STATE_NEEDS_LOGIN && is_expired)
		condition_raise(
			&s->conditions, CONDITION_NODE_KEY_EXPIRED, "the node key has expired");
	if (n->has_prefs && n->logged_out)
		condition_raise(&s->conditions, CONDITION_LOGGED_OUT, "the node was logged out");
	else if (s->ipn_state == IPN_STATE_STOPPED && n->has_prefs && !n->want_running)
		condition_raise(&s->conditions, CONDITION_STOPPED,
			"tailscale was switched off (tailscale down)");
}

void node_bus_notify(void *supervisor, const struct ipn_notify *n)
{
	struct supervisor *s = supervisor;
	enum condition_code code;
	take_facts(s, n);
	judge_state(s, n);
	if (n->error_message != NULL && s->ipn_state != IPN_STATE_RUNNING &&
		login_reason_classify(n->error_message, LOGIN_REASON_CONTROL, &code))
		raise_login_reason(s, code, n->error_message);
	if (ipn_notify_state(n) != IPN_STATE_UNKNOWN)
		node_post_ipn_state(s);
	if (n->has_health)
		take_health(s, n);
	if (s->state == NODE_STATE_STEADY && ipn_notify_is_relevant(n))
		steady_update(s, n);
}
