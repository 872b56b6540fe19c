/*
 * Tailscale: a token, or a small request with the API key. Headscale: its version, then the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/control/control_internal.h"
#include "lib/control/control_version.h"

struct control_probe {
	struct control *c;
	struct control_exchange *exchange;
	char version[sizeof(((struct control_capabilities *)0)->server_version)];
	control_fn fn;
	void *arg;
};

void control_probe_cancel(struct control_probe *p)
{
	if (p == NULL)
		return;
	control_exchange_cancel(p->exchange);
	free(p);
}

static void deliver(
	struct control_probe *p, const struct control_result *result, const struct err *err)
{
	control_fn fn = p->fn;
	void *arg = p->arg;
	free(p);
	fn(arg, result, err);
}

static void set_capabilities(struct control_probe *p)
{
	struct control *c = p->c;
	bool is_tailscale = c->kind == CONTROL_TAILSCALE;
	struct control_capabilities *caps = &c->capabilities;
	caps->api = c->driver->api;
	if (caps->api == CONTROL_API_TAILSCALE_V2 && !is_tailscale)
		caps->api = CONTROL_API_HEADSCALE_V2;
	memcpy(caps->server_version, p->version, sizeof(caps->server_version));
	caps->vip_services = is_tailscale;
	caps->certificates = is_tailscale;
}

static void on_proven(void *arg, const struct control_result *result,
	const struct fetch_reply *reply, const struct err *err)
{
	struct control_probe *p = arg;
	(void)reply;
	p->exchange = NULL;
	if (err == NULL)
		set_capabilities(p);
	deliver(p, result, err);
}

static void prove(struct control_probe *p)
{
	struct control *c = p->c;
	struct control_exchange_request what = {.operation = CONTROL_DO_PROBE};
	what.is_token_only = c->client_id[0] != '\0';
	if (!what.is_token_only)
		c->driver->probe(c->tailnet, &what.request);
	p->exchange = control_exchange_start(c, &what, on_proven, p);
}

static void on_version(void *arg, const struct control_result *result,
	const struct fetch_reply *reply, const struct err *err)
{
	struct control_probe *p = arg;
	struct control_result got = *result;
	struct err e = {0};
	p->exchange = NULL;
	if (err != NULL) {
		deliver(p, result, err);
		return;
	}
	got.outcome = CONTROL_OK;
	if (control_version_read(reply->body, reply->len, p->version, sizeof(p->version), &e) < 0) {
		got.outcome = CONTROL_UNAVAILABLE;
	} else if (!control_version_is_known(p->version)) {
		got.outcome = CONTROL_UNSUPPORTED;
		err_set(&e, -ENOTSUP, "Headscale %s is too old: it must be 0.28 or newer",
			p->version);
	}
	if (got.outcome == CONTROL_OK) {
		prove(p);
		return;
	}
	err_wrap(&e, "tailnet \"%s\": ask for the version", p->c->name);
	deliver(p, &got, &e);
}

struct control_probe *control_probe_start(struct control *c, control_fn fn, void *arg)
{
	struct control_probe *p = xcalloc(1, sizeof(*p));
	p->c = c;
	p->fn = fn;
	p->arg = arg;
	if (c->kind == CONTROL_TAILSCALE) {
		prove(p);
		return p;
	}
	struct control_exchange_request what = {
		.operation = CONTROL_DO_VERSION,
		.request = {.method = "GET", .path = xstrdup("/version")},
		.is_open = true,
	};
	p->exchange = control_exchange_start(c, &what, on_version, p);
	return p;
}
