#include "boot/daemon/daemon_table.h"

#include <stdbool.h>
#include <stddef.h>

struct row {
	bool used;
	struct daemon_cell cell;
};

/* clang-format off */
#define GO(state, act) {true, {DAEMON_STATE_##state, DAEMON_ACTION_##act}}

static const struct row table[DAEMON_STATE_COUNT][DAEMON_EVENT_COUNT] = {
	[DAEMON_STATE_IDLE] = {
		[DAEMON_EVENT_START] = GO(STARTING, SPAWN),
		[DAEMON_EVENT_STOP] = GO(ENDED, STOPPED),
	},
	[DAEMON_STATE_STARTING] = {
		[DAEMON_EVENT_CONNECTED] = GO(UP, READY),
		[DAEMON_EVENT_EXITED] = GO(WAITING, CRASHED),
		[DAEMON_EVENT_TIMER] = GO(OVERDUE, KILL_OVERDUE),
		[DAEMON_EVENT_RESTART] = GO(RECYCLING, RECYCLE),
		[DAEMON_EVENT_STOP] = GO(TERMINATING, TERMINATE),
	},
	[DAEMON_STATE_OVERDUE] = {
		[DAEMON_EVENT_EXITED] = GO(WAITING, CRASHED),
		[DAEMON_EVENT_STOP] = GO(TERMINATING, TERMINATE),
	},
	[DAEMON_STATE_UP] = {
		[DAEMON_EVENT_EXITED] = GO(WAITING, CRASHED),
		[DAEMON_EVENT_RESTART] = GO(RECYCLING, RECYCLE),
		[DAEMON_EVENT_STOP] = GO(TERMINATING, TERMINATE),
	},
	[DAEMON_STATE_WAITING] = {
		[DAEMON_EVENT_TIMER] = GO(STARTING, RESPAWN),
		[DAEMON_EVENT_RESTART] = GO(STARTING, RESPAWN),
		[DAEMON_EVENT_STOP] = GO(ENDED, STOPPED),
	},
	[DAEMON_STATE_RECYCLING] = {
		[DAEMON_EVENT_EXITED] = GO(STARTING, RESPAWN),
		[DAEMON_EVENT_TIMER] = GO(RECYCLING, KILL_RECYCLED),
		[DAEMON_EVENT_STOP] = GO(TERMINATING, TERMINATE),
	},
	[DAEMON_STATE_TERMINATING] = {
		[DAEMON_EVENT_EXITED] = GO(ENDED, STOPPED),
		[DAEMON_EVENT_TIMER] = GO(KILLING, KILL),
	},
	[DAEMON_STATE_KILLING] = {
		[DAEMON_EVENT_EXITED] = GO(ENDED, STOPPED),
	},
	[DAEMON_STATE_ENDED] = {
		[DAEMON_EVENT_STOP] = GO(ENDED, STOPPED),
	},
};
/* clang-format on */

struct daemon_cell daemon_table_look_up(enum daemon_state state, enum daemon_event event)
{
	const struct row *r = &table[state][event];
	return r->used ? r->cell : (struct daemon_cell){state, DAEMON_ACTION_NONE};
}

const char *daemon_state_name(enum daemon_state state)
{
	static const char *const names[DAEMON_STATE_COUNT] = {
		[DAEMON_STATE_IDLE] = "idle",
		[DAEMON_STATE_STARTING] = "starting",
		[DAEMON_STATE_OVERDUE] = "overdue",
		[DAEMON_STATE_UP] = "up",
		[DAEMON_STATE_WAITING] = "waiting",
		[DAEMON_STATE_RECYCLING] = "recycling",
		[DAEMON_STATE_TERMINATING] = "terminating",
		[DAEMON_STATE_KILLING] = "killing",
		[DAEMON_STATE_ENDED] = "ended",
	};
	return names[state];
}

const char *daemon_event_name(enum daemon_event event)
{
	static const char *const names[DAEMON_EVENT_COUNT] = {
		[DAEMON_EVENT_START] = "start",
		[DAEMON_EVENT_CONNECTED] = "connected",
		[DAEMON_EVENT_EXITED] = "exited",
		[DAEMON_EVENT_TIMER] = "timer",
		[DAEMON_EVENT_RESTART] = "restart",
		[DAEMON_EVENT_STOP] = "stop",
	};
	return names[event];
}
