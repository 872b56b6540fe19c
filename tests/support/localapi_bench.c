#include "tests/support/localapi_bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"
#include "tests/support/tempdir.h"

int localapi_bench_open(void **state)
{
	struct localapi_bench *b = xcalloc(1, sizeof(*b));
	struct err e = {0};
	signal(SIGPIPE, SIG_IGN);
	b->dir = tempdir_new();
	b->socket = tempdir_path(b->dir, "sock");
	b->loop = loop_new(&e);
	b->fetcher = fetcher_new(b->loop, &e);
	b->server = raw_server_new(b->loop, b->socket);
	raw_server_answer(b->server, "200 OK", "{}");
	b->api = localapi_new(b->loop, b->fetcher, b->socket);
	*state = b;
	return b->fetcher != NULL ? 0 : -1;
}

int localapi_bench_close(void **state)
{
	struct localapi_bench *b = *state;
	fake_clock_remove();
	localapi_free(b->api);
	raw_server_free(b->server);
	fetcher_free(b->fetcher);
	loop_free(b->loop);
	tempdir_free(b->dir);
	free(b->socket);
	free(b->body);
	free(b->etag);
	free(b);
	return 0;
}

void localapi_bench_on_reply(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct localapi_bench *b = arg;
	b->calls++;
	b->status = reply->status;
	free(b->body);
	b->body = xstrndup(reply->body, reply->len);
	free(b->etag);
	b->etag = xstrdup(reply->etag);
	b->retry_after_ms = reply->retry_after_ms;
	assert_non_null(reply->headers);
	b->err = err != NULL ? *err : (struct err){0};
	if (b->asks_again) {
		b->asks_again = false;
		localapi_prefs_get(b->api, localapi_bench_on_reply, b);
	}
	if (b->frees) {
		localapi_free(b->api);
		b->api = NULL;
	}
}

void localapi_bench_wait(struct localapi_bench *b, unsigned int count)
{
	assert_true(loop_wait_count(b->loop, &b->calls, count, LOOP_WAIT_MS));
	assert_int_equal(b->calls, count);
}

const char *localapi_bench_sent(const struct localapi_bench *b)
{
	assert_true(b->server->requests.len > 0);
	return b->server->requests.items[b->server->requests.len - 1];
}
