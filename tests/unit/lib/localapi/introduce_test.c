#include "lib/localapi/introduce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/localapi/localapi.h"
#include "tests/support/address.h"
#include "tests/support/daemon_bench.h"

struct fixture {
	struct daemon_bench daemon;
	struct introduce introduce;
	unsigned int changes, lost;
};

static void on_lost(void *arg, const struct ipaddr *target)
{
	char text[IPADDR_TEXT_MAX];
	struct fixture *f = arg;
	assert_string_equal(ipaddr_format(target, text), "100.65.0.1");
	f->lost++;
}

static void on_change(void *arg)
{
	struct fixture *f = arg;
	f->changes++;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	daemon_bench_open(&f->daemon);
	daemon_says(&f->daemon, "POST /localapi/v0/ping", NULL, NULL);
	introduce_init(&f->introduce, f->daemon.loop, f->daemon.api);
	introduce_observe(&f->introduce, on_change, f);
	introduce_report_lost(&f->introduce, on_lost, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	introduce_stop(&f->introduce);
	daemon_bench_close(&f->daemon);
	free(f);
	return 0;
}

/* Each twice. */
static void add_targets(struct fixture *f, unsigned int count)
{
	char text[32];
	for (unsigned int i = 0; i < 2 * count; i++) {
		(void)snprintf(text, sizeof(text), "100.65.%u.%u", i / 2 / 200, 1 + i / 2 % 200);
		struct ipaddr target = address_of(text);
		introduce_add(&f->introduce, &target);
	}
}

static unsigned int asked(const struct fixture *f, const char *first)
{
	unsigned int count = 0;
	for (size_t i = 0; i < f->daemon.server->requests.len; i++)
		count += strncmp(f->daemon.server->requests.items[i], first, strlen(first)) == 0;
	return count;
}

static void test_each_target_once(void **state)
{
	struct fixture *f = *state;
	struct ipaddr single = address_of("100.65.9.9"), none = {0};
	add_targets(f, 3 * INTRODUCE_CALLS_MAX);
	introduce_add(&f->introduce, &single);
	introduce_add(&f->introduce, &none);
	/* A target that does not answer delays no other. */
	daemon_says(&f->daemon, "POST", "500 Internal Server Error", "no answer");
	introduce_begin(&f->introduce);
	daemon_wait(&f->daemon, 3 * INTRODUCE_CALLS_MAX + 1);
	daemon_quiet(&f->daemon, 3 * INTRODUCE_CALLS_MAX + 1);
	assert_int_equal(asked(f, "POST /localapi/v0/ping?ip=100.65.9.9&type=TSMP "), 1);
	assert_int_equal(asked(f, "POST /localapi/v0/ping?ip=100.65.0.1&type=TSMP "), 1);
}

static void test_some_at_a_time(void **state)
{
	struct fixture *f = *state;
	add_targets(f, INTRODUCE_MAX + 10);
	introduce_begin(&f->introduce); /* nothing is answered */
	daemon_wait(&f->daemon, INTRODUCE_CALLS_MAX);
	daemon_quiet(&f->daemon, INTRODUCE_CALLS_MAX);
	assert_int_equal(f->introduce.count, INTRODUCE_MAX);
	/* None is pinged twice before each was once. */
	for (unsigned int round = 2; round <= INTRODUCE_MAX / INTRODUCE_CALLS_MAX; round++) {
		daemon_pass(&f->daemon, LOCALAPI_PING_TIMEOUT_MS);
		daemon_wait(&f->daemon, round * INTRODUCE_CALLS_MAX);
	}
	assert_int_equal(asked(f, "POST /localapi/v0/ping?ip=100.65.0.1&"), 1);
	assert_int_equal(asked(f, "POST /localapi/v0/ping?ip=100.65.1.56&"), 1);
}

/* A daemon's answers, and a change that they make. */
static const struct {
	const char *status, *body;
	bool is_answer;
} answers[] = {
	{NULL, NULL, false},
	{"500 Internal Server Error", "context canceled", false},
	{"200 OK", "{\"IP\":\"100.65.0.1\",\"Err\":\"no matching peer\"}", false},
	{"200 OK", "", false},
	{"200 OK", "{\"IP\":\"100.65.0.1\",\"Err\":\"\",\"LatencySeconds\":0.01}", true},
};

/* The longest pause between two pings of one target, the time of the ping included. */
#define BETWEEN_MS (LOCALAPI_PING_TIMEOUT_MS + 1000)

static void pass_until_asked(struct fixture *f, unsigned int count)
{
	for (unsigned int passed = 0; passed < BETWEEN_MS; passed += 50) {
		if (f->daemon.server->request_count >= count)
			return;
		daemon_pass(&f->daemon, 50);
		assert_true(loop_wait_idle(f->daemon.loop, 1));
	}
}

static void test_pinged_until_it_answers(void **state)
{
	struct fixture *f = *state;
	struct ipaddr target = address_of("100.65.0.1");
	unsigned int expected = 0;
	introduce_add(&f->introduce, &target);
	introduce_begin(&f->introduce);
	for (size_t k = 0; k < ARRAY_LEN(answers); k++) {
		daemon_wait(&f->daemon, ++expected);
		assert_int_equal(introduce_state(&f->introduce, &target), INTRODUCE_ASKING);
		assert_int_equal(f->changes, 0);
		daemon_says(&f->daemon, "POST", answers[k].status, answers[k].body);
		pass_until_asked(f, expected + 1);
	}
	/* The direct path is tried at once. */
	daemon_wait(&f->daemon, ++expected + 1);
	assert_int_equal(introduce_state(&f->introduce, &target), INTRODUCE_ANSWERED);
	assert_int_equal(f->changes, 1);
	assert_int_equal(asked(f, "POST /localapi/v0/ping?ip=100.65.0.1&type=disco "), 1);
}

#define OK "{\"IP\":\"100.65.0.1\",\"Err\":\"\"}"

/* In small steps: each ping may have its answer. */
static void pass(struct fixture *f, unsigned int ms)
{
	for (unsigned int passed = 0; passed < ms; passed += 50) {
		daemon_pass(&f->daemon, 50);
		assert_true(loop_wait_idle(f->daemon.loop, 1));
	}
}

static void answer_first(struct fixture *f)
{
	struct ipaddr target = address_of("100.65.0.1");
	daemon_says(&f->daemon, "POST", "200 OK", OK);
	introduce_add(&f->introduce, &target);
	introduce_begin(&f->introduce);
	daemon_wait(&f->daemon, 2);
	assert_int_equal(introduce_state(&f->introduce, &target), INTRODUCE_ANSWERED);
}

/* The peer's session is another one than the daemon's. */
static void test_lost_while_it_is_watched(void **state)
{
	struct fixture *f = *state;
	answer_first(f);
	pass(f, 1000);
	unsigned int count = f->daemon.server->request_count;
	assert_in_range(count, 4, 6);
	/* One that was lost on the way is no lost session. */
	daemon_says(&f->daemon, "POST", NULL, NULL);
	pass_until_asked(f, count + 1);
	daemon_says(&f->daemon, "POST", "200 OK", OK);
	pass(f, 1500);
	assert_int_equal(f->lost, 0);
	daemon_says(&f->daemon, "POST", NULL, NULL);
	pass(f, 1500);
	assert_int_equal(f->lost, 1);
	pass(f, 1500);
	assert_int_equal(f->lost, 1);
	assert_int_equal(f->changes, 1);
}

static void test_failures_that_say_nothing(void **state)
{
	struct fixture *f = *state;
	answer_first(f);
	daemon_says(&f->daemon, "POST", "200 OK", "{\"Err\":\"no matching peer\"}");
	pass(f, INTRODUCE_WATCH_MS / 2);
	daemon_says(&f->daemon, "POST", "500 Internal Server Error", "");
	pass(f, INTRODUCE_WATCH_MS / 2);
	assert_int_equal(f->lost, 0);
}

static void test_watched_for_some_time(void **state)
{
	struct fixture *f = *state;
	answer_first(f);
	pass(f, INTRODUCE_WATCH_MS + 1000);
	unsigned int count = f->daemon.server->request_count;
	assert_in_range(count, INTRODUCE_WATCH_MS / 500, INTRODUCE_WATCH_MS / 300 + 2);
	daemon_says(&f->daemon, "POST", NULL, NULL);
	pass(f, 3000);
	daemon_quiet(&f->daemon, count);
	/* News may be under way: those that have answered are watched again. */
	introduce_watch(&f->introduce);
	pass(f, 1500);
	assert_int_equal(f->lost, 1);
}

/* A peer that answered the former daemon is there: its session was lost before its first answer. */
static void test_alive_one_that_never_answers(void **state)
{
	struct fixture *f = *state;
	struct ipaddr target = address_of("100.65.0.1"), other = address_of("100.65.0.2");
	answer_first(f);
	introduce_stop(&f->introduce);
	daemon_says(&f->daemon, "POST", NULL, NULL);
	introduce_add(&f->introduce, &target);
	introduce_add(&f->introduce, &other);
	introduce_begin(&f->introduce);
	/* It took no time at all, and the handshake may take some more. */
	pass(f, 900);
	assert_int_equal(f->lost, 0);
	pass(f, 1000);
	assert_int_equal(f->lost, 1);
	/* New sessions. */
	daemon_says(&f->daemon, "POST", "200 OK", OK);
	introduce_again(&f->introduce);
	pass(f, 100);
	assert_int_equal(introduce_state(&f->introduce, &target), INTRODUCE_ANSWERED);
	assert_int_equal(introduce_state(&f->introduce, &other), INTRODUCE_ANSWERED);
	assert_int_equal(f->lost, 1);
}

/* A distant peer is not lost because it is distant. */
static void test_slow_answers_are_waited_for(void **state)
{
	struct fixture *f = *state;
	struct ipaddr target = address_of("100.65.0.1");
	answer_first(f);
	f->introduce.targets[0].answer_ms = 400;
	introduce_stop(&f->introduce);
	daemon_says(&f->daemon, "POST", NULL, NULL);
	introduce_add(&f->introduce, &target);
	introduce_begin(&f->introduce);
	pass(f, 2700);
	assert_int_equal(f->lost, 0);
	pass(f, 600);
	assert_int_equal(f->lost, 1);
}

static void test_known_to_be_alive(void **state)
{
	struct fixture *f = *state;
	struct ipaddr target = address_of("100.65.0.1");
	introduce_add_alive(&f->introduce, &target);
	introduce_begin(&f->introduce);
	pass(f, 2 * LOCALAPI_PING_TIMEOUT_MS + 100);
	assert_int_equal(f->lost, 1);
}

static void test_silent_target_is_given_up(void **state)
{
	struct fixture *f = *state;
	struct ipaddr target = address_of("100.65.0.1"), other = address_of("100.65.0.2");
	introduce_add(&f->introduce, &target);
	introduce_begin(&f->introduce);
	for (unsigned int passed = 0; passed < INTRODUCE_PATIENCE_MS + BETWEEN_MS; passed += 250) {
		assert_true(loop_wait_idle(f->daemon.loop, 1));
		daemon_pass(&f->daemon, 250);
	}
	assert_int_equal(introduce_state(&f->introduce, &target), INTRODUCE_SILENT);
	assert_int_equal(introduce_state(&f->introduce, &other), INTRODUCE_UNKNOWN);
	assert_int_equal(f->changes, 1);
	unsigned int count = f->daemon.server->request_count;
	assert_in_range(count, INTRODUCE_PATIENCE_MS / BETWEEN_MS,
		INTRODUCE_PATIENCE_MS / LOCALAPI_PING_TIMEOUT_MS);
	daemon_pass(&f->daemon, 10 * INTRODUCE_PATIENCE_MS);
	daemon_quiet(&f->daemon, count);
}

/* The daemon dies meanwhile, and its successor is introduced to all anew. */
static void test_stopped_and_begun_again(void **state)
{
	struct fixture *f = *state;
	add_targets(f, 2);
	introduce_begin(&f->introduce);
	daemon_wait(&f->daemon, 2);
	introduce_stop(&f->introduce);
	daemon_says(&f->daemon, "POST", "200 OK", "{}");
	add_targets(f, 2);
	introduce_begin(&f->introduce);
	/* With the direct path of each. */
	daemon_wait(&f->daemon, 6);
	daemon_quiet(&f->daemon, 6);
	assert_int_equal(asked(f, "POST /localapi/v0/ping?ip=100.65.0.2&type=disco "), 1);
}

static void test_without_targets(void **state)
{
	struct fixture *f = *state;
	introduce_begin(&f->introduce);
	daemon_quiet(&f->daemon, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_target_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_some_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pinged_until_it_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_while_it_is_watched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures_that_say_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watched_for_some_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alive_one_that_never_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_answers_are_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(test_known_to_be_alive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent_target_is_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_and_begun_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_targets, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
