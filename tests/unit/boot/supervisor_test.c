#include "boot/supervisor_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "boot/datapath/datapath_conditions.h"
#include "boot/host/host_conditions.h"
#include "boot/login/login_conditions.h"
#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/signals.h"
#include "statestore/statestore_conditions.h"
#include "tests/support/broken_loop.h"
#include "tests/support/log_capture.h"
#include "tests/support/tempdir.h"

#define WAITS "#!/bin/sh\nexec sleep 600\n"

struct bench {
	char *dir;
	struct settings *settings;
	struct supervisor *s;
	struct log_capture log;
};

static void write_daemon(struct bench *b, const char *text)
{
	AUTO(mem_free) char *path = tempdir_path(b->dir, "tailscaled");
	tempdir_write(b->dir, "tailscaled", text);
	assert_int_equal(chmod(path, 0755), 0);
}

static void open_with(struct bench *b, const char *more)
{
	struct err e;
	AUTO(strv_fini) struct strv env = {0};
	strv_pushf(&env, "TS_TEST_ONLY_ROOT=%s", b->dir);
	strv_pushf(&env, "TS_SOCKET=%s/sock", b->dir);
	strv_pushf(&env, "TAILBOOT_TERMINATION_LOG=%s/termination", b->dir);
	strv_push(&env, "TAILBOOT_STOP_BUDGET=3s");
	strv_push(&env, more);
	b->settings = settings_load(env.items, &e);
	assert_non_null(b->settings);
	b->s = supervisor_new(b->settings, &e);
	assert_non_null(b->s);
}

static void close_it(struct bench *b)
{
	supervisor_free(b->s);
	b->s = NULL;
	settings_freep(&b->settings);
}

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	*state = b;
	b->dir = tempdir_new();
	AUTO(mem_free) char *path = xasprintf("%s:/usr/bin:/bin", b->dir);
	setenv("PATH", path, 1);
	tempdir_write(b->dir, "termination", "");
	write_daemon(b, WAITS);
	log_capture_start(&b->log);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	close_it(b);
	log_capture_stop(&b->log);
	tempdir_free(b->dir);
	free(b);
	return 0;
}

static void expect_end(struct bench *b, int code, const char *sentence)
{
	assert_int_equal(supervisor_run(b->s), code);
	AUTO(mem_free) char *message = tempdir_read(b->dir, "termination");
	assert_string_equal(message, sentence != NULL ? sentence : "");
	assert_int_equal(log_capture_count_id(&b->log, "boot.fatal"), sentence != NULL);
	if (sentence != NULL)
		assert_string_equal(b->log.texts.items[b->log.texts.len - 1], sentence);
}

static void a_daemon_that_never_ran(void **state)
{
	struct bench *b = *state;
	write_daemon(b, "#!/bin/sh\nexit 9\n");
	open_with(b, "TS_AUTHKEY=key");
	expect_end(b, 1,
		"failed to bring up tailscale: tailscaled ended before it was ready: exit status 9");
}

static void a_socket_that_never_comes(void **state)
{
	struct bench *b = *state;
	open_with(b, "TS_BOOT_TIMEOUT=200ms");
	expect_end(b, 1, "failed to bring up tailscale: timed out waiting for tailscaled socket");
}

static void a_deadline_of_nothing(void **state)
{
	static const char *const values[] = {"TS_BOOT_TIMEOUT=0", "TS_BOOT_TIMEOUT=-1s"};
	struct bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		log_capture_reset(&b->log);
		open_with(b, values[i]);
		expect_end(b, 1,
			"failed to bring up tailscale: timed out waiting for tailscaled socket");
		close_it(b);
	}
}

static void a_stop_that_was_there_first(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		open_with(b, "TS_AUTHKEY=key");
		raise(signals[i]);
		raise(SIGHUP);
		expect_end(b, 0, NULL);
		close_it(b);
	}
}

static void the_first_cause_counts(void **state)
{
	struct bench *b = *state;
	open_with(b, "TS_AUTHKEY=key");
	node_end(b->s, FATAL_BOOT_STEP, "first %s", "cause");
	node_end(b->s, FATAL_STOP_REQUESTED, NULL);
	node_end(b->s, FATAL_CRASH_BUDGET, "second");
	expect_end(b, 1, "first cause");
}

