#include "lib/io/fetch.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/httpd.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"
#include "tests/support/tempdir.h"

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\n\r\nok"

struct fixture {
	struct loop *loop;
	struct fetcher *fetcher;
	struct raw_server *server;
	char *dir;
	char *socket;
	char *url; /* http://127.0.0.1:port/p */
	/* the last outcome */
	unsigned int calls;
	int status;
	struct err err;
	char *body;
	uint64_t retry_after_ms;
	char *header;
	struct fetch *victim; /* cancelled by on_reply */
	bool starts_another;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	signal(SIGPIPE, SIG_IGN);
	f->loop = loop_new(&e);
	f->fetcher = fetcher_new(f->loop, &e);
	if (f->fetcher == NULL)
		return -1;
	f->dir = tempdir_new();
	f->socket = tempdir_path(f->dir, "sock");
	*state = f;
	return 0;
}

static void serve_tcp(struct fixture *f)
{
	f->server = raw_server_new(f->loop, NULL);
	f->server->reply.text = OK_REPLY;
	f->url = xasprintf("http://127.0.0.1:%u/p", f->server->port);
}

static void serve_unix(struct fixture *f)
{
	f->server = raw_server_new(f->loop, f->socket);
	f->server->reply.text = OK_REPLY;
	f->url = xstrdup("http://local-tailscaled.sock/localapi/v0/prefs");
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fetcher_free(f->fetcher);
	raw_server_free(f->server);
	loop_free(f->loop);
	tempdir_free(f->dir);
	free(f->socket);
	free(f->url);
	free(f->body);
	free(f->header);
	free(f);
	return 0;
}

static void on_reply(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct fixture *f = arg;
	const char *one = fetch_header(reply, "x-one");
	f->calls++;
	f->status = reply->status;
	err_clear(&f->err);
	if (err != NULL)
		f->err = *err;
	f->retry_after_ms = reply->retry_after_ms;
	free(f->body);
	f->body = xstrdup(reply->body);
	free(f->header);
	f->header = xstrdup(one);
	fetch_cancel(f->victim);
	f->victim = NULL;
	if (f->starts_another) {
		struct fetch_request again = {.method = "GET", .url = f->url};
		struct err e;
		f->starts_another = false;
		assert_non_null(fetch_start(f->fetcher, &again, on_reply, f, &e));
	}
}

/* Starts it and waits for its outcome. */
static void run(struct fixture *f, const struct fetch_request *request)
{
	struct err e = {0};
	unsigned int before = f->calls;
	struct fetch *fetch = fetch_start(f->fetcher, request, on_reply, f, &e);
	if (fetch == NULL)
		fail_msg("%s", e.msg);
	assert_int_equal(f->calls, before);
	assert_true(loop_wait_count(f->loop, &f->calls, before + 1, LOOP_WAIT_MS));
}

static void get(struct fixture *f)
{
	struct fetch_request request = {.method = "GET", .url = f->url, .timeout_ms = 15000};
	run(f, &request);
}

static void a_server_says_when_to_come_back(void **state)
{
	static const struct {
		const char *value;
		uint64_t least_s, most_s;
	} rows[] = {{"1", 1, 1}, {"0120", 120, 120}, {"86401", 86400, 86400},
		{"9223372036854775807", 86400, 86400}, {"", 0, 0}, {"0", 0, 0}, {"-1", 0, 0},
		{"soon", 0, 0}, {"99999999999999999999", 0, 0},
		{"Fri, 31 Dec 1999 23:59:59 GMT", 0, 0},
		{"Fri, 31 Dec 2100 23:59:59 GMT", 86400, 86400}};
	struct fixture *f = *state;
	serve_tcp(f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(mem_free)
		char *status = xasprintf("503 Busy\r\nRetry-After: %s", rows[i].value);
		raw_server_answer(f->server, status, "x");
		get(f);
		assert_in_range(f->retry_after_ms, rows[i].least_s * 1000, rows[i].most_s * 1000);
	}
	raw_server_answer(f->server, "503 Busy", "x");
	get(f);
	assert_int_equal(f->retry_after_ms, 0);
}

static void a_plain_get_says_nothing_more_than_asked(void **state)
{
	struct fixture *f = *state;
	serve_tcp(f);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	get(f);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_int_equal(f->err.code, 0);
	assert_int_equal(f->status, 200);
	assert_string_equal(f->body, "ok");
	assert_string_equal(f->header, "1");
	AUTO(mem_free)
	char *want = xasprintf("GET /p HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", f->server->port);
	assert_string_equal(f->server->requests.items[0], want);
}

