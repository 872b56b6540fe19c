#include "lib/kube/kube_watch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/kube_watch_bench.h"
#include "tests/support/loop_wait.h"

#define OBJECT(name, version) \
	"{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define FRAME(type, name, version) "{\"type\":\"" type "\",\"object\":" OBJECT(name, version) "}\n"
#define LIST(version, next, items)                                        \
	"{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"" version \
	"\",\"continue\":\"" next "\"},\"items\":[" items "]}"
#define STATUS(code, reason) \
	"{\"kind\":\"Status\",\"code\":" code ",\"reason\":\"" reason "\",\"message\":\"m\"}"
#define LIST_END(version)                                                                 \
	"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version \
	"\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define IS_LIST "/services?limit="
#define IS_WATCH "watch=1"

/* Listed at version 5 with one object, and watching. */
static struct kube_watch_bench *watching(void **state)
{
	struct kube_watch_bench *b = *state;
	watch_answer(b, IS_LIST, "200 OK", LIST("5", "", OBJECT("one", "3")));
	watch_stream(b, IS_WATCH, "");
	watch_start(b, NULL);
	watch_wait_request(b, 2, "resourceVersion=5 ");
	watch_wait_state(b, KUBE_WATCH_WATCHING);
	watch_expect(b, "begin, item one, complete");
	return b;
}

/* The server ends the stream. */
static void hang_up(struct kube_watch_bench *b)
{
	raw_server_hang_up(b->api->server);
	watch_wait_state(b, KUBE_WATCH_INIT_LISTED);
}

static void a_list_comes_in_pages_and_a_watch_follows(void **state)
{
	struct kube_watch_bench *b = *state;
	watch_answer(b, "&continue=t%2F1%3D HTTP", "200 OK", LIST("9", "", OBJECT("three", "4")));
	watch_answer(
		b, IS_LIST, "200 OK", LIST("9", "t/1=", OBJECT("one", "3") "," OBJECT("two", "3")));
	watch_stream(b, IS_WATCH,
		FRAME("ADDED", "four", "10") FRAME("MODIFIED", "one", "11")
			FRAME("DELETED", "two", "12"));
	watch_start(b, NULL);
	watch_wait(b, "deleted two");
	watch_expect(b,
		"begin, item one, item two, item three, complete, added four, modified one, "
		"deleted two");
	assert_int_equal(b->api->server->request_count, 3);
	assert_non_null(strstr(
		api_request(b->api, 0), "GET /api/v1/namespaces/ns/services?limit=500 HTTP"));
	assert_non_null(strstr(api_request(b->api, 2), "allowWatchBookmarks=true"));
	assert_non_null(strstr(api_request(b->api, 2), "resourceVersion=9 "));
	assert_string_equal(kube_watch_version(b->watch), "12");
	assert_int_equal(kube_watch_lists(b->watch), 1);
	assert_int_equal(kube_watch_opens(b->watch), 1);
}

static void an_ended_watch_is_resumed_at_its_version(void **state)
{
	struct kube_watch_bench *b = watching(state);
	raw_server_say(b->api->server, FRAME("BOOKMARK", "", "8"));
	watch_wait_version(b, "8");
	hang_up(b);
	/* Not sooner than a second after its beginning. */
	fake_clock_advance_ms(KUBE_WATCH_RESUME_MS - 1);
	assert_true(loop_wait_idle(b->api->loop, 20));
	assert_int_equal(b->api->server->request_count, 2);
	fake_clock_advance_ms(1);
	watch_wait_request(b, 3, "resourceVersion=8 ");
	watch_expect(b, "");
	assert_int_equal(kube_watch_lists(b->watch), 1);
}

static void an_expired_version_is_listed_anew_at_once(void **state)
{
	struct kube_watch_bench *b = watching(state);
	watch_forget_answers(b);
	watch_answer(b, IS_LIST, "200 OK", LIST("20", "", OBJECT("two", "19")));
	watch_stream(b, IS_WATCH, "");
	raw_server_say(
		b->api->server, "{\"type\":\"ERROR\",\"object\":" STATUS("410", "Expired") "}\n");
	watch_wait_request(b, 4, "resourceVersion=20 ");
	watch_expect(b, "trouble Gone, begin, item two, complete");
	watch_wait_state(b, KUBE_WATCH_WATCHING);
	/* The same again: with back-off, although the list was fine. */
	raw_server_say(
		b->api->server, "{\"type\":\"ERROR\",\"object\":" STATUS("410", "Gone") "}\n");
	watch_wait(b, "trouble Gone");
	assert_true(loop_wait_idle(b->api->loop, 20));
	assert_int_equal(b->api->server->request_count, 4);
	fake_clock_advance_ms(1600);
	watch_wait_request(b, 6, IS_WATCH);
}

static void an_expired_version_at_the_beginning_is_listed_anew(void **state)
{
	struct kube_watch_bench *b = *state;
	watch_answer(b, IS_LIST, "200 OK", LIST("5", "", ""));
	watch_answer(b, "resourceVersion=5 ", "410 Gone", STATUS("410", "Gone"));
	watch_start(b, NULL);
	/* The second time with back-off. */
	watch_wait_request(b, 4, IS_WATCH);
	assert_true(loop_wait_idle(b->api->loop, 20));
	watch_expect(b, "begin, complete, trouble Gone, begin, complete, trouble Gone");
}

static void an_expired_page_restarts_the_list(void **state)
{
	struct kube_watch_bench *b = *state;
	watch_answer(b, "continue=t1", "410 Gone", STATUS("410", "Expired"));
	watch_answer(b, IS_LIST, "200 OK", LIST("5", "t1", OBJECT("one", "3")));
	watch_start(b, NULL);
	watch_wait_request(b, 3, "?limit=500 HTTP");
	watch_wait(b, "trouble Gone");
	watch_expect(b, "begin, item one, trouble Gone, begin, item one, trouble Gone");
}

struct refusal {
	const char *status, *body;
	const char *trouble;
	uint64_t pause_ms; /* until the next try, which is not sooner */
};

static void each_refusal_has_its_pause(void **state)
{
	static const struct refusal rows[] = {
		{"404 Not Found", STATUS("404", "NotFound"), "trouble NotFound", 60000},
		{"403 Forbidden", STATUS("403", "Forbidden"), "trouble Forbidden", 800},
		{"401 Unauthorized", STATUS("401", "Unauthorized"), "trouble Unauthorized", 800},
		{"500 Oops", STATUS("500", "InternalError"), "trouble Unavailable", 800},
		{"400 Bad", STATUS("400", "BadRequest"), "trouble Refused", 800},
		{"429 Slow\r\nRetry-After: 7", STATUS("429", "TooManyRequests"),
			"trouble TooManyRequests", 7000},
		{"200 OK", "<html>", "trouble Unavailable", 800},
		{"200 OK", "{}", "trouble Unavailable", 800},
		{"200 OK", "{\"metadata\":{\"resourceVersion\":7}}", "trouble Unavailable", 800},
		{"200 OK", LIST("5", "", "7,\"\\u0000\""), "trouble Unavailable", 800},
	};
	struct kube_watch_bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned int before = b->api->server->request_count;
		watch_forget_answers(b);
		watch_answer(b, IS_LIST, rows[i].status, rows[i].body);
		kube_watch_free(b->watch);
		watch_start(b, NULL);
		watch_wait(b, rows[i].trouble);
		strv_reset(&b->seen);
		fake_clock_advance_ms(rows[i].pause_ms - 1);
		assert_true(loop_wait_idle(b->api->loop, 10));
		assert_int_equal(b->api->server->request_count, before + 1);
		/* A pause that was asked for is spread to half as long again. */
		fake_clock_advance_ms(1 + rows[i].pause_ms / 2);
		watch_wait_request(b, before + 2, IS_LIST);
		watch_wait(b, rows[i].trouble);
		strv_reset(&b->seen);
	}
}

