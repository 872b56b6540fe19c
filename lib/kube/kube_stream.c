#include "lib/kube/kube_stream.h"

#include "lib/io/fetch_stream.h"
#include "lib/kube/kube_internal.h"

static int on_head(void *arg, const struct fetch_reply *head, struct err *e)
{
	struct kube_call *call = arg;
	(void)head;
	(void)e;
	if (call->sink.on_head != NULL)
		call->sink.on_head(call->sink.arg);
	return 0;
}

static int on_data(void *arg, const char *data, size_t len, struct err *e)
{
	struct kube_call *call = arg;
	int code = call->sink.on_data(call->sink.arg, data, len, e);
	return code < 0 ? err_wrap(e, "%s %s", call->method, call->path) : 0;
}

static bool is_inside(void *arg)
{
	const struct kube_call *call = arg;
	return call->sink.is_inside != NULL && call->sink.is_inside(call->sink.arg);
}

static struct fetch *open_stream(
	struct kube_call *call, struct fetch_request *request, struct err *e)
{
	const struct fetch_stream_sink sink = {
		.on_head = on_head,
		.on_data = on_data,
		.on_end = kube_call_on_reply,
		.is_inside = is_inside,
		.arg = call,
	};
	request->head_timeout_ms = request->timeout_ms;
	request->timeout_ms = 0;
	request->stall_ms = KUBE_STREAM_STALL_MS;
	request->reply_max = 0; /* of a refusal only */
	return fetch_stream_start(call->fetcher_ref, request, &sink, e);
}

struct kube_call *kube_stream_start(
	struct kube *k, const struct kube_request *request, const struct kube_stream_sink *sink)
{
	struct kube_call *call = kube_call_new(k, request);
	if (request->verb == KUBE_WATCH && k->watch_fetcher_ref != NULL)
		call->fetcher_ref = k->watch_fetcher_ref;
	call->open = open_stream;
	call->sink = *sink;
	call->fn = sink->on_end;
	call->arg = sink->arg;
	kube_call_begin(call);
	return call;
}

void kube_use_for_watches(struct kube *k, struct fetcher *fetcher)
{
	k->watch_fetcher_ref = fetcher;
}
