#include "lib/io/fetch_stream.h"

#include <errno.h>

#include "lib/io/fetch_internal.h"

#define REFUSAL_BODY_MAX (64 * 1024)

static bool is_success(const struct fetch *fetch)
{
	return fetch->status >= 200 && fetch->status < 300;
}

/* The error of the consumer ends the stream; the consumer may have omitted the text. */
static int refused(struct fetch *fetch, int code)
{
	if (fetch->failure.code != code)
		err_set_errno(&fetch->failure, code, "%s", fetch->label);
	return code;
}

int fetch_stream_head(struct fetch *fetch)
{
	/* The deadline of the head stays in force for an answer that is no stream. */
	if (!is_success(fetch))
		return 0;
	if (fetch->is_endless)
		timer_stop(&fetch->deadline);
	if (fetch->sink.on_head == NULL)
		return 0;
	struct fetch_reply head = {
		.status = fetch->status,
		.body = "",
		.headers = &fetch->head,
	};
	int code = fetch->sink.on_head(fetch->sink.arg, &head, &fetch->failure);
	return code < 0 ? refused(fetch, code) : 0;
}

/* Body of a refusal: the caller only quotes it in an error, so a part is enough. */
static int keep_piece(struct fetch *fetch, const char *data, size_t len)
{
	size_t room = fetch->reply.max - fetch->reply.len;
	return buf_append(&fetch->reply, data, len < room ? len : room, &fetch->failure);
}

int fetch_stream_data(struct fetch *fetch, const char *data, size_t len)
{
	if (!is_success(fetch))
		return keep_piece(fetch, data, len);
	int code = fetch->sink.on_data(fetch->sink.arg, data, len, &fetch->failure);
	if (code < 0)
		return refused(fetch, code);
	if (fetch->is_cancelled || fetch->stall_ms == 0 || fetch->sink.is_inside == NULL)
		return 0;
	if (fetch->sink.is_inside(fetch->sink.arg))
		timer_start(&fetch->stall, fetch->stall_ms);
	else
		timer_stop(&fetch->stall);
	return 0;
}

struct fetch *fetch_stream_start(struct fetcher *f, const struct fetch_request *request,
	const struct fetch_stream_sink *sink, struct err *e)
{
	struct fetch_request bounded = *request;
	if (bounded.reply_max == 0)
		bounded.reply_max = REFUSAL_BODY_MAX;
	return fetch_begin(f, &bounded, NULL, sink, e);
}
