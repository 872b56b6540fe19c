/*
 * The table of kinds: where each is, what is kept of it, and by what it is found. Pure. Private to
 * controller/cluster.
 */
#ifndef CONTROLLER_CLUSTER_CLUSTER_KINDS_H
#define CONTROLLER_CLUSTER_CLUSTER_KINDS_H

#include "controller/cluster/cluster.h"

struct cluster_kind_row {
	struct kube_resource resource;
	bool is_managed; /* read in the namespace of the controller, those with the label alone */
	void *(*decode)(const struct json *object);
	void (*free)(void *data);
	bool (*keeps_text)(const void *data);
};

extern const struct cluster_kind_row cluster_kinds[CLUSTER_KINDS];

/* The indexes of a kind; the default is borrowed by them. */
void cluster_indexes(
	enum cluster_kind kind, char *default_tailnet, struct kube_index out[CLUSTER_INDEXES]);

#endif
