#include "tests/support/daemon_bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/io/fetch.h"
#include "lib/localapi/localapi.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tempdir.h"

static void choose(void *arg, const char *request)
{
	struct daemon_bench *b = arg;
	for (size_t i = b->reply_count; i > 0; i--) {
		const struct daemon_reply *r = &b->replies[i - 1];
		if (strncmp(request, r->request, strlen(r->request)) != 0)
			continue;
		if (r->status != NULL)
			raw_server_answer(b->server, r->status, r->body);
		else
			b->server->reply = (struct raw_reply){.text = NULL};
		return;
	}
	raw_server_answer(b->server, "200 OK", "");
}

void daemon_bench_open(struct daemon_bench *b)
{
	struct err e = {0};
	memset(b, 0, sizeof(*b));
	signal(SIGPIPE, SIG_IGN);
	fake_clock_install(1000000);
	log_capture_start(&b->log);
	b->dir = tempdir_new();
	b->socket = tempdir_path(b->dir, "sock");
	b->loop = loop_new(&e);
	b->fetcher = fetcher_new(b->loop, &e);
	assert_non_null(b->fetcher);
	b->server = raw_server_new(b->loop, b->socket);
	b->server->choose = choose;
	b->server->choose_arg = b;
	b->api = localapi_new(b->loop, b->fetcher, b->socket);
}

void daemon_bench_close(struct daemon_bench *b)
{
	localapi_free(b->api);
	raw_server_free(b->server);
	fetcher_free(b->fetcher);
	loop_free(b->loop);
	tempdir_free(b->dir);
	free(b->socket);
	condition_set_fini(&b->conditions);
	log_capture_stop(&b->log);
	fake_clock_remove();
}

void daemon_says(struct daemon_bench *b, const char *request, const char *status, const char *body)
{
	assert_true(b->reply_count < DAEMON_REPLIES_MAX);
	b->replies[b->reply_count++] = (struct daemon_reply){request, status, body};
}

void daemon_wait(struct daemon_bench *b, unsigned int count)
{
	assert_true(loop_wait_count(b->loop, &b->server->request_count, count, LOOP_WAIT_MS));
	assert_int_equal(b->server->request_count, count);
}

void daemon_expect(const struct daemon_bench *b, size_t i, const char *request, const char *body)
{
	assert_true(i < b->server->requests.len);
	const char *text = b->server->requests.items[i];
	if (strncmp(text, request, strlen(request)) != 0)
		assert_string_equal(text, request);
	assert_string_equal(strstr(text, "\r\n\r\n") + 4, body);
}

void daemon_quiet(struct daemon_bench *b, unsigned int count)
{
	assert_true(loop_wait_idle(b->loop, 20));
	assert_int_equal(b->server->request_count, count);
}

void daemon_pass(struct daemon_bench *b, uint64_t ms)
{
	fake_clock_advance_ms(ms);
	assert_true(loop_wait_idle(b->loop, 1));
}
