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

#include "lib/base/backoff.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/localapi/localapi.h"
#include "lib/localapi/peers.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"
#include "tests/support/tempdir.h"

/* No length: the stream ends with the connection. */
#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
#define RETRY_BASE_MS 100
#define RETRY_MAX_MS 5000
#define STALL_MS 10000

enum what {
	DO_NOTHING,
	DO_STOP,
	DO_RESTART,
};

struct fixture {
	struct loop *loop;
	struct fetcher *fetcher;
	char *dir, *socket;
	struct raw_server *server;
	struct localapi *api;
	struct peers *peers;
	struct ipnbus *bus;
	unsigned int opens, notifies, losses;
	enum ipn_state state; /* told last */
	struct err why;
	enum what at_open, at_notify, at_loss;
};

static void act(struct fixture *f, enum what *what)
{
	enum what now = *what;
	*what = DO_NOTHING;
	if (now == DO_STOP)
		ipnbus_stop(f->bus);
	else if (now == DO_RESTART)
		ipnbus_restart(f->bus);
}

static void on_open(void *arg)
{
	struct fixture *f = arg;
	f->opens++;
	assert_true(ipnbus_is_open(f->bus));
	act(f, &f->at_open);
}

static void on_notify(void *arg, const struct ipn_notify *n)
{
	struct fixture *f = arg;
	f->notifies++;
	f->state = ipn_notify_state(n);
	act(f, &f->at_notify);
}

static void on_lost(void *arg, const struct err *why)
{
	struct fixture *f = arg;
	f->losses++;
	f->why = *why;
	assert_false(ipnbus_is_open(f->bus));
	act(f, &f->at_loss);
}

static uint32_t middle(void)
{
	return UINT32_MAX / 2;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	const struct ipnbus_times times = {RETRY_BASE_MS, RETRY_MAX_MS, STALL_MS};
	const struct ipnbus_events events = {on_open, on_notify, on_lost, f};
	signal(SIGPIPE, SIG_IGN);
	fake_clock_install(1000000);
	backoff_set_random(middle); /* a factor of one */
	f->dir = tempdir_new();
	f->socket = tempdir_path(f->dir, "sock");
	f->loop = loop_new(&e);
	f->fetcher = fetcher_new(f->loop, &e);
	f->server = raw_server_new(f->loop, f->socket);
	f->server->reply.text = HEAD;
	f->api = localapi_new(f->loop, f->fetcher, f->socket);
	f->peers = peers_new();
	f->bus = ipnbus_new(f->loop, f->api, f->peers, &times, &events);
	*state = f;
	return f->fetcher != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	ipnbus_free(f->bus);
	peers_free(f->peers);
	localapi_free(f->api);
	raw_server_free(f->server);
	fetcher_free(f->fetcher);
	loop_free(f->loop);
	backoff_set_random(NULL);
	fake_clock_remove();
	tempdir_free(f->dir);
	free(f->socket);
	free(f);
	return 0;
}

static void wait_for(struct fixture *f, const unsigned int *counter, unsigned int target)
{
	assert_true(loop_wait_count(f->loop, counter, target, LOOP_WAIT_MS));
	assert_int_equal(*counter, target);
}

static void open_bus(struct fixture *f)
{
	ipnbus_start(f->bus);
	assert_false(ipnbus_is_open(f->bus));
	wait_for(f, &f->opens, f->opens + 1);
}

static void quiet(struct fixture *f)
{
	assert_true(loop_wait_idle(f->loop, 20));
}

static void one_subscription_is_kept_and_drained(void **state)
{
	struct fixture *f = *state;
	open_bus(f);
	ipnbus_start(f->bus);
	const char *request = f->server->requests.items[0];
	/* State, prefs, health, peer changes, no netmap, status, patches. */
	assert_memory_equal(request, "GET /localapi/v0/watch-ipn-bus?mask=61574 HTTP/1.1\r\n", 52);
	assert_non_null(strstr(request, "\r\nHost: local-tailscaled.sock\r\n"));
	raw_server_say(f->server, "{\"State\":2}\n{\"State\":6}");
	wait_for(f, &f->notifies, 2);
	assert_int_equal(f->state, IPN_STATE_RUNNING);
	raw_server_say(f->server, "{\"State\"");
	quiet(f);
	raw_server_say(f->server, ":5}\n");
	wait_for(f, &f->notifies, 3);
	/* Silence is fine. */
	fake_clock_advance_ms(24 * 3600 * 1000);
	quiet(f);
	assert_int_equal(f->losses, 0);
	assert_int_equal(f->server->request_count, 1);
}

