/*
 * The pre-shutdown hook of egress proxies: delays the stop of the Pod until cluster traffic is no
 * longer routed to it. The kubelet sends an HTTP GET before it sends SIGTERM; the answer is 200 as
 * soon as it is safe to stop.
 *
 * Each request reads `egress-services` and `hep-pings` anew. If the file is missing or empty, the
 * answer is `safe to terminate`; for a document without services it is an empty body, for one that
 * cannot be read it is 500. Otherwise the health check endpoint of each service is pinged,
 * `hep-pings` times a round with a new connection each time, until no answer has our address in its
 * Pod-IPv4 header (Pod-IPv6 when this Pod has no IPv4 address). After another `grace_ms`, in which
 * the other nodes change their routes, the answer is sent: 200 with an empty body.
 *
 * Nothing delays it for ever. Each ping has a time limit. An endpoint that fails in
 * `unreachable_limit` rounds in a row counts as drained, and so does one with an unusable name or
 * URL. At most three pings of a round remain unanswered, so this needs at most about
 *
 *	unreachable_limit * (3 * ping_timeout_ms + interval_ms)
 *
 * for up to DRAIN_ROUNDS_MAX endpoints that are slow to fail; further ones have to wait for their
 * turn. Redirects are not followed; they count as answers. As long as this Pod answers, or a name
 * cannot be looked up because the DNS servers fail, the drain goes on until the client disconnects:
 * the only deadline is the client's.
 *
 * Concurrent requests share one drain; when the documents have changed in between, it starts
 * again. It ends when the last client has disconnected.
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
/* Call it before the HTTP server that has its route is freed: waiting requests are dropped without
 * an answer. Not from a callback of its fetcher or resolver. NULL is accepted. */
void drain_free(struct drain *d);

/* httpd_fn of the route. */
void drain_handle(void *drain, struct httpd_request *request);

/* The Pod stops now: waiting requests are answered, and later ones at once, without any pings. */
void drain_stop(struct drain *d);

#endif
