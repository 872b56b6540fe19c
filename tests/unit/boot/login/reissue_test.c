#include "boot/login/reissue.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/config/config_source.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "lib/localapi/localapi.h"
#include "statestore/statestore.h"
#include "statestore/statestore_conditions.h"
#include "tests/support/api_bench.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/fake_clock.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

#define CONFIG(key) "{\"version\":\"alpha0\",\"AuthKey\":\"" key "\"}"
#define SECRET \
	"{\"data\":{\"_current-profile\":\"cHJvZmlsZS0x\",\"profile-1\":\"eA==\",\"other\":\"eA==\"}}"
#define DISCONNECT "POST /localapi/v0/disconnect-control "
#define KEY_IN_BASE64 "b2xkLWtleQ=="

struct fixture {
	struct api_bench *b;
	struct raw_server *daemon;
	struct localapi *api;
	struct condition_set conditions;
	struct statestore *store;
	struct strv written; /* "key=value" or "key-" of the store's writes */
	struct log_capture log;
	char *dir;
	struct config_source config;
	const char *get_status, *patch_status;
	struct reissue *reissue;
	unsigned int done;
	struct err err;
};

static void choose(void *arg, const char *request)
{
	struct fixture *f = arg;
	bool is_get = strncmp(request, "GET ", 4) == 0;
	raw_server_answer(
		f->b->server, is_get ? f->get_status : f->patch_status, is_get ? SECRET : "{}");
}

static void place_write(void *self, const struct store_change *changes, size_t count,
	store_written_fn fn, void *arg)
{
	struct fixture *f = self;
	(void)fn;
	(void)arg;
	for (size_t i = 0; i < count; i++)
		strv_pushf(&f->written, "%s%s%s", changes[i].key,
			changes[i].value != NULL ? "=" : "-",
			changes[i].value != NULL ? changes[i].value : "");
}

static const char *place_describe(void *self)
{
	(void)self;
	return "a test";
}

static void place_list(void *self, store_listed_fn fn, void *arg)
{
	(void)self;
	(void)fn;
	(void)arg;
}

static void place_nothing(void *self)
{
	(void)self;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct statestore_times times = {5, 10, 10};
	void *bench;
	assert_int_equal(api_bench_open(&bench), 0);
	f->b = bench;
	/* Time goes on by itself here: the key is waited for. */
	fake_clock_remove();
	f->get_status = f->patch_status = "200 OK";
	f->b->server->choose = choose;
	f->b->server->choose_arg = f;
	api_open_at(f->b, "127.0.0.1", f->b->front.port);
	log_capture_start(&f->log);
	f->dir = tempdir_new();
	tempdir_write(f->dir, "config/cap-95.hujson", CONFIG("old-key"));
	AUTO(mem_free) char *socket = tempdir_path(f->dir, "sock");
	f->daemon = raw_server_new(f->b->loop, socket);
	raw_server_answer(f->daemon, "200 OK", "");
	f->api = localapi_new(f->b->loop, f->b->fetcher, socket);
	struct statestore_backend backend = {
		place_describe, place_write, place_list, place_nothing, place_nothing, f};
	condition_kinds_add(&f->conditions, STATESTORE_CONDITIONS);
	f->store = statestore_new(f->b->loop, &f->conditions, &backend, &times);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *bench = f->b;
	reissue_free(f->reissue);
	config_source_fini(&f->config);
	statestore_free(f->store);
	localapi_free(f->api);
	raw_server_free(f->daemon);
	api_bench_close(&bench);
	log_capture_stop(&f->log);
	strv_fini(&f->written);
	tempdir_free(f->dir);
	condition_set_fini(&f->conditions);
	free(f);
	return 0;
}

static void on_done(void *arg, const struct err *err)
{
	struct fixture *f = arg;
	f->done++;
	f->err = err != NULL ? *err : (struct err){0};
	/* As the supervisor does. */
	reissue_free(f->reissue);
	f->reissue = NULL;
}

static void on_authkey(void *arg, const struct secret *authkey)
{
	(void)arg;
	assert_true(secret_is_set(authkey));
}

