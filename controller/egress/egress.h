/*
 * Egress through a proxy group: an ExternalName Service of a user leads to a node of the tailnet.
 *
 *	e = egress_new(cluster, &options);
 *	egress_feature(e, &features[n++]), egress_sweep_feature(e, &features[n++]);
 *	after the caches are complete: engine_work_add(work, EGRESS_KEY_SWEEP, "", EGRESS_SWEEP_NAME)
 */
#ifndef CONTROLLER_EGRESS_EGRESS_H
#define CONTROLLER_EGRESS_EGRESS_H

#include <stdbool.h>

#include "controller/engine/engine_work.h"

#define EGRESS_KEY_SWEEP "EgressSweep"
#define EGRESS_SWEEP_NAME "orphans"

struct cluster;
struct egress;

struct egress_options {
	const char *domain;        /* of the cluster: "cluster.local"; copied */
	bool leaves_external_name; /* spec.externalName is left to the user */
	/* Nothing of ours is to be left on any Service: each is treated as if it did not ask. */
	bool is_leaving;
	/* Whether another operator's kind ProxyGroup is installed: a Service that names none of our
	 * groups may be its own. NULL = no. */
	bool (*has_upstream)(void *arg);
	void *arg;
};

/* The cluster is borrowed. */
struct egress *egress_new(struct cluster *cluster, const struct egress_options *options);
void egress_free(struct egress *e); /* NULL is accepted */
/* Of the keys of Services. */
void egress_feature(struct egress *e, struct engine_feature *out);
void egress_sweep_feature(struct egress *e, struct engine_feature *out);

#endif
