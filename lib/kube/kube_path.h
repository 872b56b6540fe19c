/*
 * Paths of the API: kind, namespace, name and subresource to the text of a URL, each part escaped.
 * Pure. A part that cannot be one (empty, "." or "..") is refused, since the request would go to
 * something else.
 *
 *	AUTO(buf_fini) struct buf path = BUF_INIT(KUBE_PATH_MAX);
 *	kube_path_append(&path, &target, e), kube_path_query(&path, "fieldManager", name, e)
 */
#ifndef LIB_KUBE_KUBE_PATH_H
#define LIB_KUBE_KUBE_PATH_H

#include <stdbool.h>

#include "lib/base/buf.h"

#define KUBE_PATH_MAX 8192

/* A kind. */
struct kube_resource {
	const char *group; /* "" = the core */
	const char *version;
	const char *plural; /* "services" */
	const char *kind;   /* "Service" */
	bool is_namespaced;
};

struct kube_target {
	const struct kube_resource *resource;
	const char *ns;          /* NULL with a namespaced kind: all namespaces */
	const char *name;        /* NULL = the collection */
	const char *subresource; /* "status"; NULL = none */
};

/* -EINVAL names the part that is not usable, -EMSGSIZE. */
int kube_path_append(struct buf *out, const struct kube_target *target, struct err *e) MUST_CHECK;
/* Adds ?key=value or &key=value; a value of NULL adds nothing. */
int kube_path_query(struct buf *out, const char *key, const char *value, struct err *e) MUST_CHECK;

#endif
