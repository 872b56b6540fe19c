#include "lib/localapi/localapi.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/ipaddr.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "tests/support/address.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"
#include "tests/support/tempdir.h"

struct fixture {
	struct loop *loop;
	struct fetcher *fetcher;
	char *dir, *socket;
	struct raw_server *server;
	struct localapi *api;
	unsigned int calls;
	int status;
	char *body, *etag;
	uint64_t retry_after_ms;
	struct err err;
	bool frees;
	bool asks_again;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	signal(SIGPIPE, SIG_IGN);
	f->dir = tempdir_new();
	f->socket = tempdir_path(f->dir, "sock");
	f->loop = loop_new(&e);
	f->fetcher = fetcher_new(f->loop, &e);
	f->server = raw_server_new(f->loop, f->socket);
	raw_server_answer(f->server, "200 OK", "{}");
	f->api = localapi_new(f->loop, f->fetcher, f->socket);
	*state = f;
	return f->fetcher != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fake_clock_remove();
	localapi_free(f->api);
	raw_server_free(f->server);
	fetcher_free(f->fetcher);
	loop_free(f->loop);
	tempdir_free(f->dir);
	free(f->socket);
	free(f->body);
	free(f->etag);
	free(f);
	return 0;
}

static void on_reply(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct fixture *f = arg;
	f->calls++;
	f->status = reply->status;
	free(f->body);
	f->body = xstrndup(reply->body, reply->len);
	free(f->etag);
	f->etag = xstrdup(reply->etag);
	f->retry_after_ms = reply->retry_after_ms;
	assert_non_null(reply->headers);
	f->err = err != NULL ? *err : (struct err){0};
	if (f->asks_again) {
		f->asks_again = false;
		localapi_prefs_get(f->api, on_reply, f);
	}
	if (f->frees) {
		localapi_free(f->api);
		f->api = NULL;
	}
}

static void wait_calls(struct fixture *f, unsigned int count)
{
	assert_true(loop_wait_count(f->loop, &f->calls, count, LOOP_WAIT_MS));
	assert_int_equal(f->calls, count);
}

/* The text of the newest request. */
static const char *sent(const struct fixture *f)
{
	assert_true(f->server->requests.len > 0);
	return f->server->requests.items[f->server->requests.len - 1];
}

/* The one call of each row. */
typedef struct localapi_call *(*call_fn)(struct localapi *api, localapi_fn fn, void *arg);

static struct localapi_call *set_empty(struct localapi *api, localapi_fn fn, void *arg)
{
	return localapi_serve_set(api, "{\"TCP\":{}}", fn, arg);
}

static struct localapi_call *advertise_two(struct localapi *api, localapi_fn fn, void *arg)
{
	AUTO(strv_fini) struct strv services = {0};
	str_words("svc:a svc:b\"", &services);
	return localapi_advertise(api, &services, fn, arg);
}

static struct localapi_call *advertise_none(struct localapi *api, localapi_fn fn, void *arg)
{
	return localapi_advertise(api, NULL, fn, arg);
}

static struct localapi_call *plain_cert(struct localapi *api, localapi_fn fn, void *arg)
{
	return localapi_cert(api, "web.t-1.ts.net", fn, arg);
}

static struct localapi_call *odd_cert(struct localapi *api, localapi_fn fn, void *arg)
{
	return localapi_cert(api, "../x?y=\xc3\xa4", fn, arg);
}

static struct localapi_call *ping(struct localapi *api, const char *text, localapi_fn fn, void *arg)
{
	struct ipaddr to = address_of(text);
	return localapi_ping(api, &to, "TSMP", fn, arg);
}

static struct localapi_call *ping_four(struct localapi *api, localapi_fn fn, void *arg)
{
	return ping(api, "100.64.0.2", fn, arg);
}

static struct localapi_call *ping_six(struct localapi *api, localapi_fn fn, void *arg)
{
	return ping(api, "fd7a:115c:a1e0::2", fn, arg);
}

struct call_row {
	call_fn start;
	const char *first; /* of the request */
	const char *body;
};

