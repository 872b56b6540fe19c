/*
 * What happens to peers and records between two subscriptions: nothing is lost, nothing stays that
 * the new one does not report.
 */
#include "lib/localapi/ipnbus.h"

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
#include "lib/localapi/records.h"
#include "tests/support/bus_bench.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"

#define PEER(id, name) "\"k" #id "\":{\"NodeID\":" #id ",\"DNSName\":\"" name "\"}"
#define RECORD(name, value) "{\"Name\":\"" name "\",\"Value\":\"" value "\"}"
#define STATUS(records, peers) \
	"{\"InitialStatus\":{\"ExtraRecords\":[" records "],\"Peer\":{" peers "}}}\n"

static bool want(struct bus_bench *f, const char *words)
{
	AUTO(strv_fini) struct strv names = {0};
	str_words(words, &names);
	bool is_new = records_want(f->records, &names);
	is_new |= peers_want(f->peers, &names, NULL, 0);
	return is_new;
}

static void want_b_as_well(struct bus_bench *f)
{
	f->notified = NULL;
	assert_true(want(f, "a b"));
	ipnbus_restart(f->bus);
}

static int setup(void **state)
{
	int code = bus_bench_open(state);
	struct bus_bench *f = *state;
	ipnbus_set_records(f->bus, f->records);
	return code;
}

static void say(struct bus_bench *f, const char *text)
{
	unsigned int target = f->notifies + 1;
	raw_server_say(f->server, text);
	bus_bench_wait(f, &f->notifies, target);
}

/* Names of the kept peers, and of records, as words. */
static void expect(const struct bus_bench *f, const char *peers, const char *records)
{
	AUTO(strv_fini) struct strv names = {0};
	AUTO(strv_fini) struct strv record_names = {0};
	const struct ipaddr *addresses;
	size_t count;
	str_words(peers, &names);
	str_words(records, &record_names);
	assert_int_equal(peers_count(f->peers), names.len);
	for (size_t i = 0; i < names.len; i++)
		assert_non_null(peers_by_name(f->peers, names.items[i]));
	for (size_t i = 0; i < record_names.len; i++)
		assert_true(records_lookup(f->records, record_names.items[i], &addresses, &count));
}

static void subscribe(struct bus_bench *f, const char *words, const char *status)
{
	unsigned int target = f->opens + 1;
	want(f, words);
	ipnbus_start(f->bus);
	bus_bench_wait(f, &f->opens, target);
	say(f, status);
}

static void new_wants_count_from_the_next_subscription(void **state)
{
	struct bus_bench *f = *state;
	subscribe(f, "a", STATUS(RECORD("a", "1.1.1.1"), PEER(1, "a.") "," PEER(2, "b.")));
	expect(f, "a", "a");
	assert_true(want(f, "a b r"));
	ipnbus_restart(f->bus);
	/* In between nothing is forgotten. */
	expect(f, "a", "a");
	bus_bench_wait(f, &f->opens, 2);
	expect(f, "a", "a");
	say(f, STATUS(RECORD("r", "1.1.1.2"), PEER(2, "b.")));
	expect(f, "b", "r");
	const struct ipaddr *addresses;
	size_t count;
	assert_false(records_lookup(f->records, "a", &addresses, &count));
}

/* What the old stream still had to say is in the status of the new one, and is not read twice. */
static void the_remaining_old_stream_is_void(void **state)
{
	struct bus_bench *f = *state;
	subscribe(f, "a", STATUS("", PEER(1, "a.")));
	f->notified = want_b_as_well;
	raw_server_say(f->server, "{}\n{\"PeersRemoved\":[1]}\n"
				  "{\"PeersChanged\":[{\"ID\":2,\"Name\":\"b.\"}]}\n");
	bus_bench_wait(f, &f->opens, 2);
	assert_int_equal(f->notifies, 2);
	expect(f, "a", "");
	say(f, STATUS("", PEER(2, "b.")));
	expect(f, "b", "");
	/* The stream that lives is heard. */
	say(f, "{\"PeersChanged\":[{\"ID\":1,\"Name\":\"a.\"}],\"PeersRemoved\":[2]}\n");
	expect(f, "a", "");
	assert_int_equal(f->losses, 0);
}

static void half_a_status_is_no_replacement(void **state)
{
	static const char half[] = "{\"InitialStatus\":{\"ExtraRecords\":[" RECORD(
		"b", "1.1.1.2") "],"
				"\"Peer\":{" PEER(2, "b.");
	static const char config[] = "{\"ExtraRecords\":[" RECORD("a", "1.1.1.7") "]}";
	struct bus_bench *f = *state;
	struct err e;
	subscribe(f, "a b", STATUS(RECORD("a", "1.1.1.1"), PEER(1, "a.")));
	for (int round = 0; round < 3; round++) {
		unsigned int opens = f->opens;
		raw_server_say(f->server, half);
		while (!records_is_open(f->records))
			assert_true(loop_wait_idle(f->loop, 10));
		expect(f, "a b", "a");
		if (round == 0) {
			raw_server_hang_up(f->server);
			bus_bench_wait(f, &f->losses, 1);
		} else if (round == 1) {
			ipnbus_stop(f->bus);
		} else {
			ipnbus_restart(f->bus);
		}
		/* An answer of dns-config is not kept out. */
		assert_false(records_is_open(f->records));
		assert_int_equal(
			records_from_dns_config(f->records, config, strlen(config), &e), 0);
		expect(f, "a b", "a");
		ipnbus_start(f->bus);
		fake_clock_advance_ms(BUS_BENCH_RETRY_BASE_MS);
		bus_bench_wait(f, &f->opens, opens + 1);
		say(f, STATUS(RECORD("a", "1.1.1.1"), PEER(1, "a.")));
		expect(f, "a", "a");
	}
}

/* Records alone are read when no peer is wanted. */
static void records_need_no_peers(void **state)
{
	AUTO(strv_fini) struct strv names = {0};
	struct bus_bench *f = *state;
	strv_push(&names, "a");
	assert_true(records_want(f->records, &names));
	subscribe(f, "a", STATUS(RECORD("a", "1.1.1.1"), ""));
	expect(f, "", "a");
	peers_want(f->peers, &(struct strv){0}, NULL, 0);
	ipnbus_restart(f->bus);
	bus_bench_wait(f, &f->opens, 2);
	say(f, STATUS(RECORD("a", "1.1.1.2") "," RECORD("a", "1.1.1.3"), PEER(1, "a.")));
	expect(f, "", "a");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, bus_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(new_wants_count_from_the_next_subscription),
		TEST(the_remaining_old_stream_is_void),
		TEST(half_a_status_is_no_replacement),
		TEST(records_need_no_peers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
