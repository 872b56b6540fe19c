/* A call and its end: without an answer, too late, too large, cancelled. */
#include "lib/localapi/localapi.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/fake_clock.h"
#include "tests/support/localapi_bench.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"

static void a_daemon_that_is_not_there_is_an_error(void **state)
{
	struct localapi_bench *b = *state;
	raw_server_free(b->server);
	b->server = NULL;
	localapi_prefs_get(b->api, localapi_bench_on_reply, b);
	localapi_bench_wait(b, 1);
	assert_int_equal(b->err.code, -ECONNREFUSED);
	assert_non_null(strstr(b->err.msg, "/localapi/v0/prefs"));
	assert_int_equal(b->status, 0);
	assert_string_equal(b->body, "");
	assert_string_equal(localapi_socket(b->api), b->socket);
	assert_ptr_equal(localapi_fetcher(b->api), b->fetcher);
}

static void what_cannot_be_asked_fails_through_the_loop(void **state)
{
	struct localapi_bench *b = *state;
	static char domain[2000];
	struct localapi_request bad = {.method = "get", .path = "/localapi/v0/prefs"};
	localapi_start(b->api, &bad, localapi_bench_on_reply, b);
	assert_int_equal(b->calls, 0);
	localapi_bench_wait(b, 1);
	assert_int_equal(b->err.code, -EINVAL);
	memset(domain, 'd', sizeof(domain) - 1);
	localapi_cert(b->api, domain, localapi_bench_on_reply, b);
	localapi_bench_wait(b, 2);
	assert_int_equal(b->err.code, -EINVAL);
	assert_non_null(strstr(b->err.msg, "the name is too long"));
	localapi_cancel(localapi_cert(b->api, domain, localapi_bench_on_reply, b));
	assert_true(loop_wait_idle(b->loop, 20));
	assert_int_equal(b->calls, 2);
	assert_int_equal(b->server->request_count, 0);
}

static void a_call_has_a_deadline(void **state)
{
	struct localapi_bench *b = *state;
	fake_clock_install(1000000);
	b->server->reply.text = NULL;
	localapi_prefs_get(b->api, localapi_bench_on_reply, b);
	localapi_cert(b->api, "d", localapi_bench_on_reply, b);
	assert_true(loop_wait_count(b->loop, &b->server->request_count, 2, LOOP_WAIT_MS));
	fake_clock_advance_ms(LOCALAPI_TIMEOUT_MS);
	localapi_bench_wait(b, 1);
	assert_int_equal(b->err.code, -ETIMEDOUT);
	fake_clock_advance_ms(LOCALAPI_CERT_TIMEOUT_MS - LOCALAPI_TIMEOUT_MS);
	localapi_bench_wait(b, 2);
	assert_int_equal(b->err.code, -ETIMEDOUT);
}

static void an_answer_beyond_all_measure_is_refused(void **state)
{
	struct localapi_bench *b = *state;
	static char block[65536];
	memset(block, 'x', sizeof(block));
	b->server->reply = (struct raw_reply){.text = "HTTP/1.1 200 OK\r\n\r\n",
		.block = block,
		.block_len = sizeof(block),
		.repeat = 20,
		.after = RAW_CLOSE};
	localapi_prefs_get(b->api, localapi_bench_on_reply, b);
	localapi_bench_wait(b, 1);
	assert_int_equal(b->err.code, -EMSGSIZE);
	/* Metrics may be larger, and the records of a large tailnet are. */
	localapi_user_metrics(b->api, localapi_bench_on_reply, b);
	localapi_bench_wait(b, 2);
	assert_string_equal(b->err.msg, "");
	assert_int_equal(strlen(b->body), 20 * sizeof(block));
	b->server->reply.repeat = 100;
	localapi_dns_config(b->api, localapi_bench_on_reply, b);
	localapi_bench_wait(b, 3);
	assert_string_equal(b->err.msg, "");
	assert_int_equal(strlen(b->body), 100 * sizeof(block));
}

static void cancelled_calls_are_silent(void **state)
{
	struct localapi_bench *b = *state;
	b->server->reply.text = NULL;
	localapi_cancel(NULL);
	localapi_cancel(localapi_prefs_get(b->api, localapi_bench_on_reply, b));
	struct localapi_call *call = localapi_prefs_get(b->api, localapi_bench_on_reply, b);
	assert_true(loop_wait_count(b->loop, &b->server->request_count, 1, LOOP_WAIT_MS));
	localapi_cancel(call);
	localapi_prefs_get(b->api, localapi_bench_on_reply, b);
	localapi_status(b->api, localapi_bench_on_reply, b);
	localapi_free(b->api);
	b->api = NULL;
	localapi_free(NULL);
	assert_true(loop_wait_idle(b->loop, 20));
	assert_int_equal(b->calls, 0);
}

static void a_callback_may_ask_again_and_end_it_all(void **state)
{
	struct localapi_bench *b = *state;
	b->asks_again = true;
	localapi_status(b->api, localapi_bench_on_reply, b);
	localapi_bench_wait(b, 2);
	b->asks_again = true;
	b->frees = true;
	localapi_status(b->api, localapi_bench_on_reply, b);
	localapi_bench_wait(b, 3);
	assert_true(loop_wait_idle(b->loop, 20));
	assert_int_equal(b->calls, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, localapi_bench_open, localapi_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(a_daemon_that_is_not_there_is_an_error),
		TEST(what_cannot_be_asked_fails_through_the_loop),
		TEST(a_call_has_a_deadline),
		TEST(an_answer_beyond_all_measure_is_refused),
		TEST(cancelled_calls_are_silent),
		TEST(a_callback_may_ask_again_and_end_it_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
