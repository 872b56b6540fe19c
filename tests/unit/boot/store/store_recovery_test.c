#include "boot/store/store_recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "boot/settings/times.h"
#include "boot/store/node_store.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/secret.h"
#include "lib/base/str.h"
#include "lib/io/loop.h"
#include "statestore/statestore_conditions.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

struct bench {
	char *state_dir;
	char *state_file;
	struct loop *loop;
	struct settings *settings;
	struct condition_set conditions;
	struct secret no_key;
	struct node_store store;
	struct store_recovery recovery;
	struct log_capture log;
	unsigned answers;
	unsigned ready;
};

static void on_answer(void *arg)
{
	struct bench *b = arg;
	b->answers++;
}

static void on_ready(void *arg)
{
	struct bench *b = arg;
	b->ready++;
}

static void on_failed(void *arg, const char *sentence)
{
	(void)arg;
	fail_msg("%s", sentence);
}

static void on_stored(void *arg)
{
	(void)arg;
}

static int setup(void **state)
{
	struct err e;
	struct bench *b = xcalloc(1, sizeof(*b));
	*state = b;
	b->state_dir = tempdir_new();
	b->state_file = tempdir_path(b->state_dir, "tailscaled.state");
	b->loop = loop_new(&e);
	assert_non_null(b->loop);
	condition_kinds_add(&b->conditions, STATESTORE_CONDITIONS);
	AUTO(strv_fini) struct strv env = {0};
	strv_push(&env, "TAILBOOT_TEST_FAST=true");
	strv_pushf(&env, "TS_STATE_DIR=%s", b->state_dir);
	b->settings = settings_load(env.items, &e);
	assert_non_null(b->settings);
	struct node_store_partners partners = {
		.loop = b->loop,
		.conditions = &b->conditions,
		.settings = b->settings,
		.times = times_get(true),
	};
	struct node_store_events events = {
		.on_ready = on_ready, .on_failed = on_failed, .on_answered = on_stored, .arg = b};
	log_capture_start(&b->log);
	node_store_init(&b->store, &partners, &events);
	node_store_set_up(&b->store, &b->no_key);
	node_store_set_capver(&b->store, 142);
	store_recovery_init(&b->recovery, b->loop, &b->store, on_answer, b);
	assert_true(loop_wait_count(b->loop, &b->ready, 1, LOOP_WAIT_MS));
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	store_recovery_pause(&b->recovery);
	node_store_fini(&b->store);
	settings_freep(&b->settings);
	condition_set_fini(&b->conditions);
	loop_free(b->loop);
	log_capture_stop(&b->log);
	free(b->state_file);
	tempdir_free(b->state_dir);
	free(b);
	return 0;
}

static void expect_answer(struct bench *b, unsigned count)
{
	assert_true(loop_wait_count(b->loop, &b->answers, count, LOOP_WAIT_MS));
	assert_int_equal(b->answers, count);
}

static void expect_silence(struct bench *b, unsigned count)
{
	assert_true(loop_wait_idle(b->loop, 600));
	assert_int_equal(b->answers, count);
}

static void a_state_that_can_be_read_answers(void **state)
{
	struct bench *b = *state;
	tempdir_write(b->state_dir, "tailscaled.state", "{}");
	store_recovery_begin(&b->recovery);
	assert_int_equal(b->answers, 0); /* never from within the call */
	expect_answer(b, 1);
	AUTO(mem_free) char *line = xasprintf("%s answers: restarting tailscaled", b->state_dir);
	assert_true(log_capture_has(&b->log, line));
}

static void a_writable_folder_answers(void **state)
{
	struct bench *b = *state;
	store_recovery_begin(&b->recovery);
	expect_answer(b, 1);
}

static void it_is_asked_until_it_answers(void **state)
{
	struct bench *b = *state;
	assert_int_equal(mkdir(b->state_file, 0700), 0);
	store_recovery_begin(&b->recovery);
	expect_silence(b, 0);
	store_recovery_begin(&b->recovery); /* is asked already */
	assert_int_equal(rmdir(b->state_file), 0);
	expect_answer(b, 1);
	expect_silence(b, 1);
}

/* No place to keep a new state in. */
static void a_folder_that_is_gone_does_not_answer(void **state)
{
	struct bench *b = *state;
	AUTO(mem_free) char *aside = xasprintf("%s.aside", b->state_dir);
	assert_int_equal(rename(b->state_dir, aside), 0);
	store_recovery_begin(&b->recovery);
	expect_silence(b, 0);
	assert_int_equal(rename(aside, b->state_dir), 0);
	expect_answer(b, 1);
}

static void nobody_asks_for_a_daemon_that_is_gone(void **state)
{
	struct bench *b = *state;
	assert_int_equal(mkdir(b->state_file, 0700), 0);
	store_recovery_begin(&b->recovery);
	expect_silence(b, 0);
	store_recovery_pause(&b->recovery);
	assert_int_equal(rmdir(b->state_file), 0);
	expect_silence(b, 0);
}

/* A restart that does not help is not repeated at once; one that did begins anew. */
static void pauses_grow_until_it_helps(void **state)
{
	struct bench *b = *state;
	store_recovery_begin(&b->recovery);
	expect_answer(b, 1);
	uint64_t began = clock_now_ms();
	for (unsigned i = 2; i <= 4; i++) {
		store_recovery_pause(&b->recovery); /* the daemon is restarted */
		store_recovery_begin(&b->recovery);
		expect_answer(b, i);
	}
	/* 50, 100 and 200 ms, half of each at least */
	assert_true(clock_now_ms() - began >= 175);
	store_recovery_end(&b->recovery);
	store_recovery_begin(&b->recovery);
	assert_int_equal(b->recovery.restarts.attempts, 0);
	expect_answer(b, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_state_that_can_be_read_answers),
		TEST(a_writable_folder_answers),
		TEST(it_is_asked_until_it_answers),
		TEST(a_folder_that_is_gone_does_not_answer),
		TEST(nobody_asks_for_a_daemon_that_is_gone),
		TEST(pauses_grow_until_it_helps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