static void unix_sockets_keep_the_host_of_the_url(void **state)
{
	struct fixture *f = *state;
	AUTO(strv_fini) struct strv headers = {0};
	serve_unix(f);
	strv_push(&headers, "If-Match:");
	strv_push(&headers, "Tailscale-Cap: 142");
	struct fetch_request request = {.method = "PATCH",
		.url = f->url,
		.unix_socket = f->socket,
		.headers = &headers,
		.body = "{\"a\":1}",
		.body_len = 7,
		.timeout_ms = 15000};
	run(f, &request);
	assert_string_equal(f->body, "ok");
	assert_string_equal(f->server->requests.items[0],
		"PATCH /localapi/v0/prefs HTTP/1.1\r\nHost: local-tailscaled.sock\r\nIf-Match:\r\n"
		"Tailscale-Cap: 142\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
}

static void methods_announce_their_bodies(void **state)
{
	struct fixture *f = *state;
	struct secret token = {0};
	serve_tcp(f);
	secret_set_str(&token, "s3cret");
	struct fetch_request request = {
		.method = "POST", .url = f->url, .bearer = &token, .timeout_ms = 15000};
	run(f, &request);
	assert_non_null(strstr(f->server->requests.items[0], "\r\nContent-Length: 0\r\n"));
	assert_non_null(
		strstr(f->server->requests.items[0], "\r\nAuthorization: Bearer s3cret\r\n"));
	assert_null(strstr(f->server->requests.items[0], "Content-Type"));
	secret_fini(&token);

	request = (struct fetch_request){.method = "HEAD", .url = f->url, .timeout_ms = 15000};
	f->server->reply.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
	run(f, &request);
	assert_true(str_starts(f->server->requests.items[1], "HEAD /p "));
	assert_int_equal(f->status, 200);
	assert_string_equal(f->body, "");

	request = (struct fetch_request){.method = "DELETE", .url = f->url, .timeout_ms = 15000};
	f->server->reply.text = "HTTP/1.1 204 No Content\r\n\r\n";
	run(f, &request);
	assert_true(str_starts(f->server->requests.items[2], "DELETE /p "));
	assert_null(strstr(f->server->requests.items[2], "Content-Length"));
	assert_int_equal(f->status, 204);
}

static void an_address_takes_the_place_of_resolving(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct ipaddr address;
	serve_tcp(f);
	assert_int_equal(ipaddr_parse("127.0.0.1", &address, &e), 0);
	AUTO(mem_free) char *url = xasprintf("http://api.example:%u/x?token=abc", f->server->port);
	struct fetch_request request = {
		.method = "GET", .url = url, .address = &address, .timeout_ms = 15000};
	run(f, &request);
	assert_int_equal(f->status, 200);
	assert_non_null(strstr(f->server->requests.items[0], "\r\nHost: api.example:"));
}

static void on_request(void *arg, struct httpd_request *r)
{
	const char *host = httpd_request_header(r, "Host");
	(void)arg;
	httpd_reply(r, 200, NULL, host, strlen(host));
}

static void both_families_reach_a_server(void **state)
{
	struct fixture *f = *state;
	static const char *const addresses[] = {"127.0.0.1", "::1"};
	struct addrport any = {.addr.family = IPADDR_V6};
	struct err e;
	struct httpd *httpd = httpd_new(f->loop);
	struct httpd_listener *listener = httpd_listen(httpd, &any, "[::]:0", &e);
	assert_non_null(listener);
	httpd_route(listener, "/", on_request, NULL);
	AUTO(mem_free)
	char *url = xasprintf("http://api.example:%u/", httpd_listener_port(listener));
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct ipaddr address;
		assert_int_equal(ipaddr_parse(addresses[i], &address, &e), 0);
		struct fetch_request request = {
			.method = "GET", .url = url, .address = &address, .timeout_ms = 15000};
		run(f, &request);
		if (f->err.code == -EADDRNOTAVAIL && address.family == IPADDR_V6) {
			print_message("no IPv6 here\n");
			continue;
		}
		assert_string_equal(f->err.msg, "");
		assert_true(str_starts(f->body, "api.example:"));
	}
	httpd_free(httpd);
}

static void any_status_is_an_answer(void **state)
{
	struct fixture *f = *state;
	serve_tcp(f);
	f->server->reply.text = "HTTP/1.1 103 Early Hints\r\nX-One: no\r\n\r\n"
				"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
				"3\r\nabc\r\n2\r\nde\r\n0\r\nX-One: trailer\r\n\r\n";
	get(f);
	assert_int_equal(f->err.code, 0);
	assert_int_equal(f->status, 404);
	assert_string_equal(f->body, "abcde");
	assert_null(f->header);

	f->server->reply.text = "HTTP/1.1 302 Found\r\nLocation: /q\r\nContent-Length: 0\r\n\r\n";
	get(f);
	assert_int_equal(f->status, 302);
	assert_int_equal(f->server->request_count, 2);
}

