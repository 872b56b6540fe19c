#include "lib/io/httpd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_client.h"

struct fixture {
	struct loop *loop;
	struct httpd *httpd;
	struct httpd_listener *listener;
	uint16_t port;
	struct httpd_request *kept;
	unsigned int kept_count;
	unsigned int gone_count;
};

static void on_health(void *arg, struct httpd_request *r)
{
	AUTO(strv_fini) struct strv headers = {0};
	(void)arg;
	strv_push(&headers, "Pod-IPv4: 10.0.0.1");
	httpd_reply(r, 200, &headers, "ok", 2);
}

static void on_echo(void *arg, struct httpd_request *r)
{
	const char *seen = httpd_request_header(r, "x-seen");
	(void)arg;
	AUTO(mem_free)
	char *text = xasprintf("%s|%s|%s", httpd_request_path(r), httpd_request_query(r),
		seen != NULL ? seen : "-");
	httpd_reply(r, 200, NULL, text, strlen(text));
}

static void on_gone(void *arg)
{
	struct fixture *f = arg;
	f->gone_count++;
	f->kept = NULL;
}

static void on_hook(void *arg, struct httpd_request *r)
{
	struct fixture *f = arg;
	f->kept = r;
	f->kept_count++;
	httpd_request_on_gone(r, on_gone, f);
}

static void on_big(void *arg, struct httpd_request *r)
{
	size_t len = 8u * 1024 * 1024;
	AUTO(mem_free) char *body = xcalloc(1, len);
	(void)arg;
	memset(body, 'x', len);
	httpd_reply(r, 200, NULL, body, len);
}

static void on_forged(void *arg, struct httpd_request *r)
{
	AUTO(strv_fini) struct strv headers = {0};
	(void)arg;
	strv_push(&headers, "X: a\r\nY: b");
	httpd_reply(r, 200, &headers, "ok", 2);
}

