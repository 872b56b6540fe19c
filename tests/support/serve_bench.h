/*
 * A serve config file, a scripted daemon, and a store that records the values to publish: for the
 * tests of ingress/serve.h.
 *
 *	serve_bench_put(b, "{}");
 *	serve_set_cert_domain(b->s, "web.ts.net");
 *	daemon_wait(&b->d, 1);
 */
#ifndef TESTS_SUPPORT_SERVE_BENCH_H
#define TESTS_SUPPORT_SERVE_BENCH_H

#include <stdbool.h>

#include "ingress/serve.h"
#include "tests/support/daemon_bench.h"

#define SERVE_BENCH_RETRY_MS 250
#define SERVE_BENCH_WATCH_MS 3000

struct statestore;

struct serve_bench {
	struct daemon_bench d;
	struct strv endpoints; /* writes of the store */
	struct statestore *store;
	struct serve *s;
	unsigned int accepted;
	char *domains, *services; /* of the version accepted last */
};

/* Setup and teardown of each test. */
int serve_bench_open(void **state);
int serve_bench_close(void **state);

/* Begins anew, with the store or without. */
void serve_bench_make(struct serve_bench *b, bool has_store);
/* A file that was changed in one step. */
void serve_bench_put(struct serve_bench *b, const char *text);

#endif
