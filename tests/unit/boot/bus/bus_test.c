#include "boot/bus/bus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "boot/bus/bus_conditions.h"
#include "boot/settings/times.h"
#include "lib/base/mem.h"
#include "tests/support/bus_bench.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"

/* clang-format off */
#define SELF \
	"{\"State\":6,\"InitialStatus\":{\"BackendState\":\"Running\",\"Self\":{" \
	"\"ID\":\"nSTABLE\",\"DNSName\":\"n.t.ts.net.\",\"TailscaleIPs\":[\"100.64.0.1\"]}}}\n"
#define EMPTY_SELF \
	"{\"State\":2,\"InitialStatus\":{\"BackendState\":\"NeedsLogin\",\"Self\":{" \
	"\"ID\":\"\",\"DNSName\":\"\",\"TailscaleIPs\":null}}}\n"
/* clang-format on */

/* The bench has loop, LocalAPI and server; the subscription is this bus's. */
struct fixture {
	struct bus_bench *bench;
	struct condition_set conditions;
	struct bus bus;
	unsigned int opens, losses, notifies;
	enum ipn_state state_in_callback;
};

static void on_open(void *arg)
{
	struct fixture *f = arg;
	f->opens++;
}

static void on_lost(void *arg)
{
	struct fixture *f = arg;
	f->losses++;
}

static void on_notify(void *arg, const struct ipn_notify *n)
{
	struct fixture *f = arg;
	(void)n;
	f->notifies++;
	f->state_in_callback = f->bus.facts.ipn_state;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	void *bench = NULL;
	if (bus_bench_open(&bench) != 0)
		return -1;
	f->bench = bench;
	condition_kinds_add(&f->conditions, CONDITION_BUS_LOST);
	struct bus_partners partners = {
		f->bench->loop, f->bench->api, &f->conditions, times_get(true)};
	struct bus_events events = {on_open, on_lost, on_notify, f};
	bus_init(&f->bus, &partners, &events);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *bench = f->bench;
	bus_fini(&f->bus);
	condition_set_fini(&f->conditions);
	free(f);
	return bus_bench_close(&bench);
}

static void subscribe(struct fixture *f)
{
	bus_start(&f->bus);
	bus_bench_wait(f->bench, &f->opens, 1);
	assert_true(bus_is_open(&f->bus));
}

static void facts_are_there_when_a_report_is_seen(void **state)
{
	struct fixture *f = *state;
	subscribe(f);
	assert_int_equal(f->bus.facts.ipn_state, IPN_STATE_UNKNOWN);
	raw_server_say(f->bench->server, SELF);
	bus_bench_wait(f->bench, &f->notifies, 1);
	assert_int_equal(f->state_in_callback, IPN_STATE_RUNNING);
	assert_string_equal(f->bus.facts.self.stable_id, "nSTABLE");
	/* A message that has no state leaves the newest one. */
	raw_server_say(f->bench->server, "{}\n");
	bus_bench_wait(f->bench, &f->notifies, 2);
	assert_int_equal(f->bus.facts.ipn_state, IPN_STATE_RUNNING);
}

static void an_identity_outlives_the_daemon_its_state_does_not(void **state)
{
	struct fixture *f = *state;
	subscribe(f);
	raw_server_say(f->bench->server, SELF);
	bus_bench_wait(f->bench, &f->notifies, 1);
	bus_forget_daemon(&f->bus);
	assert_false(bus_is_open(&f->bus));
	assert_int_equal(f->bus.facts.ipn_state, IPN_STATE_UNKNOWN);
	bus_start(&f->bus);
	bus_bench_wait(f->bench, &f->opens, 2);
	/* It has returned without its state. */
	raw_server_say(f->bench->server, EMPTY_SELF);
	bus_bench_wait(f->bench, &f->notifies, 2);
	assert_int_equal(f->bus.facts.ipn_state, IPN_STATE_NEEDS_LOGIN);
	assert_string_equal(f->bus.facts.self.stable_id, "nSTABLE");
}

static bool is_lost(void *arg)
{
	const struct fixture *f = arg;
	return condition_is_raised(&f->conditions, CONDITION_BUS_LOST);
}

/* Open alone is not enough: a daemon that ends each stream at once reports nothing. */
static void a_lost_stream_is_a_condition_until_a_report_comes(void **state)
{
	struct fixture *f = *state;
	subscribe(f);
	raw_server_hang_up(f->bench->server);
	assert_true(loop_wait(f->bench->loop, is_lost, f, LOOP_WAIT_MS));
	assert_string_equal(condition_get(&f->conditions, CONDITION_BUS_LOST)->reason,
		"failed to read from tailscaled: EOF");
	assert_int_equal(f->losses, 1);
	assert_false(bus_is_open(&f->bus));
	fake_clock_advance_ms(times_get(true)->bus_retry_max_ms);
	bus_bench_wait(f->bench, &f->opens, 2);
	assert_true(is_lost(f));
	assert_false(bus_is_heard(&f->bus));
	raw_server_say(f->bench->server, SELF);
	bus_bench_wait(f->bench, &f->notifies, 1);
	assert_false(is_lost(f));
	assert_true(bus_is_heard(&f->bus));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(facts_are_there_when_a_report_is_seen),
		TEST(an_identity_outlives_the_daemon_its_state_does_not),
		TEST(a_lost_stream_is_a_condition_until_a_report_comes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
