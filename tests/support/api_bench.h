/*
 * A Kubernetes client, a scripted API server behind TLS, a service account and a DNS server: for
 * the tests of lib/kube and of its users. Time stands still until it is moved.
 *
 *	raw_server_answer(b->server, "200 OK", "{}");
 *	api_open_at(b, "127.0.0.1", b->front.port);
 */
#ifndef TESTS_SUPPORT_API_BENCH_H
#define TESTS_SUPPORT_API_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/kube/kube.h"
#include "tests/support/fake_dns.h"
#include "tests/support/raw_server.h"
#include "tests/support/tls_front.h"

struct fetcher;
struct loop;
struct resolver;

struct api_bench {
	struct loop *loop;
	struct fetcher *fetcher;
	struct resolver *resolver;
	struct fake_dns dns;
	struct raw_server *server;
	struct tls_front front;
	const char *certificates; /* folder of tests/support/tls_server.h */
	char *account;            /* folder with namespace, token, ca.crt */
	struct kube *kube;        /* NULL until api_open_at */
	/* results recorded by api_on_reply */
	unsigned int calls;
	int status, code;
	uint64_t retry_after_ms;
	char *body; /* compact JSON, NULL without */
	bool allowed;
	struct err err;
	/* actions of api_on_reply */
	bool frees;
	bool asks_again;
};

/* Setup and teardown of the group (certificates take long and change nothing) and of each test. */
int api_bench_begin(void **state);
int api_bench_end(void **state);
int api_bench_open(void **state);
int api_bench_close(void **state);

/* A new client for this host. */
void api_open_at(struct api_bench *b, const char *host, uint16_t port);
void api_on_reply(void *arg, const struct kube_reply *reply, const struct err *err);
void api_wait_calls(struct api_bench *b, unsigned int count);
/* GET of a Secret that is answered with exactly these bytes, or with a well-formed answer. */
void api_get_raw(struct api_bench *b, const char *reply);
void api_get(struct api_bench *b, const char *status, const char *body);
/* Text of a request. */
const char *api_request(const struct api_bench *b, size_t i);

#endif