static void failures_of_the_watch_do_not_list_anew(void **state)
{
	struct kube_watch_bench *b = watching(state);
	watch_forget_answers(b);
	watch_answer(b, IS_WATCH, "403 Forbidden", STATUS("403", "Forbidden"));
	hang_up(b);
	/* Back-off doubles: 800 and 1600 ms. */
	static const uint64_t pauses[] = {KUBE_WATCH_RESUME_MS, 800, 1600, 3200};
	for (unsigned int i = 0; i < ARRAY_LEN(pauses); i++) {
		fake_clock_advance_ms(pauses[i] - 1);
		assert_true(loop_wait_idle(b->api->loop, 10));
		assert_int_equal(b->api->server->request_count, 2 + i);
		fake_clock_advance_ms(1);
		watch_wait_request(b, 3 + i, "resourceVersion=5 ");
		watch_wait(b, "trouble Forbidden");
		strv_reset(&b->seen);
	}
}

static void a_vanished_kind_is_asked_for_once_a_minute(void **state)
{
	struct kube_watch_bench *b = watching(state);
	watch_forget_answers(b);
	watch_answer(b, "/services", "404 Not Found", STATUS("404", "NotFound"));
	hang_up(b);
	fake_clock_advance_ms(KUBE_WATCH_RESUME_MS);
	watch_wait(b, "trouble NotFound");
	fake_clock_advance_ms(KUBE_WATCH_ABSENT_MS - 1);
	assert_true(loop_wait_idle(b->api->loop, 10));
	assert_int_equal(b->api->server->request_count, 3);
	fake_clock_advance_ms(1);
	watch_wait_request(b, 4, IS_LIST);
}

static void silence_is_cut_off(void **state)
{
	struct kube_watch_bench *b = watching(state);
	fake_clock_advance_ms(KUBE_WATCH_SILENCE_MS - 1);
	raw_server_say(b->api->server, FRAME("BOOKMARK", "", "6"));
	watch_wait_version(b, "6");
	fake_clock_advance_ms(KUBE_WATCH_SILENCE_MS - 1);
	assert_true(loop_wait_idle(b->api->loop, 20));
	watch_expect(b, "");
	fake_clock_advance_ms(1);
	watch_wait(b, "trouble Unavailable");
	fake_clock_advance_ms(800);
	watch_wait_request(b, 3, "resourceVersion=6 ");
}

