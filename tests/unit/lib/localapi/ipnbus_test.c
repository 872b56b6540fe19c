#include "lib/localapi/ipnbus.h"

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
#include "lib/localapi/peers.h"
#include "tests/support/bus_bench.h"
#include "tests/support/fake_clock.h"
#include "tests/support/raw_server.h"

static void one_subscription_is_kept_and_drained(void **state)
{
	struct bus_bench *f = *state;
	bus_bench_subscribe(f);
	ipnbus_start(f->bus);
	const char *request = f->server->requests.items[0];
	/* State, prefs, health, peer changes, no netmap, status, patches. */
	assert_memory_equal(request, "GET /localapi/v0/watch-ipn-bus?mask=61574 HTTP/1.1\r\n", 52);
	assert_non_null(strstr(request, "\r\nHost: local-tailscaled.sock\r\n"));
	raw_server_say(f->server, "{\"State\":2}\n{\"State\":6}");
	bus_bench_wait(f, &f->notifies, 2);
	assert_int_equal(f->state, IPN_STATE_RUNNING);
	raw_server_say(f->server, "{\"State\"");
	bus_bench_quiet(f);
	raw_server_say(f->server, ":5}\n");
	bus_bench_wait(f, &f->notifies, 3);
	/* Silence is fine. */
	fake_clock_advance_ms(24 * 3600 * 1000);
	bus_bench_quiet(f);
	assert_int_equal(f->losses, 0);
	assert_int_equal(f->server->request_count, 1);
}

static void a_lost_stream_is_opened_again(void **state)
{
	struct bus_bench *f = *state;
	bus_bench_subscribe(f);
	raw_server_hang_up(f->server);
	bus_bench_wait(f, &f->losses, 1);
	assert_string_equal(f->why.msg, "EOF");
	assert_int_equal(f->why.code, -EPIPE);
	bus_bench_quiet(f);
	assert_int_equal(f->server->request_count, 1);
	fake_clock_advance_ms(BUS_BENCH_RETRY_BASE_MS);
	bus_bench_wait(f, &f->opens, 2);
	/* The same again is another loss, for which the pause grows until a message has come. */
	raw_server_hang_up(f->server);
	bus_bench_wait(f, &f->losses, 2);
	fake_clock_advance_ms(BUS_BENCH_RETRY_BASE_MS);
	bus_bench_quiet(f);
	assert_int_equal(f->opens, 2);
	fake_clock_advance_ms(BUS_BENCH_RETRY_BASE_MS);
	bus_bench_wait(f, &f->opens, 3);
	raw_server_say(f->server, "{}\n");
	bus_bench_wait(f, &f->notifies, 1);
	raw_server_hang_up(f->server);
	bus_bench_wait(f, &f->losses, 3);
	fake_clock_advance_ms(BUS_BENCH_RETRY_BASE_MS);
	bus_bench_wait(f, &f->opens, 4);
}

static void a_daemon_that_is_away_is_reported_once(void **state)
{
	struct bus_bench *f = *state;
	raw_server_free(f->server);
	f->server = NULL;
	ipnbus_start(f->bus);
	bus_bench_wait(f, &f->losses, 1);
	assert_int_equal(f->why.code, -ECONNREFUSED);
	for (int i = 0; i < 20; i++) {
		fake_clock_advance_ms(BUS_BENCH_RETRY_MAX_MS);
		bus_bench_quiet(f);
	}
	assert_int_equal(f->losses, 1);
	/* A new reason is reported. */
	f->server = raw_server_new(f->loop, f->socket);
	raw_server_answer(f->server, "403 Forbidden", "not you\nreally");
	fake_clock_advance_ms(BUS_BENCH_RETRY_MAX_MS);
	bus_bench_wait(f, &f->losses, 2);
	assert_int_equal(f->why.code, -EPROTO);
	assert_string_equal(f->why.msg, "watch-ipn-bus answered 403: not you");
	/* A success of another kind is no stream. */
	raw_server_answer(f->server, "204 No Content", "");
	fake_clock_advance_ms(BUS_BENCH_RETRY_MAX_MS);
	bus_bench_wait(f, &f->losses, 3);
	assert_int_equal(f->opens, 0);
	f->server->reply = (struct raw_reply){.text = BUS_BENCH_HEAD};
	fake_clock_advance_ms(BUS_BENCH_RETRY_MAX_MS);
	bus_bench_wait(f, &f->opens, 1);
}