static void after_the_start_up_only_marked_causes_end_it(void **state)
{
	struct bench *b = *state;
	open_with(b, "TS_AUTHKEY=key");
	b->s->startup_complete = true;
	for (int cause = 0; cause < FATAL_CAUSE_COUNT; cause++) {
		if (fatal_row(cause)->after_startup)
			continue;
		node_end(b->s, cause, "cause %d", cause);
		assert_false(b->s->is_ending);
		assert_int_equal(b->s->state, NODE_STATE_INIT);
	}
	assert_int_equal(log_capture_count_id(&b->log, "boot.step_failed"), 5);
	node_end(b->s, FATAL_CRASH_BUDGET, "crashed");
	assert_true(b->s->is_ending);
	expect_end(b, 3, "crashed");
}

/* What is said when the deadline passes; NULL: it does not count there. */
static void the_deadline_in_each_state(void **state)
{
	static const struct {
		enum node_state state;
		bool human;
		const char *sentence;
	} cases[] = {
		{NODE_STATE_KUBE_SETUP, false,
			"error setting up for running on Kubernetes: context deadline exceeded"},
		{NODE_STATE_DAEMON, false,
			"failed to bring up tailscale: timed out waiting for tailscaled socket"},
		{NODE_STATE_SUBSCRIBE, true,
			"failed to watch tailscaled for updates: context deadline exceeded"},
		{NODE_STATE_LOGIN, false,
			"failed to auth tailscale: failed to auth tailscale: tailscale up failed: "
			"context deadline exceeded: no route"},
		{NODE_STATE_LOGIN, true, NULL},
		{NODE_STATE_AUTH, false,
			"failed to read from tailscaled: context deadline exceeded: no route"},
		{NODE_STATE_AUTH, true, NULL},
		{NODE_STATE_REISSUE, false, NULL},
		{NODE_STATE_SET, false,
			"failed to auth tailscale: tailscale set failed: context deadline exceeded"},
		{NODE_STATE_CONFIGURE, false,
			"failed to configure tailscaled: context deadline exceeded"},
		{NODE_STATE_STEADY, false,
			"failed to complete the start-up: context deadline exceeded: full disk"},
	};
	struct bench *b = *state;
	struct err e;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_with(b, "TS_AUTHKEY=key");
		condition_raise(&b->s->conditions, CONDITION_CONTROL_UNREACHABLE, "no route");
		condition_raise(&b->s->conditions, CONDITION_STORE_WRITE_FAILED, "full disk");
		b->s->state = cases[i].state;
		b->s->login.waits_for_person = cases[i].human;
		timer_start(&b->s->boot_deadline, 0);
		assert_int_equal(loop_turn(b->s->loop, 0, &e), 0);
		if (cases[i].sentence != NULL)
			assert_string_equal(b->s->end_sentence, cases[i].sentence);
		else
			assert_null(b->s->end_sentence);
		/* A pause for a person is followed by the whole time again. */
		assert_int_equal(timer_is_armed(&b->s->boot_deadline), cases[i].sentence == NULL);
		close_it(b);
	}
}

