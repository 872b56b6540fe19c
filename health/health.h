/*
 * What others ask about us over HTTP: /healthz, /livez and /readyz, /metrics (the daemon's, passed
 * through) and /debug/ (the daemon's debug server, passed through).
 *
 * /healthz has the answers of the reference. Healthy is a node with a tailnet address whose daemon
 * runs and whose data path has stood; a daemon that is being brought back within HEALTH_GRACE_MS
 * does not turn it unhealthy, so that a restart in place does not flap readiness. /readyz is
 * stricter, and names every reason (health/readiness.h). /livez is 200 as long as the loop turns:
 * there is nothing that a restart of the supervisor would mend and the supervisor would not.
 *
 * From the begin of a stop on the node is neither healthy nor ready. Refusals name the Pod like
 * other answers: the drain of egress proxies takes an answer without our address for one of another
 * Pod, and an operator takes it for a node that cannot be asked.
 */
#ifndef HEALTH_HEALTH_H
#define HEALTH_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/io/httpd.h"

#define HEALTH_GRACE_MS 10000

struct condition_set;
struct fetcher;
struct health;
struct localapi;

struct health_options {
	const char *pod_ipv4; /* "" = unknown */
	const char *pod_ipv6;
	const char *debug_addr_port;            /* TS_DEBUG_ADDR_PORT, "" = none */
	const struct condition_set *conditions; /* borrowed */
	bool has_data_path;                     /* which has not stood yet */
};

struct health *health_new(
	struct fetcher *fetcher, struct localapi *api, const struct health_options *options);
/* Before the HTTP server it has routes on: requests that wait for an answer are let go. */
void health_free(struct health *h);

/* Adds the endpoints to a listener. */
void health_route_probes(
	struct health *h, struct httpd_listener *l); /* /healthz, /livez, /readyz */
void health_route_metrics(struct health *h, struct httpd_listener *l); /* /metrics and /debug/ */

/* Facts. That the node has addresses and its data path has stood is logged when it changes, as
 * "Setting healthy true|false". */
void health_set_has_addresses(struct health *h, bool has);
void health_set_path_has_stood(struct health *h, bool has);
void health_set_running(struct health *h, bool running); /* daemon up and node Running */
/* The daemon answers, and its notifications come; true at first. One that cannot be reached counts
 * like one that does not run. */
void health_set_reachable(struct health *h, bool reachable);
/* A stop is under way; nothing takes that back. */
void health_set_stopping(struct health *h);

/* Pure verdict of /healthz. reason is the sentence of the 503, at most size bytes. */
struct health_facts {
	bool is_stopping;
	bool is_addressed; /* has addresses, and the data path has stood */
	bool running;
	uint64_t not_running_ms; /* how long, when not running */
};
bool health_verdict(const struct health_facts *facts, char *reason, size_t size);

#endif
