/*
 * The HTTP listeners that the settings ask for: the deprecated health address first, then the
 * local one.
 */
#include "boot/supervisor.h"

#include <string.h>

#include "boot/settings/settings.h"
#include "egress/drain.h"
#include "health/health.h"
#include "health/health_events.h"
#include "lib/base/ipaddr.h"
#include "lib/base/log.h"
#include "lib/io/httpd.h"

static struct httpd_listener *listen_on(struct supervisor *s, const char *text, struct err *e)
{
	struct addrport address;
	/* The text was checked with the settings. */
	if (addrport_parse(text, &address, e) < 0)
		return NULL;
	struct httpd_listener *l = httpd_listen(s->httpd, &address, text, e);
	for (size_t i = 0; l != NULL && i < SUPERVISOR_LISTENERS_MAX; i++) {
		if (s->listeners[i] == NULL) {
			s->listeners[i] = l;
			break;
		}
	}
	return l;
}

static void add_healthz(struct supervisor *s, struct httpd_listener *l, const char *text)
{
	log_event(EV_HEALTH_ENDPOINT, text);
	health_route_healthz(s->health, l);
}

int listeners_open(struct supervisor *s, struct err *e)
{
	const struct settings *settings = s->settings;
	if (settings->healthcheck_addr_port[0] != '\0') {
		struct httpd_listener *l = listen_on(s, settings->healthcheck_addr_port, e);
		if (l == NULL)
			return e->code;
		add_healthz(s, l, settings->healthcheck_addr_port);
	}
	if (!settings->enable_metrics && !settings->enable_health_check && s->drain == NULL)
		return 0;
	struct httpd_listener *l = listen_on(s, settings->local_addr_port, e);
	if (l == NULL)
		return e->code;
	if (settings->enable_metrics) {
		log_event(EV_METRICS_ENDPOINT, settings->local_addr_port);
		health_route_metrics(s->health, l);
	}
	if (settings->enable_health_check)
		add_healthz(s, l, settings->local_addr_port);
	if (s->drain != NULL) {
		log_event(EV_DRAIN_ENDPOINT, settings->local_addr_port, DRAIN_PATH);
		httpd_route(l, DRAIN_PATH, drain_handle, s->drain);
	}
	return 0;
}

void listeners_close(struct supervisor *s)
{
	for (size_t i = 0; i < SUPERVISOR_LISTENERS_MAX; i++) {
		if (s->listeners[i] != NULL)
			httpd_listener_close(s->listeners[i]);
		s->listeners[i] = NULL;
	}
}
