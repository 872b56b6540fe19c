#include "ingress/advertise.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingress/ingress_conditions.h"
#include "lib/base/mem.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/daemon_bench.h"

#define GET_SERVE "GET /localapi/v0/serve-config "
#define GET_PREFS "GET /localapi/v0/prefs "
#define PATCH_PREFS "PATCH /localapi/v0/prefs "
#define TWO "{\"Services\":{\"svc:b\":{},\"svc:a\":{}}}"
#define ADVERTISE_TWO "{\"AdvertiseServices\":[\"svc:a\",\"svc:b\"],\"AdvertiseServicesSet\":true}"
#define ADVERTISE_NONE "{\"AdvertiseServices\":null,\"AdvertiseServicesSet\":true}"
#define HAS_TWO "{\"AdvertiseServices\":[\"svc:b\",\"svc:a\"]}"
#define GRACE_MS 20000
#define PAUSE_MS 2000
#define RETRY_BASE_MS 250

struct fixture {
	struct daemon_bench d;
	struct advertise *a;
	unsigned int done;
	struct err err;
	bool frees;
};

static void make(struct fixture *f, bool automatic)
{
	const struct advertise_options options = {automatic, PAUSE_MS, RETRY_BASE_MS, 30000};
	advertise_free(f->a);
	f->a = advertise_new(f->d.loop, f->d.api, &f->d.conditions, &options);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	daemon_bench_open(&f->d);
	condition_kinds_add(&f->d.conditions, INGRESS_CONDITIONS);
	daemon_says(&f->d, GET_SERVE, "200 OK", TWO);
	make(f, true);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	advertise_free(f->a);
	daemon_bench_close(&f->d);
	free(f);
	return 0;
}

static bool has_failed(const struct fixture *f)
{
	return condition_is_raised(&f->d.conditions, CONDITION_ADVERTISE_FAILED);
}

static void services_of_the_daemon_are_advertised_once(void **state)
{
	struct fixture *f = *state;
	advertise_refresh(f->a);
	daemon_wait(&f->d, 2);
	daemon_expect(&f->d, 0, GET_SERVE, "");
	daemon_expect(&f->d, 1, PATCH_PREFS, ADVERTISE_TWO);
	daemon_quiet(&f->d, 2);
	/* The same again needs no call but two looks. */
	daemon_says(&f->d, GET_PREFS, "200 OK", HAS_TWO);
	advertise_refresh(f->a);
	daemon_wait(&f->d, 4);
	daemon_expect(&f->d, 3, GET_PREFS, "");
	daemon_quiet(&f->d, 4);
	/* To a restarted daemon it is sent again. */
	advertise_forget(f->a);
	advertise_refresh(f->a);
	daemon_wait(&f->d, 6);
	daemon_expect(&f->d, 5, PATCH_PREFS, ADVERTISE_TWO);
	daemon_quiet(&f->d, 6);
	/* No Services any more. */
	daemon_says(&f->d, GET_SERVE, "200 OK", "{}");
	advertise_refresh(f->a);
	daemon_wait(&f->d, 8);
	daemon_expect(&f->d, 7, PATCH_PREFS, ADVERTISE_NONE);
	daemon_quiet(&f->d, 8);
}

/* The command line and an operator change the serve config and the preferences as well. */
static void what_others_change_is_seen_at_the_next_notification(void **state)
{
	struct fixture *f = *state;
	advertise_look(f->a);
	daemon_wait(&f->d, 2);
	daemon_expect(&f->d, 1, PATCH_PREFS, ADVERTISE_TWO);
	daemon_quiet(&f->d, 2);
	/* Withdrawn by others. */
	daemon_says(&f->d, GET_PREFS, "200 OK", "{\"AdvertiseServices\":[\"svc:a\"]}");
	for (int i = 0; i < 1000; i++)
		advertise_look(f->a);
	daemon_quiet(&f->d, 2);
	daemon_pass(&f->d, PAUSE_MS);
	daemon_wait(&f->d, 5);
	daemon_expect(&f->d, 4, PATCH_PREFS, ADVERTISE_TWO);
	daemon_says(&f->d, GET_PREFS, "200 OK", HAS_TWO);
	daemon_quiet(&f->d, 5);
	/* Another Service in the serve config. */
	daemon_says(&f->d, GET_SERVE, "200 OK", "{\"Services\":{\"svc:c\":{}}}");
	daemon_pass(&f->d, PAUSE_MS);
	daemon_quiet(&f->d, 5);
	advertise_look(f->a);
	daemon_wait(&f->d, 7);
	daemon_expect(&f->d, 6, PATCH_PREFS,
		"{\"AdvertiseServices\":[\"svc:c\"],\"AdvertiseServicesSet\":true}");
	daemon_quiet(&f->d, 7);
	/* Prefs that are not to be had are asked for again. */
	daemon_says(&f->d, GET_PREFS, "500 No", "");
	daemon_pass(&f->d, PAUSE_MS);
	advertise_look(f->a);
	daemon_wait(&f->d, 9);
	daemon_quiet(&f->d, 9);
	assert_true(has_failed(f));
	daemon_says(&f->d, GET_PREFS, "200 OK", "{\"AdvertiseServices\":[\"svc:c\"]}");
	advertise_look(f->a);
	daemon_quiet(&f->d, 9);
	daemon_pass(&f->d, RETRY_BASE_MS);
	daemon_wait(&f->d, 11);
	daemon_quiet(&f->d, 11);
	assert_false(has_failed(f));
	make(f, false);
	advertise_look(f->a);
	daemon_quiet(&f->d, 11);
}

