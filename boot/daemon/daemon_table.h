/*
 * The daemon's states, events, and the table that joins them. Pure data; daemon.c carries
 * out the actions.
 */
#ifndef BOOT_DAEMON_DAEMON_TABLE_H
#define BOOT_DAEMON_DAEMON_TABLE_H

enum daemon_state {
	DAEMON_STATE_IDLE,        /* never started */
	DAEMON_STATE_STARTING,    /* runs, socket not ready */
	DAEMON_STATE_OVERDUE,     /* socket not ready in time, SIGKILL */
	DAEMON_STATE_UP,          /* socket ready */
	DAEMON_STATE_WAITING,     /* down, waits to be started again */
	DAEMON_STATE_RECYCLING,   /* being ended, to be started again at once */
	DAEMON_STATE_TERMINATING, /* being ended for good, SIGTERM */
	DAEMON_STATE_KILLING,     /* being ended for good, SIGKILL */
	DAEMON_STATE_ENDED,       /* down for good */
	DAEMON_STATE_COUNT,
};

enum daemon_event {
	DAEMON_EVENT_START,
	DAEMON_EVENT_CONNECTED, /* the socket accepted a connection */
	DAEMON_EVENT_EXITED,
	DAEMON_EVENT_TIMER, /* the state's own timer */
	DAEMON_EVENT_RESTART,
	DAEMON_EVENT_STOP,
	DAEMON_EVENT_COUNT,
};

enum daemon_action {
	DAEMON_ACTION_NONE,
	DAEMON_ACTION_SPAWN,
	DAEMON_ACTION_READY,
	DAEMON_ACTION_CRASHED, /* decide: start again at once, later, or give up */
	DAEMON_ACTION_RESPAWN,
	DAEMON_ACTION_KILL_OVERDUE,
	DAEMON_ACTION_RECYCLE, /* SIGTERM, timer for SIGKILL */
	DAEMON_ACTION_KILL_RECYCLED,
	DAEMON_ACTION_TERMINATE, /* SIGTERM, timer for SIGKILL */
	DAEMON_ACTION_KILL,
	DAEMON_ACTION_STOPPED,
	DAEMON_ACTION_COUNT,
};

/* action NONE with next equal to the state: the event is ignored there. */
struct daemon_cell {
	enum daemon_state next;
	enum daemon_action action;
};

struct daemon_cell daemon_table_look_up(enum daemon_state state, enum daemon_event event);
const char *daemon_state_name(enum daemon_state state);
const char *daemon_event_name(enum daemon_event event);

#endif
