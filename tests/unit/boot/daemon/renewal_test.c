#include "boot/daemon/renewal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/address.h"
#include "tests/support/daemon_bench.h"

#define PREFS "PATCH /localapi/v0/prefs "
#define OFF "{\"WantRunning\":false,\"WantRunningSet\":true}"
#define ON "{\"WantRunning\":true,\"WantRunningSet\":true}"
#define RETRY_MS 5000

struct bench {
	struct daemon_bench daemon;
	struct renewal renewal;
	struct ipaddr target;
};

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	*state = b;
	daemon_bench_open(&b->daemon);
	renewal_init(&b->renewal, b->daemon.loop, b->daemon.api);
	b->target = address_of("100.64.0.1");
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	renewal_stop(&b->renewal);
	daemon_bench_close(&b->daemon);
	free(b);
	return 0;
}

/* So many requests so far, the last one with this body. */
static void expect_last(struct bench *b, unsigned int count, const char *body)
{
	daemon_wait(&b->daemon, count);
	daemon_expect(&b->daemon, count - 1, PREFS, body);
}

static void off_and_on(void **state)
{
	struct bench *b = *state;
	daemon_says(&b->daemon, PREFS, "200 OK", "{}");
	for (unsigned int k = 1; k <= RENEWALS_MAX; k++) {
		renewal_begin(&b->renewal, &b->target);
		renewal_begin(&b->renewal, &b->target); /* under way */
		assert_true(b->renewal.is_off);
		daemon_wait(&b->daemon, 2 * k);
		daemon_expect(&b->daemon, 2 * k - 2, PREFS, OFF);
		daemon_expect(&b->daemon, 2 * k - 1, PREFS, ON);
		daemon_quiet(&b->daemon, 2 * k);
		assert_false(b->renewal.is_off);
	}
	/* It does not help. */
	renewal_begin(&b->renewal, &b->target);
	daemon_quiet(&b->daemon, 2 * RENEWALS_MAX);
	/* The next daemon. */
	renewal_stop(&b->renewal);
	renewal_resume(&b->renewal);
	daemon_quiet(&b->daemon, 2 * RENEWALS_MAX);
	renewal_begin(&b->renewal, &b->target);
	expect_last(b, 2 * RENEWALS_MAX + 2, ON);
}

static void a_refusal_changes_nothing(void **state)
{
	struct bench *b = *state;
	daemon_says(&b->daemon, PREFS, "400 Bad Request", "{\"Error\":\"config file is locked\"}");
	renewal_begin(&b->renewal, &b->target);
	expect_last(b, 1, OFF);
	daemon_quiet(&b->daemon, 1);
	daemon_pass(&b->daemon, 10 * RETRY_MS);
	daemon_quiet(&b->daemon, 1);
	assert_false(b->renewal.is_off);
	assert_true(log_capture_has(&b->daemon.log, "config file is locked"));
}

/* It may have been switched off. */
static void no_answer_counts_as_off(void **state)
{
	struct bench *b = *state;
	daemon_says(&b->daemon, PREFS, NULL, NULL);
	renewal_begin(&b->renewal, &b->target);
	expect_last(b, 1, OFF);
	daemon_says(&b->daemon, PREFS, "500 Internal Server Error", "");
	daemon_pass(&b->daemon, 10000);
	expect_last(b, 2, ON);
	daemon_says(&b->daemon, PREFS, "200 OK", "{}");
	daemon_quiet(&b->daemon, 2);
	daemon_pass(&b->daemon, RETRY_MS);
	expect_last(b, 3, ON);
	daemon_quiet(&b->daemon, 3);
	assert_false(b->renewal.is_off);
}

static void a_daemon_that_died_switched_off_is_switched_on(void **state)
{
	struct bench *b = *state;
	daemon_says(&b->daemon, PREFS, NULL, NULL);
	renewal_begin(&b->renewal, &b->target);
	expect_last(b, 1, OFF);
	renewal_stop(&b->renewal);
	daemon_pass(&b->daemon, 10 * RETRY_MS);
	daemon_quiet(&b->daemon, 1);
	daemon_says(&b->daemon, PREFS, "200 OK", "{}");
	renewal_resume(&b->renewal);
	expect_last(b, 2, ON);
	daemon_quiet(&b->daemon, 2);
	assert_false(b->renewal.is_off);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(off_and_on, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(no_answer_counts_as_off, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_daemon_that_died_switched_off_is_switched_on, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
