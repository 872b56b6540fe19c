#include "lib/io/fetch_http2.h"

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
#include "lib/io/loop.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"

struct row {
	const char *text;
	const char *url; /* NULL = refused */
	const char *host;
};

static const struct row rows[] = {
	{"proxy:3128", "http://proxy:3128", "proxy"},
	{"http://proxy:3128/", "http://proxy:3128", "proxy"},
	{"http://proxy", "http://proxy:80", "proxy"},
	{"https://proxy/a:b?c", "https://proxy:443", "proxy"},
	{"http://user:word@proxy:3128", "http://user:word@proxy:3128", "proxy"},
	{"[fd00::1]:3128", "http://[fd00::1]:3128", "fd00::1"},
	{"10.0.0.1:3128", "http://10.0.0.1:3128", "10.0.0.1"},
	{"socks5://user:word@proxy", NULL, NULL},
	{"http://", NULL, NULL},
	{"http://pro xy", NULL, NULL},
	{"http://proxy:99999", NULL, NULL},
	{"", NULL, NULL},
};

static void each_proxy_of_an_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char url[FETCH_PROXY_MAX];
		char host[256];
		struct err e = {0};
		int code = fetch_proxy_parse(rows[i].text, url, host, sizeof(host), &e);
		assert_int_equal(code, rows[i].url != NULL ? 0 : -EINVAL);
		if (code < 0) {
			assert_null(strstr(e.msg, "word"));
			continue;
		}
		size_t len = strlen(rows[i].url);
		assert_memory_equal(url, rows[i].url, len);
		assert_true(url[len] == '\0' || strcmp(url + len, "/") == 0);
		assert_string_equal(host, rows[i].host);
	}
}

static void on_reply(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	unsigned int *answers = arg;
	(void)reply;
	(void)err;
	(*answers)++;
}

struct fixture {
	struct loop *loop;
	struct fetcher *fetcher;
	struct raw_server *server;
	char *url;
	unsigned int answers;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	signal(SIGPIPE, SIG_IGN);
	f->loop = loop_new(&e);
	f->fetcher = fetch_http2_new(f->loop, &e);
	f->server = raw_server_new(f->loop, NULL);
	f->url = xasprintf("http://127.0.0.1:%u/p", f->server->port);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fetcher_free(f->fetcher);
	raw_server_free(f->server);
	loop_free(f->loop);
	free(f->url);
	free(f);
	return 0;
}

static void post(struct fixture *f, const struct fetch_route *route)
{
	struct err e = {0};
	unsigned int before = f->answers;
	const struct fetch_request request = {
		.method = "POST",
		.url = f->url,
		.route = route,
		.body = "body",
		.body_len = 4,
		.timeout_ms = 10000,
	};
	assert_non_null(fetch_start(f->fetcher, &request, on_reply, &f->answers, &e));
	assert_true(loop_wait_count(f->loop, &f->answers, before + 1, LOOP_WAIT_MS));
}

/* The first request makes the connection, which then ends without an answer to the second. */
static unsigned int requests_seen(struct fixture *f, const struct fetch_route *route)
{
	unsigned int before = f->server->request_count;
	raw_server_answer(f->server, "200 OK", "{}");
	post(f, route);
	f->server->reply = (struct raw_reply){.after = RAW_CLOSE};
	post(f, route);
	return f->server->request_count - before;
}

static void a_body_is_sent_once(void **state)
{
	struct fixture *f = *state;
	const struct fetch_route once = {.is_sent_once = true};
	assert_int_equal(requests_seen(f, &once), 2);
	assert_non_null(strstr(f->server->requests.items[1], "Content-Length: 4\r\n"));
	assert_non_null(strstr(f->server->requests.items[1], "\r\n\r\nbody"));
	/* Without it libcurl repeats the request, which is what the option is for. */
	assert_true(requests_seen(f, NULL) > 2);
}

static void only_some_fetchers_have_routes(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct fetcher *plain = fetcher_new(f->loop, &e);
	const struct fetch_route route = {.proxy = "http://127.0.0.1:1"};
	const struct fetch_request request = {
		.method = "GET", .url = "http://control.example/", .route = &route};
	assert_null(fetch_start(plain, &request, on_reply, &f->answers, &e));
	assert_int_equal(e.code, -EINVAL);
	fetcher_free(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_proxy_of_an_environment),
		cmocka_unit_test_setup_teardown(a_body_is_sent_once, setup, teardown),
		cmocka_unit_test_setup_teardown(only_some_fetchers_have_routes, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
