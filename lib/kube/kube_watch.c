#include "lib/kube/kube_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_internal.h"
#include "lib/kube/kube_watch_frame.h"
#include "lib/kube/kube_watch_query.h"

#define RETRY_MS 800
#define RETRY_MAX_MS 30000

struct kube_watch {
	struct kube *kube_ref;
	struct kube_selection selection;
	struct kube_watch_options options;
	struct kube_watch_sink sink;
	enum kube_watch_state state;
	struct kube_page *page;
	struct kube_call *stream;
	struct kube_frames *frames;
	struct buf version;
	struct buf next_page;
	struct timer due;
	struct timer silence;
	struct backoff backoff;
	enum kube_outcome outcome;        /* of the try that ended last */
	enum kube_outcome stream_outcome; /* set from within the stream; KUBE_OK = none */
	uint64_t retry_after_ms;
	uint64_t opened_ms; /* the last watch was begun */
	uint64_t lists, opens;
};

static void post(struct kube_watch *w, enum kube_watch_event event);

static void keep(struct buf *out, const char *text)
{
	struct err too_long;
	buf_reset(out);
	/* What does not fit is no version: the watch will be refused, and a list follows. */
	if (buf_append_str(out, text, &too_long) < 0)
		buf_reset(out);
}

static void report(struct kube_watch *w, const struct err *err)
{
	if (w->sink.on_trouble != NULL && err != NULL)
		w->sink.on_trouble(w->sink.arg, w->outcome, err);
}

/* The event that the end of a request is, if it was no success. */
static enum kube_watch_event failure_event(enum kube_outcome outcome)
{
	switch (outcome) {
	case KUBE_GONE:
		return KUBE_WATCH_EXPIRED;
	case KUBE_NOT_FOUND:
	case KUBE_INVALID:
	case KUBE_REFUSED:
		return KUBE_WATCH_REFUSED;
	case KUBE_OK:
	case KUBE_EXISTS:
	case KUBE_CONFLICT:
	case KUBE_TOO_LARGE:
	case KUBE_UNAUTHORIZED:
	case KUBE_FORBIDDEN:
	case KUBE_TOO_MANY:
	case KUBE_UNAVAILABLE:
		break;
	}
	return KUBE_WATCH_FAILED;
}

static int on_item(void *arg, struct json *object, struct err *e)
{
	struct kube_watch *w = arg;
	return w->sink.on_item(w->sink.arg, object, e);
}

static void on_page_end(void *arg, const struct kube_page_end *end, const struct err *err)
{
	struct kube_watch *w = arg;
	w->page = NULL;
	w->outcome = end->outcome;
	w->retry_after_ms = end->retry_after_ms;
	if (end->outcome != KUBE_OK) {
		report(w, err);
		post(w, failure_event(end->outcome));
		return;
	}
	keep(&w->version, end->version);
	keep(&w->next_page, end->next);
	post(w, end->next[0] != '\0' ? KUBE_WATCH_PAGE : KUBE_WATCH_LISTED);
}

/* A request that cannot be sent: its path is wrong, which only the caller can change. */
static void not_sent(struct kube_watch *w, const struct err *err)
{
	w->outcome = KUBE_REFUSED;
	report(w, err);
	post(w, KUBE_WATCH_REFUSED);
}

static void start_page(struct kube_watch *w)
{
	const struct kube_page_sink sink = {.on_item = on_item, .on_end = on_page_end, .arg = w};
	struct err e;
	w->page = kube_page_start(w->kube_ref, &w->selection, w->options.page_limit,
		buf_cstr(&w->next_page), &sink, &e);
	if (w->page == NULL)
		not_sent(w, &e);
}

static void begin_list(struct kube_watch *w)
{
	w->lists++;
	buf_reset(&w->next_page);
	w->sink.on_begin(w->sink.arg);
}

static int on_bookmark(struct kube_watch *w, const struct json *object)
{
	if (w->state == KUBE_WATCH_INITIAL_WATCH && kube_frame_ends_list(object))
		post(w, KUBE_WATCH_SYNCED);
	return 0;
}

static int on_object(
	struct kube_watch *w, enum kube_change change, struct json *object, struct err *e)
{
	if (w->state != KUBE_WATCH_INITIAL_WATCH)
		return w->sink.on_change(w->sink.arg, change, object, e);
	/* What happens while the list comes is a part of the list. */
	if (change == KUBE_DELETED)
		return w->sink.on_item_gone(w->sink.arg, object, e);
	return w->sink.on_item(w->sink.arg, object, e);
}

