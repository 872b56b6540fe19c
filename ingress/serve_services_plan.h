/*
 * The services format of a serve config file, as `tailscale serve set-config --all` reads it:
 *
 *	{"version": "0.0.1", "services": {"svc:web": {
 *		"endpoints": {"tcp:443": "http://127.0.0.1:80"}, "advertised": true}}}
 *
 * translated into the serve config that the daemon understands. Keys compare with their case, and
 * what is not known is refused, by name. Pure.
 */
#ifndef INGRESS_SERVE_SERVICES_PLAN_H
#define INGRESS_SERVE_SERVICES_PLAN_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct json;

#define SERVE_SERVICES_VERSION "0.0.1"
#define SERVE_SERVICES_PORTS_MAX 1024 /* of all services of a file */

/* By its `version`, which a serve config proper has not; the daemon passes over one beside its own
 * members. */
bool serve_services_is(const struct json *doc);
/* -EINVAL when a document without a version looks like one that should have it: the daemon would
 * make empty services of it. */
int serve_services_check_other(const struct json *doc, struct err *e) MUST_CHECK;
/* suffix: of the tailnet's names, "tail1234.ts.net"; may be empty where no endpoint needs a name.
 * out is a new document; withheld gets the services that are not to be advertised. -EINVAL names
 * service and endpoint. */
int serve_services_translate(const struct json *doc, const char *suffix, struct json **out,
	struct strv *withheld, struct err *e) MUST_CHECK;

#endif