static void on_relay(void *arg, struct httpd_request *r)
{
	AUTO(strv_fini) struct strv headers = {0};
	(void)arg;
	strv_push(&headers, "Content-Type: text/html");
	strv_push(&headers, "content-length: 999");
	strv_push(&headers, "Transfer-Encoding: chunked");
	strv_push(&headers, "Date: then");
	strv_push(&headers, "X-A: 1");
	strv_push(&headers, "X-A: 2");
	httpd_reply(r, 200, &headers, "body", 4);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	struct addrport any = {.addr.family = IPADDR_V6};
	f->loop = loop_new(&e);
	f->httpd = httpd_new(f->loop);
	f->listener = httpd_listen(f->httpd, &any, "[::]:0", &e);
	if (f->listener == NULL)
		return -1;
	f->port = httpd_listener_port(f->listener);
	httpd_route(f->listener, "/healthz", on_health, f);
	httpd_route(f->listener, "/hook", on_hook, f);
	httpd_route(f->listener, "/big", on_big, f);
	httpd_route(f->listener, "/forged", on_forged, f);
	httpd_route(f->listener, "/relay", on_relay, f);
	httpd_route(f->listener, "/debug/", on_echo, f);
	httpd_route(f->listener, "/debug/exact", on_health, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fake_clock_remove();
	httpd_free(f->httpd);
	loop_free(f->loop);
	free(f);
	return 0;
}

/* The whole reply. */
static const char *ask(struct fixture *f, const char *request, struct raw_client *c)
{
	raw_client_open(c, f->port);
	raw_client_say(c, request);
	assert_true(loop_wait(f->loop, raw_client_is_done, c, LOOP_WAIT_MS));
	assert_true(c->is_closed);
	return buf_cstr(&c->in);
}

static void assert_reply(struct fixture *f, const char *request, const char *begin,
	const char *inside, const char *end)
{
	struct raw_client c;
	const char *reply = ask(f, request, &c);
	if (!str_starts(reply, begin) || strstr(reply, inside) == NULL || !str_ends(reply, end))
		fail_msg("%s\nanswered with\n%s", request, reply);
	assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
	raw_client_close(&c);
}

static void requests_get_their_replies(void **state)
{
	struct fixture *f = *state;
	assert_reply(f, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n",
		"\r\nPod-IPv4: 10.0.0.1\r\n", "\r\nContent-Length: 2\r\n\r\nok");
	assert_reply(f, "GET /healthz?a=b HTTP/1.0\n\n", "HTTP/1.1 200 OK\r\n", "\r\nDate: ", "ok");
	assert_reply(f, "HEAD /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n",
		"text/plain; charset=utf-8", "\r\nContent-Length: 2\r\n\r\n");
	assert_reply(f, "GET /debug/a/b?c HTTP/1.1\r\nX-Seen: me\r\n\r\n", "HTTP/1.1 200 OK\r\n",
		"", "/debug/a/b|c|me");
	assert_reply(f, "GET /debug/exact HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "", "ok");
	assert_reply(f, "GET /debug HTTP/1.1\r\n\r\n", "HTTP/1.1 301 Moved Permanently\r\n",
		"\r\nLocation: /debug/\r\n", "\n");
	assert_reply(f, "GET /debug?x=y HTTP/1.1\r\n\r\n", "HTTP/1.1 301 ",
		"\r\nLocation: /debug/?x=y\r\n", "\n");
	assert_reply(f, "GET /relay HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n",
		"Content-Type: text/html\r\nDate: then\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: "
		"4\r\n",
		"body");
}

static void bad_requests_are_refused(void **state)
{
	struct fixture *f = *state;
	static const char nosniff[] = "\r\nX-Content-Type-Options: nosniff\r\n";
	assert_reply(f, "GET /healthz/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", nosniff,
		"\r\n\r\n404 page not found\n");
	assert_reply(f, "POST /nowhere HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", nosniff, "\n");
	assert_reply(f, "POST /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 405 Method Not Allowed\r\n", "\r\nAllow: GET, HEAD\r\n", "\n");
	assert_reply(f, "get /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ", nosniff, "\n");
	assert_reply(f, "GET /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 413 ",
		nosniff, "\n");
	assert_reply(f, "GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 400 ", nosniff, "\n");
	assert_reply(f, "\x16\x03\x01\n\n", "HTTP/1.1 400 ", nosniff, "\n");
	assert_reply(f, "GET / HTTP/2.0\r\n\r\n", "HTTP/1.1 505 ", nosniff, "\n");
	assert_reply(f, "GET /forged HTTP/1.1\r\n\r\n", "HTTP/1.1 500 ", "", "\n");
}

static void a_client_that_half_closes_gets_an_immediate_reply(void **state)
{
	struct fixture *f = *state;
	struct raw_client c;
	raw_client_open(&c, f->port);
	raw_client_say(&c, "GET /healthz HTTP/1.0\r\n\r\n");
	assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
	assert_true(loop_wait(f->loop, raw_client_is_done, &c, LOOP_WAIT_MS));
	assert_true(str_ends(buf_cstr(&c.in), "ok"));
	raw_client_close(&c);
}

static void a_large_reply_arrives_whole(void **state)
{
	struct fixture *f = *state;
	struct raw_client c;
	const char *reply = ask(f, "GET /big HTTP/1.1\r\n\r\n", &c);
	const char *body = strstr(reply, "\r\n\r\n") + 4;
	assert_int_equal(strlen(body), 8u * 1024 * 1024);
	raw_client_close(&c);
}

static void a_kept_request_is_answered_later(void **state)
{
	struct fixture *f = *state;
	struct raw_client c;
	fake_clock_install(1000);
	raw_client_open(&c, f->port);
	raw_client_say(&c, "GET /hook HTTP/1.1\r\n\r\n");
	assert_true(loop_wait_count(f->loop, &f->kept_count, 1, LOOP_WAIT_MS));
	fake_clock_advance_ms(60000);
	assert_true(loop_wait_idle(f->loop, 5));
	assert_false(raw_client_is_done(&c));
	assert_string_equal(httpd_request_path(f->kept), "/hook");
	httpd_reply(f->kept, 200, NULL, "safe to terminate", 17);
	assert_true(loop_wait(f->loop, raw_client_is_done, &c, LOOP_WAIT_MS));
	assert_true(str_ends(buf_cstr(&c.in), "safe to terminate"));
	assert_int_equal(f->gone_count, 0);
	raw_client_close(&c);
}

static void closing_the_listener_keeps_kept_requests(void **state)
{
	struct fixture *f = *state;
	struct raw_client hook;
	struct raw_client idle;
	struct log_capture log = {0};
	raw_client_open(&idle, f->port);
	raw_client_open(&hook, f->port);
	raw_client_say(&hook, "GET /hook HTTP/1.1\r\n\r\n");
	assert_true(loop_wait_count(f->loop, &f->kept_count, 1, LOOP_WAIT_MS));
	log_capture_start(&log);
	httpd_listener_close(f->listener);
	assert_true(log_capture_has(&log, "HTTP server at [::]:0 closed"));
	log_capture_stop(&log);
	assert_true(loop_wait(f->loop, raw_client_is_done, &idle, LOOP_WAIT_MS));
	httpd_reply(f->kept, 200, NULL, NULL, 0);
	assert_true(loop_wait(f->loop, raw_client_is_done, &hook, LOOP_WAIT_MS));
	assert_true(str_starts(buf_cstr(&hook.in), "HTTP/1.1 200 OK\r\n"));
	raw_client_close(&hook);
	raw_client_close(&idle);
}

static void a_taken_port_is_explained(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct addrport taken = {.addr.family = IPADDR_V6, .port = f->port};
	assert_null(httpd_listen(f->httpd, &taken, "[::]:9002", &e));
	assert_int_equal(e.code, -EADDRINUSE);
	assert_string_equal(e.msg, "failed to listen on addr \"[::]:9002\": listen tcp [::]:9002: "
				   "bind: Address already in use");
}

int main(void)
{
#define HTTPD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		HTTPD_TEST(requests_get_their_replies),
		HTTPD_TEST(bad_requests_are_refused),
		HTTPD_TEST(a_client_that_half_closes_gets_an_immediate_reply),
		HTTPD_TEST(a_large_reply_arrives_whole),
		HTTPD_TEST(a_kept_request_is_answered_later),
		HTTPD_TEST(closing_the_listener_keeps_kept_requests),
		HTTPD_TEST(a_taken_port_is_explained),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