static const struct call_row calls[] = {
	{localapi_status, "GET /localapi/v0/status?peers=false HTTP/1.1\r\n", NULL},
	{localapi_dns_config, "GET /localapi/v0/dns-config HTTP/1.1\r\n", NULL},
	{localapi_serve_get, "GET /localapi/v0/serve-config HTTP/1.1\r\n", NULL},
	{set_empty, "POST /localapi/v0/serve-config HTTP/1.1\r\n", "{\"TCP\":{}}"},
	{localapi_prefs_get, "GET /localapi/v0/prefs HTTP/1.1\r\n", NULL},
	{advertise_two, "PATCH /localapi/v0/prefs HTTP/1.1\r\n",
		"{\"AdvertiseServices\":[\"svc:a\",\"svc:b\\\"\"],\"AdvertiseServicesSet\":true}"},
	{advertise_none, "PATCH /localapi/v0/prefs HTTP/1.1\r\n",
		"{\"AdvertiseServices\":null,\"AdvertiseServicesSet\":true}"},
	{localapi_disconnect_control, "POST /localapi/v0/disconnect-control HTTP/1.1\r\n", ""},
	{localapi_reload_config, "POST /localapi/v0/reload-config HTTP/1.1\r\n", ""},
	{localapi_udp_gro, "GET /localapi/v0/set-udp-gro-forwarding HTTP/1.1\r\n", NULL},
	{localapi_cert_domains, "GET /localapi/v0/cert-domains HTTP/1.1\r\n", NULL},
	{plain_cert, "GET /localapi/v0/cert/web.t-1.ts.net?type=pair&min_validity=0s HTTP/1.1\r\n",
		NULL},
	{odd_cert,
		"GET /localapi/v0/cert/..%2Fx%3Fy%3D%C3%A4?type=pair&min_validity=0s HTTP/1.1\r\n",
		NULL},
	{ping_four, "POST /localapi/v0/ping?ip=100.64.0.2&type=TSMP HTTP/1.1\r\n", ""},
	{ping_six, "POST /localapi/v0/ping?ip=fd7a%3A115c%3Aa1e0%3A%3A2&type=TSMP HTTP/1.1\r\n",
		""},
	{localapi_user_metrics, "GET /localapi/v0/usermetrics HTTP/1.1\r\n", NULL},
};

static void each_call_asks_for_its_endpoint(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		calls[i].start(f->api, on_reply, f);
		assert_int_equal(f->calls, i); /* never from within the start */
		wait_calls(f, (unsigned int)i + 1);
		assert_string_equal(f->err.msg, "");
		assert_int_equal(f->status, 200);
		assert_memory_equal(sent(f), calls[i].first, strlen(calls[i].first));
		/* Else the daemon refuses us. */
		assert_non_null(strstr(sent(f), "\r\nHost: local-tailscaled.sock\r\n"));
		assert_null(strstr(sent(f), "\r\nReferer:"));
		assert_null(strstr(sent(f), "\r\nOrigin:"));
		assert_null(strstr(sent(f), "\r\nExpect:"));
		const char *body = strstr(sent(f), "\r\n\r\n") + 4;
		assert_string_equal(body, calls[i].body != NULL ? calls[i].body : "");
		assert_int_equal(
			strstr(sent(f), "\r\nContent-Length: ") != NULL, calls[i].body != NULL);
	}
	/* Over one connection. */
	assert_int_equal(f->server->accept_count, 1);
}

static void a_serve_config_is_set_whatever_was_there(void **state)
{
	struct fixture *f = *state;
	localapi_serve_set(f->api, "{}", on_reply, f);
	wait_calls(f, 1);
	assert_non_null(strstr(sent(f), "\r\nIf-Match:\r\n"));
}

static void details_of_the_answer_are_passed_on(void **state)
{
	struct fixture *f = *state;
	raw_server_answer(f->server, "200 OK\r\nETag: \"abc\"", "null");
	localapi_serve_get(f->api, on_reply, f);
	wait_calls(f, 1);
	assert_string_equal(f->etag, "\"abc\"");
	assert_string_equal(f->body, "null");
	raw_server_answer(f->server, "204 No Content", "");
	localapi_disconnect_control(f->api, on_reply, f);
	wait_calls(f, 2);
	assert_string_equal(f->err.msg, "");
	assert_null(f->etag);
	raw_server_answer(f->server, "429 Too Many Requests\r\nRetry-After: 120", "slow down\n");
	localapi_cert(f->api, "d", on_reply, f);
	wait_calls(f, 3);
	assert_int_equal(f->err.code, -EAGAIN);
	assert_true(f->retry_after_ms == 120000);
	assert_string_equal(f->body, "slow down\n");
}

struct refusal {
	const char *status, *body;
	int code;
	const char *sentence;
};

