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
#include "tests/support/address.h"
#include "tests/support/daemon_bench.h"

struct fixture {
	struct daemon_bench daemon;
	struct introduce introduce;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	daemon_bench_open(&f->daemon);
	daemon_says(&f->daemon, "POST /localapi/v0/ping", NULL, NULL);
	introduce_init(&f->introduce, f->daemon.api);
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
		cmocka_unit_test_setup_teardown(test_stopped_and_begun_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_targets, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
