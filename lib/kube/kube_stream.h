/*
 * Answers that are passed on as they come and never collected: lists of any length, watches.
 * Addresses, token and tries are those of any other request; once a 2xx answer has begun there is
 * no second try. Private to lib/kube.
 */
#ifndef LIB_KUBE_KUBE_STREAM_H
#define LIB_KUBE_KUBE_STREAM_H

#include "lib/kube/kube.h"

struct kube_stream_sink {
	/* A 2xx answer has begun. May be NULL. */
	void (*on_head)(void *arg);
	/* Bytes of it. A negative errno ends the stream with that error. A callback that cancels
	 * the call returns 0. */
	int (*on_data)(void *arg, const char *data, size_t len, struct err *e);
	/* In the middle of a message? Silence there ends the stream after KUBE_STREAM_STALL_MS.
	 * May be NULL: never. */
	bool (*is_inside)(void *arg);
	/* The end, exactly once: err is NULL at a regular one. */
	kube_fn on_end;
	void *arg;
};

#define KUBE_STREAM_STALL_MS 30000

/* timeout_ms of the request is the time until the answer begins. */
struct kube_call *kube_stream_start(
	struct kube *k, const struct kube_request *request, const struct kube_stream_sink *sink);

#endif