static const struct refusal refusals[] = {
	{"400 Bad", "{\"Error\":\"bad request\"}", -EPROTO, "bad request"},
	{"400 Bad", "{\"error\":\"lower case\"}", -EPROTO, "lower case"},
	{"400 Bad", "{\"Error\":\"\"}", -EPROTO, "400: {\"Error\":\"\"}"},
	{"400 Bad", "{\"Error\":7}", -EPROTO, "400: {\"Error\":7}"},
	{"403 No", "{\"Error\":\"go away\"}", -EACCES, "Access denied: go away"},
	{"403 No", "invalid Host\nx", -EACCES, "Access denied: 403: invalid Host"},
	{"404 No", "404 page not found\n", -ENOENT, "404: 404 page not found"},
	{"412 No", "{\"Error\":\"etag\"}", -ESTALE, "Preconditions failed: etag"},
	{"429 No", "", -EAGAIN, "429: "},
	{"500 No", "<html>", -EAGAIN, "500: <html>"},
	{"503 No", "no netmap", -EAGAIN, "503: no netmap"},
	{"301 No", "", -EPROTO, "301: "},
};

static void a_refusal_has_a_code_and_a_sentence(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		AUTO(mem_free)
		char *sentence = xasprintf("GET /localapi/v0/prefs: %s", refusals[i].sentence);
		raw_server_answer(f->server, refusals[i].status, refusals[i].body);
		localapi_prefs_get(f->api, on_reply, f);
		wait_calls(f, (unsigned int)i + 1);
		assert_int_equal(f->err.code, refusals[i].code);
		assert_string_equal(f->err.msg, sentence);
		assert_string_equal(f->body, refusals[i].body);
	}
}

static void a_long_refusal_is_cut_in_its_middle(void **state)
{
	struct fixture *f = *state;
	char page[1001];
	memset(page, 'x', sizeof(page));
	page[1000] = '\0';
	memcpy(page + 97, "\xc3\xa4", 2);
	memcpy(page + 997, "why", 3);
	raw_server_answer(f->server, "500 No", page);
	localapi_prefs_get(f->api, on_reply, f);
	wait_calls(f, 1);
	assert_int_equal(strlen(f->err.msg), strlen("GET /localapi/v0/prefs: 500: ") + 200);
	assert_non_null(strstr(f->err.msg, "x\xe2\x80\xa6x"));
	assert_true(str_ends(f->err.msg, "why"));
}

struct verdict {
	call_fn start;
	const char *body;
	int code;
	const char *part;
};

static const struct verdict verdicts[] = {
	{localapi_reload_config, "{\"Reloaded\":true}", 0, ""},
	{localapi_reload_config, "{\"Reloaded\":false,\"Err\":\"\"}", 0, ""},
	{localapi_reload_config, "{\"Err\":null}", 0, ""},
	{localapi_reload_config, "", -EINVAL, "reload-config: tailscaled did not load the file"},
	{localapi_reload_config, "{\"Err\":\"bad key\"}", -EINVAL, "reload-config: bad key"},
	{localapi_reload_config, "{\"err\":\"bad key\"}", -EINVAL, "reload-config: bad key"},
	{localapi_reload_config, "nonsense", -EINVAL, "reload-config: "},
	{localapi_udp_gro, "{}", 0, ""},
	{localapi_udp_gro, "{\"Warning\":\"\"}", 0, ""},
	{localapi_udp_gro, "{\"Warning\":\"no such device\"}", -ENOTSUP, "no such device"},
	{localapi_udp_gro, "{", -EINVAL, "set-udp-gro-forwarding: "},
};

static void some_answers_are_failures_inside(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		raw_server_answer(f->server, "200 OK", verdicts[i].body);
		verdicts[i].start(f->api, on_reply, f);
		wait_calls(f, (unsigned int)i + 1);
		assert_int_equal(f->err.code, verdicts[i].code);
		assert_non_null(strstr(f->err.msg, verdicts[i].part));
	}
}

static void a_daemon_that_is_not_there_is_an_error(void **state)
{
	struct fixture *f = *state;
	raw_server_free(f->server);
	f->server = NULL;
	localapi_prefs_get(f->api, on_reply, f);
	wait_calls(f, 1);
	assert_int_equal(f->err.code, -ECONNREFUSED);
	assert_non_null(strstr(f->err.msg, "/localapi/v0/prefs"));
	assert_int_equal(f->status, 0);
	assert_string_equal(f->body, "");
	assert_string_equal(localapi_socket(f->api), f->socket);
	assert_ptr_equal(localapi_fetcher(f->api), f->fetcher);
}

