#include "lib/kube/kube_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_event_log.h"
#include "tests/support/api_bench.h"
#include "tests/support/loop_wait.h"

#define WALL 1769903999

static const struct kube_event web = {
	.api_version = "v1",
	.kind = "Service",
	.ns = "ns",
	.name = "web",
	.uid = "u1",
	.version = "7",
	.is_warning = true,
	.reason = "Failed",
	.message = "no \"port\"",
};

static enum kube_event_step note(
	struct kube_event_log *log, const struct kube_event *event, uint64_t now_ms)
{
	struct kube_event_entry *entry;
	enum kube_event_step step =
		kube_event_note(log, event, now_ms, WALL + (time_t)(now_ms / 1000), &entry);
	if (step != KUBE_EVENT_DROP)
		kube_event_ended(log, entry->key, true);
	return step;
}

static void a_repetition_is_counted(void **state)
{
	struct kube_event_log log = {0};
	struct kube_event_entry *entry;
	struct kube_event other = web;
	(void)state;
	assert_int_equal(note(&log, &web, 1000), KUBE_EVENT_CREATE);
	assert_int_equal(note(&log, &web, 2000), KUBE_EVENT_COUNT);
	other.message = "another";
	assert_int_equal(note(&log, &other, 2000), KUBE_EVENT_CREATE);
	other = web;
	other.uid = "u2";
	assert_int_equal(note(&log, &other, 2000), KUBE_EVENT_CREATE);
	/* While a request is under way it is only counted. */
	assert_int_equal(kube_event_note(&log, &web, 3000, WALL + 3, &entry), KUBE_EVENT_COUNT);
	assert_int_equal(note(&log, &web, 4000), KUBE_EVENT_DROP);
	kube_event_ended(&log, entry->key, true);
	assert_int_equal(kube_event_note(&log, &web, 5000, WALL + 5, &entry), KUBE_EVENT_COUNT);
	assert_int_equal(entry->count, 5);
	AUTO(json_freep) struct json *patch = kube_event_count_patch(entry);
	AUTO(mem_free) char *text = json_print(patch);
	assert_string_equal(text, "{\"lastTimestamp\":\"2026-02-01T00:00:04Z\",\"count\":5}");
	kube_event_ended(&log, entry->key, true);
	/* After a while it is a new one, and after a write that failed as well. */
	assert_int_equal(note(&log, &web, 5000 + KUBE_EVENT_REPEAT_MS), KUBE_EVENT_CREATE);
	assert_int_equal(kube_event_note(&log, &web, 700000, WALL, &entry), KUBE_EVENT_COUNT);
	kube_event_ended(&log, entry->key, false);
	assert_int_equal(note(&log, &web, 700000), KUBE_EVENT_CREATE);
	kube_event_ended(&log, "unknown", true);
	kube_event_log_fini(&log);
}

static void a_thousand_failures_are_few_writes(void **state)
{
	struct kube_event_log log = {0};
	struct kube_event other = web;
	unsigned int writes = 0;
	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		writes += note(&log, &web, 1000 + i) != KUBE_EVENT_DROP;
	assert_int_equal(writes, KUBE_EVENT_BURST);
	/* Another object has its own bucket. */
	other.uid = "u2";
	assert_int_equal(note(&log, &other, 2000), KUBE_EVENT_CREATE);
	assert_int_equal(note(&log, &web, 1000 + KUBE_EVENT_REFILL_MS), KUBE_EVENT_COUNT);
	assert_int_equal(note(&log, &web, 1001 + KUBE_EVENT_REFILL_MS), KUBE_EVENT_DROP);
	kube_event_log_fini(&log);
}

static void the_memory_is_bounded(void **state)
{
	struct kube_event_log log = {0};
	(void)state;
	for (unsigned int i = 0; i < 3 * KUBE_EVENT_LOG_MAX; i++) {
		struct kube_event event = web;
		AUTO(mem_free) char *uid = xasprintf("u%u", i);
		event.uid = uid;
		assert_int_equal(note(&log, &event, 1000 + i), KUBE_EVENT_CREATE);
	}
	assert_int_equal(log.entries.len, KUBE_EVENT_LOG_MAX);
	assert_int_equal(log.buckets.len, KUBE_EVENT_LOG_MAX);
	kube_event_log_fini(&log);
}

