#include "boot/node_status.h"

#include <stddef.h>
#include <stdio.h>

#include "lib/base/condition.h"

static const char *const texts[NODE_STATE_COUNT] = {
	[NODE_STATE_INIT] = "starting",
	[NODE_STATE_KUBE_SETUP] = "waiting for the Kubernetes API",
	[NODE_STATE_DAEMON] = "waiting for tailscaled",
	[NODE_STATE_SUBSCRIBE] = "waiting for the notifications of tailscaled",
	[NODE_STATE_LOGIN] = "logging in",
	[NODE_STATE_AUTH] = "waiting for the login",
	[NODE_STATE_REISSUE] = "waiting for a new auth key",
	[NODE_STATE_SET] = "configuring tailscaled",
	[NODE_STATE_CONFIGURE] = "configuring tailscaled",
	[NODE_STATE_STEADY] = "tailnet node is running",
};

/* The condition to show: for a node that is up only one that makes it unready. */
static bool matters(const struct condition *c, bool is_up)
{
	if (!c->raised || c->kind->readiness == CONDITION_WARNS)
		return false;
	return !is_up || c->kind->readiness != CONDITION_EXPLAINS;
}

void node_status_format(enum node_state state, bool startup_complete,
	const struct condition_set *conditions, char out[static NODE_STATUS_MAX])
{
	if (node_state_is_stopping(state)) {
		snprintf(out, NODE_STATUS_MAX, "stopping");
		return;
	}
	bool is_steady = state == NODE_STATE_STEADY;
	for (size_t i = 0; i < conditions->count; i++) {
		const struct condition *c = &conditions->items[i];
		if (matters(c, is_steady && startup_complete)) {
			snprintf(out, NODE_STATUS_MAX, "%s: %s", c->kind->name, c->reason);
			return;
		}
	}
	snprintf(out, NODE_STATUS_MAX, "%s",
		is_steady && !startup_complete ? "completing the start-up" : texts[state]);
}
