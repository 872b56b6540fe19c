/*
 * A fetcher that speaks HTTP/2 where the server does (ALPN; else HTTP/1.1): all its requests to one
 * server share one connection. Requests that must not wait for each other's bytes belong to
 * fetchers of their own, since libcurl keeps one pool for each.
 *
 * A peer that no longer acknowledges ends the connection after about 30 s, also when nothing is
 * being sent: keep-alive probes begin after 15 s of silence, and TCP_USER_TIMEOUT is 30 s.
 *
 * Never hold back a stream: a paused one with data would stop its whole connection. Read and drop,
 * or cancel.
 */
#ifndef LIB_IO_FETCH_HTTP2_H
#define LIB_IO_FETCH_HTTP2_H

#include "lib/io/fetch.h"

#define FETCH_HTTP2_DEAD_MS 30000
#define FETCH_PROXY_MAX 1024 /* text of a proxy's URL */

/* Freed by fetcher_free. */
struct fetcher *fetch_http2_new(struct loop *loop, struct err *e) MUST_CHECK;

/* A proxy as the environment has it ("proxy:3128", "http://user:password@proxy") as the URL of a
 * route, and its host, to be resolved. -EINVAL without the text, which may hold a password. */
int fetch_proxy_parse(const char *text, char url[static FETCH_PROXY_MAX], char *host, size_t size,
	struct err *e) MUST_CHECK;

#endif