static void an_answer_must_begin_in_time(void **state)
{
	struct bus_bench *f = *state;
	f->server->reply.text = NULL;
	ipnbus_start(f->bus);
	bus_bench_wait(f, &f->server->request_count, 1);
	fake_clock_advance_ms(9999);
	bus_bench_quiet(f);
	assert_int_equal(f->losses, 0);
	fake_clock_advance_ms(1);
	bus_bench_wait(f, &f->losses, 1);
	assert_int_equal(f->why.code, -ETIMEDOUT);
	assert_non_null(strstr(f->why.msg, "watch-ipn-bus: no answer within 10000 ms"));
	f->server->reply.text = BUS_BENCH_HEAD;
	fake_clock_advance_ms(BUS_BENCH_RETRY_BASE_MS);
	bus_bench_wait(f, &f->opens, 1);
	/* The limit went with the answer. */
	fake_clock_advance_ms(60000);
	bus_bench_quiet(f);
	assert_int_equal(f->losses, 1);
}

static void a_message_that_stops_in_the_middle_is_a_stall(void **state)
{
	struct bus_bench *f = *state;
	bus_bench_subscribe(f);
	raw_server_say(f->server, "{}\n{\"State\":");
	bus_bench_wait(f, &f->notifies, 1);
	fake_clock_advance_ms(BUS_BENCH_STALL_MS - 1);
	bus_bench_quiet(f);
	/* Another byte, another wait. */
	raw_server_say(f->server, "6");
	bus_bench_quiet(f);
	fake_clock_advance_ms(BUS_BENCH_STALL_MS - 1);
	bus_bench_quiet(f);
	assert_int_equal(f->losses, 0);
	fake_clock_advance_ms(1);
	bus_bench_wait(f, &f->losses, 1);
	assert_int_equal(f->why.code, -ETIMEDOUT);
	fake_clock_advance_ms(BUS_BENCH_RETRY_BASE_MS);
	bus_bench_wait(f, &f->opens, 2);
	/* What was begun there does not go on here. */
	raw_server_say(f->server, "{\"State\":5}\n");
	bus_bench_wait(f, &f->notifies, 2);
	assert_int_equal(f->state, IPN_STATE_STARTING);
}

static void nonsense_ends_the_subscription(void **state)
{
	struct bus_bench *f = *state;
	bus_bench_subscribe(f);
	raw_server_say(f->server, "{\"State\":6}\n{oops}\n{\"State\":2}\n");
	bus_bench_wait(f, &f->losses, 1);
	assert_int_equal(f->why.code, -EINVAL);
	assert_non_null(strstr(f->why.msg, "watch-ipn-bus: "));
	assert_int_equal(f->notifies, 1);
	assert_int_equal(f->state, IPN_STATE_RUNNING);
	fake_clock_advance_ms(BUS_BENCH_RETRY_BASE_MS);
	bus_bench_wait(f, &f->opens, 2);
}

static void the_daemons_final_message_is_reported(void **state)
{
	struct bus_bench *f = *state;
	bus_bench_subscribe(f);
	raw_server_say(f->server,
		"{\"ErrMessage\":\"IPN bus consumer fell behind; closing watch\"}\n"
		"{\"State\":6}\n");
	bus_bench_wait(f, &f->losses, 1);
	assert_string_equal(f->why.msg, "IPN bus consumer fell behind; closing watch");
	assert_int_equal(f->notifies, 0);
}

