#include "tests/support/kube_watch_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "tests/support/loop_wait.h"

static const struct kube_resource services = {"", "v1", "services", "Service", true};

static void choose(void *arg, const char *request)
{
	struct kube_watch_bench *b = arg;
	b->api->server->reply =
		(struct raw_reply){.text = "HTTP/1.1 500 Unexpected\r\n\r\n", .after = RAW_CLOSE};
	for (size_t i = 0; i < b->answer_count; i++) {
		if (strstr(request, b->answers[i].request) != NULL) {
			b->api->server->reply = b->answers[i].reply;
			return;
		}
	}
}

int watch_bench_api_open(void **state)
{
	struct kube_watch_bench *b = xcalloc(1, sizeof(*b));
	void *api;
	if (api_bench_open(&api) != 0)
		return -1;
	b->api = api;
	b->api->server->choose = choose;
	b->api->server->choose_arg = b;
	api_open_at(b->api, "127.0.0.1", b->api->front.port);
	*state = b;
	return 0;
}

int watch_bench_api_close(void **state)
{
	struct kube_watch_bench *b = *state;
	void *api = b->api;
	kube_watch_free(b->watch);
	strv_fini(&b->seen);
	free(b);
	return api_bench_close(&api);
}

void watch_forget_answers(struct kube_watch_bench *b)
{
	b->answer_count = 0;
}

static void add(
	struct kube_watch_bench *b, const char *request, const char *text, enum raw_after after)
{
	assert_true(b->answer_count < WATCH_ANSWERS_MAX);
	b->answers[b->answer_count++] =
		(struct watch_answer){request, {.text = text, .after = after}};
}

void watch_answer(
	struct kube_watch_bench *b, const char *request, const char *status, const char *body)
{
	raw_server_answer(b->api->server, status, body);
	add(b, request, b->api->server->reply.text, RAW_KEEP);
}

static const char *streamed(struct kube_watch_bench *b, const char *frames)
{
	struct strv *texts = &b->api->server->texts;
	strv_pushf(texts, "HTTP/1.1 200 OK\r\n\r\n%s", frames);
	return texts->items[texts->len - 1];
}

void watch_stream(struct kube_watch_bench *b, const char *request, const char *frames)
{
	add(b, request, streamed(b, frames), RAW_KEEP);
}

void watch_brief(struct kube_watch_bench *b, const char *request, const char *frames)
{
	add(b, request, streamed(b, frames), RAW_CLOSE);
}

static const char *name_of(const struct json *object)
{
	const char *name = json_str(json_path(object, "metadata", "name", NULL));
	return name != NULL ? name : "?";
}

static void on_begin(void *arg)
{
	struct kube_watch_bench *b = arg;
	strv_push(&b->seen, "begin");
}

static int on_item(void *arg, struct json *object, struct err *e)
{
	struct kube_watch_bench *b = arg;
	(void)e;
	strv_pushf(&b->seen, "item %s", name_of(object));
	return 0;
}

static int on_item_gone(void *arg, struct json *object, struct err *e)
{
	struct kube_watch_bench *b = arg;
	(void)e;
	strv_pushf(&b->seen, "item gone %s", name_of(object));
	return 0;
}

static void on_complete(void *arg)
{
	struct kube_watch_bench *b = arg;
	strv_push(&b->seen, "complete");
}

static int on_change(void *arg, enum kube_change change, struct json *object, struct err *e)
{
	static const char *const words[] = {"added", "modified", "deleted"};
	struct kube_watch_bench *b = arg;
	strv_pushf(&b->seen, "%s %s", words[change], name_of(object));
	return b->refusal < 0 ? err_set(e, b->refusal, "refused") : 0;
}

static void on_trouble(void *arg, enum kube_outcome outcome, const struct err *err)
{
	struct kube_watch_bench *b = arg;
	assert_true(err->msg[0] != '\0');
	strv_pushf(&b->seen, "trouble %s", kube_outcome_name(outcome));
}

void watch_start(struct kube_watch_bench *b, const struct kube_watch_options *options)
{
	const struct kube_selection selection = {.target = {&services, "ns", NULL, NULL}};
	const struct kube_watch_sink sink = {
		.on_begin = on_begin,
		.on_item = on_item,
		.on_item_gone = on_item_gone,
		.on_complete = on_complete,
		.on_change = on_change,
		.on_trouble = on_trouble,
		.arg = b,
	};
	b->watch = kube_watch_new(b->api->kube, &selection, options, &sink);
}

struct wait {
	struct kube_watch_bench *bench;
	const char *last;
};

static bool has_come(void *arg)
{
	const struct wait *w = arg;
	const struct strv *seen = &w->bench->seen;
	return seen->len > 0 && strcmp(seen->items[seen->len - 1], w->last) == 0;
}

void watch_wait(struct kube_watch_bench *b, const char *last)
{
	struct wait w = {b, last};
	assert_true(loop_wait(b->api->loop, has_come, &w, LOOP_WAIT_MS));
}

void watch_wait_request(struct kube_watch_bench *b, unsigned int count, const char *text)
{
	struct raw_server *server = b->api->server;
	assert_true(loop_wait_count(b->api->loop, &server->request_count, count, LOOP_WAIT_MS));
	assert_int_equal(server->request_count, count);
	assert_non_null(strstr(api_request(b->api, count - 1), text));
}

static bool has_version(void *arg)
{
	const struct wait *w = arg;
	return strcmp(kube_watch_version(w->bench->watch), w->last) == 0;
}

void watch_wait_version(struct kube_watch_bench *b, const char *version)
{
	struct wait w = {b, version};
	assert_true(loop_wait(b->api->loop, has_version, &w, LOOP_WAIT_MS));
}

struct wait_state {
	struct kube_watch_bench *bench;
	enum kube_watch_state state;
};

static bool is_in_state(void *arg)
{
	const struct wait_state *w = arg;
	return kube_watch_state(w->bench->watch) == w->state;
}

void watch_wait_state(struct kube_watch_bench *b, enum kube_watch_state state)
{
	struct wait_state w = {b, state};
	assert_true(loop_wait(b->api->loop, is_in_state, &w, LOOP_WAIT_MS));
}

void watch_expect(struct kube_watch_bench *b, const char *reports)
{
	AUTO(mem_free) char *joined = b->seen.len > 0 ? strv_join(&b->seen, ", ") : xstrdup("");
	assert_string_equal(joined, reports);
	strv_reset(&b->seen);
}
