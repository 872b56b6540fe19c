#include "tests/support/bus_bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/localapi/localapi.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"
#include "tests/support/tempdir.h"

static void act(struct bus_bench *b, enum bus_bench_act *what)
{
	enum bus_bench_act now = *what;
	*what = BUS_BENCH_NOTHING;
	if (now == BUS_BENCH_STOP)
		ipnbus_stop(b->bus);
	else if (now == BUS_BENCH_RESTART)
		ipnbus_restart(b->bus);
}

static void on_open(void *arg)
{
	struct bus_bench *b = arg;
	b->opens++;
	assert_true(ipnbus_is_open(b->bus));
	act(b, &b->at_open);
}

static void on_notify(void *arg, const struct ipn_notify *n)
{
	struct bus_bench *b = arg;
	b->notifies++;
	b->state = ipn_notify_state(n);
	if (b->notified != NULL)
		b->notified(b);
	act(b, &b->at_notify);
}

static void on_lost(void *arg, const struct err *why)
{
	struct bus_bench *b = arg;
	b->losses++;
	b->why = *why;
	assert_false(ipnbus_is_open(b->bus));
	act(b, &b->at_loss);
}

int bus_bench_open(void **state)
{
	struct bus_bench *b = xcalloc(1, sizeof(*b));
	struct err e = {0};
	const struct ipnbus_times times = {
		BUS_BENCH_RETRY_BASE_MS, BUS_BENCH_RETRY_MAX_MS, BUS_BENCH_STALL_MS};
	const struct ipnbus_events events = {on_open, on_notify, on_lost, b};
	signal(SIGPIPE, SIG_IGN);
	fake_clock_install(1000000);
	b->dir = tempdir_new();
	b->socket = tempdir_path(b->dir, "sock");
	b->loop = loop_new(&e);
	b->fetcher = fetcher_new(b->loop, &e);
	b->server = raw_server_new(b->loop, b->socket);
	b->server->reply.text = BUS_BENCH_HEAD;
	b->api = localapi_new(b->loop, b->fetcher, b->socket);
	b->peers = peers_new();
	b->records = records_new();
	b->bus = ipnbus_new(b->loop, b->api, b->peers, &times, &events);
	*state = b;
	return b->fetcher != NULL ? 0 : -1;
}

int bus_bench_close(void **state)
{
	struct bus_bench *b = *state;
	ipnbus_free(b->bus);
	peers_free(b->peers);
	records_free(b->records);
	localapi_free(b->api);
	raw_server_free(b->server);
	fetcher_free(b->fetcher);
	loop_free(b->loop);
	fake_clock_remove();
	tempdir_free(b->dir);
	free(b->socket);
	free(b);
	return 0;
}

void bus_bench_wait(struct bus_bench *b, const unsigned int *counter, unsigned int target)
{
	assert_true(loop_wait_count(b->loop, counter, target, LOOP_WAIT_MS));
	assert_int_equal(*counter, target);
}

void bus_bench_subscribe(struct bus_bench *b)
{
	ipnbus_start(b->bus);
	assert_false(ipnbus_is_open(b->bus));
	bus_bench_wait(b, &b->opens, b->opens + 1);
}

void bus_bench_quiet(struct bus_bench *b)
{
	assert_true(loop_wait_idle(b->loop, 20));
}
