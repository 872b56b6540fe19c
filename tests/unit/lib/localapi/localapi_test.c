#include "lib/localapi/localapi.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/ipaddr.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/support/address.h"
#include "tests/support/localapi_bench.h"
#include "tests/support/raw_server.h"

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
	return localapi_ping(api, &to, "TSMP", LOCALAPI_PING_TIMEOUT_MS, fn, arg);
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
	struct localapi_bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		calls[i].start(b->api, localapi_bench_on_reply, b);
		assert_int_equal(b->calls, i); /* never from within the start */
		localapi_bench_wait(b, (unsigned int)i + 1);
		assert_string_equal(b->err.msg, "");
		assert_int_equal(b->status, 200);
		assert_memory_equal(localapi_bench_sent(b), calls[i].first, strlen(calls[i].first));
		/* Else the daemon refuses us. */
		assert_non_null(
			strstr(localapi_bench_sent(b), "\r\nHost: local-tailscaled.sock\r\n"));
		assert_null(strstr(localapi_bench_sent(b), "\r\nReferer:"));
		assert_null(strstr(localapi_bench_sent(b), "\r\nOrigin:"));
		assert_null(strstr(localapi_bench_sent(b), "\r\nExpect:"));
		const char *body = strstr(localapi_bench_sent(b), "\r\n\r\n") + 4;
		assert_string_equal(body, calls[i].body != NULL ? calls[i].body : "");
		assert_int_equal(strstr(localapi_bench_sent(b), "\r\nContent-Length: ") != NULL,
			calls[i].body != NULL);
	}
	/* Over one connection. */
	assert_int_equal(b->server->accept_count, 1);
}

static void a_serve_config_is_set_whatever_was_there(void **state)
{
	struct localapi_bench *b = *state;
	localapi_serve_set(b->api, "{}", localapi_bench_on_reply, b);
	localapi_bench_wait(b, 1);
	assert_non_null(strstr(localapi_bench_sent(b), "\r\nIf-Match:\r\n"));
}

static void details_of_the_answer_are_passed_on(void **state)
{
	struct localapi_bench *b = *state;
	raw_server_answer(b->server, "200 OK\r\nETag: \"abc\"", "null");
	localapi_serve_get(b->api, localapi_bench_on_reply, b);
	localapi_bench_wait(b, 1);
	assert_string_equal(b->etag, "\"abc\"");
	assert_string_equal(b->body, "null");
	raw_server_answer(b->server, "204 No Content", "");
	localapi_disconnect_control(b->api, localapi_bench_on_reply, b);
	localapi_bench_wait(b, 2);
	assert_string_equal(b->err.msg, "");
	assert_null(b->etag);
	raw_server_answer(b->server, "429 Too Many Requests\r\nRetry-After: 120", "slow down\n");
	localapi_cert(b->api, "d", localapi_bench_on_reply, b);
	localapi_bench_wait(b, 3);
	assert_int_equal(b->err.code, -EAGAIN);
	assert_true(b->retry_after_ms == 120000);
	assert_string_equal(b->body, "slow down\n");
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
	struct localapi_bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		AUTO(mem_free)
		char *sentence = xasprintf("GET /localapi/v0/prefs: %s", refusals[i].sentence);
		raw_server_answer(b->server, refusals[i].status, refusals[i].body);
		localapi_prefs_get(b->api, localapi_bench_on_reply, b);
		localapi_bench_wait(b, (unsigned int)i + 1);
		assert_int_equal(b->err.code, refusals[i].code);
		assert_string_equal(b->err.msg, sentence);
		assert_string_equal(b->body, refusals[i].body);
	}
}

static void a_long_refusal_is_cut_in_its_middle(void **state)
{
	struct localapi_bench *b = *state;
	char page[1001];
	memset(page, 'x', sizeof(page));
	page[1000] = '\0';
	memcpy(page + 97, "\xc3\xa4", 2);
	memcpy(page + 997, "why", 3);
	raw_server_answer(b->server, "500 No", page);
	localapi_prefs_get(b->api, localapi_bench_on_reply, b);
	localapi_bench_wait(b, 1);
	assert_int_equal(strlen(b->err.msg), strlen("GET /localapi/v0/prefs: 500: ") + 200);
	assert_non_null(strstr(b->err.msg, "x\xe2\x80\xa6x"));
	assert_true(str_ends(b->err.msg, "why"));
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
	{ping_four, "{\"IP\":\"100.64.0.2\",\"Err\":\"\"}", 0, ""},
	{ping_four, "{\"Err\":\"no matching peer\"}", -EHOSTUNREACH, "no matching peer"},
	{ping_four, "", -EINVAL, "ping"},
	{localapi_udp_gro, "{}", 0, ""},
	{localapi_udp_gro, "{\"Warning\":\"\"}", 0, ""},
	{localapi_udp_gro, "{\"Warning\":\"no such device\"}", -ENOTSUP, "no such device"},
	{localapi_udp_gro, "{", -EINVAL, "set-udp-gro-forwarding: "},
};

static void some_answers_are_failures_inside(void **state)
{
	struct localapi_bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		raw_server_answer(b->server, "200 OK", verdicts[i].body);
		verdicts[i].start(b->api, localapi_bench_on_reply, b);
		localapi_bench_wait(b, (unsigned int)i + 1);
		assert_int_equal(b->err.code, verdicts[i].code);
		assert_non_null(strstr(b->err.msg, verdicts[i].part));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, localapi_bench_open, localapi_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(each_call_asks_for_its_endpoint),
		TEST(a_serve_config_is_set_whatever_was_there),
		TEST(details_of_the_answer_are_passed_on),
		TEST(a_refusal_has_a_code_and_a_sentence),
		TEST(a_long_refusal_is_cut_in_its_middle),
		TEST(some_answers_are_failures_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