static void a_lost_stream_is_opened_again(void **state)
{
	struct fixture *f = *state;
	open_bus(f);
	raw_server_hang_up(f->server);
	wait_for(f, &f->losses, 1);
	assert_string_equal(f->why.msg, "EOF");
	assert_int_equal(f->why.code, -EPIPE);
	quiet(f);
	assert_int_equal(f->server->request_count, 1);
	fake_clock_advance_ms(RETRY_BASE_MS);
	wait_for(f, &f->opens, 2);
	/* The same again is another loss, for which the pause grows until a message has come. */
	raw_server_hang_up(f->server);
	wait_for(f, &f->losses, 2);
	fake_clock_advance_ms(RETRY_BASE_MS);
	quiet(f);
	assert_int_equal(f->opens, 2);
	fake_clock_advance_ms(RETRY_BASE_MS);
	wait_for(f, &f->opens, 3);
	raw_server_say(f->server, "{}\n");
	wait_for(f, &f->notifies, 1);
	raw_server_hang_up(f->server);
	wait_for(f, &f->losses, 3);
	fake_clock_advance_ms(RETRY_BASE_MS);
	wait_for(f, &f->opens, 4);
}

static void a_daemon_that_is_away_is_told_once(void **state)
{
	struct fixture *f = *state;
	raw_server_free(f->server);
	f->server = NULL;
	ipnbus_start(f->bus);
	wait_for(f, &f->losses, 1);
	assert_int_equal(f->why.code, -ECONNREFUSED);
	for (int i = 0; i < 20; i++) {
		fake_clock_advance_ms(RETRY_MAX_MS);
		quiet(f);
	}
	assert_int_equal(f->losses, 1);
	/* Another reason is told. */
	f->server = raw_server_new(f->loop, f->socket);
	raw_server_answer(f->server, "403 Forbidden", "not you\nreally");
	fake_clock_advance_ms(RETRY_MAX_MS);
	wait_for(f, &f->losses, 2);
	assert_int_equal(f->why.code, -EPROTO);
	assert_string_equal(f->why.msg, "watch-ipn-bus answered 403: not you");
	/* A success of another kind is no stream. */
	raw_server_answer(f->server, "204 No Content", "");
	fake_clock_advance_ms(RETRY_MAX_MS);
	wait_for(f, &f->losses, 3);
	assert_int_equal(f->opens, 0);
	f->server->reply = (struct raw_reply){.text = HEAD};
	fake_clock_advance_ms(RETRY_MAX_MS);
	wait_for(f, &f->opens, 1);
}

static void an_answer_must_begin_in_time(void **state)
{
	struct fixture *f = *state;
	f->server->reply.text = NULL;
	ipnbus_start(f->bus);
	wait_for(f, &f->server->request_count, 1);
	fake_clock_advance_ms(9999);
	quiet(f);
	assert_int_equal(f->losses, 0);
	fake_clock_advance_ms(1);
	wait_for(f, &f->losses, 1);
	assert_int_equal(f->why.code, -ETIMEDOUT);
	assert_string_equal(f->why.msg, "watch-ipn-bus: no answer within 10 s");
	f->server->reply.text = HEAD;
	fake_clock_advance_ms(RETRY_BASE_MS);
	wait_for(f, &f->opens, 1);
	/* The limit went with the answer. */
	fake_clock_advance_ms(60000);
	quiet(f);
	assert_int_equal(f->losses, 1);
}

static void a_message_that_stops_in_the_middle_is_a_stall(void **state)
{
	struct fixture *f = *state;
	open_bus(f);
	raw_server_say(f->server, "{}\n{\"State\":");
	wait_for(f, &f->notifies, 1);
	fake_clock_advance_ms(STALL_MS - 1);
	quiet(f);
	/* Another byte, another wait. */
	raw_server_say(f->server, "6");
	quiet(f);
	fake_clock_advance_ms(STALL_MS - 1);
	quiet(f);
	assert_int_equal(f->losses, 0);
	fake_clock_advance_ms(1);
	wait_for(f, &f->losses, 1);
	assert_int_equal(f->why.code, -ETIMEDOUT);
	fake_clock_advance_ms(RETRY_BASE_MS);
	wait_for(f, &f->opens, 2);
	/* What was begun there does not go on here. */
	raw_server_say(f->server, "{\"State\":5}\n");
	wait_for(f, &f->notifies, 2);
	assert_int_equal(f->state, IPN_STATE_STARTING);
}