static void a_stop_is_silent(void **state)
{
	struct bus_bench *f = *state;
	ipnbus_stop(f->bus);
	ipnbus_restart(f->bus); /* nothing while stopped */
	bus_bench_quiet(f);
	assert_int_equal(f->server->accept_count, 0);
	bus_bench_subscribe(f);
	ipnbus_stop(f->bus);
	assert_false(ipnbus_is_open(f->bus));
	fake_clock_advance_ms(60000);
	bus_bench_quiet(f);
	assert_int_equal(f->server->open_count, 0);
	assert_int_equal(f->losses, 0);
	/* During the pause as well. */
	bus_bench_subscribe(f);
	raw_server_hang_up(f->server);
	bus_bench_wait(f, &f->losses, 1);
	ipnbus_stop(f->bus);
	fake_clock_advance_ms(60000);
	bus_bench_quiet(f);
	assert_int_equal(f->server->request_count, 2);
}

static void callbacks_may_stop_it(void **state)
{
	struct bus_bench *f = *state;
	f->at_open = BUS_BENCH_STOP;
	bus_bench_subscribe(f);
	bus_bench_quiet(f);
	assert_int_equal(f->server->open_count, 0);
	f->at_notify = BUS_BENCH_STOP;
	bus_bench_subscribe(f);
	raw_server_say(f->server, "{}\n{}\n{}\n");
	bus_bench_wait(f, &f->notifies, 1);
	bus_bench_quiet(f);
	assert_int_equal(f->notifies, 1);
	f->at_loss = BUS_BENCH_STOP;
	bus_bench_subscribe(f);
	raw_server_hang_up(f->server);
	bus_bench_wait(f, &f->losses, 1);
	fake_clock_advance_ms(60000);
	bus_bench_quiet(f);
	assert_int_equal(f->opens, 3);
}

static void callbacks_may_restart_it(void **state)
{
	struct bus_bench *f = *state;
	f->at_open = BUS_BENCH_RESTART;
	bus_bench_subscribe(f);
	bus_bench_wait(f, &f->opens, 2);
	f->at_notify = BUS_BENCH_RESTART;
	raw_server_say(f->server, "{\"State\":6}\n{\"State\":2}\n");
	bus_bench_wait(f, &f->opens, 3);
	/* The rest of the piece belonged to the stream before. */
	assert_int_equal(f->notifies, 1);
	f->at_loss = BUS_BENCH_RESTART;
	raw_server_hang_up(f->server);
	bus_bench_wait(f, &f->opens, 4); /* without a pause */
	bus_bench_quiet(f);
	assert_int_equal(f->server->open_count, 1);
}

static void what_is_wanted_counts_from_the_next_subscription(void **state)
{
	static const char status[] =
		"{\"InitialStatus\":{\"Peer\":{\"k\":{\"NodeID\":1,\"DNSName\":\"web.\"}}}}\n";
	struct bus_bench *f = *state;
	AUTO(strv_fini) struct strv names = {0};
	bus_bench_subscribe(f);
	raw_server_say(f->server, status);
	bus_bench_wait(f, &f->notifies, 1);
	strv_push(&names, "web");
	assert_true(peers_want(f->peers, &names, NULL, 0));
	ipnbus_restart(f->bus);
	bus_bench_wait(f, &f->opens, 2);
	raw_server_say(f->server, status);
	bus_bench_wait(f, &f->notifies, 2);
	assert_int_equal(peers_count(f->peers), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bus_bench_open, bus_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(one_subscription_is_kept_and_drained),
		TEST(a_lost_stream_is_opened_again),
		TEST(a_daemon_that_is_away_is_reported_once),
		TEST(an_answer_must_begin_in_time),
		TEST(a_message_that_stops_in_the_middle_is_a_stall),
		TEST(nonsense_ends_the_subscription),
		TEST(the_daemons_final_message_is_reported),
		TEST(a_stop_is_silent),
		TEST(callbacks_may_stop_it),
		TEST(callbacks_may_restart_it),
		TEST(what_is_wanted_counts_from_the_next_subscription),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
