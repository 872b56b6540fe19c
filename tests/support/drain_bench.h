/*
 * A pre-shutdown hook with its clients, and a health check endpoint with answers set by the test:
 * for the tests of egress/drain. Time stands still until it is moved, names are resolved by the
 * test, the log is captured.
 *
 *	drain_bench_write(b, "web", 3);
 *	drain_bench_answer(b, "200 OK\r\nPod-IPv4: 10.0.0.1");
 *	struct raw_client c;
 *	drain_bench_ask(b, &c);
 */
#ifndef TESTS_SUPPORT_DRAIN_BENCH_H
#define TESTS_SUPPORT_DRAIN_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "egress/drain.h"
#include "tests/support/fake_dns.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_client.h"
#include "tests/support/raw_server.h"

#define DRAIN_BENCH_IPV4 "10.0.0.1"
#define DRAIN_BENCH_OURS "200 OK\r\nPod-IPv4: 10.0.0.1"
#define DRAIN_BENCH_OTHER "200 OK\r\nPod-IPv4: 10.0.0.2"

struct drain_bench {
	struct loop *loop;
	struct fetcher *fetcher;
	struct resolver *resolver;
	struct fake_dns dns;
	char *dir;
	struct raw_server *server; /* the health check endpoint */
	const char *status;        /* and headers, of its answer */
	unsigned int ours_left;    /* answers as this Pod before the current ones */
	unsigned int open_max;     /* connections to it at a time */
	struct httpd *httpd;
	struct httpd_listener *listener;
	struct drain *drain;
	struct log_capture log;
};

/* Setup and teardown of a test. */
int drain_bench_open(void **state);
int drain_bench_close(void **state);
/* Makes the hook again, for a Pod with these addresses. */
void drain_bench_remake(struct drain_bench *b, const char *pod_ipv4, const char *pod_ipv6);

/* Writes both documents: one service of this name at the endpoint, or each of count services with
 * its number and its own path. */
void drain_bench_write(struct drain_bench *b, const char *name, const char *pings);
void drain_bench_write_many(
	struct drain_bench *b, unsigned int count, bool is_shared, const char *pings);
/* One service at any URL. */
void drain_bench_write_url(struct drain_bench *b, const char *url, const char *pings);
/* Sets the answer of the endpoint. */
void drain_bench_answer(struct drain_bench *b, const char *status);

/* Asks the hook, with GET. */
void drain_bench_ask(struct drain_bench *b, struct raw_client *c);
/* Waits for the answer and closes: it is this status with exactly this body. */
void drain_bench_expect(struct drain_bench *b, struct raw_client *c, int status, const char *body);
/* The pause at the end of a drain, and the answer after it. */
void drain_bench_finish(struct drain_bench *b, struct raw_client *c);
/* Turns for a while: there is no answer. */
void drain_bench_expect_none(struct drain_bench *b, struct raw_client *c);
/* Waits for so many lines with this text. */
void drain_bench_wait_log(struct drain_bench *b, const char *part, size_t count);
/* Waits for so many pings in total. */
void drain_bench_wait_pings(struct drain_bench *b, unsigned int count);
/* Moves the time in steps of one interval until so many lines with this text are there. */
void drain_bench_pass_until(struct drain_bench *b, const char *part, size_t count);

#endif
