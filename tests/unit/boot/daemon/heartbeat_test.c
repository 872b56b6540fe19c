#include "boot/daemon/heartbeat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "boot/daemon/daemon_conditions.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/daemon_bench.h"
#include "tests/support/log_capture.h"

#define INTERVAL_MS 10000
#define PATIENCE_MS 5000
#define LIMIT_MS 60000
#define ASK "GET /localapi/v0/prefs"

struct bench {
	struct daemon_bench daemon;
	struct heartbeat heartbeat;
	unsigned changes;
	unsigned mute;
};

static void on_change(void *arg)
{
	struct bench *b = arg;
	b->changes++;
}

static void on_mute(void *arg)
{
	struct bench *b = arg;
	b->mute++;
}

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	*state = b;
	daemon_bench_open(&b->daemon);
	condition_kinds_add(&b->daemon.conditions, DAEMON_CONDITIONS);
	struct heartbeat_options options = {INTERVAL_MS, PATIENCE_MS, LIMIT_MS};
	struct heartbeat_events events = {on_change, on_mute, b};
	heartbeat_init(&b->heartbeat, b->daemon.loop, b->daemon.api, &b->daemon.conditions,
		&options, &events);
	heartbeat_start(&b->heartbeat);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	heartbeat_stop(&b->heartbeat);
	daemon_bench_close(&b->daemon);
	free(b);
	return 0;
}

static bool is_over(void *arg)
{
	struct bench *b = arg;
	return b->heartbeat.call == NULL;
}

/* The next call, the count-th, is made and answered. */
static void beat(struct bench *b, unsigned count)
{
	daemon_pass(&b->daemon, INTERVAL_MS);
	daemon_wait(&b->daemon, count);
	assert_true(loop_wait(b->daemon.loop, is_over, b, LOOP_WAIT_MS));
}

/* The same without an answer. */
static void miss(struct bench *b, unsigned count)
{
	daemon_pass(&b->daemon, INTERVAL_MS - (b->heartbeat.misses > 0 ? PATIENCE_MS : 0));
	daemon_wait(&b->daemon, count);
	unsigned before = b->heartbeat.misses;
	daemon_pass(&b->daemon, PATIENCE_MS);
	assert_true(loop_wait(b->daemon.loop, is_over, b, LOOP_WAIT_MS));
	assert_int_equal(b->heartbeat.misses, before + 1);
}

static bool is_mute(const struct bench *b)
{
	return condition_is_raised(&b->daemon.conditions, CONDITION_DAEMON_MUTE);
}

static void it_asks_at_an_interval(void **state)
{
	struct bench *b = *state;
	daemon_pass(&b->daemon, INTERVAL_MS - 1);
	daemon_quiet(&b->daemon, 0);
	daemon_pass(&b->daemon, 1);
	daemon_wait(&b->daemon, 1);
	daemon_expect(&b->daemon, 0, ASK, "");
	assert_true(loop_wait(b->daemon.loop, is_over, b, LOOP_WAIT_MS));
	beat(b, 2);
	assert_int_equal(b->changes + b->mute, 0);
	assert_true(heartbeat_is_answered(&b->heartbeat));
}

static void a_refusal_is_an_answer(void **state)
{
	struct bench *b = *state;
	daemon_says(&b->daemon, ASK, "403 Forbidden", "no");
	beat(b, 1);
	beat(b, 2);
	assert_true(heartbeat_is_answered(&b->heartbeat));
	assert_false(is_mute(b));
}

static void one_miss_turns_health_two_are_mute(void **state)
{
	struct bench *b = *state;
	daemon_says(&b->daemon, ASK, NULL, NULL);
	miss(b, 1);
	assert_int_equal(b->changes, 1);
	assert_false(heartbeat_is_answered(&b->heartbeat));
	assert_false(is_mute(b));
	miss(b, 2);
	assert_true(is_mute(b));
	assert_int_equal(b->changes, 1);
	assert_int_equal(b->mute, 0);
	/* It answers again. */
	daemon_says(&b->daemon, ASK, "200 OK", "{}");
	daemon_pass(&b->daemon, INTERVAL_MS - PATIENCE_MS);
	daemon_wait(&b->daemon, 3);
	assert_true(loop_wait(b->daemon.loop, is_over, b, LOOP_WAIT_MS));
	assert_false(is_mute(b));
	assert_int_equal(b->changes, 2);
	assert_true(heartbeat_is_answered(&b->heartbeat));
	/* Nothing is left of it. */
	daemon_pass(&b->daemon, LIMIT_MS);
	assert_int_equal(b->mute, 0);
}

static void a_mute_one_is_given_up_after_the_limit(void **state)
{
	struct bench *b = *state;
	daemon_says(&b->daemon, ASK, NULL, NULL);
	miss(b, 1);
	uint64_t since = clock_now_ms() - PATIENCE_MS;
	for (unsigned i = 2; i <= 6; i++)
		miss(b, i);
	assert_int_equal(clock_now_ms() - since, 5 * INTERVAL_MS + PATIENCE_MS);
	assert_int_equal(b->mute, 0);
	daemon_pass(&b->daemon, LIMIT_MS - 5 * INTERVAL_MS - PATIENCE_MS);
	assert_int_equal(b->mute, 1);
	assert_true(log_capture_has(
		&b->daemon.log, "tailscaled has not answered for 60000 ms, restarting it"));
	/* It stays mute until another one is there. */
	heartbeat_stop(&b->heartbeat);
	assert_true(is_mute(b));
	daemon_pass(&b->daemon, LIMIT_MS);
	assert_int_equal(b->mute, 1);
	heartbeat_start(&b->heartbeat);
	assert_false(is_mute(b));
	assert_true(heartbeat_is_answered(&b->heartbeat));
}

static void a_notification_will_do(void **state)
{
	struct bench *b = *state;
	daemon_says(&b->daemon, ASK, NULL, NULL);
	miss(b, 1);
	heartbeat_heard(&b->heartbeat);
	assert_true(heartbeat_is_answered(&b->heartbeat));
	assert_int_equal(b->changes, 2);
	daemon_pass(&b->daemon, INTERVAL_MS - PATIENCE_MS);
	daemon_wait(&b->daemon, 2);
	daemon_pass(&b->daemon, PATIENCE_MS);
	assert_true(loop_wait(b->daemon.loop, is_over, b, LOOP_WAIT_MS));
	assert_int_equal(b->heartbeat.misses, 1);
	assert_false(is_mute(b));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_asks_at_an_interval),
		TEST(a_refusal_is_an_answer),
		TEST(one_miss_turns_health_two_are_mute),
		TEST(a_mute_one_is_given_up_after_the_limit),
		TEST(a_notification_will_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
