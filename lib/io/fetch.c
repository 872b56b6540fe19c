#include "lib/io/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/fetch_internal.h"
#include "lib/io/loop.h"

#define RETRY_AFTER_MAX_S (24 * 60 * 60)

struct fetcher *fetcher_new(struct loop *loop, struct err *e)
{
	struct fetcher *f = xcalloc(1, sizeof(*f));
	f->loop_ref = loop;
	if (fetch_multi_open(f, e) < 0) {
		free(f);
		return NULL;
	}
	return f;
}

static void fetch_link(struct fetch *fetch)
{
	struct fetcher *f = fetch->fetcher_ref;
	fetch->next = f->first;
	if (f->first != NULL)
		f->first->previous = fetch;
	f->first = fetch;
}

static void fetch_unlink(struct fetch *fetch)
{
	if (fetch->previous != NULL)
		fetch->previous->next = fetch->next;
	else
		fetch->fetcher_ref->first = fetch->next;
	if (fetch->next != NULL)
		fetch->next->previous = fetch->previous;
	fetch->next = NULL;
	fetch->previous = NULL;
}

/* No callback reaches the request after this; only its memory remains. */
static void fetch_detach(struct fetch *fetch)
{
	timer_stop(&fetch->deadline);
	timer_stop(&fetch->stall);
	if (fetch->is_added)
		curl_multi_remove_handle(fetch->fetcher_ref->multi, fetch->easy);
	fetch->is_added = false;
	fetch_unlink(fetch);
}

static void fetch_free(struct fetch *fetch)
{
	fetch_release(fetch);
	strv_fini(&fetch->head);
	buf_wipe(&fetch->reply); /* it may be a Secret, or a private key */
	free(fetch);
}

/* Seconds or a date (RFC 9110 section 10.2.3): libcurl reads both. */
static uint64_t retry_after_ms(const struct fetch *fetch)
{
	curl_off_t seconds = 0;
	curl_easy_getinfo(fetch->easy, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds <= 0)
		return 0;
	uint64_t capped = seconds < RETRY_AFTER_MAX_S ? (uint64_t)seconds : RETRY_AFTER_MAX_S;
	return capped * CLOCK_MS_PER_S;
}

void fetch_deliver(struct fetch *fetch, const struct err *failure)
{
	bool is_stream = fetch_is_stream(fetch);
	/* A failed plain request exposes no part of the reply: half a body must not look like a
	 * whole one.
	 *  */
	bool shows_reply = failure == NULL || is_stream;
	static const struct strv no_headers;
	struct fetch_reply reply = {
		.status = shows_reply ? fetch->status : 0,
		.cut_status = failure != NULL ? fetch->status : 0,
		.body = shows_reply ? buf_cstr(&fetch->reply) : "",
		.len = shows_reply ? fetch->reply.len : 0,
		.headers = shows_reply ? &fetch->head : &no_headers,
		.retry_after_ms = shows_reply ? retry_after_ms(fetch) : 0,
	};

	fetch_detach(fetch);
	fetch->is_delivering = true;
	if (is_stream)
		fetch->sink.on_end(fetch->sink.arg, &reply, failure);
	else
		fetch->fn(fetch->arg, &reply, failure);
	fetch_free(fetch);
}

static void on_deadline(void *arg)
{
	struct fetch *fetch = arg;
	struct err e;
	err_set(&e, -ETIMEDOUT, "%s: no %s within %u ms", fetch->label,
		fetch->has_head ? "complete answer" : "answer", fetch->timeout_ms);
	fetch_deliver(fetch, &e);
}

static void on_stall(void *arg)
{
	struct fetch *fetch = arg;
	struct err e;
	err_set(&e, -ETIMEDOUT, "%s: stream stopped in the middle of a message for %u ms",
		fetch->label, fetch->stall_ms);
	fetch_deliver(fetch, &e);
}

static int fetch_add(struct fetch *fetch, struct err *e)
{
	CURLMcode code = curl_multi_add_handle(fetch->fetcher_ref->multi, fetch->easy);
	if (code != CURLM_OK)
		return err_set(e, -ENOMEM, "%s: %s", fetch->label, curl_multi_strerror(code));
	fetch->is_added = true;
	return 0;
}

/* The first request with work that must be done outside of libcurl. */
static struct fetch *fetch_next_unfinished(struct fetcher *f)
{
	for (struct fetch *fetch = f->first; fetch != NULL; fetch = fetch->next) {
		if (fetch->is_cancelled || fetch->failure.code != 0 || !fetch->is_added)
			return fetch;
	}
	return NULL;
}

void fetch_run_deferred(struct fetcher *f)
{
	struct fetch *fetch;
	/* Starts from the first each time: a callback may have added and removed neighbours. */
	while ((fetch = fetch_next_unfinished(f)) != NULL) {
		if (fetch->is_cancelled) {
			fetch_detach(fetch);
			fetch_free(fetch);
		} else if (fetch->failure.code != 0) {
			fetch_deliver(fetch, &fetch->failure);
		} else {
			/* A failure is delivered by the next turn of this loop. */
			fetch_add(fetch, &fetch->failure);
		}
	}
}

struct fetch *fetch_begin(struct fetcher *f, const struct fetch_request *request, fetch_fn fn,
	const struct fetch_stream_sink *sink, struct err *e)
{
	struct fetch *fetch = xcalloc(1, sizeof(*fetch));
	fetch->fetcher_ref = f;
	fetch->fn = fn;
	if (sink != NULL)
		fetch->sink = *sink;
	fetch->stall_ms = request->stall_ms;
	fetch->timeout_ms = request->timeout_ms;
	if (fn == NULL && request->timeout_ms == 0) {
		fetch->timeout_ms = request->head_timeout_ms > 0 ? request->head_timeout_ms
								 : FETCH_STREAM_HEAD_MS;
		fetch->is_endless = true;
	}
	buf_init(&fetch->reply, request->reply_max > 0 ? request->reply_max : FETCH_REPLY_MAX);
	timer_init(&fetch->deadline, f->loop_ref, on_deadline, fetch);
	timer_init(&fetch->stall, f->loop_ref, on_stall, fetch);

	/* While libcurl runs, nothing may be added to it: fetch_run_deferred does it afterwards. */
	if (fetch_setup(fetch, request, e) < 0 || (!f->is_inside && fetch_add(fetch, e) < 0)) {
		fetch_free(fetch);
		return NULL;
	}
	fetch_link(fetch);
	if (fetch->timeout_ms > 0)
		timer_start(&fetch->deadline, fetch->timeout_ms);
	return fetch;
}

struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *request, fetch_fn fn,
	void *arg, struct err *e)
{
	struct fetch *fetch = fetch_begin(f, request, fn, NULL, e);
	if (fetch != NULL)
		fetch->arg = arg;
	return fetch;
}

void fetch_cancel(struct fetch *fetch)
{
	if (fetch == NULL || fetch->is_delivering)
		return;
	if (fetch->fetcher_ref->is_inside) {
		timer_stop(&fetch->deadline);
		timer_stop(&fetch->stall);
		fetch->is_cancelled = true;
		return;
	}
	fetch_detach(fetch);
	fetch_free(fetch);
}

void fetcher_free(struct fetcher *f)
{
	if (f == NULL)
		return;
	while (f->first != NULL)
		fetch_cancel(f->first);
	fetch_multi_close(f);
	free(f);
}

const char *fetch_header(const struct fetch_reply *reply, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < reply->headers->len; i++) {
		const char *line = reply->headers->items[i];
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}
