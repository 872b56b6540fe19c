#include "boot/node_table.h"

#include <stddef.h>

struct row {
	bool used;
	struct node_cell cell;
};

/* clang-format off */
#define GO(state, act) {true, {NODE_STATE_##state, NODE_ACTION_##act}}

static const struct row table[NODE_STATE_COUNT][NODE_EVENT_COUNT] = {
	[NODE_STATE_INIT] = {
		[NODE_EVENT_BEGIN] = GO(KUBE_SETUP, KUBE_SETUP),
		[NODE_EVENT_STOP] = GO(DONE, FINISH),
	},
	[NODE_STATE_KUBE_SETUP] = {
		[NODE_EVENT_KUBE_READY] = GO(DAEMON, START_DAEMON),
		[NODE_EVENT_STOP] = GO(STOP_RULES, REMOVE_RULES),
	},
	[NODE_STATE_DAEMON] = {
		[NODE_EVENT_DAEMON_READY] = GO(SUBSCRIBE, SUBSCRIBE),
		[NODE_EVENT_DAEMON_DOWN] = GO(DAEMON, LOST_DAEMON),
		[NODE_EVENT_STOP] = GO(STOP_WITHDRAW, STOP_BEGIN),
	},
	[NODE_STATE_SUBSCRIBE] = {
		[NODE_EVENT_BUS_OPEN] = GO(AUTH, SUBSCRIBED),
		[NODE_EVENT_DAEMON_DOWN] = GO(DAEMON, LOST_DAEMON),
		[NODE_EVENT_STOP] = GO(STOP_WITHDRAW, STOP_BEGIN),
	},
	[NODE_STATE_LOGIN] = {
		[NODE_EVENT_RUNNING] = GO(LOGIN, EXPECT_COMMAND_END),
		[NODE_EVENT_NEEDS_LOGIN] = GO(LOGIN, AWAIT_COMMAND),
		[NODE_EVENT_NEEDS_APPROVAL] = GO(LOGIN, SHOW_APPROVAL),
		[NODE_EVENT_OTHER_STATE] = GO(LOGIN, AWAIT_COMMAND),
		[NODE_EVENT_COMMAND_OK] = GO(AUTH, UP_DONE),
		[NODE_EVENT_COMMAND_FAILED] = GO(AUTH, UP_FAILED),
		[NODE_EVENT_DAEMON_DOWN] = GO(DAEMON, LOST_DAEMON),
		[NODE_EVENT_STOP] = GO(STOP_WITHDRAW, STOP_BEGIN),
	},
	[NODE_STATE_AUTH] = {
		[NODE_EVENT_RUNNING] = GO(CONFIGURE, AUTHENTICATED),
		[NODE_EVENT_NEEDS_LOGIN] = GO(AUTH, DECIDE_LOGIN),
		[NODE_EVENT_NEEDS_APPROVAL] = GO(AUTH, SHOW_APPROVAL),
		[NODE_EVENT_OTHER_STATE] = GO(AUTH, SHOW_STATE),
		[NODE_EVENT_GRACE_OVER] = GO(AUTH, DECIDE_REFUSAL),
		[NODE_EVENT_KEY_REFUSED] = GO(AUTH, REQUEST_KEY),
		[NODE_EVENT_RETRY] = GO(AUTH, DECIDE_RECOVERY),
		[NODE_EVENT_WANT_LOGIN] = GO(LOGIN, RUN_UP),
		[NODE_EVENT_WANT_REISSUE] = GO(REISSUE, REISSUE),
		/* A wait for a key that failed while there was no daemon. */
		[NODE_EVENT_DAEMON_READY] = GO(SUBSCRIBE, SUBSCRIBE),
		[NODE_EVENT_DAEMON_DOWN] = GO(DAEMON, LOST_DAEMON),
		[NODE_EVENT_STOP] = GO(STOP_WITHDRAW, STOP_BEGIN),
	},
	[NODE_STATE_REISSUE] = {
		[NODE_EVENT_KEY_ISSUED] = GO(DAEMON, KEY_ISSUED),
		[NODE_EVENT_KEY_FAILED] = GO(AUTH, KEY_FAILED),
		[NODE_EVENT_RUNNING] = GO(AUTH, CANCEL_REISSUE),
		[NODE_EVENT_DAEMON_READY] = GO(REISSUE, SUBSCRIBE),
		[NODE_EVENT_DAEMON_DOWN] = GO(REISSUE, LOST_DAEMON),
		[NODE_EVENT_STOP] = GO(STOP_WITHDRAW, STOP_BEGIN),
	},
	[NODE_STATE_SET] = {
		[NODE_EVENT_RUNNING] = GO(SET, NONE),
		[NODE_EVENT_NEEDS_LOGIN] = GO(AUTH, ABANDON_SET),
		[NODE_EVENT_NEEDS_APPROVAL] = GO(AUTH, ABANDON_SET),
		[NODE_EVENT_OTHER_STATE] = GO(AUTH, ABANDON_SET),
		[NODE_EVENT_COMMAND_OK] = GO(CONFIGURE, CONFIGURE),
		[NODE_EVENT_COMMAND_FAILED] = GO(CONFIGURE, SET_FAILED),
		[NODE_EVENT_DAEMON_DOWN] = GO(DAEMON, LOST_DAEMON),
		[NODE_EVENT_STOP] = GO(STOP_WITHDRAW, STOP_BEGIN),
	},
	[NODE_STATE_CONFIGURE] = {
		[NODE_EVENT_WANT_SET] = GO(SET, RUN_SET),
		[NODE_EVENT_STEP_OK] = GO(STEADY, ENTER_STEADY),
		[NODE_EVENT_DAEMON_DOWN] = GO(DAEMON, LOST_DAEMON),
		[NODE_EVENT_STOP] = GO(STOP_WITHDRAW, STOP_BEGIN),
	},
	[NODE_STATE_STEADY] = {
		/* A login that is refused though the node counts as Running. */
		[NODE_EVENT_LOGIN_REFUSED] = GO(STEADY, DECIDE_REFUSED),
		[NODE_EVENT_GRACE_OVER] = GO(STEADY, DECIDE_REFUSAL),
		[NODE_EVENT_KEY_REFUSED] = GO(STEADY, REQUEST_KEY),
		[NODE_EVENT_RETRY] = GO(STEADY, DECIDE_RECOVERY),
		[NODE_EVENT_WANT_LOGIN] = GO(LOGIN, RUN_UP),
		[NODE_EVENT_WANT_REISSUE] = GO(REISSUE, REISSUE),
		[NODE_EVENT_NEEDS_LOGIN] = GO(AUTH, LEFT_RUNNING),
		[NODE_EVENT_NEEDS_APPROVAL] = GO(AUTH, LEFT_RUNNING),
		[NODE_EVENT_OTHER_STATE] = GO(AUTH, LEFT_RUNNING),
		[NODE_EVENT_DAEMON_DOWN] = GO(DAEMON, LOST_DAEMON),
		[NODE_EVENT_STOP] = GO(STOP_WITHDRAW, STOP_BEGIN),
	},
	[NODE_STATE_STOP_WITHDRAW] = {
		[NODE_EVENT_STOP_STEP] = GO(STOP_STATE, STOP_AWAIT_STATE),
		[NODE_EVENT_DAEMON_DOWN] = GO(STOP_STATE, STOP_AWAIT_STATE),
		[NODE_EVENT_STOP_BUDGET] = GO(STOP_DAEMON, STOP_DAEMON),
	},
	[NODE_STATE_STOP_STATE] = {
		[NODE_EVENT_STOP_STEP] = GO(STOP_DAEMON, STOP_DAEMON),
		[NODE_EVENT_DAEMON_DOWN] = GO(STOP_STATE, STOP_AWAIT_STATE),
		[NODE_EVENT_STOP_BUDGET] = GO(STOP_DAEMON, STOP_DAEMON),
	},
	[NODE_STATE_STOP_DAEMON] = {
		[NODE_EVENT_DAEMON_STOPPED] = GO(STOP_RULES, REMOVE_RULES),
		[NODE_EVENT_STOP_BUDGET] = GO(DONE, FINISH), /* not even SIGKILL has ended it */
	},
	[NODE_STATE_STOP_RULES] = {
		[NODE_EVENT_STOP_STEP] = GO(DONE, FINISH),
		[NODE_EVENT_STOP_BUDGET] = GO(DONE, FINISH),
	},
};

