/*
 * What others ask about us over HTTP: /healthz (are we fit to take traffic), /metrics (the
 * daemon's, passed through) and /debug/ (the daemon's debug server, passed through).
 *
 * Healthy is a node with a tailnet address whose daemon runs; a daemon that is being brought back
 * within HEALTH_GRACE_MS does not turn it unhealthy, so that a restart in place does not flap
 * readiness.
 */
#ifndef HEALTH_HEALTH_H
#define HEALTH_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/io/httpd.h"

#define HEALTH_GRACE_MS 10000

struct fetcher;
struct health;
struct localapi;

struct health_options {
	const char *pod_ipv4; /* "" = unknown */
	const char *pod_ipv6;
	const char *debug_addr_port; /* TS_DEBUG_ADDR_PORT, "" = none */
};

struct health *health_new(
	struct fetcher *fetcher, struct localapi *api, const struct health_options *options);
/* Before the HTTP server it has routes on: requests that wait for an answer are let go. */
void health_free(struct health *h);

/* Adds the endpoints to a listener. */
void health_route_healthz(struct health *h, struct httpd_listener *l);
void health_route_metrics(struct health *h, struct httpd_listener *l); /* /metrics and /debug/ */

/* Facts. A change of the address fact is logged as "Setting healthy true|false". */
void health_set_has_addresses(struct health *h, bool has);
void health_set_running(struct health *h, bool running); /* daemon up and node Running */

/* Pure verdict. reason is the sentence of the 503, at most size bytes. */
struct health_facts {
	bool has_addresses;
	bool running;
	uint64_t not_running_ms; /* how long, when not running */
};
bool health_verdict(const struct health_facts *facts, char *reason, size_t size);

#endif
