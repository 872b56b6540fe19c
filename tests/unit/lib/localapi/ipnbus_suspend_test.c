/*
 * A daemon that suspends a slow reader instead of ending its stream: it is asked to where it can,
 * and resumed at once; whatever goes wrong with that leads to a new subscription.
 */
#include "lib/localapi/ipnbus.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/localapi/localapi.h"
#include "lib/localapi/peers.h"
#include "tests/support/bus_bench.h"
#include "tests/support/fake_clock.h"
#include "tests/support/raw_server.h"

#define MASK "mask=61574 "
#define SUSPENDING_MASK "mask=585862 " /* with bit 19 */
#define NEW_HEAD "HTTP/1.1 200 OK\r\nTailscale-Cap: 148\r\n\r\n"
#define SUSPENDED "{\"Version\":\"1.104.7\",\"Suspended\":true}\n"
#define PEERS(list) \
	"{\"SessionID\":\"5e551\",\"State\":6,\"InitialStatus\":{\"Peer\":{" list "}}}\n"
#define PEER(id, name) "\"k" #id "\":{\"NodeID\":" #id ",\"DNSName\":\"" name "\"}"

/* Answers the resumption with what the test has set; subscriptions stay open. */
struct answers {
	struct bus_bench *bench;
	const char *resume; /* whole answer; NULL = none */
};

static void choose(void *arg, const char *request)
{
	struct answers *a = arg;
	bool is_resume = strncmp(request, "POST /localapi/v0/resume-ipn-bus", 32) == 0;
	bool is_other = strstr(request, "watch-ipn-bus") == NULL;
	const char *text = is_resume  ? a->resume
			   : is_other ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
				      : NEW_HEAD;
	a->bench->server->reply = (struct raw_reply){.text = text};
}

static void on_prefs(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	unsigned int *count = arg;
	(void)reply;
	assert_null(err);
	(*count)++;
}

/* Subscribes to a daemon that is known to suspend, and wants two peers of it. */
static void begin(struct bus_bench *b, struct answers *answers)
{
	unsigned int count = 0;
	AUTO(strv_fini) struct strv names = {0};
	*answers = (struct answers){b, "HTTP/1.1 204 No Content\r\n\r\n"};
	b->server->choose = choose;
	b->server->choose_arg = answers;
	/* The kept connection of the calls is then older than the one of the stream. */
	localapi_prefs_get(b->api, on_prefs, &count);
	bus_bench_wait(b, &count, 1);
	str_words("web db", &names);
	assert_true(peers_want(b->peers, &names, NULL, 0));
	ipnbus_set_capability(b->bus, 148);
	bus_bench_subscribe(b);
	raw_server_say(b->server, PEERS(PEER(1, "web.")));
	bus_bench_wait(b, &b->notifies, 1);
}

static const char *last_request(const struct bus_bench *b)
{
	return b->server->requests.items[b->server->request_count - 1];
}

static void a_suspended_stream_is_resumed(void **state)
{
	struct bus_bench *b = *state;
	struct answers answers;
	begin(b, &answers);
	assert_non_null(strstr(last_request(b), SUSPENDING_MASK));
	for (unsigned int round = 0; round < 3; round++) {
		unsigned int requests = b->server->request_count;
		unsigned int notifies = b->notifies;
		raw_server_say(b->server, SUSPENDED);
		bus_bench_wait(b, &b->server->request_count, requests + 1);
		assert_ptr_equal(strstr(last_request(b),
					 "POST /localapi/v0/resume-ipn-bus?session=5e551 HTTP/"),
			last_request(b));
		bus_bench_quiet(b);
		assert_int_equal(b->notifies, notifies);
		/* It begins anew. */
		raw_server_say(b->server, PEERS(PEER(2, "db.")));
		bus_bench_wait(b, &b->notifies, notifies + 1);
		assert_null(peers_by_name(b->peers, "web"));
		assert_non_null(peers_by_name(b->peers, "db"));
	}
	assert_int_equal(b->opens, 1);
	assert_int_equal(b->losses, 0);
	assert_true(ipnbus_is_open(b->bus));
}

static void a_session_that_is_gone_is_a_loss(void **state)
{
	struct bus_bench *b = *state;
	struct answers answers;
	begin(b, &answers);
	answers.resume = "HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nno such";
	raw_server_say(b->server, SUSPENDED);
	bus_bench_wait(b, &b->losses, 1);
	assert_int_equal(b->why.code, -ENOENT);
	assert_non_null(strstr(b->why.msg, "resume-ipn-bus"));
	fake_clock_advance_ms(BUS_BENCH_RETRY_BASE_MS);
	bus_bench_wait(b, &b->opens, 2);
}