static void a_stream_that_cannot_be_read_is_listed_anew(void **state)
{
	struct kube_watch_bench *b = watching(state);
	/* Bytes that are no frames: from where it was. */
	raw_server_say(b->api->server, "<html>");
	watch_wait(b, "trouble Unavailable");
	assert_int_equal(kube_watch_state(b->watch), KUBE_WATCH_INIT_LISTED);
	fake_clock_advance_ms(800);
	watch_wait_request(b, 3, "resourceVersion=5 ");
	watch_wait_state(b, KUBE_WATCH_WATCHING);
	strv_reset(&b->seen);
	/* An object that its consumer refuses: the content may be wrong from here on. */
	b->refusal = -EINVAL;
	raw_server_say(b->api->server, FRAME("MODIFIED", "one", "7"));
	watch_wait(b, "trouble Gone");
	fake_clock_advance_ms(1600);
	watch_wait_request(b, 5, IS_WATCH);
	watch_expect(b, "modified one, trouble Gone, begin, item one, complete");
}

static void a_server_that_can_sends_the_list_as_a_watch(void **state)
{
	static const struct kube_watch_options options = {.lists_by_watch = true};
	struct kube_watch_bench *b = *state;
	watch_stream(b, "sendInitialEvents=true",
		FRAME("ADDED", "one", "3") FRAME("ADDED", "two", "4") FRAME("MODIFIED", "one", "6")
			FRAME("DELETED", "two", "7") LIST_END("9") FRAME("ADDED", "three", "10")
				FRAME("BOOKMARK", "", ""));
	watch_stream(b, "resourceVersion=10 ", "");
	watch_start(b, &options);
	watch_wait(b, "added three");
	/* What happens while the list comes is a part of it. */
	watch_expect(
		b, "begin, item one, item two, item one, item gone two, complete, added three");
	assert_int_equal(kube_watch_state(b->watch), KUBE_WATCH_WATCHING);
	hang_up(b);
	fake_clock_advance_ms(KUBE_WATCH_RESUME_MS);
	watch_wait_request(b, 2, "resourceVersion=10 ");
}

static void a_server_that_cannot_is_asked_for_pages(void **state)
{
	static const struct kube_watch_options options = {.lists_by_watch = true, .page_limit = 2};
	struct kube_watch_bench *b = *state;
	watch_answer(b, "sendInitialEvents=true", "422 No", STATUS("422", "Invalid"));
	watch_answer(b, "?limit=2 ", "200 OK", LIST("5", "", ""));
	watch_stream(b, "resourceVersion=5 ",
		"{\"type\":\"ERROR\",\"object\":" STATUS("410", "Expired") "}\n");
	watch_start(b, &options);
	watch_wait_request(b, 3, "resourceVersion=5 ");
	/* It is not asked again. */
	watch_wait_request(b, 4, "?limit=2 ");
}

static void an_unfinished_list_by_watch_is_void(void **state)
{
	static const struct kube_watch_options options = {.lists_by_watch = true};
	struct kube_watch_bench *b = *state;
	watch_brief(b, "sendInitialEvents=true", FRAME("ADDED", "one", "3"));
	watch_start(b, &options);
	watch_wait(b, "item one");
	watch_wait_state(b, KUBE_WATCH_EMPTY);
	fake_clock_advance_ms(800);
	watch_wait_request(b, 2, "sendInitialEvents=true");
	watch_wait(b, "item one");
	watch_expect(b, "begin, item one, begin, item one");
}

static void it_can_be_freed_at_any_time(void **state)
{
	struct kube_watch_bench *b = *state;
	watch_start(b, NULL);
	kube_watch_free(b->watch);
	b->watch = NULL;
	b = watching(state);
	kube_watch_free(b->watch);
	b->watch = NULL;
	assert_true(loop_wait_idle(b->api->loop, 10));
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, watch_bench_api_open, watch_bench_api_close)
	const struct CMUnitTest tests[] = {
		TEST(a_list_comes_in_pages_and_a_watch_follows),
		TEST(an_ended_watch_is_resumed_at_its_version),
		TEST(an_expired_version_is_listed_anew_at_once),
		TEST(an_expired_version_at_the_beginning_is_listed_anew),
		TEST(an_expired_page_restarts_the_list),
		TEST(each_refusal_has_its_pause),
		TEST(failures_of_the_watch_do_not_list_anew),
		TEST(a_vanished_kind_is_asked_for_once_a_minute),
		TEST(silence_is_cut_off),
		TEST(a_stream_that_cannot_be_read_is_listed_anew),
		TEST(a_server_that_can_sends_the_list_as_a_watch),
		TEST(a_server_that_cannot_is_asked_for_pages),
		TEST(an_unfinished_list_by_watch_is_void),
		TEST(it_can_be_freed_at_any_time),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
