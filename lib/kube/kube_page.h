/*
 * One page of a list, decoded object by object as it arrives: an object has a cap, the page has
 * none. A list without `resourceVersion` is consistent; its pages belong together by the token of
 * the page before.
 *
 *	page = kube_page_start(k, &options, NULL, &sink, &e);
 *	in on_end():  if (end->next[0] != '\0') page = kube_page_start(k, &options, end->next, …)
 */
#ifndef LIB_KUBE_KUBE_PAGE_H
#define LIB_KUBE_KUBE_PAGE_H

#include "lib/kube/kube.h"
#include "lib/kube/kube_outcome.h"
#include "lib/kube/kube_path.h"

#define KUBE_PAGE_LIMIT 500
#define KUBE_OBJECT_MAX (8u * 1024 * 1024) /* text of one object */
#define KUBE_OBJECT_KEPT (64u * 1024)      /* memory that stays after a large one */
#define KUBE_PAGE_HEAD_MS 30000            /* until the answer begins */
#define KUBE_PAGE_TOKEN_MAX (64u * 1024)

struct kube_page;

struct kube_selection {
	struct kube_target target;  /* without a name */
	const char *label_selector; /* NULL = all */
	const char *field_selector; /* NULL = all */
};

struct kube_page_end {
	enum kube_outcome outcome;
	const char *version; /* of the list, as of KUBE_OK */
	const char *next;    /* token of the page that follows, "" = this was the last one */
	uint64_t retry_after_ms;
};

struct kube_page_sink {
	/* An object; it may be changed and lives until the return. A negative errno ends the page.
	 * Must not cancel the page. */
	int (*on_item)(void *arg, struct json *object, struct err *e);
	/* Exactly once, unless cancelled. err is NULL for KUBE_OK. */
	void (*on_end)(void *arg, const struct kube_page_end *end, const struct err *err);
	void *arg;
};

/* The selection is borrowed for this call. limit 0 = KUBE_PAGE_LIMIT; next NULL or "" = the first
 * page. NULL with -EINVAL for a path that cannot be. */
struct kube_page *kube_page_start(struct kube *k, const struct kube_selection *selection,
	unsigned int limit, const char *next, const struct kube_page_sink *sink,
	struct err *e) MUST_CHECK;
/* Without a callback. NULL is accepted. */
void kube_page_cancel(struct kube_page *page);

#endif