static void a_document_is_as_the_api_wants_it(void **state)
{
	struct kube_event_log log = {0};
	struct kube_event_entry *entry;
	struct kube_event group = {.api_version = "g/v1",
		.kind = "Group",
		.name = "g",
		.uid = "u",
		.reason = "R",
		.message = "m"};
	(void)state;
	kube_event_note(&log, &web, 1000, WALL, &entry);
	AUTO(json_freep) struct json *doc = kube_event_document(entry, &web, "me");
	AUTO(mem_free) char *text = json_print(doc);
	assert_string_equal(text,
		"{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"namespace\":\"ns\","
		"\"name\":\"web.000697e977f00000\"},\"involvedObject\":{\"apiVersion\":\"v1\","
		"\"kind\":\"Service\",\"namespace\":\"ns\",\"name\":\"web\",\"uid\":\"u1\","
		"\"resourceVersion\":\"7\"},\"type\":\"Warning\",\"reason\":\"Failed\",\"message\":"
		"\"no \\\"port\\\"\",\"source\":{\"component\":\"me\"},\"firstTimestamp\":"
		"\"2026-01-31T23:59:59Z\",\"lastTimestamp\":\"2026-01-31T23:59:59Z\",\"count\":1}");
	/* Objects of the cluster have their Events in one place. */
	kube_event_note(&log, &group, 1000, WALL, &entry);
	AUTO(json_freep) struct json *other = kube_event_document(entry, &group, "me");
	assert_string_equal(json_str(json_path(other, "metadata", "namespace", NULL)), "default");
	assert_null(json_path(other, "involvedObject", "namespace", NULL));
	assert_string_equal(json_str(json_get(other, "type")), "Normal");
	char message[3000];
	memset(message, 'x', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	group.message = message;
	AUTO(json_freep) struct json *cut = kube_event_document(entry, &group, "me");
	assert_int_equal(strlen(json_str(json_get(cut, "message"))), KUBE_EVENT_MESSAGE_MAX);
	kube_event_log_fini(&log);
}

static bool is_quiet(void *arg)
{
	return !kube_events_are_busy(arg);
}

static void events_are_written_and_counted(void **state)
{
	struct api_bench *b = *state;
	api_open_at(b, "127.0.0.1", b->front.port);
	struct kube_events *events = kube_events_new(b->kube, "me");
	kube_event_emit(events, &web);
	kube_event_emit(events, &web);
	assert_true(loop_wait_count(b->loop, &b->server->request_count, 1, LOOP_WAIT_MS));
	assert_true(strncmp(api_request(b, 0), "POST /api/v1/namespaces/ns/events HTTP", 38) == 0);
	assert_true(loop_wait(b->loop, is_quiet, events, LOOP_WAIT_MS));
	/* The second one counts with the third. */
	kube_event_emit(events, &web);
	assert_true(loop_wait_count(b->loop, &b->server->request_count, 2, LOOP_WAIT_MS));
	assert_true(strncmp(api_request(b, 1), "PATCH /api/v1/namespaces/ns/events/web.", 39) == 0);
	assert_non_null(strstr(api_request(b, 1), "\"count\":3}"));
	assert_true(loop_wait(b->loop, is_quiet, events, LOOP_WAIT_MS));
	/* A failure is forgotten: the next one is made anew. */
	raw_server_answer(b->server, "404 Not Found", "{\"code\":404}");
	kube_event_emit(events, &web);
	assert_true(loop_wait_count(b->loop, &b->server->request_count, 3, LOOP_WAIT_MS));
	assert_true(loop_wait(b->loop, is_quiet, events, LOOP_WAIT_MS));
	kube_event_emit(events, &web);
	assert_true(loop_wait_count(b->loop, &b->server->request_count, 4, LOOP_WAIT_MS));
	assert_true(strncmp(api_request(b, 3), "POST ", 5) == 0);
	/* One whose object cannot be a part of a path is dropped. */
	struct kube_event odd = web;
	odd.ns = "..";
	kube_event_emit(events, &odd);
	kube_event_emit(events, &web);
	kube_events_free(events);
	kube_events_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, api_bench_open, api_bench_close)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_repetition_is_counted),
		cmocka_unit_test(a_thousand_failures_are_few_writes),
		cmocka_unit_test(the_memory_is_bounded),
		cmocka_unit_test(a_document_is_as_the_api_wants_it),
		TEST(events_are_written_and_counted),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
