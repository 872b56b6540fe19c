#include "boot/daemon/contacts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/daemon_bench.h"

#define INTERVAL_MS 10000
#define FIRST_MS (INTERVAL_MS / 5)
#define ASK "GET /localapi/v0/status "
#define PING(address) "POST /localapi/v0/ping?ip=" address "&type=TSMP "
#define PEERS(one, two)                                                            \
	"{\"Peer\":{\"a\":{\"TailscaleIPs\":[\"100.64.0.1\"],\"Active\":" one "}," \
	"\"b\":{\"TailscaleIPs\":[\"100.64.0.2\"],\"Active\":" two "}}}"

struct bench {
	struct daemon_bench daemon;
	struct contacts contacts;
};

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	*state = b;
	daemon_bench_open(&b->daemon);
	daemon_says(&b->daemon, "POST", "500 Internal Server Error", "");
	contacts_init(&b->contacts, b->daemon.loop, b->daemon.api, INTERVAL_MS);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	contacts_lose(&b->contacts);
	daemon_bench_close(&b->daemon);
	free(b);
	return 0;
}

static bool is_over(void *arg)
{
	struct bench *b = arg;
	return b->contacts.call == NULL;
}

/* The next look, request number count. */
static void look(struct bench *b, uint64_t after_ms, unsigned int count)
{
	daemon_pass(&b->daemon, after_ms);
	daemon_wait(&b->daemon, count);
	daemon_expect(&b->daemon, count - 1, ASK, "");
	assert_true(loop_wait(b->daemon.loop, is_over, b, LOOP_WAIT_MS));
}

static void the_next_daemon_is_introduced_to_active_peers(void **state)
{
	struct bench *b = *state;
	daemon_says(&b->daemon, ASK, "200 OK", PEERS("false", "true"));
	contacts_greet(&b->contacts);
	look(b, FIRST_MS, 1);
	contacts_lose(&b->contacts);
	daemon_pass(&b->daemon, 10 * INTERVAL_MS);
	daemon_quiet(&b->daemon, 1);
	contacts_greet(&b->contacts);
	daemon_wait(&b->daemon, 2);
	daemon_expect(&b->daemon, 1, PING("100.64.0.2"), "");
	/* Running again may mean new sessions. */
	contacts_greet(&b->contacts);
	daemon_wait(&b->daemon, 3);
	daemon_expect(&b->daemon, 2, PING("100.64.0.2"), "");
	daemon_quiet(&b->daemon, 3);
}

static void the_newest_answer_counts(void **state)
{
	struct bench *b = *state;
	daemon_says(&b->daemon, ASK, "200 OK", PEERS("false", "true"));
	contacts_greet(&b->contacts);
	look(b, FIRST_MS, 1);
	daemon_says(&b->daemon, ASK, "200 OK", PEERS("true", "false"));
	look(b, INTERVAL_MS, 2);
	/* Nothing is forgotten for a failure, or when the next daemon dies at once. */
	daemon_says(&b->daemon, ASK, "500 Internal Server Error", "");
	look(b, INTERVAL_MS, 3);
	daemon_says(&b->daemon, ASK, "200 OK", "no JSON");
	look(b, INTERVAL_MS, 4);
	contacts_lose(&b->contacts);
	contacts_lose(&b->contacts);
	contacts_greet(&b->contacts);
	daemon_wait(&b->daemon, 5);
	daemon_expect(&b->daemon, 4, PING("100.64.0.1"), "");
}

static void a_daemon_with_too_many_peers_is_asked_once(void **state)
{
	struct bench *b = *state;
	AUTO(mem_free) char *large = xcalloc(1, CONTACTS_REPLY_MAX + 2);
	memset(large, ' ', CONTACTS_REPLY_MAX + 1);
	daemon_says(&b->daemon, ASK, "200 OK", large);
	contacts_greet(&b->contacts);
	look(b, FIRST_MS, 1);
	daemon_pass(&b->daemon, 10 * INTERVAL_MS);
	daemon_quiet(&b->daemon, 1);
	/* The next one may have fewer; it is said once. */
	contacts_lose(&b->contacts);
	contacts_greet(&b->contacts);
	look(b, FIRST_MS, 2);
	assert_int_equal(
		log_capture_count(&b->daemon.log, "list of peers is longer than 256 KiB"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_next_daemon_is_introduced_to_active_peers, setup, teardown),
		cmocka_unit_test_setup_teardown(the_newest_answer_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_daemon_with_too_many_peers_is_asked_once, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