static int on_error(struct kube_watch *w, const struct json *status, struct err *e)
{
	const char *message = json_str(json_get(status, "message"));
	w->stream_outcome = kube_outcome_of_status(KUBE_WATCH, status);
	return err_set(e, -ESTALE, "%s", message != NULL ? message : "the server ended the watch");
}

static int on_frame(void *arg, enum kube_frame type, struct json *object, struct err *e)
{
	struct kube_watch *w = arg;
	if (type == KUBE_FRAME_ERROR)
		return on_error(w, object, e);
	if (type == KUBE_FRAME_OTHER)
		return 0;
	/* The object may be changed by its consumer. */
	AUTO(mem_free) char *version = xstrdup(kube_frame_version(object));
	int code = type == KUBE_FRAME_BOOKMARK ? on_bookmark(w, object)
					       : on_object(w, (enum kube_change)type, object, e);
	if (code < 0) {
		w->stream_outcome = KUBE_GONE;
		return code;
	}
	/* Without one the watch would begin anywhere. */
	if (version[0] != '\0')
		keep(&w->version, version);
	backoff_reset(&w->backoff);
	return 0;
}

static int on_data(void *arg, const char *data, size_t len, struct err *e)
{
	struct kube_watch *w = arg;
	timer_start(&w->silence, w->options.silence_ms);
	int code = kube_frames_feed(w->frames, data, len, e);
	if (code == -EMSGSIZE)
		w->stream_outcome = KUBE_GONE;
	return code;
}

static bool is_inside(void *arg)
{
	const struct kube_watch *w = arg;
	return kube_frames_is_inside(w->frames);
}

static void on_head(void *arg)
{
	struct kube_watch *w = arg;
	timer_start(&w->silence, w->options.silence_ms);
	post(w, KUBE_WATCH_OPENED);
}

static void on_stream_end(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct kube_watch *w = arg;
	w->stream = NULL;
	timer_stop(&w->silence);
	w->retry_after_ms = reply->retry_after_ms;
	w->outcome = w->stream_outcome != KUBE_OK ? w->stream_outcome : kube_outcome(reply, err);
	report(w, err);
	post(w, err == NULL ? KUBE_WATCH_ENDED : failure_event(w->outcome));
}

static void open_watch(struct kube_watch *w)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(KUBE_PATH_MAX * 2);
	struct err e;
	bool is_list = w->state == KUBE_WATCH_INITIAL_WATCH;
	const char *version = is_list ? NULL : buf_cstr(&w->version);
	if (kube_watch_query(&path, &w->selection, version, &e) < 0) {
		not_sent(w, &e);
		return;
	}
	const struct kube_request request = {
		.verb = KUBE_WATCH,
		.method = "GET",
		.path = buf_cstr(&path),
		.timeout_ms = KUBE_PAGE_HEAD_MS,
	};
	const struct kube_stream_sink sink = {
		.on_head = on_head,
		.on_data = on_data,
		.is_inside = is_inside,
		.on_end = on_stream_end,
		.arg = w,
	};
	w->opens++;
	w->opened_ms = clock_now_ms();
	w->stream_outcome = KUBE_OK;
	kube_frames_reset(w->frames);
	w->stream = kube_stream_start(w->kube_ref, &request, &sink);
}

static void retry(struct kube_watch *w, bool first_at_once)
{
	bool is_first = w->backoff.attempts == 0;
	uint64_t delay_ms = backoff_next(&w->backoff);
	if (is_first && first_at_once)
		delay_ms = 0;
	if (w->outcome == KUBE_NOT_FOUND)
		delay_ms = backoff_jitter(KUBE_WATCH_ABSENT_MS);
	if (w->retry_after_ms > delay_ms)
		delay_ms = w->retry_after_ms;
	timer_start(&w->due, delay_ms);
}

static void resume(struct kube_watch *w)
{
	timer_start_at(&w->due, w->opened_ms + KUBE_WATCH_RESUME_MS);
}

