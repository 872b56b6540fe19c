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
#include "tests/support/fake_clock.h"
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

static int teardown(void **state)
{
	struct fixture *f = *state;
	fake_clock_remove();
	fetcher_free(f->fetcher);
	raw_server_free(f->server);
	loop_free(f->loop);
	tempdir_free(f->dir);
	free(f->socket);
	free(f->url);
	free(f->body);
	free(f);
	return 0;
}

static void on_reply(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct fixture *f = arg;
	f->calls++;
	f->status = reply->status;
	err_clear(&f->err);
	if (err != NULL)
		f->err = *err;
	free(f->body);
	f->body = xstrdup(reply->body);
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

struct failure_row {
	const char *reply;
	enum raw_after after;
	int code;
	const char *words;
};

static const struct failure_row failures[] = {
	{NULL, RAW_CLOSE, -ECONNRESET, "without an answer"},
	{NULL, RAW_RESET, -ECONNRESET, "reset"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", RAW_CLOSE, -ECONNRESET, "cut short"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", RAW_RESET, -ECONNRESET, "reset"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", RAW_CLOSE, -ECONNRESET,
		"cut short"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", RAW_CLOSE, -ECONNRESET,
		"cut short"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", RAW_CLOSE, -EPROTO,
		"chunked"},
	{"HTTP/1.1 200 OK\r\nContent-Le", RAW_CLOSE, -ECONNRESET, "cut short"},
	{"SSH-2.0-OpenSSH\r\n", RAW_CLOSE, -EPROTO, "HTTP/0.9"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", RAW_KEEP, -EMSGSIZE, ""},
};

static void bad_answers_are_errors(void **state)
{
	struct fixture *f = *state;
	static char block[5000];
	serve_tcp(f);
	memset(block, 'x', sizeof(block));
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		const struct failure_row *row = &failures[i];
		f->server->reply = (struct raw_reply){.text = row->reply, .after = row->after};
		if (row->code == -EMSGSIZE) {
			f->server->reply.block = block;
			f->server->reply.block_len = sizeof(block);
			f->server->reply.repeat = 1;
		}
		struct fetch_request request = {
			.method = "GET", .url = f->url, .reply_max = 4096, .timeout_ms = 15000};
		run(f, &request);
		if (f->err.code != row->code || strstr(f->err.msg, row->words) == NULL)
			fail_msg("row %zu: %d %s", i, f->err.code, f->err.msg);
		assert_true(str_starts(f->err.msg, "GET http://127.0.0.1:"));
		assert_int_equal(f->status, 0);
		assert_string_equal(f->body, "");
	}
}

static void endless_heads_are_cut(void **state)
{
	struct fixture *f = *state;
	static const char line[] = "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
	static char block[200 * 1024];
	serve_tcp(f);
	f->server->reply = (struct raw_reply){.text = "HTTP/1.1 200 OK\r\n",
		.block = line,
		.block_len = sizeof(line) - 1,
		.repeat = 1000000};
	get(f);
	assert_int_equal(f->err.code, -EMSGSIZE);
	memset(block, 'x', sizeof(block));
	f->server->reply = (struct raw_reply){.text = "HTTP/1.1 200 OK\r\nX: ",
		.block = block,
		.block_len = sizeof(block),
		.repeat = 1};
	get(f);
	assert_int_equal(f->err.code, -EMSGSIZE);
}

static void nobody_there_is_refused(void **state)
{
	struct fixture *f = *state;
	serve_tcp(f);
	raw_server_free(STEAL(f->server));
	get(f);
	assert_int_equal(f->err.code, -ECONNREFUSED);
	assert_non_null(strstr(f->err.msg, ": connect: Connection refused"));
	struct fetch_request request = {.method = "GET",
		.url = "http://local-tailscaled.sock/x",
		.unix_socket = f->socket,
		.timeout_ms = 15000};
	run(f, &request);
	assert_int_equal(f->err.code, -ECONNREFUSED);
	assert_non_null(strstr(f->err.msg, ": connect: No such file or directory"));
}

/* The server sends a little now and then: the time limit is for the whole request. */
static void a_slow_drip_is_cut_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	struct err e;
	serve_tcp(f);
	f->server->reply.text = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
	fake_clock_install(1000);
	struct fetch_request request = {.method = "GET", .url = f->url, .timeout_ms = 5000};
	assert_non_null(fetch_start(f->fetcher, &request, on_reply, f, &e));
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 1, LOOP_WAIT_MS));
	for (int i = 0; i < 9; i++) {
		fake_clock_advance_ms(500);
		assert_true(loop_wait_idle(f->loop, 2));
		raw_server_say(f->server, "x");
		assert_int_equal(f->calls, 0);
	}
	fake_clock_advance_ms(500);
	assert_true(loop_wait_count(f->loop, &f->calls, 1, LOOP_WAIT_MS));
	assert_int_equal(f->err.code, -ETIMEDOUT);
	assert_non_null(strstr(f->err.msg, "no complete answer within 5000 ms"));
}

static void a_refusal_has_a_code(void **state)
{
	static const struct {
		int status, code;
	} rows[] = {{400, -EPROTO}, {401, -EACCES}, {403, -EACCES}, {404, -ENOENT}, {408, -EAGAIN},
		{409, -ESTALE}, {410, -ESTALE}, {412, -ESTALE}, {418, -EPROTO}, {422, -EINVAL},
		{429, -EAGAIN}, {499, -EPROTO}, {500, -EAGAIN}, {503, -EAGAIN}, {599, -EAGAIN}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(fetch_status_code(rows[i].status), rows[i].code);
}

int main(void)
{
#define FETCH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		FETCH_TEST(bad_answers_are_errors),
		FETCH_TEST(endless_heads_are_cut),
		FETCH_TEST(nobody_there_is_refused),
		FETCH_TEST(a_slow_drip_is_cut_at_the_deadline),
		cmocka_unit_test(a_refusal_has_a_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
