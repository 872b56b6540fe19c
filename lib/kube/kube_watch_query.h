/*
 * Path and query of a watch: pure, except for a random time limit. Private to kube_watch.
 */
#ifndef LIB_KUBE_KUBE_WATCH_QUERY_H
#define LIB_KUBE_KUBE_WATCH_QUERY_H

#include "lib/kube/kube_page.h"

/* version NULL: one that begins with all objects. */
int kube_watch_query(struct buf *out, const struct kube_selection *selection, const char *version,
	struct err *e) MUST_CHECK;

#endif
