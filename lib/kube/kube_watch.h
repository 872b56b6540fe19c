/*
 * A collection kept up to date: listed, then watched from the version of the list, and listed anew
 * when that version has expired (lib/kube/kube_watch_table.h). It never gives up: failures are
 * reported and retried with back-off, a kind that does not exist once a minute.
 *
 * A stream that is silent for silence_ms (bookmarks come every minute) is cut off and resumed;
 * packets that are not acknowledged end it sooner (lib/io/fetch_http2.h).
 *
 *	struct kube_watch_sink sink;
 *	kube_cache_sink(cache, &sink);
 *	w = kube_watch_new(k, &selection, NULL, &sink);
 *
 * No callback may free the watch.
 */
#ifndef LIB_KUBE_KUBE_WATCH_H
#define LIB_KUBE_KUBE_WATCH_H

#include <stdbool.h>

#include "lib/kube/kube_page.h"
#include "lib/kube/kube_watch_table.h"

#define KUBE_WATCH_SILENCE_MS 150000
#define KUBE_WATCH_ABSENT_MS 60000 /* between tries for a kind that does not exist */
#define KUBE_WATCH_RESUME_MS 1000  /* least time between two beginnings */

struct kube_watch;

struct kube_watch_options {
	unsigned int page_limit; /* 0 = KUBE_PAGE_LIMIT */
	uint32_t silence_ms;     /* 0 = KUBE_WATCH_SILENCE_MS */
	bool lists_by_watch;     /* if the server can: newer ones send a list without paging it */
};

enum kube_change {
	KUBE_ADDED,
	KUBE_MODIFIED,
	KUBE_DELETED,
};

/* Objects live until the return and may be changed. */
struct kube_watch_sink {
	/* A list begins: what came of an unfinished one before is void. */
	void (*on_begin)(void *arg);
	int (*on_item)(void *arg, struct json *object, struct err *e);
	/* An item of the list is gone before the list is complete: lists by watch only. */
	int (*on_item_gone)(void *arg, struct json *object, struct err *e);
	/* The list is complete: what is not in it does not exist. */
	void (*on_complete)(void *arg);
	/* A negative errno cuts the watch, and a list follows. */
	int (*on_change)(void *arg, enum kube_change change, struct json *object, struct err *e);
	/* A try has failed; may be NULL. */
	void (*on_trouble)(void *arg, enum kube_outcome outcome, const struct err *err);
	void *arg;
};

/* Never NULL; begins in the next turn of the loop. The selection and options (NULL = defaults) are
 * copied, except for the kind, which is borrowed. */
struct kube_watch *kube_watch_new(struct kube *k, const struct kube_selection *selection,
	const struct kube_watch_options *options, const struct kube_watch_sink *sink);
void kube_watch_free(struct kube_watch *w); /* NULL is accepted */
enum kube_watch_state kube_watch_state(const struct kube_watch *w);
/* The version that the next watch begins from; "" before the first list. */
const char *kube_watch_version(const struct kube_watch *w);
/* Lists begun and watches opened since the start. */
uint64_t kube_watch_lists(const struct kube_watch *w);
uint64_t kube_watch_opens(const struct kube_watch *w);

#endif
