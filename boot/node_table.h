/*
 * The node's way through a start, a restart and a stop: states, events, and the table that joins
 * them. Pure data. First start, restart of the daemon and a new login share the states; the
 * differences are in the actions (boot/node_actions.c), which may post follow-up events but never
 * set a state.
 */
#ifndef BOOT_NODE_TABLE_H
#define BOOT_NODE_TABLE_H

#include <stdbool.h>

enum node_state {
	NODE_STATE_INIT,
	NODE_STATE_KUBE_SETUP, /* permissions, Secret */
	NODE_STATE_DAEMON,     /* waits for the daemon's socket */
	NODE_STATE_SUBSCRIBE,  /* waits for the bus */
	NODE_STATE_LOGIN,      /* `tailscale up` runs */
	NODE_STATE_AUTH,       /* waits for Running */
	NODE_STATE_REISSUE,    /* waits for a new auth key */
	NODE_STATE_SET,        /* `tailscale set` runs */
	NODE_STATE_CONFIGURE,  /* serve config reset */
	NODE_STATE_STEADY,
	NODE_STATE_STOP_WITHDRAW, /* advertised Services are withdrawn */
	NODE_STATE_STOP_STATE,    /* the daemon's state is checked for consistency, ours is
 * flushed */
	NODE_STATE_STOP_DAEMON,
	NODE_STATE_STOP_RULES, /* the firewall is removed */
	NODE_STATE_DONE,
	NODE_STATE_COUNT,
};

enum node_event {
	NODE_EVENT_BEGIN,
	NODE_EVENT_KUBE_READY,
	NODE_EVENT_DAEMON_READY,
	NODE_EVENT_DAEMON_DOWN,
	NODE_EVENT_DAEMON_STOPPED,
	NODE_EVENT_BUS_OPEN,
	NODE_EVENT_RUNNING,
	NODE_EVENT_NEEDS_LOGIN,
	NODE_EVENT_NEEDS_APPROVAL,
	NODE_EVENT_OTHER_STATE,
	NODE_EVENT_GRACE_OVER, /* a failed login without a reason has lasted long enough */
	NODE_EVENT_KEY_REFUSED,
	NODE_EVENT_LOGIN_REFUSED, /* though the node counts as Running */
	NODE_EVENT_RETRY,
	NODE_EVENT_WANT_LOGIN,
	NODE_EVENT_WANT_REISSUE,
	NODE_EVENT_WANT_SET,
	NODE_EVENT_COMMAND_OK,
	NODE_EVENT_COMMAND_FAILED,
	NODE_EVENT_KEY_ISSUED,
	NODE_EVENT_KEY_FAILED,
	NODE_EVENT_STEP_OK,
	NODE_EVENT_STOP,
	NODE_EVENT_STOP_STEP,
	NODE_EVENT_STOP_BUDGET,
	NODE_EVENT_COUNT,
};

enum node_action {
	NODE_ACTION_NONE,
	NODE_ACTION_KUBE_SETUP,
	NODE_ACTION_START_DAEMON,
	NODE_ACTION_SUBSCRIBE,
	NODE_ACTION_SUBSCRIBED,
	NODE_ACTION_LOST_DAEMON,
	NODE_ACTION_DECIDE_LOGIN,
	NODE_ACTION_DECIDE_REFUSAL,
	NODE_ACTION_DECIDE_RECOVERY,
	NODE_ACTION_DECIDE_REFUSED,
	NODE_ACTION_REQUEST_KEY,
	NODE_ACTION_SHOW_APPROVAL,
	NODE_ACTION_SHOW_STATE,
	NODE_ACTION_RUN_UP,
	NODE_ACTION_EXPECT_COMMAND_END,
	NODE_ACTION_AWAIT_COMMAND,
	NODE_ACTION_UP_DONE,
	NODE_ACTION_UP_FAILED,
	NODE_ACTION_REISSUE,
	NODE_ACTION_KEY_ISSUED,
	NODE_ACTION_KEY_FAILED,
	NODE_ACTION_CANCEL_REISSUE,
	NODE_ACTION_AUTHENTICATED,
	NODE_ACTION_RUN_SET,
	NODE_ACTION_CONFIGURE,
	NODE_ACTION_SET_FAILED,
	NODE_ACTION_ABANDON_SET,
	NODE_ACTION_ENTER_STEADY,
	NODE_ACTION_LEFT_RUNNING,
	NODE_ACTION_STOP_BEGIN,
	NODE_ACTION_STOP_AWAIT_STATE,
	NODE_ACTION_STOP_DAEMON,
	NODE_ACTION_REMOVE_RULES,
	NODE_ACTION_FINISH,
	NODE_ACTION_COUNT,
};

/* Whether the boot deadline ends a start that is still in this state. */
enum node_deadline {
	NODE_DEADLINE_NEVER,
	NODE_DEADLINE_ALWAYS,
	NODE_DEADLINE_UNLESS_OTHERS, /* not while another party has to act: log in, approve … */
};

struct node_cell {
	enum node_state next;
	enum node_action action;
};

/* An event without a cell in a state gives the state itself and NODE_ACTION_NONE. */
struct node_cell node_table_look_up(enum node_state state, enum node_event event);
enum node_deadline node_state_deadline(enum node_state state);
/* The fatal sentence when the deadline passes in this state, without the reason. */
const char *node_state_deadline_text(enum node_state state);
bool node_state_is_stopping(enum node_state state);
const char *node_state_name(enum node_state state);
const char *node_event_name(enum node_event event);

#endif