static void without_services_nothing_is_touched(void **state)
{
	static const char *const texts[] = {"null", "{}", "{\"Services\":null}",
		"{\"Services\":{}}", "{\"Services\":[]}", "{\"Services\":[7]}"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		daemon_says(&f->d, GET_SERVE, "200 OK", texts[i]);
		advertise_refresh(f->a);
		daemon_wait(&f->d, (unsigned int)i + 1);
		daemon_quiet(&f->d, (unsigned int)i + 1);
		assert_false(has_failed(f));
	}
	/* And nothing at all when it is not automatic. */
	make(f, false);
	advertise_refresh(f->a);
	daemon_quiet(&f->d, ARRAY_LEN(texts));
}

static void a_failure_is_tried_again(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET_SERVE, "503 No", "starting");
	advertise_refresh(f->a);
	daemon_wait(&f->d, 1);
	daemon_quiet(&f->d, 1);
	assert_true(has_failed(f));
	daemon_says(&f->d, GET_SERVE, "200 OK", "nonsense");
	daemon_pass(&f->d, RETRY_BASE_MS);
	daemon_wait(&f->d, 2);
	daemon_quiet(&f->d, 2);
	assert_non_null(strstr(condition_get(&f->d.conditions, CONDITION_ADVERTISE_FAILED)->reason,
		"serve config of the daemon: "));
	daemon_says(&f->d, GET_SERVE, "200 OK", TWO);
	daemon_says(&f->d, PATCH_PREFS, "403 No", "no");
	daemon_pass(&f->d, 2 * RETRY_BASE_MS);
	daemon_wait(&f->d, 4);
	daemon_quiet(&f->d, 4);
	assert_true(has_failed(f));
	daemon_says(&f->d, PATCH_PREFS, "200 OK", "{}");
	daemon_pass(&f->d, 4 * RETRY_BASE_MS);
	daemon_wait(&f->d, 6);
	daemon_quiet(&f->d, 6);
	assert_false(has_failed(f));
}

static void a_refresh_during_a_call_is_not_lost(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, PATCH_PREFS, NULL, NULL);
	advertise_refresh(f->a);
	daemon_wait(&f->d, 2);
	advertise_refresh(f->a);
	advertise_refresh(f->a);
	daemon_quiet(&f->d, 2);
	daemon_says(&f->d, GET_SERVE, "200 OK", "{\"Services\":{\"svc:c\":{}}}");
	daemon_says(&f->d, PATCH_PREFS, "200 OK", "{}");
	raw_server_say(f->d.server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
	daemon_wait(&f->d, 4);
	daemon_expect(&f->d, 3, PATCH_PREFS,
		"{\"AdvertiseServices\":[\"svc:c\"],\"AdvertiseServicesSet\":true}");
	daemon_quiet(&f->d, 4);
}

static void forgetting_ends_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET_SERVE, NULL, NULL);
	advertise_refresh(f->a);
	daemon_wait(&f->d, 1);
	advertise_forget(f->a);
	daemon_says(&f->d, GET_SERVE, "503 No", "");
	advertise_refresh(f->a);
	daemon_wait(&f->d, 2);
	daemon_quiet(&f->d, 2);
	assert_true(has_failed(f));
	advertise_forget(f->a);
	daemon_pass(&f->d, 60000);
	daemon_quiet(&f->d, 2);
}

static void on_withdrawn(void *arg, const struct err *err)
{
	struct fixture *f = arg;
	f->done++;
	if (f->frees) {
		advertise_free(f->a);
		f->a = NULL;
	}
	f->err = err != NULL ? *err : (struct err){0};
}

#define CALLS_MS 3000

static void withdraw(struct fixture *f, uint32_t grace_ms)
{
	advertise_withdraw(f->a, CALLS_MS, grace_ms, on_withdrawn, f);
	assert_int_equal(f->done, 0);
}