static void nonsense_ends_the_subscription(void **state)
{
	struct fixture *f = *state;
	open_bus(f);
	raw_server_say(f->server, "{\"State\":6}\n{oops}\n{\"State\":2}\n");
	wait_for(f, &f->losses, 1);
	assert_int_equal(f->why.code, -EINVAL);
	assert_non_null(strstr(f->why.msg, "watch-ipn-bus: "));
	assert_int_equal(f->notifies, 1);
	assert_int_equal(f->state, IPN_STATE_RUNNING);
	fake_clock_advance_ms(RETRY_BASE_MS);
	wait_for(f, &f->opens, 2);
}

static void the_daemons_last_words_are_told(void **state)
{
	struct fixture *f = *state;
	open_bus(f);
	raw_server_say(f->server,
		"{\"ErrMessage\":\"IPN bus consumer fell behind; closing watch\"}\n"
		"{\"State\":6}\n");
	wait_for(f, &f->losses, 1);
	assert_string_equal(f->why.msg, "IPN bus consumer fell behind; closing watch");
	assert_int_equal(f->notifies, 0);
}

static void a_stop_is_silent(void **state)
{
	struct fixture *f = *state;
	ipnbus_stop(f->bus);
	ipnbus_restart(f->bus); /* nothing while stopped */
	quiet(f);
	assert_int_equal(f->server->accept_count, 0);
	open_bus(f);
	ipnbus_stop(f->bus);
	assert_false(ipnbus_is_open(f->bus));
	fake_clock_advance_ms(60000);
	quiet(f);
	assert_int_equal(f->server->open_count, 0);
	assert_int_equal(f->losses, 0);
	/* During the pause as well. */
	open_bus(f);
	raw_server_hang_up(f->server);
	wait_for(f, &f->losses, 1);
	ipnbus_stop(f->bus);
	fake_clock_advance_ms(60000);
	quiet(f);
	assert_int_equal(f->server->request_count, 2);
}

static void callbacks_may_stop_it(void **state)
{
	struct fixture *f = *state;
	f->at_open = DO_STOP;
	open_bus(f);
	quiet(f);
	assert_int_equal(f->server->open_count, 0);
	f->at_notify = DO_STOP;
	open_bus(f);
	raw_server_say(f->server, "{}\n{}\n{}\n");
	wait_for(f, &f->notifies, 1);
	quiet(f);
	assert_int_equal(f->notifies, 1);
	f->at_loss = DO_STOP;
	open_bus(f);
	raw_server_hang_up(f->server);
	wait_for(f, &f->losses, 1);
	fake_clock_advance_ms(60000);
	quiet(f);
	assert_int_equal(f->opens, 3);
}

static void callbacks_may_restart_it(void **state)
{
	struct fixture *f = *state;
	f->at_open = DO_RESTART;
	open_bus(f);
	wait_for(f, &f->opens, 2);
	f->at_notify = DO_RESTART;
	raw_server_say(f->server, "{\"State\":6}\n{\"State\":2}\n");
	wait_for(f, &f->opens, 3);
	/* The rest of the piece belonged to the stream before. */
	assert_int_equal(f->notifies, 1);
	f->at_loss = DO_RESTART;
	raw_server_hang_up(f->server);
	wait_for(f, &f->opens, 4); /* without a pause */
	quiet(f);
	assert_int_equal(f->server->open_count, 1);
}

static void what_is_wanted_counts_from_the_next_subscription(void **state)
{
	static const char status[] =
		"{\"InitialStatus\":{\"Peer\":{\"k\":{\"NodeID\":1,\"DNSName\":\"web.\"}}}}\n";
	struct fixture *f = *state;
	AUTO(strv_fini) struct strv names = {0};
	open_bus(f);
	raw_server_say(f->server, status);
	wait_for(f, &f->notifies, 1);
	strv_push(&names, "web");
	assert_true(peers_want(f->peers, &names, NULL, 0));
	ipnbus_restart(f->bus);
	wait_for(f, &f->opens, 2);
	raw_server_say(f->server, status);
	wait_for(f, &f->notifies, 2);
	assert_int_equal(peers_count(f->peers), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_subscription_is_kept_and_drained),
		TEST(a_lost_stream_is_opened_again),
		TEST(a_daemon_that_is_away_is_told_once),
		TEST(an_answer_must_begin_in_time),
		TEST(a_message_that_stops_in_the_middle_is_a_stall),
		TEST(nonsense_ends_the_subscription),
		TEST(the_daemons_last_words_are_told),
		TEST(a_stop_is_silent),
		TEST(callbacks_may_stop_it),
		TEST(callbacks_may_restart_it),
		TEST(what_is_wanted_counts_from_the_next_subscription),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
