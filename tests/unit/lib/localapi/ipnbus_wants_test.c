/*
 * What happens to peers and records between two subscriptions: nothing is lost, nothing stays that
 * the new one does not tell.
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

#include "lib/base/backoff.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/localapi/localapi.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"
#include "tests/support/tempdir.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
#define RETRY_MS 100
#define PEER(id, name) "\"k" #id "\":{\"NodeID\":" #id ",\"DNSName\":\"" name "\"}"
#define RECORD(name, value) "{\"Name\":\"" name "\",\"Value\":\"" value "\"}"
#define STATUS(records, peers) \
	"{\"InitialStatus\":{\"ExtraRecords\":[" records "],\"Peer\":{" peers "}}}\n"

struct fixture {
	struct loop *loop;
	struct fetcher *fetcher;
	char *dir, *socket;
	struct raw_server *server;
	struct localapi *api;
	struct peers *peers;
	struct records *records;
	struct ipnbus *bus;
	unsigned int opens, notifies, losses;
	const char *want_at_notify; /* once; and a new subscription at once */
};

static bool want(struct fixture *f, const char *words)
{
	AUTO(strv_fini) struct strv names = {0};
	str_words(words, &names);
	bool is_new = records_want(f->records, &names);
	is_new |= peers_want(f->peers, &names, NULL, 0);
	return is_new;
}

static void on_open(void *arg)
{
	struct fixture *f = arg;
	f->opens++;
}

static void on_notify(void *arg, const struct ipn_notify *n)
{
	struct fixture *f = arg;
	(void)n;
	f->notifies++;
	if (f->want_at_notify == NULL)
		return;
	assert_true(want(f, f->want_at_notify));
	f->want_at_notify = NULL;
	ipnbus_restart(f->bus);
}

static void on_lost(void *arg, const struct err *why)
{
	struct fixture *f = arg;
	(void)why;
	f->losses++;
}

static uint32_t middle(void)
{
	return UINT32_MAX / 2;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	const struct ipnbus_times times = {RETRY_MS, RETRY_MS, 10000};
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
	f->records = records_new();
	f->bus = ipnbus_new(f->loop, f->api, f->peers, &times, &events);
	ipnbus_set_records(f->bus, f->records);
	*state = f;
	return f->fetcher != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	ipnbus_free(f->bus);
	peers_free(f->peers);
	records_free(f->records);
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

static void say(struct fixture *f, const char *text)
{
	unsigned int target = f->notifies + 1;
	raw_server_say(f->server, text);
	wait_for(f, &f->notifies, target);
}

/* Names of the kept peers, and of records, as words. */
static void expect(const struct fixture *f, const char *peers, const char *records)
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

static void subscribe(struct fixture *f, const char *words, const char *status)
{
	unsigned int target = f->opens + 1;
	want(f, words);
	ipnbus_start(f->bus);
	wait_for(f, &f->opens, target);
	say(f, status);
}

static void new_wishes_come_with_the_next_subscription(void **state)
{
	struct fixture *f = *state;
	subscribe(f, "a", STATUS(RECORD("a", "1.1.1.1"), PEER(1, "a.") "," PEER(2, "b.")));
	expect(f, "a", "a");
	assert_true(want(f, "a b r"));
	ipnbus_restart(f->bus);
	/* In between nothing is forgotten. */
	expect(f, "a", "a");
	wait_for(f, &f->opens, 2);
	expect(f, "a", "a");
	say(f, STATUS(RECORD("r", "1.1.1.2"), PEER(2, "b.")));
	expect(f, "b", "r");
	const struct ipaddr *addresses;
	size_t count;
	assert_false(records_lookup(f->records, "a", &addresses, &count));
}

/* What the old stream still had to say is in the status of the new one, and is not read twice. */
static void the_rest_of_the_old_stream_is_void(void **state)
{
	struct fixture *f = *state;
	subscribe(f, "a", STATUS("", PEER(1, "a.")));
	f->want_at_notify = "a b";
	raw_server_say(f->server, "{}\n{\"PeersRemoved\":[1]}\n"
				  "{\"PeersChanged\":[{\"ID\":2,\"Name\":\"b.\"}]}\n");
	wait_for(f, &f->opens, 2);
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
	struct fixture *f = *state;
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
			wait_for(f, &f->losses, 1);
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
		fake_clock_advance_ms(RETRY_MS);
		wait_for(f, &f->opens, opens + 1);
		say(f, STATUS(RECORD("a", "1.1.1.1"), PEER(1, "a.")));
		expect(f, "a", "a");
	}
}

/* Records alone are read when no peer is wanted. */
static void records_need_no_peers(void **state)
{
	AUTO(strv_fini) struct strv names = {0};
	struct fixture *f = *state;
	strv_push(&names, "a");
	assert_true(records_want(f->records, &names));
	subscribe(f, "a", STATUS(RECORD("a", "1.1.1.1"), ""));
	expect(f, "", "a");
	peers_want(f->peers, &(struct strv){0}, NULL, 0);
	ipnbus_restart(f->bus);
	wait_for(f, &f->opens, 2);
	say(f, STATUS(RECORD("a", "1.1.1.2") "," RECORD("a", "1.1.1.3"), PEER(1, "a.")));
	expect(f, "", "a");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(new_wishes_come_with_the_next_subscription),
		TEST(the_rest_of_the_old_stream_is_void),
		TEST(half_a_status_is_no_replacement),
		TEST(records_need_no_peers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
