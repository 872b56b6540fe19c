/*
 * The serve config file: watched, placeholders filled in, posted to the daemon. A file that is
 * missing, empty or broken changes nothing: what was applied stays, also across a restart of the
 * daemon; the reason is logged once, and a broken file raises the condition ServeConfigInvalid. A
 * failed post is retried with back-off (ServeApplyFailed). What is cleared by hand is posted again
 * (ingress/serve_watch.h), with at most one line a minute in the log.
 *
 * `${TS_CERT_DOMAIN}` is filled in only once the domain is known, that is, after the first network
 * map.
 *
 * How a file is read: as the reference does. Keys are case-insensitive and passed on to the daemon
 * unchanged; unknown keys are passed on too, but logged once. The services format is translated
 * (ingress/serve_services_plan.h). A member that is null counts as absent, and a document that is
 * null as an empty one, which unsets what was served. Anything else that is not as documented is
 * refused, including a byte order mark: we do not guess what was meant.
 */
#ifndef INGRESS_SERVE_H
#define INGRESS_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/* Stands for the domain when the tailnet issues no certificates. */
#define SERVE_NO_HTTPS "no-https"

struct condition_set;
struct localapi;
struct loop;
struct serve;
struct statestore;

/* The names of the node that a file refers to. */
struct serve_names {
	const char *cert_domain; /* replaces the placeholder */
	const char *suffix;      /* common to all names in the tailnet: "tail1234.ts.net" */
};

struct serve_plan {
	char *document;           /* compact JSON to post; owned */
	bool needs_https;         /* a top-level TCP handler has HTTPS */
	struct strv cert_domains; /* of Services: hosts of Web keys with port 443, TerminateTLS */
	struct strv services;     /* names of Services */
	struct strv withheld;     /* those of them that are not to be advertised */
	struct strv unknown;      /* paths of unknown members */
};

struct serve_options {
	const char *path;     /* TS_SERVE_CONFIG */
	uint32_t debounce_ms; /* 100 */
	uint32_t retry_base_ms, retry_max_ms;
	uint32_t watch_ms; /* between two checks of what the daemon serves */
};

/* Called after a version has been accepted (also when it was not posted because the tailnet has no
 * HTTPS); borrowed for the call. */
typedef void (*serve_accepted_fn)(void *arg, const struct serve_plan *accepted);

/* store receives https_endpoint with each accepted version; NULL = nowhere. loop, api, store and
 * conditions are borrowed, the path is copied. fn may call anything but serve_free. */
struct serve *serve_new(struct loop *loop, struct localapi *api, struct statestore *store,
	struct condition_set *conditions, const struct serve_options *options, serve_accepted_fn fn,
	void *arg);
void serve_free(struct serve *s);

/* First certificate domain without trailing dot, or SERVE_NO_HTTPS. The first call starts the
 * module. */
void serve_set_cert_domain(struct serve *s, const char *domain);
/* Suffix of the tailnet's names without dots around it; "" while it is not known. */
void serve_set_suffix(struct serve *s, const char *suffix);
/* The daemon has been restarted: what it lost is applied again, whether or not the file has
 * changed. */
void serve_reapply(struct serve *s);
/* The daemon is gone: do nothing until serve_reapply. */
void serve_pause(struct serve *s);

/* Pure parts, in ingress/serve_plan.c. */
void serve_plan_fini(struct serve_plan *p);
/* Fills in the placeholder, parses, plans; out is replaced, or left unchanged on failure. -EINVAL
 * names line and column or the member at fault. */
int serve_plan_make(const char *text, size_t len, const struct serve_names *names,
	struct serve_plan *out, struct err *e) MUST_CHECK;

#endif
