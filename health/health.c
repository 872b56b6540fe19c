#include "health/health.h"

#include <stdio.h>
#include <stdlib.h>

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
	if (!facts->has_addresses) {
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

static void on_healthz(void *arg, struct httpd_request *request)
{
	struct health *h = arg;
	struct health_facts facts = {
		.has_addresses = h->has_addresses,
		.running = h->running,
		.not_running_ms = h->running ? 0 : clock_now_ms() - h->stopped_ms,
	};
	char reason[128];
	if (!health_verdict(&facts, reason, sizeof(reason))) {
		httpd_reply_error(request, 503, reason);
		return;
	}
	AUTO(strv_fini) struct strv headers = {0};
	/* Operators and drain hooks tell replicas apart by these. */
	if (h->pod_ipv4[0] != '\0')
		strv_pushf(&headers, "Pod-IPv4: %s", h->pod_ipv4);
	if (h->pod_ipv6[0] != '\0')
		strv_pushf(&headers, "Pod-IPv6: %s", h->pod_ipv6);
	httpd_reply(request, 200, &headers, "ok", 2);
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
	h->stopped_ms = clock_now_ms();
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

void health_route_healthz(struct health *h, struct httpd_listener *l)
{
	httpd_route(l, "/healthz", on_healthz, h);
}

void health_route_metrics(struct health *h, struct httpd_listener *l)
{
	httpd_route(l, "/metrics", passthrough_metrics, h);
	httpd_route(l, "/debug/", passthrough_debug, h);
}

void health_set_has_addresses(struct health *h, bool has)
{
	if (has == h->has_addresses)
		return;
	h->has_addresses = has;
	log_event(EV_HEALTH_SET, has ? "true" : "false");
}

void health_set_running(struct health *h, bool running)
{
	if (h->running && !running)
		h->stopped_ms = clock_now_ms();
	h->running = running;
}
