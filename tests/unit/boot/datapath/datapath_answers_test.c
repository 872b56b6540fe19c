#include "boot/datapath/datapath_answers.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/datapath/datapath_partners.h"
#include "boot/settings/times.h"
#include "egress/egress_conditions.h"
#include "lib/base/mem.h"
#include "lib/nft/nft_model.h"
#include "tests/support/address.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/daemon_bench.h"

#define OK "200 OK", "{}"
#define LIMIT_MS 12000

struct fixture {
	struct daemon_bench daemon;
	struct datapath_answers answers;
	unsigned int reports;
};

static void on_report(void *arg)
{
	struct fixture *f = arg;
	f->reports++;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	daemon_bench_open(&f->daemon);
	condition_kinds_add(&f->daemon.conditions, EGRESS_CONDITIONS);
	daemon_says(&f->daemon, "POST /localapi/v0/ping", NULL, NULL);
	struct datapath_partners with = {
		.loop = f->daemon.loop,
		.api = f->daemon.api,
		.conditions = &f->daemon.conditions,
		.times = times_get(false),
	};
	datapath_answers_init(&f->answers, &with, on_report, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	datapath_answers_fini(&f->answers);
	daemon_bench_close(&f->daemon);
	free(f);
	return 0;
}

/* Services for so many targets in a row, two ports each. */
static void want(struct fixture *f, unsigned int first, unsigned int count)
{
	char text[32];
	AUTO(nft_wanted_fini) struct nft_wanted w = {0};
	struct err e;
	nft_wanted_init(&w, "tailscale0", "a/b");
	struct ipaddr own = address_of("100.64.0.100");
	nft_wanted_set_own(&w, &own);
	for (unsigned int i = 2 * first; i < 2 * (first + count); i++) {
		(void)snprintf(text, sizeof(text), "100.65.%u.%u", i / 2 / 200, 1 + i / 2 % 200);
		struct nft_portmap map = {.service = (char[]){"s"},
			.proto = IPPROTO_TCP,
			.match_port = (uint16_t)(1000 + i),
			.target = address_of(text),
			.target_port = 80};
		assert_int_equal(nft_wanted_add_portmap(&w, &map, &e), 0);
	}
	datapath_answers_want(&f->answers, &w);
}

/* The first ping included. */
#define WATCH_PINGS_MAX (INTRODUCE_WATCH_MS / 300 + 2)

static unsigned int pinged(const struct fixture *f, const char *target)
{
	unsigned int count = 0;
	AUTO(mem_free) char *head = xasprintf("POST /localapi/v0/ping?ip=%s&type=TSMP ", target);
	for (size_t i = 0; i < f->daemon.server->requests.len; i++)
		count += strncmp(f->daemon.server->requests.items[i], head, strlen(head)) == 0;
	return count;
}

#define STEP_MS 500

/* In steps that a ping and the pause after it are not shorter than. */
static void pass(struct fixture *f, unsigned int ms)
{
	for (unsigned int passed = 0; passed < ms; passed += STEP_MS)
		daemon_pass(&f->daemon, STEP_MS);
}

static bool is_silent(const struct fixture *f)
{
	return condition_is_raised(&f->daemon.conditions, CONDITION_EGRESS_TARGET_SILENT);
}

static void nothing_is_asked_before_the_node_runs(void **state)
{
	struct fixture *f = *state;
	want(f, 0, 2);
	daemon_quiet(&f->daemon, 0);
	assert_false(egress_answers_allow_all(&f->answers.targets));
	daemon_says(&f->daemon, "POST", OK);
	datapath_answers_begin(&f->answers);
	want(f, 0, 2);
	assert_true(loop_wait_count(f->daemon.loop, &f->reports, 1, LOOP_WAIT_MS));
	pass(f, 1000);
	assert_true(egress_answers_allow_all(&f->answers.targets));
	assert_false(is_silent(f));
}

static void a_silent_target_is_a_condition_until_it_answers(void **state)
{
	struct fixture *f = *state;
	datapath_answers_begin(&f->answers);
	want(f, 0, 1);
	pass(f, LIMIT_MS - STEP_MS);
	assert_int_equal(f->reports, 0);
	assert_false(is_silent(f));
	pass(f, 2 * STEP_MS);
	assert_int_equal(f->reports, 1);
	assert_true(is_silent(f));
	assert_true(egress_answers_allow_all(&f->answers.targets));
	/* Given up by then, and asked again. */
	pass(f, 15000);
	unsigned int count = pinged(f, "100.65.0.1");
	daemon_says(&f->daemon, "POST", OK);
	pass(f, 30000);
	assert_in_range(pinged(f, "100.65.0.1"), count + 1, count + WATCH_PINGS_MAX);
	assert_false(is_silent(f));
	assert_int_equal(log_capture_count(&f->daemon.log, "condition EgressTargetSilent"), 2);
}

static void a_removed_target_is_no_longer_at_fault(void **state)
{
	struct fixture *f = *state;
	datapath_answers_begin(&f->answers);
	want(f, 0, 1);
	pass(f, LIMIT_MS + STEP_MS);
	assert_true(is_silent(f));
	want(f, 1, 0);
	assert_false(is_silent(f));
}

static void the_next_daemon_is_introduced_to_all(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->daemon, "POST", OK);
	datapath_answers_begin(&f->answers);
	want(f, 0, 2);
	assert_true(loop_wait_count(f->daemon.loop, &f->reports, 1, LOOP_WAIT_MS));
	pass(f, 1000);
	want(f, 0, 2);
	pass(f, INTRODUCE_WATCH_MS);
	unsigned int count = pinged(f, "100.65.0.1");
	assert_in_range(count, 1, WATCH_PINGS_MAX);
	want(f, 0, 2);
	pass(f, 1000);
	assert_int_equal(pinged(f, "100.65.0.1"), count);
	datapath_answers_lose(&f->answers);
	assert_true(egress_answers_allow_all(&f->answers.targets));
	datapath_answers_begin(&f->answers);
	want(f, 0, 2);
	pass(f, INTRODUCE_WATCH_MS + 1000);
	assert_in_range(pinged(f, "100.65.0.1"), count + 1, 2 * WATCH_PINGS_MAX);
	/* So is one that has new sessions. */
	count = pinged(f, "100.65.0.1");
	datapath_answers_begin(&f->answers);
	want(f, 0, 2);
	pass(f, STEP_MS);
	assert_in_range(pinged(f, "100.65.0.1"), count + 1, count + 1);
	assert_in_range(pinged(f, "100.65.0.2"), 3, 3 * WATCH_PINGS_MAX);
}

/* As many as can be asked at once have been asked, and make room. */
static void former_targets_leave_room_for_new_ones(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->daemon, "POST", OK);
	datapath_answers_begin(&f->answers);
	want(f, 0, INTRODUCE_MAX);
	for (int i = 0; i < 100 && !egress_answers_allow_all(&f->answers.targets); i++)
		pass(f, STEP_MS);
	assert_true(egress_answers_allow_all(&f->answers.targets));
	want(f, INTRODUCE_MAX, 1);
	assert_false(egress_answers_allow_all(&f->answers.targets));
	pass(f, 1000);
	assert_true(egress_answers_allow_all(&f->answers.targets));
	assert_false(is_silent(f));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_asked_before_the_node_runs),
		TEST(a_silent_target_is_a_condition_until_it_answers),
		TEST(a_removed_target_is_no_longer_at_fault),
		TEST(the_next_daemon_is_introduced_to_all),
		TEST(former_targets_leave_room_for_new_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