static void connections_are_reused_unless_fresh(void **state)
{
	struct fixture *f = *state;
	serve_tcp(f);
	get(f);
	get(f);
	assert_int_equal(f->server->accept_count, 1);
	struct fetch_request request = {
		.method = "GET", .url = f->url, .fresh_connection = true, .timeout_ms = 15000};
	run(f, &request);
	assert_int_equal(f->server->accept_count, 2);
	assert_non_null(strstr(f->server->requests.items[2], "\r\nConnection: close\r\n"));
	get(f);
	assert_int_equal(f->server->accept_count, 2);
	/* The server ended the idle connection: another one is made silently. */
	f->server->reply.after = RAW_CLOSE;
	get(f);
	get(f);
	assert_int_equal(f->err.code, 0);
	assert_int_equal(f->server->accept_count, 3);
}

static void requests_can_be_cancelled_at_any_time(void **state)
{
	struct fixture *f = *state;
	struct err e;
	serve_tcp(f);
	f->server->reply.text = NULL;
	struct fetch_request request = {.method = "GET", .url = f->url};
	struct fetch *early = fetch_start(f->fetcher, &request, on_reply, f, &e);
	fetch_cancel(early);
	struct fetch *later = fetch_start(f->fetcher, &request, on_reply, f, &e);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 1, LOOP_WAIT_MS));
	fetch_cancel(later);
	fetch_cancel(NULL);
	assert_true(loop_wait_idle(f->loop, 10));
	assert_int_equal(f->calls, 0);

	/* Both are answered in the same turn; the callback of one cancels the other. */
	f->server->reply.text = OK_REPLY;
	f->starts_another = true;
	f->victim = fetch_start(f->fetcher, &request, on_reply, f, &e);
	assert_non_null(fetch_start(f->fetcher, &request, on_reply, f, &e));
	struct fetch *first = f->victim;
	assert_true(loop_wait_count(f->loop, &f->calls, 2, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(f->loop, 10));
	/* The victim may have come first and cancelled itself, which does nothing. */
	assert_in_range(f->calls, 2, 3);
	assert_non_null(first);
	/* fetcher_free cancels what is still under way. */
	f->server->reply.text = NULL;
	assert_non_null(fetch_start(f->fetcher, &request, on_reply, f, &e));
	assert_true(loop_wait_idle(f->loop, 5));
}

static void nonsense_is_refused_at_the_start(void **state)
{
	struct fixture *f = *state;
	AUTO(strv_fini) struct strv forged = {0};
	AUTO(strv_fini) struct strv nameless = {0};
	struct secret token = {0};
	struct err e;
	strv_push(&forged, "X: a\r\nY: b");
	strv_push(&nameless, "novalue");
	secret_set_str(&token, "a\r\nX: b");
	const struct fetch_request rows[] = {
		{.method = "GET", .url = "http://name.example/"},
		{.method = "GET", .url = "https://localhost/"},
		{.method = "GET", .url = "file:///etc/passwd"},
		{.method = "GET", .url = "ftp://127.0.0.1/"},
		{.method = "GET", .url = "http://user:password@127.0.0.1/"},
		{.method = "GET", .url = "http://127.0.0.1/\r\nX: y"},
		{.method = "GET", .url = "nonsense"},
		{.method = "GET", .url = ""},
		{.method = "GE T", .url = "http://127.0.0.1/"},
		{.method = "", .url = "http://127.0.0.1/"},
		{.method = "GET", .url = "http://127.0.0.1/", .headers = &forged},
		{.method = "GET", .url = "http://127.0.0.1/", .headers = &nameless},
		{.method = "GET", .url = "http://127.0.0.1/", .bearer = &token},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err_clear(&e);
		if (fetch_start(f->fetcher, &rows[i], on_reply, f, &e) != NULL || e.code != -EINVAL)
			fail_msg("row %zu was accepted", i);
		assert_null(strstr(e.msg, "password"));
	}
	secret_fini(&token);
	assert_true(loop_wait_idle(f->loop, 5));
	assert_int_equal(f->calls, 0);
}

int main(void)
{
#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		FETCH_TEST(a_plain_get_says_nothing_more_than_asked),
		FETCH_TEST(a_server_says_when_to_come_back),
		FETCH_TEST(unix_sockets_keep_the_host_of_the_url),
		FETCH_TEST(methods_announce_their_bodies),
		FETCH_TEST(an_address_takes_the_place_of_resolving),
		FETCH_TEST(both_families_reach_a_server),
		FETCH_TEST(any_status_is_an_answer),
		FETCH_TEST(connections_are_reused_unless_fresh),
		FETCH_TEST(requests_can_be_cancelled_at_any_time),
		FETCH_TEST(nonsense_is_refused_at_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
