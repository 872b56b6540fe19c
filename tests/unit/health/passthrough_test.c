#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "health/health.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/io/loop.h"
#include "lib/localapi/localapi.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_client.h"
#include "tests/support/raw_server.h"
#include "tests/support/tempdir.h"

struct fixture {
	struct loop *loop;
	struct fetcher *fetcher;
	char *dir, *socket;
	struct raw_server *daemon; /* its LocalAPI */
	struct raw_server *debug;
	struct localapi *api;
	struct httpd *httpd;
	struct httpd_listener *listener;
	struct health *health;
	char *answer;
};

static void make(struct fixture *f, const char *debug_addr_port)
{
	struct health_options options = {"", "", debug_addr_port, NULL, false};
	struct addrport any = {.addr.family = IPADDR_V6};
	struct err e;
	if (f->listener != NULL)
		httpd_listener_close(f->listener);
	health_free(f->health);
	f->listener = httpd_listen(f->httpd, &any, "[::]:0", &e);
	assert_non_null(f->listener);
	f->health = health_new(f->fetcher, f->api, &options);
	health_route_metrics(f->health, f->listener);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	signal(SIGPIPE, SIG_IGN);
	f->dir = tempdir_new();
	f->socket = tempdir_path(f->dir, "sock");
	f->loop = loop_new(&e);
	f->fetcher = fetcher_new(f->loop, &e);
	f->daemon = raw_server_new(f->loop, f->socket);
	f->debug = raw_server_new(f->loop, NULL);
	f->api = localapi_new(f->loop, f->fetcher, f->socket);
	f->httpd = httpd_new(f->loop);
	AUTO(mem_free) char *debug = xasprintf("127.0.0.1:%u", f->debug->port);
	make(f, debug);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fake_clock_remove();
	health_free(f->health);
	httpd_free(f->httpd);
	localapi_free(f->api);
	raw_server_free(f->daemon);
	raw_server_free(f->debug);
	fetcher_free(f->fetcher);
	loop_free(f->loop);
	tempdir_free(f->dir);
	free(f->socket);
	free(f->answer);
	free(f);
	return 0;
}

static void begin(struct fixture *f, struct raw_client *c, const char *first)
{
	AUTO(mem_free)
	char *text = xasprintf("%s HTTP/1.1\r\nHost: x\r\nOrigin: http://evil\r\nReferer: y\r\n"
			       "Cookie: z\r\n\r\n",
		first);
	raw_client_open(c, httpd_listener_port(f->listener));
	raw_client_say(c, text);
}

static const char *ask(struct fixture *f, const char *first)
{
	struct raw_client c;
	begin(f, &c, first);
	assert_true(loop_wait(f->loop, raw_client_is_done, &c, LOOP_WAIT_MS));
	free(f->answer);
	f->answer = xstrdup(buf_cstr(&c.in));
	raw_client_close(&c);
	return f->answer;
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;
	for (const char *p = strstr(text, part); p != NULL; p = strstr(p + 1, part))
		n++;
	return n;
}

