/*
 * The services format of a serve config file, as `tailscale serve set-config --all` reads it:
 *
 *	{"version": "0.0.1", "services": {"svc:web": {
 *		"endpoints": {"tcp:443": "http://127.0.0.1:80"}, "advertised": true}}}
 *
 * translated into the serve config that the daemon understands. Keys are case-sensitive, and an
 * unknown one is refused by name. Pure.
 */
#ifndef INGRESS_SERVE_SERVICES_PLAN_H
#define INGRESS_SERVE_SERVICES_PLAN_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct json;

#define SERVE_SERVICES_VERSION "0.0.1"
#define SERVE_SERVICES_PORTS_MAX 1024 /* of all services of a file */

/* Recognised by its `version`, which a proper serve config lacks; the daemon ignores one beside
 * its own members. */
bool serve_services_is(const struct json *doc);
/* -EINVAL when another document has endpoints, because its version is missing or because it mixes
 * both formats: the daemon would turn it into empty services. */
int serve_services_check_other(const struct json *doc, struct err *e) MUST_CHECK;
/* suffix: common to the tailnet's names, "tail1234.ts.net"; may be empty where no endpoint needs a
 * name. out is a new document; withheld receives the services that are not to be advertised.
 * -EINVAL names service and endpoint. */
int serve_services_translate(const struct json *doc, const char *suffix, struct json **out,
	struct strv *withheld, struct err *e) MUST_CHECK;

#endif