struct state_facts {
	const char *name;
	enum node_deadline deadline;
	const char *deadline_text;
};

static const struct state_facts facts[NODE_STATE_COUNT] = {
	[NODE_STATE_INIT] = {"Init", NODE_DEADLINE_NEVER, ""},
	[NODE_STATE_KUBE_SETUP] = {"KubeSetup", NODE_DEADLINE_ALWAYS,
		"error setting up for running on Kubernetes"},
	[NODE_STATE_DAEMON] = {"Daemon", NODE_DEADLINE_ALWAYS,
		"failed to bring up tailscale: timed out waiting for tailscaled socket"},
	[NODE_STATE_SUBSCRIBE] = {"Subscribe", NODE_DEADLINE_ALWAYS,
		"failed to watch tailscaled for updates"},
	[NODE_STATE_LOGIN] = {"Login", NODE_DEADLINE_UNLESS_OTHERS,
		"failed to auth tailscale: failed to auth tailscale: tailscale up failed"},
	[NODE_STATE_AUTH] = {"Auth", NODE_DEADLINE_UNLESS_OTHERS, "failed to read from tailscaled"},
	[NODE_STATE_REISSUE] = {"Reissue", NODE_DEADLINE_NEVER, ""},
	[NODE_STATE_SET] = {"Set", NODE_DEADLINE_ALWAYS,
		"failed to auth tailscale: tailscale set failed"},
	[NODE_STATE_CONFIGURE] = {"Configure", NODE_DEADLINE_ALWAYS,
		"failed to configure tailscaled"},
	[NODE_STATE_STEADY] = {"Steady", NODE_DEADLINE_UNLESS_OTHERS,
		"failed to complete the start-up"},
	[NODE_STATE_STOP_WITHDRAW] = {"StopWithdraw", NODE_DEADLINE_NEVER, ""},
	[NODE_STATE_STOP_STATE] = {"StopState", NODE_DEADLINE_NEVER, ""},
	[NODE_STATE_STOP_DAEMON] = {"StopDaemon", NODE_DEADLINE_NEVER, ""},
	[NODE_STATE_STOP_RULES] = {"StopRules", NODE_DEADLINE_NEVER, ""},
	[NODE_STATE_DONE] = {"Done", NODE_DEADLINE_NEVER, ""},
};
/* clang-format on */

