#include "lib/kube/kube_watch_table.h"

#include <stdbool.h>
#include <stddef.h>

struct cell {
	bool is_set;
	struct kube_watch_cell cell;
};

/* clang-format off */
#define ON(event, next, action) \
	[KUBE_WATCH_##event] = {true, {KUBE_WATCH_##next, KUBE_WATCH_##action}}

static const struct cell table[KUBE_WATCH_STATES][KUBE_WATCH_EVENTS] = {
	[KUBE_WATCH_EMPTY] = {
		ON(DUE,        INIT_PAGE,     LIST),
		ON(DUE_STREAM, INITIAL_WATCH, LIST_STREAM),
	},
	[KUBE_WATCH_INIT_PAGE] = {
		ON(PAGE,    INIT_PAGE,   LIST_NEXT),
		ON(LISTED,  INIT_LISTED, COMPLETE_OPEN),
		ON(FAILED,  EMPTY,       LATER),
		ON(EXPIRED, EMPTY,       AGAIN),
		ON(REFUSED, EMPTY,       LATER),
	},
	[KUBE_WATCH_INITIAL_WATCH] = {
		ON(SYNCED,  WATCHING,  COMPLETE),
		ON(ENDED,   EMPTY,     LATER),
		ON(FAILED,  EMPTY,     LATER),
		ON(SILENT,  EMPTY,     LATER),
		ON(EXPIRED, EMPTY,     AGAIN),
		ON(REFUSED, INIT_PAGE, LIST_INSTEAD),
	},
	[KUBE_WATCH_INIT_LISTED] = {
		ON(DUE,        INIT_LISTED, OPEN),
		ON(DUE_STREAM, INIT_LISTED, OPEN),
		ON(OPENED,     WATCHING,    NOTHING),
		ON(FAILED,     INIT_LISTED, LATER),
		ON(EXPIRED,    EMPTY,       AGAIN),
		ON(REFUSED,    EMPTY,       LATER),
	},
	[KUBE_WATCH_WATCHING] = {
		ON(ENDED,   INIT_LISTED, RESUME),
		ON(FAILED,  INIT_LISTED, LATER),
		ON(SILENT,  INIT_LISTED, LATER),
		ON(EXPIRED, EMPTY,       AGAIN),
		ON(REFUSED, EMPTY,       LATER),
	},
};
/* clang-format on */

static const char *const names[KUBE_WATCH_STATES] = {
	[KUBE_WATCH_EMPTY] = "Empty",
	[KUBE_WATCH_INIT_PAGE] = "InitPage",
	[KUBE_WATCH_INITIAL_WATCH] = "InitialWatch",
	[KUBE_WATCH_INIT_LISTED] = "InitListed",
	[KUBE_WATCH_WATCHING] = "Watching",
};

const struct kube_watch_cell *kube_watch_cell(
	enum kube_watch_state state, enum kube_watch_event event)
{
	const struct cell *found = &table[state][event];
	return found->is_set ? &found->cell : NULL;
}

const char *kube_watch_state_name(enum kube_watch_state state)
{
	return names[state];
}
