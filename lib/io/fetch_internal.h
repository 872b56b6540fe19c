/*
 * Internals of the HTTP client, shared by lib/io/fetch*.c only.
 *
 * fetch.c          life of a request: start, deliver, cancel
 * fetch_multi.c    libcurl's multi handle on our loop
 * fetch_setup.c    request to libcurl options
 * fetch_failure.c  libcurl's results to errno and a sentence
 * fetch_stream.c   replies passed on instead of collected
 * fetch_http2.c    what only fetchers of fetch_http2.h do
 * fetch_route.c    the same: proxies, a file of CAs, bodies sent once
 */
#ifndef LIB_IO_FETCH_INTERNAL_H
#define LIB_IO_FETCH_INTERNAL_H

#include <curl/curl.h>

#include "lib/io/fetch.h"
#include "lib/io/fetch_stream.h"
#include "lib/io/timer.h"

#define FETCH_REPLY_MAX (1024 * 1024) /* when the caller sets no cap */
#define FETCH_HEAD_MAX (64 * 1024)    /* header lines of a reply */
#define FETCH_CONNECT_MS 10000        /* when the caller sets no time */

struct fetch_watch;

struct fetcher {
	struct loop *loop_ref;
	CURLM *multi;
	struct timer timer; /* libcurl's own */
	bool is_inside;     /* libcurl runs: its callbacks must not call it again */
	/* More options of a request; NULL = none. */
	int (*extend)(struct fetch *fetch, const struct fetch_request *request, struct err *e);
	struct fetch *first;         /* all requests under way */
	struct fetch_watch *watches; /* all sockets libcurl wants watched */
};

struct fetch {
	struct fetcher *fetcher_ref;
	struct fetch *next;
	struct fetch *previous;

	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	char *body; /* wiped when freed: it may be a Secret */
	size_t body_len;
	size_t body_sent; /* of a request that is sent once */
	char *label;      /* "GET https://host/path": no query, which may hold secrets */
	char reason[CURL_ERROR_SIZE];

	struct timer deadline;
	struct timer stall;
	uint32_t timeout_ms;
	uint32_t stall_ms;

	int status;
	bool has_head; /* the final head is complete */
	size_t head_bytes;
	struct strv head;
	struct buf reply;
	struct err failure; /* set by us, outranks libcurl's result */

	bool is_endless;    /* the deadline ends with the head of a stream */
	bool is_added;      /* known to the multi handle */
	bool is_cancelled;  /* to be freed as soon as libcurl returns */
	bool is_delivering; /* the last callback runs */

	fetch_fn fn; /* NULL for streams */
	struct fetch_stream_sink sink;
	void *arg;
};

/* fetch.c */
/* Starts a request; the reply goes to fn or, when fn is NULL, to the sink. */
struct fetch *fetch_begin(struct fetcher *f, const struct fetch_request *request, fetch_fn fn,
	const struct fetch_stream_sink *sink, struct err *e) MUST_CHECK;
/* Removes the request from libcurl, calls its last callback and frees it. NULL = success. */
void fetch_deliver(struct fetch *fetch, const struct err *failure);
/* Does what had to wait until libcurl returned: additions, cancellations, failures. */
void fetch_run_deferred(struct fetcher *f);

/* fetch_multi.c */
int fetch_multi_open(struct fetcher *f, struct err *e) MUST_CHECK;
void fetch_multi_close(struct fetcher *f);

/* fetch_setup.c: the easy handle and all it points to; on failure fetch_release frees what was set
 * up. */
int fetch_setup(struct fetch *fetch, const struct fetch_request *request, struct err *e) MUST_CHECK;
/* fetch_route.c: the part of it that a route needs. */
int fetch_route_setup(
	struct fetch *fetch, const struct fetch_request *request, struct err *e) MUST_CHECK;
void fetch_release(struct fetch *fetch);

/* fetch_failure.c: 0, or the error for libcurl's result. */
int fetch_classify(struct fetch *fetch, CURLcode result, struct err *e) MUST_CHECK;

/* fetch_stream.c */
int fetch_stream_head(struct fetch *fetch);
int fetch_stream_data(struct fetch *fetch, const char *data, size_t len);

static inline bool fetch_is_stream(const struct fetch *fetch)
{
	return fetch->fn == NULL;
}

#endif
