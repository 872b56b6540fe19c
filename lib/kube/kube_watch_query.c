#include "lib/kube/kube_watch_query.h"

#include <stdio.h>

#include "lib/base/backoff.h"

/* The server ends a watch after half of this to all of it, so that many do not end at once. */
#define TIMEOUT_MAX_S 580

int kube_watch_query(
	struct buf *out, const struct kube_selection *selection, const char *version, struct err *e)
{
	char timeout[16];
	snprintf(timeout, sizeof(timeout), "%u", (unsigned int)backoff_jitter(TIMEOUT_MAX_S));
	if (kube_path_append(out, &selection->target, e) < 0 ||
		kube_path_query(out, "labelSelector", selection->label_selector, e) < 0 ||
		kube_path_query(out, "fieldSelector", selection->field_selector, e) < 0 ||
		kube_path_query(out, "watch", "1", e) < 0 ||
		kube_path_query(out, "allowWatchBookmarks", "true", e) < 0 ||
		kube_path_query(out, "timeoutSeconds", timeout, e) < 0)
		return e->code;
	if (version != NULL)
		return kube_path_query(out, "resourceVersion", version, e);
	if (kube_path_query(out, "sendInitialEvents", "true", e) < 0)
		return e->code;
	return kube_path_query(out, "resourceVersionMatch", "NotOlderThan", e);
}