static void what_cannot_be_asked_fails_through_the_loop(void **state)
{
	struct fixture *f = *state;
	static char domain[2000];
	struct localapi_request bad = {.method = "get", .path = "/localapi/v0/prefs"};
	localapi_start(f->api, &bad, on_reply, f);
	assert_int_equal(f->calls, 0);
	wait_calls(f, 1);
	assert_int_equal(f->err.code, -EINVAL);
	memset(domain, 'd', sizeof(domain) - 1);
	localapi_cert(f->api, domain, on_reply, f);
	wait_calls(f, 2);
	assert_int_equal(f->err.code, -EINVAL);
	assert_non_null(strstr(f->err.msg, "the name is too long"));
	localapi_cancel(localapi_cert(f->api, domain, on_reply, f));
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->calls, 2);
	assert_int_equal(f->server->request_count, 0);
}

static void a_call_has_a_deadline(void **state)
{
	struct fixture *f = *state;
	fake_clock_install(1000000);
	f->server->reply.text = NULL;
	localapi_prefs_get(f->api, on_reply, f);
	localapi_cert(f->api, "d", on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 2, LOOP_WAIT_MS));
	fake_clock_advance_ms(LOCALAPI_TIMEOUT_MS);
	wait_calls(f, 1);
	assert_int_equal(f->err.code, -ETIMEDOUT);
	fake_clock_advance_ms(LOCALAPI_CERT_TIMEOUT_MS - LOCALAPI_TIMEOUT_MS);
	wait_calls(f, 2);
	assert_int_equal(f->err.code, -ETIMEDOUT);
}

static void an_answer_beyond_all_measure_is_refused(void **state)
{
	struct fixture *f = *state;
	static char block[65536];
	memset(block, 'x', sizeof(block));
	f->server->reply = (struct raw_reply){.text = "HTTP/1.1 200 OK\r\n\r\n",
		.block = block,
		.block_len = sizeof(block),
		.repeat = 20,
		.after = RAW_CLOSE};
	localapi_prefs_get(f->api, on_reply, f);
	wait_calls(f, 1);
	assert_int_equal(f->err.code, -EMSGSIZE);
	/* Metrics may be larger, and the records of a large tailnet are. */
	localapi_user_metrics(f->api, on_reply, f);
	wait_calls(f, 2);
	assert_string_equal(f->err.msg, "");
	assert_int_equal(strlen(f->body), 20 * sizeof(block));
	f->server->reply.repeat = 100;
	localapi_dns_config(f->api, on_reply, f);
	wait_calls(f, 3);
	assert_string_equal(f->err.msg, "");
	assert_int_equal(strlen(f->body), 100 * sizeof(block));
}

static void cancelled_calls_are_silent(void **state)
{
	struct fixture *f = *state;
	f->server->reply.text = NULL;
	localapi_cancel(NULL);
	localapi_cancel(localapi_prefs_get(f->api, on_reply, f));
	struct localapi_call *call = localapi_prefs_get(f->api, on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 1, LOOP_WAIT_MS));
	localapi_cancel(call);
	localapi_prefs_get(f->api, on_reply, f);
	localapi_status(f->api, on_reply, f);
	localapi_free(f->api);
	f->api = NULL;
	localapi_free(NULL);
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->calls, 0);
}

static void a_callback_may_ask_again_and_end_it_all(void **state)
{
	struct fixture *f = *state;
	f->asks_again = true;
	localapi_status(f->api, on_reply, f);
	wait_calls(f, 2);
	f->asks_again = true;
	f->frees = true;
	localapi_status(f->api, on_reply, f);
	wait_calls(f, 3);
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->calls, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_call_asks_for_its_endpoint),
		TEST(a_serve_config_is_set_whatever_was_there),
		TEST(details_of_the_answer_are_passed_on),
		TEST(a_refusal_has_a_code_and_a_sentence),
		TEST(a_long_refusal_is_cut_in_its_middle),
		TEST(some_answers_are_failures_inside),
		TEST(a_daemon_that_is_not_there_is_an_error),
		TEST(what_cannot_be_asked_fails_through_the_loop),
		TEST(a_call_has_a_deadline),
		TEST(an_answer_beyond_all_measure_is_refused),
		TEST(cancelled_calls_are_silent),
		TEST(a_callback_may_ask_again_and_end_it_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
