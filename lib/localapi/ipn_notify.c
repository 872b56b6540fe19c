/*
 * Helpers for notifications: pure lookups of lib/localapi/ipnbus.h.
 */
#include "lib/localapi/ipnbus.h"

#include <string.h>

const char *ipn_state_name(enum ipn_state state)
{
	static const char *const names[] = {"NoState", "InUseOtherUser", "NeedsLogin",
		"NeedsMachineAuth", "Stopped", "Starting", "Running"};
	return state == IPN_STATE_UNKNOWN ? "" : names[state];
}

enum ipn_state ipn_state_parse(const char *name)
{
	for (int state = IPN_STATE_NO_STATE; state <= IPN_STATE_RUNNING; state++) {
		if (strcmp(ipn_state_name((enum ipn_state)state), name) == 0)
			return (enum ipn_state)state;
	}
	return IPN_STATE_UNKNOWN;
}

enum ipn_state ipn_notify_state(const struct ipn_notify *n)
{
	return n->state != IPN_STATE_UNKNOWN ? n->state : n->backend_state;
}

bool ipn_notify_is_relevant(const struct ipn_notify *n)
{
	return n->has_initial_status || n->has_self_change || n->has_peer_changes;
}

const struct ipn_warning *ipn_notify_warning(const struct ipn_notify *n, const char *code)
{
	/* Of duplicate keys the last one counts. */
	for (size_t i = n->warning_count; i > 0; i--) {
		if (strcmp(n->warnings[i - 1].code, code) == 0)
			return &n->warnings[i - 1];
	}
	return NULL;
}
