/*
 * One endpoint of the services format: ports of a Tailscale Service and their target. Pure.
 *
 *	"tcp:443": "http://127.0.0.1:80"
 *	"tcp:8000-8009": "tcp://backend:9000-9009"
 *	"tcp:80": "file:///srv/www"
 *	"tcp:5432": "tls-terminated-tcp://unix:/run/db.sock"
 *	"*": "TUN"
 *
 * The scheme of the target selects the protocol of the ports, as `tailscale serve set-config`
 * reads it: http is HTTP, https, https+insecure and file are HTTPS, the others TCP.
 */
#ifndef INGRESS_SERVE_ENDPOINT_PLAN_H
#define INGRESS_SERVE_ENDPOINT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

#define SERVE_HOST_MAX 253

enum serve_kind {
	SERVE_KIND_TUN, /* packets, not ports */
	SERVE_KIND_HTTP,
	SERVE_KIND_HTTPS,
	SERVE_KIND_TCP,
	SERVE_KIND_TLS_TCP,
};

struct serve_ports {
	uint16_t first, last;
};

struct serve_endpoint {
	enum serve_kind kind;
	struct serve_ports from;
	const char *scheme_ref; /* of the target: "https+insecure"; NULL where place_ref is set */
	const char *place_ref;  /* a path or "unix:PATH", borrowed from the target; else NULL */
	char host[SERVE_HOST_MAX + 1];
	struct serve_ports to; /* as many as from */
};

/* -EINVAL, with a sentence that names neither key nor target: the caller adds them. */
int serve_endpoint_parse(
	const char *key, const char *target, struct serve_endpoint *out, struct err *e) MUST_CHECK;
/* The target of one of the ports: "http://[::1]:80", a path, "unix:PATH", or for TCP "host:80".
 * Caller frees. */
char *serve_endpoint_target(const struct serve_endpoint *endpoint, uint16_t port);

#endif
