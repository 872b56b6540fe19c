/*
 * List and watch as a state table, pure. The states are those of kube-rs' watcher.
 *
 *	EMPTY          nothing is known; a list is due
 *	INIT_PAGE      a list comes in pages
 *	INITIAL_WATCH  a list comes as a watch that begins with all objects
 *	INIT_LISTED    the list is complete, or a watch has ended: one from its version is due
 *	WATCHING       the watch is open
 *
 * A pair without a cell changes nothing.
 */
#ifndef LIB_KUBE_KUBE_WATCH_TABLE_H
#define LIB_KUBE_KUBE_WATCH_TABLE_H

enum kube_watch_state {
	KUBE_WATCH_EMPTY,
	KUBE_WATCH_INIT_PAGE,
	KUBE_WATCH_INITIAL_WATCH,
	KUBE_WATCH_INIT_LISTED,
	KUBE_WATCH_WATCHING,
	KUBE_WATCH_STATES,
};

enum kube_watch_event {
	KUBE_WATCH_DUE,        /* the pause is over; lists are to come in pages */
	KUBE_WATCH_DUE_STREAM, /* the same; lists are to come as a watch */
	KUBE_WATCH_PAGE,       /* a page that is not the last */
	KUBE_WATCH_LISTED,     /* the last page */
	KUBE_WATCH_OPENED,     /* the watch is answered */
	KUBE_WATCH_SYNCED,     /* all objects have come by the watch */
	KUBE_WATCH_ENDED,      /* the watch has ended in order */
	KUBE_WATCH_FAILED,     /* no answer, or none that is of use now */
	KUBE_WATCH_SILENT,     /* nothing came for too long */
	KUBE_WATCH_EXPIRED,    /* version or page are gone */
	KUBE_WATCH_REFUSED,    /* the server will not do it as asked */
	KUBE_WATCH_EVENTS,
};

enum kube_watch_action {
	KUBE_WATCH_NOTHING,
	KUBE_WATCH_LIST,         /* begin a list: its first page */
	KUBE_WATCH_LIST_NEXT,    /* the next page */
	KUBE_WATCH_LIST_INSTEAD, /* begin a list in pages, now and from now on */
	KUBE_WATCH_LIST_STREAM,  /* begin a list as a watch */
	KUBE_WATCH_OPEN,         /* watch from the version */
	KUBE_WATCH_COMPLETE,     /* the list is complete */
	KUBE_WATCH_COMPLETE_OPEN,
	KUBE_WATCH_RESUME, /* watch soon, but not sooner than a second after the last time */
	KUBE_WATCH_AGAIN,  /* at once when it is the first failure, else with back-off */
	KUBE_WATCH_LATER,  /* with back-off */
};

struct kube_watch_cell {
	enum kube_watch_state next;
	enum kube_watch_action action;
};

/* NULL where there is no cell. */
const struct kube_watch_cell *kube_watch_cell(
	enum kube_watch_state state, enum kube_watch_event event);
const char *kube_watch_state_name(enum kube_watch_state state);

#endif