static void metrics_are_the_daemons(void **state)
{
	struct fixture *f = *state;
	raw_server_answer(f->daemon,
		"200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nX-A: 1\r\nX-A: 2\r\n"
		"Connection: close\r\nDate: then",
		"# TYPE x counter\nx 1\n");
	const char *answer = ask(f, "GET /metrics?x=y");
	assert_true(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n# TYPE x counter\nx 1\n");
	assert_non_null(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4\r\n"));
	assert_non_null(strstr(answer, "\r\nX-A: 1\r\nX-A: 2\r\n"));
	assert_int_equal(count(answer, "\r\nContent-Length: "), 1);
	assert_int_equal(count(answer, "\r\nContent-Type: "), 1);
	assert_null(strstr(answer, "\r\nDate: then"));
	const char *request = f->daemon->requests.items[0];
	assert_true(strncmp(request, "GET /localapi/v0/usermetrics HTTP/1.1\r\n", 39) == 0);
	/* What makes the daemon refuse stays here. */
	assert_null(strstr(request, "Origin"));
	assert_null(strstr(request, "Referer"));
	assert_null(strstr(request, "Cookie"));
	answer = ask(f, "HEAD /metrics");
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	assert_non_null(strstr(answer, "\r\nContent-Length: 21\r\n"));
}

static void a_refusal_of_the_daemon_is_handed_on(void **state)
{
	struct fixture *f = *state;
	raw_server_answer(f->daemon, "403 Forbidden", "not you\n");
	const char *answer = ask(f, "GET /metrics");
	assert_true(strncmp(answer, "HTTP/1.1 403 ", 13) == 0);
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\nnot you\n");
}

static void a_daemon_that_is_away_is_an_error(void **state)
{
	struct fixture *f = *state;
	raw_server_free(f->daemon);
	f->daemon = NULL;
	const char *answer = ask(f, "GET /metrics");
	assert_true(strncmp(answer, "HTTP/1.1 500 ", 13) == 0);
	assert_non_null(strstr(answer, "\r\n\r\nfailed to proxy request: "));
	raw_server_free(f->debug);
	f->debug = NULL;
	answer = ask(f, "GET /debug/x");
	assert_true(strncmp(answer, "HTTP/1.1 500 ", 13) == 0);
	assert_non_null(strstr(answer, "\r\n\r\nfailed to proxy request: "));
}

static void debug_is_the_debug_servers(void **state)
{
	struct fixture *f = *state;
	raw_server_answer(f->debug, "200 OK\r\nContent-Type: text/html", "<p>");
	const char *answer = ask(f, "GET /debug/pprof/heap?debug=1&x=%20");
	assert_true(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
	assert_non_null(strstr(answer, "\r\nContent-Type: text/html\r\n"));
	assert_true(strncmp(f->debug->requests.items[0],
			    "GET /debug/pprof/heap?debug=1&x=%20 HTTP/1.1\r\n", 46) == 0);
	assert_null(strstr(f->debug->requests.items[0], "Cookie"));
	/* Redirects are the client's to follow. */
	raw_server_answer(f->debug, "301 Moved\r\nLocation: /debug/pprof/", "");
	answer = ask(f, "GET /debug/pprof");
	assert_true(strncmp(answer, "HTTP/1.1 301 ", 13) == 0);
	assert_non_null(strstr(answer, "\r\nLocation: /debug/pprof/\r\n"));
	assert_non_null(strstr(ask(f, "GET /debug"), "\r\nLocation: /debug/\r\n"));
}

static void debug_leads_nowhere_else(void **state)
{
	static const char *const paths[] = {"GET /debug/../metrics", "GET /debug/x/..",
		"GET /debug/%2e%2E/x", "GET /debug/.%2e", "GET /debug/./x", "GET /debug/."};
	static const char *const fine[] = {
		"GET /debug/...", "GET /debug/..x/.y/x..", "GET /debug//"};
	struct fixture *f = *state;
	raw_server_answer(f->debug, "200 OK", "");
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_true(strncmp(ask(f, paths[i]), "HTTP/1.1 404 ", 13) == 0);
	assert_int_equal(f->debug->request_count, 0);
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		assert_true(strncmp(ask(f, fine[i]), "HTTP/1.1 200 ", 13) == 0);
}

static void without_an_address_there_is_no_debug(void **state)
{
	struct fixture *f = *state;
	make(f, "");
	const char *answer = ask(f, "GET /debug/x");
	assert_true(strncmp(answer, "HTTP/1.1 404 ", 13) == 0);
	assert_non_null(strstr(answer, "\r\n\r\ndebug endpoint not configured\n"));
	/* One that cannot be asked. */
	make(f, "host.without.address:1");
	answer = ask(f, "GET /debug/x");
	assert_true(strncmp(answer, "HTTP/1.1 500 ", 13) == 0);
	make(f, "[::1]:1");
	answer = ask(f, "GET /debug/x");
	assert_true(strncmp(answer, "HTTP/1.1 500 ", 13) == 0);
}

static void a_relay_has_a_deadline(void **state)
{
	struct fixture *f = *state;
	struct raw_client metrics, debug;
	fake_clock_install(1000000);
	begin(f, &metrics, "GET /metrics");
	begin(f, &debug, "GET /debug/x");
	assert_true(loop_wait_count(f->loop, &f->daemon->request_count, 1, LOOP_WAIT_MS));
	assert_true(loop_wait_count(f->loop, &f->debug->request_count, 1, LOOP_WAIT_MS));
	fake_clock_advance_ms(60000);
	assert_true(loop_wait(f->loop, raw_client_is_done, &metrics, LOOP_WAIT_MS));
	assert_true(loop_wait(f->loop, raw_client_is_done, &debug, LOOP_WAIT_MS));
	assert_true(strncmp(buf_cstr(&metrics.in), "HTTP/1.1 500 ", 13) == 0);
	assert_true(strncmp(buf_cstr(&debug.in), "HTTP/1.1 500 ", 13) == 0);
	raw_client_close(&metrics);
	raw_client_close(&debug);
}

static bool is_alone(void *arg)
{
	const struct fixture *f = arg;
	return f->daemon->open_count == 0 && f->debug->open_count == 0;
}

static void a_client_that_leaves_ends_the_relay(void **state)
{
	struct fixture *f = *state;
	struct raw_client metrics, debug;
	begin(f, &metrics, "GET /metrics");
	begin(f, &debug, "GET /debug/x");
	assert_true(loop_wait_count(f->loop, &f->daemon->request_count, 1, LOOP_WAIT_MS));
	assert_true(loop_wait_count(f->loop, &f->debug->request_count, 1, LOOP_WAIT_MS));
	raw_client_close(&metrics);
	raw_client_close(&debug);
	assert_true(loop_wait(f->loop, is_alone, f, LOOP_WAIT_MS));
}

static void either_end_may_be_freed_first(void **state)
{
	struct fixture *f = *state;
	struct raw_client clients[3];
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		begin(f, &clients[i], i == 0 ? "GET /metrics" : "GET /debug/x");
	assert_true(loop_wait_count(f->loop, &f->debug->request_count, 2, LOOP_WAIT_MS));
	health_free(f->health);
	f->health = NULL;
	raw_client_close(&clients[0]);
	assert_true(loop_wait_idle(f->loop, 20));
	assert_true(is_alone(f));
	raw_client_close(&clients[1]);
	raw_client_close(&clients[2]);
}

static void too_many_relays_are_refused(void **state)
{
	enum {
		COUNT = HTTPD_KEPT_MAX + 8
	};
	static struct raw_client clients[COUNT];
	struct fixture *f = *state;
	for (size_t i = 0; i < COUNT; i++)
		begin(f, &clients[i], "GET /metrics");
	for (size_t i = HTTPD_KEPT_MAX; i < COUNT; i++) {
		assert_true(loop_wait(f->loop, raw_client_is_done, &clients[i], LOOP_WAIT_MS));
		assert_true(strncmp(buf_cstr(&clients[i].in), "HTTP/1.1 503 ", 13) == 0);
	}
	for (size_t i = 0; i < COUNT; i++)
		raw_client_close(&clients[i]);
	assert_true(loop_wait(f->loop, is_alone, f, LOOP_WAIT_MS));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(metrics_are_the_daemons),
		TEST(a_refusal_of_the_daemon_is_handed_on),
		TEST(a_daemon_that_is_away_is_an_error),
		TEST(debug_is_the_debug_servers),
		TEST(debug_leads_nowhere_else),
		TEST(without_an_address_there_is_no_debug),
		TEST(a_relay_has_a_deadline),
		TEST(a_client_that_leaves_ends_the_relay),
		TEST(either_end_may_be_freed_first),
		TEST(too_many_relays_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
