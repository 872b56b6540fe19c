/*
 * Streamed replies: bytes are passed to a consumer as they arrive and never collected. A consumer
 * that returns an error ends the stream with it. Callbacks may start and cancel requests, this one
 * too.
 *
 * The head must come within head_timeout_ms of the request (0 = FETCH_STREAM_HEAD_MS), unless the
 * whole request has a time limit. Silence is allowed. A stall is not: when the consumer says that a
 * message has begun (is_inside returns true) and no byte comes for stall_ms, the stream ends with
 * -ETIMEDOUT.
 */
#ifndef LIB_IO_FETCH_STREAM_H
#define LIB_IO_FETCH_STREAM_H

#include "lib/io/fetch.h"

#define FETCH_STREAM_HEAD_MS 30000

struct fetch_stream_sink {
	/* The head of a 2xx answer has come; return a negative errno to refuse (the stream then
	 * ends with it). May be NULL. */
	int (*on_head)(void *arg, const struct fetch_reply *head, struct err *e);
	/* Bytes of the body of a 2xx answer. */
	int (*on_data)(void *arg, const char *data, size_t len, struct err *e);
	/* The stream has ended: err is NULL at a regular end. Called exactly once, unless
	 * cancelled; for an answer that is not 2xx reply holds status and (capped) body. */
	void (*on_end)(void *arg, const struct fetch_reply *reply, const struct err *err);
	/* In the middle of a message? May be NULL: never. */
	bool (*is_inside)(void *arg);
	void *arg;
};

struct fetch *fetch_stream_start(struct fetcher *f, const struct fetch_request *request,
	const struct fetch_stream_sink *sink, struct err *e) MUST_CHECK;

#endif
