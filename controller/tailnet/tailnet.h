/*
 * TailscaleTailnet: where a control plane is, whether it can be used, what it can do. A sync with
 * it is made when the object or its Secret changes, then every spec.syncInterval.
 *
 *	t = tailnet_new(loop, cluster, planes, &options);
 *	tailnet_feature(t, &features[n++]);
 */
#ifndef CONTROLLER_TAILNET_TAILNET_H
#define CONTROLLER_TAILNET_TAILNET_H

#include <stdint.h>

#include "controller/engine/engine_work.h"

struct cluster;
struct loop;
struct planes;
struct tailnet;

/* 0 = the default. */
struct tailnet_options {
	uint32_t release_ms; /* a deletion waits for the users at most so long: 5 min */
	uint32_t divisor;    /* of all periods, for tests: 1 */
};

/* All but the options are borrowed. Each plan refreshes the planes. */
struct tailnet *tailnet_new(struct loop *loop, struct cluster *cluster, struct planes *planes,
	const struct tailnet_options *options);
/* NULL is accepted. No sync may be under way: free the work before. */
void tailnet_free(struct tailnet *t);
void tailnet_feature(struct tailnet *t, struct engine_feature *out);

#endif