static void list_instead(struct kube_watch *w)
{
	/* One that is refused for another reason will be refused as a list, too. */
	if (w->outcome != KUBE_NOT_FOUND)
		w->options.lists_by_watch = false;
	begin_list(w);
	start_page(w);
}

static void act(struct kube_watch *w, enum kube_watch_action action)
{
	switch (action) {
	case KUBE_WATCH_NOTHING:
		break;
	case KUBE_WATCH_LIST:
		begin_list(w);
		start_page(w);
		break;
	case KUBE_WATCH_LIST_NEXT:
		start_page(w);
		break;
	case KUBE_WATCH_LIST_INSTEAD:
		list_instead(w);
		break;
	case KUBE_WATCH_LIST_STREAM:
		begin_list(w);
		open_watch(w);
		break;
	case KUBE_WATCH_OPEN:
		open_watch(w);
		break;
	case KUBE_WATCH_COMPLETE:
		w->sink.on_complete(w->sink.arg);
		break;
	case KUBE_WATCH_COMPLETE_OPEN:
		w->sink.on_complete(w->sink.arg);
		open_watch(w);
		break;
	case KUBE_WATCH_RESUME:
		resume(w);
		break;
	case KUBE_WATCH_AGAIN:
		retry(w, true);
		break;
	case KUBE_WATCH_LATER:
		retry(w, false);
		break;
	}
}

static void post(struct kube_watch *w, enum kube_watch_event event)
{
	const struct kube_watch_cell *cell = kube_watch_cell(w->state, event);
	if (cell == NULL)
		return;
	w->state = cell->next;
	act(w, cell->action);
}

static void on_due(void *arg)
{
	struct kube_watch *w = arg;
	post(w, w->options.lists_by_watch ? KUBE_WATCH_DUE_STREAM : KUBE_WATCH_DUE);
}

static void on_silence(void *arg)
{
	struct kube_watch *w = arg;
	struct err e;
	err_set(&e, -ETIMEDOUT, "watch of %s: nothing came for %u ms",
		w->selection.target.resource->plural, w->options.silence_ms);
	kube_cancel(w->stream);
	w->stream = NULL;
	w->outcome = KUBE_UNAVAILABLE;
	w->retry_after_ms = 0;
	report(w, &e);
	post(w, KUBE_WATCH_SILENT);
}

struct kube_watch *kube_watch_new(struct kube *k, const struct kube_selection *selection,
	const struct kube_watch_options *options, const struct kube_watch_sink *sink)
{
	struct kube_watch *w = xcalloc(1, sizeof(*w));
	w->kube_ref = k;
	w->selection.target.resource = selection->target.resource;
	w->selection.target.ns = xstrdup(selection->target.ns);
	w->selection.label_selector = xstrdup(selection->label_selector);
	w->selection.field_selector = xstrdup(selection->field_selector);
	if (options != NULL)
		w->options = *options;
	if (w->options.silence_ms == 0)
		w->options.silence_ms = KUBE_WATCH_SILENCE_MS;
	w->sink = *sink;
	w->backoff = BACKOFF_INIT(RETRY_MS, RETRY_MAX_MS);
	buf_init(&w->version, KUBE_PATH_MAX / 2);
	buf_init(&w->next_page, KUBE_PAGE_TOKEN_MAX);
	w->frames = kube_frames_new(on_frame, w);
	timer_init(&w->due, k->loop_ref, on_due, w);
	timer_init(&w->silence, k->loop_ref, on_silence, w);
	timer_start(&w->due, 0);
	return w;
}

void kube_watch_free(struct kube_watch *w)
{
	if (w == NULL)
		return;
	timer_stop(&w->due);
	timer_stop(&w->silence);
	kube_page_cancel(w->page);
	kube_cancel(w->stream);
	kube_frames_free(w->frames);
	buf_fini(&w->version);
	buf_fini(&w->next_page);
	mem_free(&w->selection.target.ns);
	mem_free(&w->selection.label_selector);
	mem_free(&w->selection.field_selector);
	free(w);
}

enum kube_watch_state kube_watch_state(const struct kube_watch *w)
{
	return w->state;
}

const char *kube_watch_version(const struct kube_watch *w)
{
	return buf_cstr(&w->version);
}

uint64_t kube_watch_lists(const struct kube_watch *w)
{
	return w->lists;
}

uint64_t kube_watch_opens(const struct kube_watch *w)
{
	return w->opens;
}