/* failed_key: the daemon was started with a file that has this one. */
static void begin(struct fixture *f, const char *failed_key, uint32_t limit_ms)
{
	struct err e;
	AUTO(mem_free) char *dir = tempdir_path(f->dir, "config");
	AUTO(mem_free) char *file = tempdir_path(dir, "cap-95.hujson");
	AUTO(mem_free) char *aside = tempdir_path(dir, "aside");
	AUTO(mem_free)
	char *text = xasprintf("{\"version\":\"alpha0\",\"AuthKey\":\"%s\"}", failed_key);
	assert_int_equal(rename(file, aside), 0);
	tempdir_write(f->dir, "config/cap-95.hujson", text);
	config_source_fini(&f->config);
	config_source_init(&f->config, dir, 142, file, on_authkey, f);
	assert_non_null(config_source_start(&f->config, &e));
	assert_int_equal(rename(aside, file), 0);
	struct reissue_options options = {dir, &f->config, "tailscale", limit_ms, 600000, 5, 10};
	f->reissue = reissue_new(f->b->loop, f->api, f->b->kube, f->store, &options, on_done, f);
	assert_int_equal(f->done, 0);
}

static bool is_waiting(void *arg)
{
	struct fixture *f = arg;
	return log_capture_has(&f->log, "Waiting for operator to provide new auth key");
}

static void wait_until_asked(struct fixture *f)
{
	assert_true(loop_wait(f->b->loop, is_waiting, f, LOOP_WAIT_MS));
}

static void wait_done(struct fixture *f)
{
	assert_true(loop_wait_count(f->b->loop, &f->done, 1, LOOP_WAIT_MS));
}

static void the_whole_protocol(void **state)
{
	struct fixture *f = *state;
	/* Clears values without the knowledge of the store. */
	statestore_known(f->store, STORE_KEY_DEVICE_ID, "id");
	statestore_set(f->store, STORE_KEY_DEVICE_ID, "id");
	begin(f, "old-key", 60000);
	wait_until_asked(f);
	assert_int_equal(f->daemon->request_count, 1);
	assert_int_equal(strncmp(f->daemon->requests.items[0], DISCONNECT, strlen(DISCONNECT)), 0);
	assert_int_equal(f->b->server->request_count, 1);
	assert_non_null(strstr(api_request(f->b, 0), "\"reissue_authkey\":\"" KEY_IN_BASE64 "\""));
	assert_true(log_capture_has(
		&f->log, "auth key reissue: watching for config changes via fsnotify"));
	assert_true(log_capture_has(&f->log, "(max wait: 10m0s)"));
	/* Neither the old key, nor none, nor a broken file is an answer. */
	tempdir_write(f->dir, "config/cap-95.hujson", CONFIG("old-key") "\n");
	assert_true(loop_wait_idle(f->b->loop, 60));
	tempdir_write(f->dir, "config/cap-95.hujson", CONFIG(""));
	assert_true(loop_wait_idle(f->b->loop, 60));
	tempdir_write(f->dir, "config/cap-95.hujson", "{");
	assert_true(loop_wait_idle(f->b->loop, 60));
	assert_int_equal(f->b->server->request_count, 1);
	tempdir_write(f->dir, "config/cap-95.hujson", CONFIG("new-key"));
	wait_done(f);
	assert_int_equal(f->err.code, 0);
	assert_int_equal(f->b->server->request_count, 3);
	static const char *const cleared[] = {"reissue_authkey", "device_id", "device_fqdn",
		"device_ips", "_machinekey", "_current-profile", "_profiles", "profile-1"};
	for (size_t i = 0; i < ARRAY_LEN(cleared); i++) {
		AUTO(mem_free) char *member = xasprintf("\"%s\":null", cleared[i]);
		assert_non_null(strstr(api_request(f->b, 2), member));
	}
	assert_null(strstr(api_request(f->b, 2), "other"));
	/* The store has nothing to do, and would write the same identity again. */
	assert_true(loop_wait_idle(f->b->loop, 20));
	assert_int_equal(f->written.len, 0);
	statestore_set(f->store, STORE_KEY_DEVICE_ID, "id");
	assert_true(loop_wait_idle(f->b->loop, 20));
	assert_true(strv_contains(&f->written, "device_id=id"));
	assert_false(log_capture_has(&f->log, "new-key"));
	assert_false(log_capture_has(&f->log, "old-key"));
}

