#include "boot/supervisor_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot_events.h"
#include "boot/datapath/datapath.h"
#include "boot/datapath/datapath_conditions.h"
#include "boot/host/host_conditions.h"
#include "boot/host/host_events.h"
#include "boot/login/login_conditions.h"
#include "boot/node_status.h"
#include "boot/settings/settings.h"
#include "health/health.h"
#include "lib/base/mem.h"
#include "statestore/statestore_conditions.h"

bool node_is_booting(const struct supervisor *s)
{
	return !s->startup_complete;
}

static void dispatch(struct supervisor *s, enum node_event event)
{
	struct node_cell cell = node_table_look_up(s->state, event);
	log_event(EV_NODE_TRANSITION, node_state_name(s->state), node_event_name(event),
		node_state_name(cell.next));
	s->state = cell.next;
	node_action_run(s, cell.action);
}

void node_show_status(void *supervisor)
{
	struct supervisor *s = supervisor;
	char status[NODE_STATUS_MAX];
	/* Only the final state of an event is shown, not the intermediate ones. */
	if (s->is_dispatching)
		return;
	node_status_format(s->state, s->startup_complete, &s->conditions, status);
	sd_notify_status(&s->sd_notify, status);
}

void node_post(struct supervisor *s, enum node_event event)
{
	/* Each action posts a follow-up or two at most; a full queue is a fault of the table. */
	if (s->queue_len == SUPERVISOR_QUEUE_MAX)
		abort();
	s->queue[s->queue_len++] = event;
	if (s->is_dispatching)
		return;
	s->is_dispatching = true;
	while (s->queue_len > 0) {
		enum node_event next = s->queue[0];
		s->queue_len--;
		memmove(s->queue, s->queue + 1, s->queue_len * sizeof(s->queue[0]));
		dispatch(s, next);
	}
	s->is_dispatching = false;
	node_show_status(s);
}

void node_post_ipn_state(struct supervisor *s)
{
	switch (s->bus.facts.ipn_state) {
	case IPN_STATE_RUNNING:
		node_post(s, NODE_EVENT_RUNNING);
		break;
	case IPN_STATE_NEEDS_LOGIN:
		node_post(s, NODE_EVENT_NEEDS_LOGIN);
		break;
	case IPN_STATE_NEEDS_MACHINE_AUTH:
		node_post(s, NODE_EVENT_NEEDS_APPROVAL);
		break;
	case IPN_STATE_NO_STATE:
	case IPN_STATE_IN_USE_OTHER_USER:
	case IPN_STATE_STOPPED:
	case IPN_STATE_STARTING:
		node_post(s, NODE_EVENT_OTHER_STATE);
		break;
	case IPN_STATE_UNKNOWN:
		break;
	}
}

void node_end(struct supervisor *s, enum fatal_cause cause, const char *fmt, ...)
{
	const struct fatal_row *row = fatal_row(cause);
	AUTO(mem_free) char *sentence = NULL;
	if (fmt != NULL) {
		va_list args;
		va_start(args, fmt);
		sentence = xvasprintf(fmt, args);
		va_end(args);
	}
	if (s->startup_complete && !row->after_startup) {
		log_event(EV_STEP_FAILED, sentence != NULL ? sentence : row->name);
		return;
	}
	if (s->is_ending)
		return;
	s->is_ending = true;
	s->end_cause = cause;
	if (row->is_failure)
		s->end_sentence = STEAL(sentence);
	health_set_stopping(s->health);
	sd_notify_stopping(&s->sd_notify, "stopping");
	node_post(s, NODE_EVENT_STOP);
}

static bool is_resetting(const struct supervisor *s)
{
	return s->state == NODE_STATE_KUBE_SETUP && node_store_is_resetting(&s->store);
}

/* For an answer of the API server or the control server, without another reason. */
static bool waits_for_answer(const struct supervisor *s)
{
	const struct condition_set *set = &s->conditions;
	if (s->state == NODE_STATE_LOGIN || s->state == NODE_STATE_AUTH)
		return *login_reason(&s->login) == '\0' ||
		       condition_is_raised(set, CONDITION_CONTROL_UNREACHABLE);
	if (s->state == NODE_STATE_STEADY)
		return condition_is_raised(set, CONDITION_STORE_WRITE_FAILED);
	return s->store.setup != NULL || is_resetting(s);
}

/* Packets that tailscaled drops look like a partner that is silent. */
static const char *cause_of_silence(const struct supervisor *s)
{
	if (!s->drops_neighbours || !waits_for_answer(s))
		return "";
	return condition_get(&s->conditions, CONDITION_ADDRESS_IN_TAILNET_RANGE)->reason;
}

/* The newest reason why the node is still in its state, "" when there is none. */
static const char *deadline_reason(const struct supervisor *s)
{
	const struct condition_set *set = &s->conditions;
	if (s->store.setup != NULL)
		return node_store_pending_reason(&s->store);
	if (s->state == NODE_STATE_STEADY && condition_is_raised(set, CONDITION_FIREWALL_FAILED))
		return condition_get(set, CONDITION_FIREWALL_FAILED)->reason;
	if (s->state == NODE_STATE_STEADY && condition_is_raised(set, CONDITION_FORWARDING_OFF))
		return condition_get(set, CONDITION_FORWARDING_OFF)->reason;
	if (is_resetting(s) || s->state == NODE_STATE_STEADY)
		return condition_get(set, CONDITION_STORE_WRITE_FAILED)->reason;
	if (s->state == NODE_STATE_LOGIN || s->state == NODE_STATE_AUTH)
		return login_reason(&s->login);
	return "";
}

static bool waits_for_others(const struct supervisor *s)
{
	return login_waits_for_person(&s->login) ||
	       (s->state == NODE_STATE_STEADY && s->datapath != NULL &&
		       datapath_waits_for_target(s->datapath));
}

void node_on_boot_deadline(void *supervisor)
{
	struct supervisor *s = supervisor;
	enum node_deadline rule = node_state_deadline(s->state);
	bool counts = rule == NODE_DEADLINE_ALWAYS ||
		      (rule == NODE_DEADLINE_UNLESS_OTHERS && !waits_for_others(s));
	if (!counts) {
		/* The state after the pause gets the full time again. */
		if (!node_state_is_stopping(s->state) && s->settings->boot_timeout_ms > 0)
			timer_start(&s->boot_deadline, s->settings->boot_timeout_ms);
		return;
	}
	const char *newest = deadline_reason(s);
	const char *cause = cause_of_silence(s);
	AUTO(mem_free)
	char *reason = xasprintf(
		"%s%s%s", newest, newest[0] != '\0' && cause[0] != '\0' ? "; " : "", cause);
	const char *colon = reason[0] != '\0' ? ": " : "";
	/* The text about the socket already names the time-out. */
	if (s->state == NODE_STATE_DAEMON)
		node_end(s, FATAL_BOOT_DEADLINE, "%s", node_state_deadline_text(s->state));
	else if (is_resetting(s))
		node_end(s, FATAL_BOOT_DEADLINE,
			"error clearing previous state from Secret: context deadline exceeded%s%s",
			colon, reason);
	else
		node_end(s, FATAL_BOOT_DEADLINE, "%s: context deadline exceeded%s%s",
			node_state_deadline_text(s->state), colon, reason);
}