/* The cause of a silence is behind what the deadline says of it, and nowhere else. */
static void the_deadline_of_a_silent_partner(void **state)
{
	static const struct {
		enum node_state state;
		const struct condition_kind *condition;
		bool drops;
		const char *sentence;
	} cases[] = {
		{NODE_STATE_LOGIN, NULL, true,
			"failed to auth tailscale: failed to auth tailscale: tailscale up failed: "
			"context deadline exceeded: in the range"},
		{NODE_STATE_LOGIN, NULL, false,
			"failed to auth tailscale: failed to auth tailscale: tailscale up failed: "
			"context deadline exceeded"},
		{NODE_STATE_AUTH, CONDITION_CONTROL_UNREACHABLE, true,
			"failed to read from tailscaled: context deadline exceeded: reason; in the "
			"range"},
		{NODE_STATE_AUTH, CONDITION_CONTROL_ERROR, true,
			"failed to read from tailscaled: context deadline exceeded: reason"},
		{NODE_STATE_STEADY, CONDITION_STORE_WRITE_FAILED, true,
			"failed to complete the start-up: context deadline exceeded: reason; in the "
			"range"},
		{NODE_STATE_STEADY, CONDITION_FORWARDING_OFF, true,
			"failed to complete the start-up: context deadline exceeded: reason"},
		{NODE_STATE_SET, NULL, true,
			"failed to auth tailscale: tailscale set failed: context deadline exceeded"},
	};
	struct bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_with(b, "TS_AUTHKEY=key");
		condition_raise(
			&b->s->conditions, CONDITION_ADDRESS_IN_TAILNET_RANGE, "in the range");
		if (cases[i].condition != NULL)
			condition_raise(&b->s->conditions, cases[i].condition, "reason");
		b->s->drops_neighbours = cases[i].drops;
		b->s->state = cases[i].state;
		node_on_boot_deadline(b->s);
		assert_string_equal(b->s->end_sentence, cases[i].sentence);
		close_it(b);
	}
}

/* The daemon writes its pid when it runs; 0 until then. */
static pid_t daemon_pid(const struct bench *b)
{
	AUTO(mem_free) char *path = tempdir_path(b->dir, "pid");
	if (access(path, F_OK) < 0)
		return 0;
	AUTO(mem_free) char *text = tempdir_read(b->dir, "pid");
	return (pid_t)strtol(text, NULL, 10);
}

/* Breaks the loop as soon as the daemon runs; for good: no other can be had. */
struct breaker {
	const struct bench *bench;
	struct timer timer;
	bool is_for_good;
	struct rlimit limit;
};

static void on_look(void *arg)
{
	struct breaker *breaker = arg;
	if (daemon_pid(breaker->bench) == 0) {
		timer_start(&breaker->timer, 5);
		return;
	}
	broken_loop_make();
	struct rlimit none = {.rlim_cur = 0, .rlim_max = breaker->limit.rlim_max};
	if (breaker->is_for_good)
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static int run_until_broken(struct bench *b, bool is_for_good)
{
	struct breaker breaker = {.bench = b, .is_for_good = is_for_good};
	AUTO(mem_free)
	char *text = xasprintf("#!/bin/sh\necho $$ >%s/pid\nexec sleep 600\n", b->dir);
	write_daemon(b, text);
	open_with(b, "TS_AUTHKEY=key");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &breaker.limit), 0);
	timer_init(&breaker.timer, b->s->loop, on_look, &breaker);
	timer_start(&breaker.timer, 5);
	int code = supervisor_run(b->s);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &breaker.limit), 0);
	assert_int_equal(kill(daemon_pid(b), 0), -1);
	assert_int_equal(errno, ESRCH);
	return code;
}

static void a_loop_that_fails_leaves_nothing_behind(void **state)
{
	struct bench *b = *state;
	assert_int_equal(run_until_broken(b, false), 4);
	AUTO(mem_free) char *message = tempdir_read(b->dir, "termination");
	assert_string_equal(message, "wait for events: Invalid argument");
	/* The whole stop, not only the last resort. */
	assert_int_equal(b->s->state, NODE_STATE_DONE);
	assert_int_equal(log_capture_count(&b->log, "Sending SIGTERM to tailscaled"), 1);
}

static void without_another_loop_the_daemon_is_ended_too(void **state)
{
	assert_int_equal(run_until_broken(*state, true), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	signals_block();
	const struct CMUnitTest tests[] = {
		TEST(a_daemon_that_never_ran),
		TEST(a_socket_that_never_comes),
		TEST(a_deadline_of_nothing),
		TEST(a_stop_that_was_there_first),
		TEST(the_first_cause_counts),
		TEST(after_the_start_up_only_marked_causes_end_it),
		TEST(the_deadline_in_each_state),
		TEST(the_deadline_of_a_silent_partner),
		TEST(a_loop_that_fails_leaves_nothing_behind),
		TEST(without_another_loop_the_daemon_is_ended_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
