/*
 * HTTP server for probes and hooks: GET and HEAD only, one request a connection, heads of at most 4
 * KiB, no bodies, at most HTTPD_CONNECTIONS_MAX connections over all listeners. A head must be
 * complete within 5 s of the accept; when all places are in use the oldest connection that is still
 * sending its head is closed. The client has HTTPD_WRITE_MS to read a reply. So slow, idle and
 * vanishing clients cost nothing.
 *
 * At most HTTPD_KEPT_MAX requests are kept by handlers, so that probes find a place. Beyond that, a
 * handler with an on-gone callback loses its request as if the client had left, and the client gets
 * 503.
 *
 * A handler replies at once or keeps the request and replies later; it is notified when the client
 * goes away.
 *
 * Written here by decision: packaged servers limit inactivity instead of total time, bring threads,
 * or lack limits.
 */
#ifndef LIB_IO_HTTPD_H
#define LIB_IO_HTTPD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"
#include "lib/base/str.h"

#define HTTPD_CONNECTIONS_MAX 64
#define HTTPD_KEPT_MAX 48
#define HTTPD_HEAD_MAX 4096
#define HTTPD_HEAD_MS 5000
#define HTTPD_WRITE_MS 10000

struct loop;
struct httpd;
struct httpd_listener;
struct httpd_request;

struct httpd *httpd_new(struct loop *loop);
/* Closes listeners and connections silently. Must not be called from a handler. */
void httpd_free(struct httpd *h);

/* Listens on the address; `[::]:port` accepts IPv4 too, and on a host without IPv6 it falls back to
 * 0.0.0.0. text is the address as configured, used in log lines. NULL with the error set. */
struct httpd_listener *httpd_listen(struct httpd *h, const struct addrport *address,
	const char *text, struct err *e) MUST_CHECK;
/* Stops listening, logs EV_HTTP_LISTENER_CLOSED and frees it. Requests that handlers keep stay
 * valid until answered; connections that have not sent their head are closed. */
void httpd_listener_close(struct httpd_listener *l);
/* The port it listens on, also when 0 was requested. */
uint16_t httpd_listener_port(const struct httpd_listener *l);

/* Called with a complete request. The handler must answer with httpd_reply, now or later. */
typedef void (*httpd_fn)(void *arg, struct httpd_request *request);

/* Path of this listener: exact match, or with a trailing "/" everything below (and a redirect from
 * the path without it). Routes are looked up longest first. Unknown paths get 404, other methods
 * 405. */
void httpd_route(struct httpd_listener *l, const char *path, httpd_fn fn, void *arg);

/* Facts of the request, valid until the reply. */
const char *httpd_request_path(const struct httpd_request *r);  /* as sent, without the query */
const char *httpd_request_query(const struct httpd_request *r); /* after '?', "" without one */
bool httpd_request_is_head(const struct httpd_request *r);
/* Header by name, ignoring case; NULL when absent. */
const char *httpd_request_header(const struct httpd_request *r, const char *name);

/* Requests a callback when the client leaves before the reply. The request is freed by then and
 * must not be used any more. A handler that does not call this keeps the request and must answer it
 * anyway.
 *
 * A client that closes only its sending side counts as gone while a handler keeps its request (a
 * closed connection looks the same); a client that is answered at once gets its reply. */
void httpd_request_on_gone(struct httpd_request *r, void (*fn)(void *arg), void *arg);

/* Answers and releases the request. headers: "Name: value" lines, may be NULL. Content-Type is
 * text/plain; charset=utf-8 unless given. The body is copied (cap 16 MiB, else 500); for HEAD its
 * length is sent without it. */
void httpd_reply(struct httpd_request *r, int status, const struct strv *headers, const char *body,
	size_t len);
/* Error form: text and newline, plain text, X-Content-Type-Options: nosniff. */
void httpd_reply_error(struct httpd_request *r, int status, const char *text);

#endif