static void an_unanswered_resumption_is_a_loss(void **state)
{
	struct bus_bench *b = *state;
	struct answers answers;
	begin(b, &answers);
	answers.resume = NULL;
	raw_server_say(b->server, SUSPENDED);
	bus_bench_wait(b, &b->server->request_count, 3);
	fake_clock_advance_ms(LOCALAPI_TIMEOUT_MS);
	bus_bench_wait(b, &b->losses, 1);
	assert_int_equal(b->why.code, -ETIMEDOUT);
	fake_clock_advance_ms(BUS_BENCH_RETRY_BASE_MS);
	bus_bench_wait(b, &b->opens, 2);
}

static void without_a_session_it_is_a_loss(void **state)
{
	struct bus_bench *b = *state;
	ipnbus_set_capability(b->bus, 148);
	bus_bench_subscribe(b);
	raw_server_say(b->server, SUSPENDED);
	bus_bench_wait(b, &b->losses, 1);
	assert_int_equal(b->why.code, -EPIPE);
	assert_int_equal(b->server->request_count, 1);
}

static void a_stop_ends_a_resumption(void **state)
{
	struct bus_bench *b = *state;
	struct answers answers;
	begin(b, &answers);
	answers.resume = NULL;
	raw_server_say(b->server, SUSPENDED);
	bus_bench_wait(b, &b->server->request_count, 3);
	ipnbus_stop(b->bus);
	fake_clock_advance_ms(LOCALAPI_TIMEOUT_MS);
	bus_bench_quiet(b);
	assert_int_equal(b->losses, 0);
}

/* The daemon names its version itself. */
static void the_answer_says_whether_it_can_suspend(void **state)
{
	static const struct {
		const char *head, *mask;
	} cases[] = {
		{NEW_HEAD, SUSPENDING_MASK},
		{"HTTP/1.1 200 OK\r\nTailscale-Cap: 142\r\n\r\n", MASK},
		{"HTTP/1.1 200 OK\r\nTailscale-Cap: 999\r\n\r\n", SUSPENDING_MASK},
		{"HTTP/1.1 200 OK\r\nTailscale-Cap: new\r\n\r\n", SUSPENDING_MASK}, /* as before */
	};
	struct bus_bench *b = *state;
	bus_bench_subscribe(b);
	assert_non_null(strstr(last_request(b), MASK));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		b->server->reply.text = cases[i].head;
		unsigned int opens = b->opens;
		ipnbus_restart(b->bus);
		bus_bench_wait(b, &b->opens, opens + 1);
		ipnbus_restart(b->bus);
		bus_bench_wait(b, &b->opens, opens + 2);
		assert_non_null(strstr(last_request(b), cases[i].mask));
	}
}

static void a_daemon_that_refuses_the_bit_is_asked_without(void **state)
{
	struct bus_bench *b = *state;
	ipnbus_set_capability(b->bus, 150);
	raw_server_answer(b->server, "400 Bad Request", "no such bit");
	ipnbus_start(b->bus);
	bus_bench_wait(b, &b->losses, 1);
	assert_string_equal(b->why.msg, "watch-ipn-bus answered 400: no such bit");
	assert_non_null(strstr(last_request(b), SUSPENDING_MASK));
	b->server->reply = (struct raw_reply){.text = NEW_HEAD};
	fake_clock_advance_ms(BUS_BENCH_RETRY_BASE_MS);
	bus_bench_wait(b, &b->opens, 1);
	assert_non_null(strstr(last_request(b), MASK));
	/* So it stays, until another daemon may answer. */
	raw_server_hang_up(b->server);
	bus_bench_wait(b, &b->losses, 2);
	fake_clock_advance_ms(BUS_BENCH_RETRY_MAX_MS);
	bus_bench_wait(b, &b->opens, 2);
	assert_non_null(strstr(last_request(b), MASK));
	ipnbus_restart(b->bus);
	bus_bench_wait(b, &b->opens, 3);
	assert_non_null(strstr(last_request(b), SUSPENDING_MASK));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bus_bench_open, bus_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(a_suspended_stream_is_resumed),
		TEST(a_session_that_is_gone_is_a_loss),
		TEST(an_unanswered_resumption_is_a_loss),
		TEST(without_a_session_it_is_a_loss),
		TEST(a_stop_ends_a_resumption),
		TEST(the_answer_says_whether_it_can_suspend),
		TEST(a_daemon_that_refuses_the_bit_is_asked_without),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
