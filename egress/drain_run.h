/*
 * One drain: pings the health check endpoints of all services until this Pod answers at none of
 * them. What "drained" means is defined in egress/drain_plan.h.
 *
 * Services with the same endpoint share its checks. At most DRAIN_ROUNDS_MAX endpoints are pinged
 * at a time, the others are queued: thousands of services need no more descriptors than a few.
 */
#ifndef EGRESS_DRAIN_RUN_H
#define EGRESS_DRAIN_RUN_H

#include <stdint.h>

#include "egress/drain_plan.h"

#define DRAIN_ROUNDS_MAX 32

struct drain_run;
struct egress_config;
struct fetcher;
struct loop;
struct resolver;

struct drain_run_options {
	struct drain_limits limits;
	const char *pod_ipv4, *pod_ipv6; /* "" = none; IPv4 is preferred. At least one is set. */
	uint32_t interval_ms;            /* between two rounds of an endpoint */
	uint32_t timeout_ms;             /* of a ping */
};

/* All are drained. The callback may free the run. Never called from within drain_run_new. */
typedef void (*drain_run_fn)(void *arg);

struct drain_run *drain_run_new(struct loop *loop, struct fetcher *fetcher,
	struct resolver *resolver, const struct drain_run_options *options, drain_run_fn fn,
	void *arg);
/* Starts with these services; once. config is not kept. */
void drain_run_start(struct drain_run *run, const struct egress_config *config);
/* Logs what is not drained yet, when the run is ended early. */
void drain_run_log_remaining(struct drain_run *run);
/* NULL is accepted; not from within callbacks of the fetcher or resolver. */
void drain_run_free(struct drain_run *run);

#endif
