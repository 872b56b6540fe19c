/*
 * A subscription to a scripted daemon on a clock that stands still: for the tests of
 * lib/localapi/ipnbus.h. The server answers each subscription with an endless stream until the test
 * changes that.
 *
 *	bus_bench_subscribe(b);
 *	raw_server_say(b->server, "{\"State\":6}\n");
 *	bus_bench_wait(b, &b->notifies, 1);
 */
#ifndef TESTS_SUPPORT_BUS_BENCH_H
#define TESTS_SUPPORT_BUS_BENCH_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/localapi/ipnbus.h"

struct fetcher;
struct localapi;
struct loop;
struct peers;
struct raw_server;
struct records;

/* No length: the stream ends with the connection. */
#define BUS_BENCH_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
#define BUS_BENCH_RETRY_BASE_MS 100
#define BUS_BENCH_RETRY_MAX_MS 5000
#define BUS_BENCH_STALL_MS 10000

/* A one-time action of a callback. */
enum bus_bench_act {
	BUS_BENCH_NOTHING,
	BUS_BENCH_STOP,
	BUS_BENCH_RESTART,
};

struct bus_bench {
	struct loop *loop;
	struct fetcher *fetcher;
	char *dir, *socket;
	struct raw_server *server;
	struct localapi *api;
	struct peers *peers;
	struct records *records; /* not passed to the bus by the bench */
	struct ipnbus *bus;
	unsigned int opens, notifies, losses;
	enum ipn_state state; /* of the last message */
	struct err why;       /* of the last loss */
	enum bus_bench_act at_open, at_notify, at_loss;
	/* Called after each message; NULL = none. */
	void (*notified)(struct bus_bench *b);
};

/* Setup and teardown of each test. */
int bus_bench_open(void **state);
int bus_bench_close(void **state);

/* Waits until the counter has exactly this value. */
void bus_bench_wait(struct bus_bench *b, const unsigned int *counter, unsigned int target);
/* Starts the bus and waits until it is subscribed. */
void bus_bench_subscribe(struct bus_bench *b);
/* Serves pending requests. */
void bus_bench_quiet(struct bus_bench *b);

#endif