struct node_cell node_table_look_up(enum node_state state, enum node_event event)
{
	const struct row *r = &table[state][event];
	return r->used ? r->cell : (struct node_cell){state, NODE_ACTION_NONE};
}

enum node_deadline node_state_deadline(enum node_state state)
{
	return facts[state].deadline;
}

const char *node_state_deadline_text(enum node_state state)
{
	return facts[state].deadline_text;
}

bool node_state_is_stopping(enum node_state state)
{
	return state >= NODE_STATE_STOP_WITHDRAW;
}

const char *node_state_name(enum node_state state)
{
	return facts[state].name;
}

const char *node_event_name(enum node_event event)
{
	static const char *const names[NODE_EVENT_COUNT] = {
		[NODE_EVENT_BEGIN] = "begin",
		[NODE_EVENT_KUBE_READY] = "kube-ready",
		[NODE_EVENT_DAEMON_READY] = "daemon-ready",
		[NODE_EVENT_DAEMON_DOWN] = "daemon-down",
		[NODE_EVENT_DAEMON_STOPPED] = "daemon-stopped",
		[NODE_EVENT_BUS_OPEN] = "bus-open",
		[NODE_EVENT_RUNNING] = "running",
		[NODE_EVENT_NEEDS_LOGIN] = "needs-login",
		[NODE_EVENT_NEEDS_APPROVAL] = "needs-approval",
		[NODE_EVENT_OTHER_STATE] = "other-state",
		[NODE_EVENT_GRACE_OVER] = "grace-over",
		[NODE_EVENT_KEY_REFUSED] = "key-refused",
		[NODE_EVENT_LOGIN_REFUSED] = "login-refused",
		[NODE_EVENT_RETRY] = "retry",
		[NODE_EVENT_WANT_LOGIN] = "want-login",
		[NODE_EVENT_WANT_REISSUE] = "want-reissue",
		[NODE_EVENT_WANT_SET] = "want-set",
		[NODE_EVENT_COMMAND_OK] = "command-ok",
		[NODE_EVENT_COMMAND_FAILED] = "command-failed",
		[NODE_EVENT_KEY_ISSUED] = "key-issued",
		[NODE_EVENT_KEY_FAILED] = "key-failed",
		[NODE_EVENT_STEP_OK] = "step-ok",
		[NODE_EVENT_STOP] = "stop",
		[NODE_EVENT_STOP_STEP] = "stop-step",
		[NODE_EVENT_STOP_BUDGET] = "stop-budget",
	};
	return names[event];
}
