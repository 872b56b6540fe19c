#include "boot/listeners.h"

#include <stddef.h>

#include "boot/settings/settings.h"
#include "egress/drain.h"
#include "health/health.h"
#include "health/health_events.h"
#include "lib/base/ipaddr.h"
#include "lib/base/log.h"
#include "lib/io/httpd.h"

static struct httpd_listener *listen_on(struct listeners *l, const char *text, struct err *e)
{
	struct addrport address;
	/* The text was checked with the settings. */
	if (addrport_parse(text, &address, e) < 0)
		return NULL;
	struct httpd_listener *listener = httpd_listen(l->httpd, &address, text, e);
	for (size_t i = 0; listener != NULL && i < LISTENERS_MAX; i++) {
		if (l->items[i] == NULL) {
			l->items[i] = listener;
			break;
		}
	}
	return listener;
}

static void add_healthz(struct health *health, struct httpd_listener *listener, const char *text)
{
	log_event(EV_HEALTH_ENDPOINT, text);
	health_route_probes(health, listener);
}

static int open_local(struct listeners *l, const struct settings *settings,
	const struct listeners_routes *routes, struct err *e)
{
	const char *text = settings->local_addr_port;
	if (!settings->enable_metrics && !settings->enable_health_check && routes->drain == NULL)
		return 0;
	struct httpd_listener *listener = listen_on(l, text, e);
	if (listener == NULL)
		return e->code;
	if (settings->enable_metrics) {
		log_event(EV_METRICS_ENDPOINT, text);
		health_route_metrics(routes->health, listener);
	}
	if (settings->enable_health_check)
		add_healthz(routes->health, listener, text);
	if (routes->drain != NULL) {
		log_event(EV_DRAIN_ENDPOINT, text, DRAIN_PATH);
		httpd_route(listener, DRAIN_PATH, drain_handle, routes->drain);
	}
	return 0;
}

void listeners_init(struct listeners *l, struct loop *loop)
{
	*l = (struct listeners){.httpd = httpd_new(loop)};
}

void listeners_fini(struct listeners *l)
{
	httpd_free(l->httpd);
}

int listeners_open(struct listeners *l, const struct settings *settings,
	const struct listeners_routes *routes, struct err *e)
{
	const char *health_text = settings->healthcheck_addr_port;
	if (l->were_opened)
		return 0;
	if (health_text[0] != '\0') {
		struct httpd_listener *listener = listen_on(l, health_text, e);
		if (listener == NULL)
			return e->code;
		add_healthz(routes->health, listener, health_text);
	}
	if (open_local(l, settings, routes, e) < 0)
		return e->code;
	l->were_opened = true;
	return 0;
}

void listeners_close(struct listeners *l)
{
	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		if (l->items[i] != NULL)
			httpd_listener_close(l->items[i]);
		l->items[i] = NULL;
	}
}