/* Presence is the request. */
static void an_empty_key_is_present(void **state)
{
	struct fixture *f = *state;
	tempdir_write(f->dir, "config/cap-95.hujson", CONFIG(""));
	begin(f, "", 60000);
	wait_until_asked(f);
	assert_non_null(strstr(api_request(f->b, 0), "\"reissue_authkey\":\"\""));
	tempdir_write(f->dir, "config/cap-95.hujson", CONFIG("new-key"));
	wait_done(f);
	assert_int_equal(f->err.code, 0);
}

/* It arrived during the request. */
static void an_answer_before_the_watch(void **state)
{
	struct fixture *f = *state;
	tempdir_write(f->dir, "config/cap-95.hujson", CONFIG("new-key"));
	begin(f, "old-key", 60000);
	wait_done(f);
	assert_int_equal(f->err.code, 0);
}

static bool has_failed_twice(void *arg)
{
	struct fixture *f = arg;
	return f->b->server->request_count >= 3;
}

static void a_request_that_fails_is_repeated(void **state)
{
	struct fixture *f = *state;
	f->patch_status = "403 Forbidden";
	begin(f, "old-key", 60000);
	assert_true(loop_wait(f->b->loop, has_failed_twice, f, LOOP_WAIT_MS));
	assert_true(log_capture_has(
		&f->log, "failed to set reissue_authkey in Kubernetes Secret, trying again: "));
	assert_int_equal(f->done, 0);
	f->patch_status = "200 OK";
	wait_until_asked(f);
}

static void a_daemon_that_cannot_be_cut_off(void **state)
{
	struct fixture *f = *state;
	raw_server_answer(f->daemon, "500 No", "{\"Error\":\"no\"}");
	begin(f, "old-key", 60000);
	wait_until_asked(f);
	assert_true(log_capture_has(&f->log, "error disconnecting from control: "));
}

static void nobody_answers(void **state)
{
	struct fixture *f = *state;
	begin(f, "old-key", 60000);
	wait_until_asked(f);
	fake_clock_install(clock_now_ms() + 61000);
	wait_done(f);
	assert_int_equal(f->err.code, -ETIMEDOUT);
	assert_string_equal(f->err.msg,
		"failed to get a reissued authkey: failed to receive new auth key: timeout waiting "
		"for auth key reissue after 10m0s");
	/* The request stays: the next run still needs the key. */
	assert_true(loop_wait_idle(f->b->loop, 20));
	assert_int_equal(f->written.len, 0);
}

static void the_limit_holds_while_the_api_is_away(void **state)
{
	struct fixture *f = *state;
	f->patch_status = "503 No";
	begin(f, "old-key", 200);
	wait_done(f);
	assert_int_equal(f->err.code, -ETIMEDOUT);
	assert_true(loop_wait_idle(f->b->loop, 20));
	assert_int_equal(f->written.len, 0);
}

static void clearing_fails(void **state)
{
	static const char *const which[] = {"get", "patch"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(which); i++) {
		log_capture_reset(&f->log);
		f->done = 0;
		f->get_status = f->patch_status = "200 OK";
		tempdir_write(f->dir, "config/cap-95.hujson", CONFIG("old-key"));
		begin(f, "old-key", 60000);
		wait_until_asked(f);
		f->get_status = i == 0 ? "403 No" : "200 OK";
		f->patch_status = i == 1 ? "403 No" : "200 OK";
		tempdir_write(f->dir, "config/cap-95.hujson", CONFIG("new-key"));
		wait_done(f);
		assert_int_equal(f->err.code, 0);
		assert_true(log_capture_has(&f->log, "Warning: failed to clear reissue request: "));
	}
}

static void freed_in_the_middle(void **state)
{
	struct fixture *f = *state;
	begin(f, "old-key", 60000);
	reissue_free(STEAL(f->reissue));
	begin(f, "old-key", 60000);
	wait_until_asked(f);
	assert_true(reissue_is_asked(f->reissue));
	reissue_free(STEAL(f->reissue));
	reissue_free(NULL);
	assert_true(loop_wait_idle(f->b->loop, 20));
	assert_int_equal(f->done, 0);
	assert_int_equal(f->written.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_whole_protocol),
		TEST(an_empty_key_is_present),
		TEST(an_answer_before_the_watch),
		TEST(a_request_that_fails_is_repeated),
		TEST(a_daemon_that_cannot_be_cut_off),
		TEST(nobody_answers),
		TEST(the_limit_holds_while_the_api_is_away),
		TEST(clearing_fails),
		TEST(freed_in_the_middle),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
