#include "lib/kube/kube.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/kube/kube_secret.h"
#include "tests/support/api_bench.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

static void a_secret_is_read(void **state)
{
	struct api_bench *f = *state;
	api_get(f, "200 OK", "{\"data\":{\"a\":\"aGVsbG8=\"}}");
	assert_string_equal(f->err.msg, "");
	assert_int_equal(f->status, 200);
	assert_string_equal(f->body, "{\"data\":{\"a\":\"aGVsbG8=\"}}");
	assert_true(strncmp(api_request(f, 0),
			    "GET /api/v1/namespaces/default/secrets/tailscale HTTP/1.1", 57) == 0);
	assert_non_null(strstr(api_request(f, 0), "\r\nAuthorization: Bearer bearer_token\r\n"));
	assert_non_null(strstr(api_request(f, 0), "\r\nAccept: application/json\r\n"));
	assert_string_equal(kube_namespace(f->kube), "default");
	/* The connection is kept. */
	api_get(f, "200 OK", "{}");
	assert_int_equal(f->server->accept_count, 1);
	assert_int_equal(kube_request_count(f->kube), 2);
}

static void a_secret_is_patched(void **state)
{
	struct api_bench *f = *state;
	AUTO(kube_fields_fini) struct kube_fields changes = {0};
	api_open_at(f, "127.0.0.1", f->front.port);
	kube_fields_set(&changes, "device_id", "n1", 2);
	kube_fields_set(&changes, "old", NULL, 0);
	kube_secret_merge(f->kube, "tailscale", &changes, api_on_reply, f);
	api_wait_calls(f, 1);
	assert_string_equal(f->err.msg, "");
	assert_non_null(
		strstr(api_request(f, 0), "PATCH /api/v1/namespaces/default/secrets/tailscale"
					  "?fieldManager=tailscale-container HTTP/1.1\r\n"));
	assert_non_null(strstr(
		api_request(f, 0), "\r\nContent-Type: application/strategic-merge-patch+json\r\n"));
	assert_non_null(
		strstr(api_request(f, 0), "\"data\":{\"device_id\":\"bjE=\",\"old\":null}}"));
	/* Some servers answer a patch with nothing at all. */
	raw_server_answer(f->server, "200 OK", "");
	kube_secret_merge(f->kube, "tailscale", &changes, api_on_reply, f);
	api_wait_calls(f, 2);
	assert_string_equal(f->err.msg, "");
	assert_null(f->body);
}

static void a_review_is_asked(void **state)
{
	static const char *const rows[][2] = {
		{"{\"status\":{\"allowed\":true}}", "yes"},
		{"{\"status\":{\"allowed\":false}}", "no"},
		{"{\"status\":{}}", "no"},
		{"{\"status\":{\"allowed\":\"true\"}}", "no"},
		{"null", "no"},
	};
	struct api_bench *f = *state;
	api_open_at(f, "127.0.0.1", f->front.port);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		raw_server_answer(f->server, i < 4 ? "201 Created" : "200 OK", rows[i][0]);
		kube_review_secret(f->kube, "tailscale", "patch", api_on_reply, f);
		api_wait_calls(f, (unsigned int)i + 1);
		assert_string_equal(f->err.msg, "");
		assert_int_equal(f->allowed, strcmp(rows[i][1], "yes") == 0);
	}
	assert_non_null(strstr(api_request(f, 0),
		"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews HTTP/1.1\r\n"));
	assert_non_null(strstr(api_request(f, 0), "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(api_request(f, 0),
		"\"spec\":{\"resourceAttributes\":{\"name\":\"tailscale\",\"namespace\":\"default\","
		"\"resource\":\"secrets\",\"verb\":\"patch\"}}"));
}

static void what_a_server_asks_for_is_limited(void **state)
{
	struct api_bench *f = *state;
	api_get(f, "503 Unavailable\r\nRetry-After: 3600", "");
	assert_in_range(f->retry_after_ms, 30000, 60000);
	kube_limit_retry_after(f->kube, 5000);
	api_get(f, "503 Unavailable\r\nRetry-After: 120", "");
	assert_in_range(f->retry_after_ms, 2500, 5000);
	api_get(f, "503 Unavailable\r\nRetry-After: 1", "");
	assert_in_range(f->retry_after_ms, 1000, 1500);
}