static void a_withdrawal_gives_clients_time(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET_PREFS, "200 OK", "{\"AdvertiseServices\":[\"svc:x\",\"svc:y\"]}");
	withdraw(f, GRACE_MS);
	daemon_wait(&f->d, 2);
	daemon_expect(&f->d, 0, GET_PREFS, "");
	daemon_expect(&f->d, 1, PATCH_PREFS, ADVERTISE_NONE);
	assert_int_equal(log_capture_count(&f->d.log, "unadvertising services: [svc:x svc:y]"), 1);
	daemon_quiet(&f->d, 2);
	daemon_pass(&f->d, GRACE_MS - 1);
	assert_int_equal(f->done, 0);
	daemon_pass(&f->d, 1);
	assert_int_equal(f->done, 1);
	assert_int_equal(f->err.code, 0);
	/* Nothing is advertised after it. */
	advertise_refresh(f->a);
	advertise_forget(f->a);
	daemon_pass(&f->d, 60000);
	daemon_quiet(&f->d, 2);
	assert_int_equal(f->done, 1);
}

static void nothing_advertised_needs_no_pause(void **state)
{
	static const char *const texts[] = {
		"{}", "null", "{\"AdvertiseServices\":null}", "{\"AdvertiseServices\":[]}"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		make(f, i % 2 == 0); /* also when it is not automatic */
		daemon_says(&f->d, GET_PREFS, "200 OK", texts[i]);
		f->done = 0;
		withdraw(f, GRACE_MS);
		assert_true(loop_wait_count(f->d.loop, &f->done, 1, LOOP_WAIT_MS));
		assert_int_equal(f->err.code, 0);
		daemon_quiet(&f->d, (unsigned int)i + 1);
	}
}

static void a_withdrawal_that_fails_is_reported(void **state)
{
	static const struct {
		const char *prefs_status, *prefs, *patch_status, *part;
	} rows[] = {
		{"503 No", "", "200 OK", "GET /localapi/v0/prefs: 503"},
		{"200 OK", "<html>", "200 OK", "prefs of tailscaled: "},
		{"200 OK", "{\"AdvertiseServices\":7}", "200 OK", "AdvertiseServices"},
		{"200 OK", "{\"AdvertiseServices\":[\"svc:x\"]}", "403 No", "PATCH /localapi"},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		make(f, true);
		f->d.reply_count = 0;
		daemon_says(&f->d, GET_PREFS, rows[i].prefs_status, rows[i].prefs);
		daemon_says(&f->d, PATCH_PREFS, rows[i].patch_status, "");
		f->done = 0;
		withdraw(f, GRACE_MS);
		assert_true(loop_wait_count(f->d.loop, &f->done, 1, LOOP_WAIT_MS));
		assert_int_not_equal(f->err.code, 0);
		assert_non_null(strstr(f->err.msg, rows[i].part));
	}
}

static void a_withdrawal_has_a_limit(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET_PREFS, NULL, NULL);
	withdraw(f, GRACE_MS);
	daemon_wait(&f->d, 1);
	daemon_pass(&f->d, CALLS_MS);
	assert_int_equal(f->done, 1);
	assert_int_equal(f->err.code, -ETIMEDOUT);
}

/* Where no client has to go elsewhere. */
static void a_withdrawal_without_a_pause(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET_PREFS, "200 OK", "{\"AdvertiseServices\":[\"svc:x\"]}");
	f->frees = true;
	withdraw(f, 0);
	assert_true(loop_wait_count(f->d.loop, &f->done, 1, LOOP_WAIT_MS));
	daemon_expect(&f->d, 1, PATCH_PREFS, ADVERTISE_NONE);
	assert_int_equal(f->err.code, 0);
}

static void a_withdrawal_ends_a_refresh(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET_SERVE, NULL, NULL);
	daemon_says(&f->d, GET_PREFS, "200 OK", "{}");
	advertise_refresh(f->a);
	daemon_wait(&f->d, 1);
	withdraw(f, GRACE_MS);
	assert_true(loop_wait_count(f->d.loop, &f->done, 1, LOOP_WAIT_MS));
	daemon_quiet(&f->d, 2);
	advertise_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(services_of_the_daemon_are_advertised_once),
		TEST(what_others_change_is_seen_at_the_next_notification),
		TEST(without_services_nothing_is_touched),
		TEST(a_failure_is_tried_again),
		TEST(a_refresh_during_a_call_is_not_lost),
		TEST(forgetting_ends_what_is_under_way),
		TEST(a_withdrawal_gives_clients_time),
		TEST(nothing_advertised_needs_no_pause),
		TEST(a_withdrawal_that_fails_is_reported),
		TEST(a_withdrawal_has_a_limit),
		TEST(a_withdrawal_without_a_pause),
		TEST(a_withdrawal_ends_a_refresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
