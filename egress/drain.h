/*
 * The pre-shutdown hook of egress proxies: holds the stop of the Pod until cluster traffic is no
 * longer routed to it. The kubelet asks by HTTP GET before it sends SIGTERM; the answer is 200 as
 * soon as it is safe to stop.
 *
 * Each request reads `egress-services` and `hep-pings` anew. No file, or an empty one, is answered
 * `safe to terminate`, a document without services with an empty body, one that cannot be read
 * with 500. Otherwise the health check endpoint of each service is pinged, `hep-pings` times a
 * round with a new connection each time, until no answer has our address in its Pod-IPv4 header
 * (Pod-IPv6 when this Pod has no IPv4 address). After that `grace_ms` pass, in which the other
 * nodes change their routes, before the answer comes: 200 with an empty body.
 *
 * Nothing holds it up for ever. Each ping has a time limit. An endpoint that fails in
 * `unreachable_limit` rounds in a row counts as drained, also one whose name or URL is of no use.
 * At most three pings of a round go without an answer, so this takes at most about
 *
 *	unreachable_limit * (3 * ping_timeout_ms + interval_ms)
 *
 * for up to DRAIN_ROUNDS_MAX endpoints that are slow to fail; more of them take their turns after
 * each other. Redirects are not followed; they are answers. What this Pod answers, and a name that
 * cannot be looked up because the DNS servers fail, is waited for as long as the client stays: its
 * patience is the deadline.
 *
 * Requests at the same time share one drain; when the documents have changed in between it begins
 * anew. It ends when the last client has left.
 *
 *	d = drain_new(loop, fetcher, resolver, &options);
 *	httpd_route(listener, DRAIN_PATH, drain_handle, d);
 *	on SIGTERM: drain_stop(d);
 */
#ifndef EGRESS_DRAIN_H
#define EGRESS_DRAIN_H

#include <stdint.h>

#define DRAIN_PATH "/internal-egress-services-preshutdown"

struct drain;
struct fetcher;
struct httpd_request;
struct loop;
struct resolver;

struct drain_options {
	const char *directory;           /* TS_EGRESS_PROXIES_CONFIG_PATH */
	const char *pod_ipv4, *pod_ipv6; /* "" without one */
	uint32_t interval_ms;            /* between two rounds of an endpoint: 1000 */
	uint32_t grace_ms;               /* 10000 */
	uint32_t ping_timeout_ms;        /* from the connect to the head of the answer: 2000 */
	uint32_t unreachable_limit;      /* failed rounds in a row: DRAIN_UNREACHABLE_LIMIT */
};

#define DRAIN_UNREACHABLE_LIMIT 5

/* loop, fetcher and resolver are borrowed, options are copied. */
struct drain *drain_new(struct loop *loop, struct fetcher *fetcher, struct resolver *resolver,
	const struct drain_options *options);
/* Before the HTTP server it has a route on: requests that wait are let go without an answer. Not
 * from a callback of its fetcher or resolver. NULL is accepted. */
void drain_free(struct drain *d);

/* httpd_fn of the route. */
void drain_handle(void *drain, struct httpd_request *request);

/* The Pod stops now: what waits is answered, and so is all that comes later, without looking. */
void drain_stop(struct drain *d);

#endif
