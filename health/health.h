/*
 * The HTTP endpoints about this node: /healthz, /livez and /readyz, /metrics (the daemon's, passed
 * through) and /debug/ (the daemon's debug server, passed through).
 *
 * /healthz has the answers of the reference. A node is healthy when it has a tailnet address, its
 * daemon runs and its data path has been in force once; a daemon that is back within
 * HEALTH_GRACE_MS does not make it unhealthy, so that readiness does not flap on a restart in
 * place. /readyz is stricter, and names every reason (health/readiness.h). /livez is 200 as long as
 * the loop runs: nothing else could be repaired by a restart of the supervisor and not by the
 * supervisor itself.
 *
 * From the beginning of a stop the node is neither healthy nor ready. Refusals name the Pod like
 * other answers: the drain of egress proxies attributes an answer without our address to another
 * Pod, and an operator concludes that the node cannot be queried.
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
	bool has_data_path;                     /* not in force yet */
};

struct health *health_new(
	struct fetcher *fetcher, struct localapi *api, const struct health_options *options);
/* Call it before the HTTP server that has its routes is freed: waiting requests are dropped. */
void health_free(struct health *h);

/* Adds the endpoints to a listener. */
void health_route_probes(
	struct health *h, struct httpd_listener *l); /* /healthz, /livez, /readyz */
void health_route_metrics(struct health *h, struct httpd_listener *l); /* /metrics and /debug/ */

/* Facts. Whether the node has addresses and its data path has been in force is logged when it
 * changes, as "Setting healthy true|false". */
void health_set_has_addresses(struct health *h, bool has);
void health_set_path_has_stood(struct health *h, bool has);
/* Whether the targets of egress have answered through the tunnel; for /readyz alone. */
void health_set_targets_answered(struct health *h, bool have);
void health_set_running(struct health *h, bool running); /* daemon up, node Running */
/* Whether the daemon answers and its notifications arrive; initially true. A node whose daemon
 * cannot be reached counts as not running. */
void health_set_reachable(struct health *h, bool reachable);
/* A stop is under way; this is final. */
void health_set_stopping(struct health *h);

/* Pure decision of /healthz. reason receives the sentence of the 503, at most size bytes. */
struct health_facts {
	bool is_stopping;
	bool is_addressed; /* has addresses, and the data path has been in force */
	bool running;
	uint64_t not_running_ms; /* how long, when not running */
};
bool health_verdict(const struct health_facts *facts, char *reason, size_t size);

#endif
