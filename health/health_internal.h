/*
 * Shared by the files of health/ alone.
 */
#ifndef HEALTH_HEALTH_INTERNAL_H
#define HEALTH_HEALTH_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "health/readiness.h"

struct condition_set;
struct fetcher;
struct httpd_request;
struct localapi;
struct passthrough;

struct health {
	struct fetcher *fetcher_ref;
	struct localapi *api_ref;
	const struct condition_set *conditions_ref;
	char *pod_ipv4;
	char *pod_ipv6;
	char *debug_addr_port;
	bool node_runs; /* as reported */
	bool is_reachable;
	struct readiness_facts facts; /* now_ms: of the last request */
	struct passthrough *passing;  /* requests being passed through */
};

/* Handlers; arg is the struct health. */
void passthrough_metrics(void *arg, struct httpd_request *request);
void passthrough_debug(void *arg, struct httpd_request *request);
void passthrough_cancel_all(struct health *h);

#endif
