/*
 * Which objects have to be looked at when one has changed. Private to controller/cluster.
 */
#ifndef CONTROLLER_CLUSTER_CLUSTER_KEYS_H
#define CONTROLLER_CLUSTER_CLUSTER_KEYS_H

#include "controller/cluster/cluster.h"

/* before or after may be NULL, as in kube_cache_fn. Keys are given to key_fn, some twice. */
typedef void (*cluster_key_fn)(void *arg, const char *kind, const char *ns, const char *name);
void cluster_keys(const struct cluster *c, enum cluster_kind kind, const struct kube_entry *before,
	const struct kube_entry *after, cluster_key_fn fn, void *arg);
/* The keys that nobody else gives when all objects are walked: of the entry itself, and of the
 * parent of one whose parent may be gone. */
void cluster_own_keys(const struct cluster *c, enum cluster_kind kind,
	const struct kube_entry *entry, cluster_key_fn fn, void *arg);

#endif
