#include "health/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/health_events.h"
#include "health/health_internal.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* The words of the reference, which dashboards match on. */
#define NO_ADDRESSES "node currently has no tailscale IPs"

bool health_verdict(const struct health_facts *facts, char *reason, size_t size)
{
	if (facts->is_stopping) {
		snprintf(reason, size, "the node is stopping");
		return false;
	}
	if (!facts->is_addressed) {
		snprintf(reason, size, NO_ADDRESSES);
		return false;
	}
	if (!facts->running && facts->not_running_ms > HEALTH_GRACE_MS) {
		snprintf(reason, size, "tailscaled has not been running for %llu s",
			(unsigned long long)(facts->not_running_ms / CLOCK_MS_PER_S));
		return false;
	}
	reason[0] = '\0';
	return true;
}

/* Operators and drain hooks identify replicas by these. */
static void push_pod_headers(const struct health *h, struct strv *headers)
{
	if (h->pod_ipv4[0] != '\0')
		strv_pushf(headers, "Pod-IPv4: %s", h->pod_ipv4);
	if (h->pod_ipv6[0] != '\0')
		strv_pushf(headers, "Pod-IPv6: %s", h->pod_ipv6);
}

static bool is_addressed(const struct health *h)
{
	return h->facts.has_addresses && h->facts.path_has_stood;
}

static void on_healthz(void *arg, struct httpd_request *request)
{
	struct health *h = arg;
	struct health_facts facts = {
		.is_stopping = h->facts.is_stopping,
		.is_addressed = is_addressed(h),
		.running = h->facts.is_running,
		.not_running_ms =
			h->facts.is_running ? 0 : clock_now_ms() - h->facts.not_running_ms,
	};
	char reason[128];
	AUTO(strv_fini) struct strv headers = {0};
	push_pod_headers(h, &headers);
	if (health_verdict(&facts, reason, sizeof(reason))) {
		httpd_reply(request, 200, &headers, "ok", 2);
		return;
	}
	AUTO(mem_free) char *body = xasprintf("%s\n", reason);
	strv_push(&headers, "X-Content-Type-Options: nosniff");
	httpd_reply(request, 503, &headers, body, strlen(body));
}

static void on_livez(void *arg, struct httpd_request *request)
{
	(void)arg;
	httpd_reply(request, 200, NULL, "ok", 2);
}

static void on_readyz(void *arg, struct httpd_request *request)
{
	struct health *h = arg;
	AUTO(readiness_fini) struct readiness readiness = {0};
	AUTO(strv_fini) struct strv headers = {0};
	h->facts.now_ms = clock_now_ms();
	readiness_find(&h->facts, h->conditions_ref, &readiness);
	AUTO(mem_free)
	char *body = readiness_format(&readiness, h->facts.now_ms, clock_wall());
	push_pod_headers(h, &headers);
	strv_push(&headers, "Content-Type: application/json");
	httpd_reply(request, readiness.count == 0 ? 200 : 503, &headers, body, strlen(body));
}

struct health *health_new(
	struct fetcher *fetcher, struct localapi *api, const struct health_options *options)
{
	struct health *h = xcalloc(1, sizeof(*h));
	h->fetcher_ref = fetcher;
	h->api_ref = api;
	h->pod_ipv4 = xstrdup(options->pod_ipv4);
	h->pod_ipv6 = xstrdup(options->pod_ipv6);
	h->debug_addr_port = xstrdup(options->debug_addr_port);
	h->conditions_ref = options->conditions;
	h->is_reachable = true;
	h->facts.start_ms = clock_now_ms();
	h->facts.not_running_ms = h->facts.start_ms;
	h->facts.addresses_ms = h->facts.start_ms;
	h->facts.path_has_stood = !options->has_data_path;
	h->facts.targets_answered = !options->has_data_path;
	return h;
}

void health_free(struct health *h)
{
	if (h == NULL)
		return;
	passthrough_cancel_all(h);
	free(h->pod_ipv4);
	free(h->pod_ipv6);
	free(h->debug_addr_port);
	free(h);
}

void health_route_probes(struct health *h, struct httpd_listener *l)
{
	httpd_route(l, "/healthz", on_healthz, h);
	httpd_route(l, "/livez", on_livez, h);
	httpd_route(l, "/readyz", on_readyz, h);
}

void health_route_metrics(struct health *h, struct httpd_listener *l)
{
	httpd_route(l, "/metrics", passthrough_metrics, h);
	httpd_route(l, "/debug/", passthrough_debug, h);
}

static void log_change(const struct health *h, bool before)
{
	bool after = is_addressed(h);
	if (after != before)
		log_event(EV_HEALTH_SET, after ? "true" : "false");
}

void health_set_has_addresses(struct health *h, bool has)
{
	bool before = is_addressed(h);
	if (has != h->facts.has_addresses)
		h->facts.addresses_ms = clock_now_ms();
	h->facts.has_addresses = has;
	log_change(h, before);
}

void health_set_path_has_stood(struct health *h, bool has)
{
	bool before = is_addressed(h);
	h->facts.path_has_stood = has;
	log_change(h, before);
}

void health_set_targets_answered(struct health *h, bool have)
{
	h->facts.targets_answered = have;
}

static void update_running(struct health *h)
{
	bool running = h->node_runs && h->is_reachable;
	if (h->facts.is_running && !running)
		h->facts.not_running_ms = clock_now_ms();
	h->facts.is_running = running;
	h->facts.was_running = h->facts.was_running || running;
}

void health_set_running(struct health *h, bool running)
{
	h->node_runs = running;
	update_running(h);
}

void health_set_reachable(struct health *h, bool reachable)
{
	h->is_reachable = reachable;
	update_running(h);
}

void health_set_stopping(struct health *h)
{
	h->facts.is_stopping = true;
	h->facts.stopping_ms = clock_now_ms();
}