static void a_refusal_is_reported_with_the_request(void **state)
{
	struct api_bench *f = *state;
	api_get(f, "404 Not Found",
		"{\"kind\":\"Status\",\"message\":\"secret not found\",\"code\":404}");
	assert_int_equal(f->err.code, -ENOENT);
	assert_string_equal(f->err.msg,
		"GET /api/v1/namespaces/default/secrets/tailscale: 404: secret not found");
	assert_int_equal(f->code, 404);
	api_get(f, "429 Too Many\r\nRetry-After: 7", "");
	assert_int_equal(f->err.code, -EAGAIN);
	assert_in_range(f->retry_after_ms, 7000, 10500);
	api_get(f, "502 Bad Gateway", "<html>nginx</html>\n");
	assert_int_equal(f->err.code, -EAGAIN);
	assert_non_null(strstr(f->err.msg, "502: \"<html>nginx</html>\""));
	api_get(f, "200 OK", "<html></html>");
	assert_int_equal(f->err.code, -EAGAIN);
	api_get(f, "403 Forbidden", "{\"message\":\"m\",\"code\":403}");
	assert_int_equal(f->err.code, -EACCES);
	assert_int_equal(f->code, 403);
}

static void broken_answers_are_errors(void **state)
{
	struct api_bench *f = *state;
	f->server->reply.after = RAW_CLOSE;
	api_get_raw(f, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":");
	assert_true(f->err.code == -ECONNRESET || f->err.code == -EPROTO);
	assert_non_null(strstr(f->err.msg, "/secrets/tailscale: "));
	assert_null(strstr(f->err.msg, "GET /api")); /* named once */
	assert_int_equal(f->status, 0);
	assert_null(f->body);
	api_get_raw(f, "nonsense\r\n\r\n");
	assert_int_not_equal(f->err.code, 0);
	api_get_raw(f, NULL);
	assert_int_not_equal(f->err.code, 0);
}

static void an_answer_beyond_all_measure_is_refused(void **state)
{
	struct api_bench *f = *state;
	static char block[65536];
	memset(block, ' ', sizeof(block));
	f->server->reply = (struct raw_reply){.block = block,
		.block_len = sizeof(block),
		.repeat = KUBE_REPLY_MAX / sizeof(block) + 1};
	api_get_raw(f, "HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n");
	assert_int_equal(f->err.code, -EMSGSIZE);
}

static void cancelled_requests_are_silent(void **state)
{
	struct api_bench *f = *state;
	api_open_at(f, "127.0.0.1", f->front.port);
	f->server->reply.text = NULL;
	kube_cancel(NULL);
	/* At once, after it was sent, and with the client. */
	kube_cancel(kube_secret_get(f->kube, "a", api_on_reply, f));
	struct kube_call *call = kube_secret_get(f->kube, "b", api_on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 1, LOOP_WAIT_MS));
	kube_cancel(call);
	kube_secret_get(f->kube, "c", api_on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 2, LOOP_WAIT_MS));
	kube_secret_get(f->kube, "d", api_on_reply, f);
	kube_free(f->kube);
	f->kube = NULL;
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->calls, 0);
}

static void a_callback_may_ask_again_and_end_it_all(void **state)
{
	struct api_bench *f = *state;
	f->asks_again = true;
	api_get(f, "200 OK", "{}");
	api_wait_calls(f, 2);
	assert_non_null(strstr(api_request(f, 1), "/secrets/again "));
	f->asks_again = true;
	f->frees = true;
	api_get(f, "200 OK", "{}");
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->calls, 3);
	assert_null(f->kube);
}

static void a_client_needs_its_files(void **state)
{
	struct api_bench *f = *state;
	struct err e = {0};
	struct kube_options options = {.account_dir = "/nowhere"};
	assert_null(kube_new(f->loop, f->fetcher, f->resolver, &options, &e));
	assert_int_equal(e.code, -ENOENT);
	options.account_dir = f->account;
	tempdir_write(f->account, "token", "\n");
	assert_null(kube_new(f->loop, f->fetcher, f->resolver, &options, &e));
	assert_int_equal(e.code, -EINVAL);
	kube_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, api_bench_open, api_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(a_secret_is_read),
		TEST(a_secret_is_patched),
		TEST(a_review_is_asked),
		TEST(a_refusal_is_reported_with_the_request),
		TEST(what_a_server_asks_for_is_limited),
		TEST(broken_answers_are_errors),
		TEST(an_answer_beyond_all_measure_is_refused),
		TEST(cancelled_requests_are_silent),
		TEST(a_callback_may_ask_again_and_end_it_all),
		TEST(a_client_needs_its_files),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
