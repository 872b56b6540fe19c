/*
 * A server that plays tailscaled's socket, and the last answer of the calls to it.
 *
 *	cmocka_unit_test_setup_teardown(test, localapi_bench_open, localapi_bench_close)
 *	raw_server_answer(b->server, "200 OK", "{}");
 *	localapi_prefs_get(b->api, localapi_bench_on_reply, b);
 *	localapi_bench_wait(b, 1);
 */
#ifndef TESTS_SUPPORT_LOCALAPI_BENCH_H
#define TESTS_SUPPORT_LOCALAPI_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/localapi/localapi.h"

struct fetcher;
struct loop;
struct raw_server;

struct localapi_bench {
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
	bool frees;      /* the callback frees the client */
	bool asks_again; /* it asks once more */
};

/* Setup and teardown of a test. */
int localapi_bench_open(void **state);
int localapi_bench_close(void **state);

/* A localapi_fn, arg is the bench. */
void localapi_bench_on_reply(void *arg, const struct localapi_reply *reply, const struct err *err);
/* Waits for so many answers since the begin. */
void localapi_bench_wait(struct localapi_bench *b, unsigned int count);
/* The text of the newest request. */
const char *localapi_bench_sent(const struct localapi_bench *b);

#endif
