/*
 * TailscaleProxyGroup: the pods that carry traffic to a tailnet, with all that they need, and their
 * devices in the tailnet.
 *
 *	g = proxygroup_new(loop, cluster, planes, &options);
 *	proxygroup_feature(g, &features[n++]);
 */
#ifndef CONTROLLER_PROXYGROUP_PROXYGROUP_H
#define CONTROLLER_PROXYGROUP_PROXYGROUP_H

#include <stdint.h>

#include "controller/engine/engine_work.h"

struct cluster;
struct loop;
struct planes;
struct proxygroup;

/* Texts are copied; NULL and "" are the same. */
struct proxygroup_options {
	const char *image;         /* of the pods */
	const char *firewall_mode; /* "" = what the supervisor finds */
	const char *cluster_domain;
	uint32_t finalizer_timeout_s; /* a deletion waits at most so long for a control plane */
	uint32_t divisor;             /* of all periods, for tests; 0 = 1 */
};

struct proxygroup_counts {
	uint64_t replaced; /* keys that a pod asked for */
	uint64_t deleted;  /* devices */
};

/* All but the options are borrowed. */
struct proxygroup *proxygroup_new(struct loop *loop, const struct cluster *cluster,
	struct planes *planes, const struct proxygroup_options *options);
/* NULL is accepted; wipes keys. No step may be under way: free the work before. */
void proxygroup_free(struct proxygroup *g);
void proxygroup_feature(struct proxygroup *g, struct engine_feature *out);
/* Since the start, for metrics. */
struct proxygroup_counts proxygroup_counts(const struct proxygroup *g);

#endif
