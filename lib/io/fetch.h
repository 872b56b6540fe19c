/*
 * HTTP client on the loop: libcurl's multi interface, driven by our epoll and timers. Nothing is
 * resolved by libcurl: the address to connect to is given, or the server is a Unix socket.
 *
 * A kept-alive connection is used again. Redirects are not followed, proxies used only where a
 * request has one, compression not requested. The program must ignore SIGPIPE. A bearer token is
 * wiped from our memory with the request; libcurl's copy in its send buffer is freed unwiped.
 *
 * A request calls its callback exactly once, never from within fetch_start, unless it is cancelled.
 */
#ifndef LIB_IO_FETCH_H
#define LIB_IO_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/ipaddr.h"
#include "lib/base/secret.h"
#include "lib/base/str.h"

struct loop;
struct fetcher;
struct fetch;

/* For a fetcher of fetch_http2.h only. All borrowed until the request has been started. */
struct fetch_identity {
	const char *certificate_pem; /* of the client, NULL = none */
	size_t certificate_len;
	const struct secret *key; /* its private key, PEM */
	bool is_unverified;       /* the server's certificate is not checked */
};

/* The same. */
struct fetch_route {
	const char *ca_file; /* path of the only trusted CAs, in place of ca_pem; NULL = none */
	/* http:// or https:// URL of an HTTP proxy; the request's address is the proxy's, and the
	 * proxy finds the server. NULL = none. */
	const char *proxy;
	/* The body leaves at most once. libcurl repeats a request by itself when a kept connection
	 * ends before the answer: what it asked for may then happen twice. */
	bool is_sent_once;
};

struct fetch_request {
	const char *method;      /* "GET", "POST", "PATCH", … */
	const char *url;         /* http:// or https:// */
	const char *unix_socket; /* path, or NULL */
	const struct ipaddr
		*address;            /* where to connect instead of resolving the URL's host; needed
					unless unix_socket is set or the host is an address */
	const struct strv *headers;  /* "Name: value" lines, may be NULL */
	const struct secret *bearer; /* Authorization: Bearer …, may be NULL */
	const char *body;            /* NULL = none; copied */
	size_t body_len;
	const char *ca_pem; /* PEM text of the only trusted CAs; NULL = the system's */
	size_t ca_pem_len;
	const struct fetch_identity *identity; /* NULL = none */
	const struct fetch_route *route;       /* NULL = none */
	uint32_t timeout_ms;                   /* whole request; 0 = none (streams only) */
	uint32_t head_timeout_ms;    /* streams without timeout_ms: until a 2xx answer begins */
	uint32_t connect_timeout_ms; /* 0 = 10 s */
	uint32_t stall_ms;           /* streams: see fetch_stream.h; 0 = none */
	size_t reply_max;            /* cap of a whole reply, else -EMSGSIZE; 0 = 1 MiB */
	bool fresh_connection;       /* no keep-alive before or after */
};

struct fetch_reply {
	int status;       /* HTTP status, 0 when there was no answer */
	int cut_status;   /* with an error: of an answer that was cut short; 0 = none began */
	const char *body; /* NUL-terminated, borrowed for the callback */
	size_t len;
	const struct strv *headers; /* "Name: value" lines of the final answer, borrowed */
	uint64_t retry_after_ms;    /* Retry-After from now on, capped at 24 h; 0 = none, or past */
};

/* err is NULL when a whole answer with any status was received; else its code is the reason:
 * -ECONNREFUSED (also: no such Unix socket), other codes of connect(2), -ETIMEDOUT, -ECONNRESET
 * (also: cut short), -EPROTO (invalid TLS or HTTP), -EACCES (certificate not trusted), -EMSGSIZE.
 * reply is never NULL; with an error it is empty except for cut_status. */
typedef void (*fetch_fn)(void *arg, const struct fetch_reply *reply, const struct err *err);

struct fetcher *fetcher_new(struct loop *loop, struct err *e) MUST_CHECK;
/* Cancels all requests. Must not be called from a callback of one of them. */
void fetcher_free(struct fetcher *f);

/* NULL with the error set: -EINVAL for a bad URL, method, header, or a host name without an
 * address. */
struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *request, fetch_fn fn,
	void *arg, struct err *e) MUST_CHECK;
/* Cancels a request without a callback; safe inside any callback. The handle is invalid after this
 * call, and after the callback. NULL is accepted. */
void fetch_cancel(struct fetch *fetch);

/* Host of the URL, an address without its brackets, into host: the name to resolve for `address` of
 * a request. -EINVAL for a text that is no HTTP or HTTPS URL, has a user name, or does not fit. */
int fetch_url_host(const char *url, char *host, size_t size, struct err *e) MUST_CHECK;

/* Negative errno for a refusal: 401 and 403 -EACCES, 404 -ENOENT, 409, 410 and 412 -ESTALE, 422
 * -EINVAL, 408, 429 and 5xx -EAGAIN, other -EPROTO. */
int fetch_status_code(int status);

/* Header of a reply by name, ignoring case; NULL when absent. */
const char *fetch_header(const struct fetch_reply *reply, const char *name);

#endif
