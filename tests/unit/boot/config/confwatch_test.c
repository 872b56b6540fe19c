#include "boot/config/confwatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "boot/config/config_conditions.h"
#include "boot/config/config_source.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/daemon_bench.h"
#include "tests/support/tempdir.h"

#define RELOAD "POST /localapi/v0/reload-config "
#define FILE_NAME "cap-95.hujson"
#define FIRST "{\"version\":\"alpha0\",\"Hostname\":\"first\"}"
#define SECOND "{\"version\":\"alpha0\",\"Hostname\":\"second\"}"
#define DEBOUNCE_MS 50
#define RETRY_BASE_MS 250
#define RETRY_MAX_MS 1000

#define CAPVER 142

struct fixture {
	struct daemon_bench d;
	struct config_source source;
	unsigned restarts, loaded;
	bool needs_login;
	struct confwatch *c;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	daemon_bench_open(&f->d);
	condition_kinds_add(&f->d.conditions, CONFIG_CONDITIONS);
	daemon_says(&f->d, RELOAD, "200 OK", "{\"Reloaded\":true}");
	tempdir_write(f->d.dir, FILE_NAME, FIRST);
	*state = f;
	return 0;
}

static void on_restart(void *arg)
{
	struct fixture *f = arg;
	struct err e;
	f->restarts++;
	assert_non_null(config_source_start(&f->source, &e));
}

static void on_loaded(void *arg)
{
	struct fixture *f = arg;
	f->loaded++;
}

static bool needs_login(void *arg)
{
	const struct fixture *f = arg;
	return f->needs_login;
}

static void on_authkey(void *arg, const struct secret *authkey)
{
	(void)arg;
	assert_true(secret_is_set(authkey));
}

/* The daemon was started with the present file. */
static void open_source(struct fixture *f)
{
	struct err e;
	AUTO(mem_free) char *socket = tempdir_path(f->d.dir, "socket");
	config_source_init(&f->source, f->d.dir, CAPVER, socket, on_authkey, f);
	assert_non_null(config_source_start(&f->source, &e));
}

static void open_watch_later(struct fixture *f)
{
	struct confwatch_options options = {
		f->d.dir, &f->source, DEBOUNCE_MS, RETRY_BASE_MS, RETRY_MAX_MS};
	struct confwatch_events events = {on_restart, on_loaded, needs_login, f};
	f->c = confwatch_new(f->d.loop, f->d.api, &f->d.conditions, &options, &events);
}

static void open_watch(struct fixture *f)
{
	open_source(f);
	open_watch_later(f);
	/* The first check is done. */
	daemon_quiet(&f->d, 0);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	confwatch_free(f->c);
	config_source_fini(&f->source);
	daemon_bench_close(&f->d);
	free(f);
	return 0;
}

static bool raised(const struct fixture *f, const struct condition_kind *code)
{
	return condition_is_raised(&f->d.conditions, code);
}

/* The kernel reports at once; the other events of the update are awaited. */
static void edit(struct fixture *f, const char *text)
{
	tempdir_write(f->d.dir, FILE_NAME, text);
	daemon_pass(&f->d, 0);
	daemon_pass(&f->d, DEBOUNCE_MS);
}

static void a_change_is_reported_once(void **state)
{
	struct fixture *f = *state;
	open_watch(f);
	daemon_quiet(&f->d, 0);
	edit(f, SECOND);
	daemon_wait(&f->d, 1);
	daemon_expect(&f->d, 0, RELOAD, "");
	daemon_quiet(&f->d, 1);
	assert_true(log_capture_has(
		&f->d.log, "tailscaled config watch: ensuring that config is up to date"));
	assert_true(log_capture_has(&f->d.log, "tailscaled config watch: config was reloaded"));
	assert_int_equal(f->loaded, 1);
	/* The same bytes again are no change, and other files are ignored. */
	edit(f, SECOND);
	tempdir_write(f->d.dir, "cap-200.hujson", FIRST);
	daemon_pass(&f->d, 0);
	daemon_pass(&f->d, DEBOUNCE_MS);
	daemon_quiet(&f->d, 1);
}

/* As kubelet does it: the folder behind a link is exchanged. */
static void a_swap_is_a_change(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *file = tempdir_path(f->d.dir, FILE_NAME);
	AUTO(mem_free) char *data = tempdir_path(f->d.dir, "..data");
	AUTO(mem_free) char *next = tempdir_path(f->d.dir, "..data_tmp");
	tempdir_write(f->d.dir, "..1/" FILE_NAME, FIRST);
	tempdir_write(f->d.dir, "..2/" FILE_NAME, SECOND);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(symlink("..1", data), 0);
	assert_int_equal(symlink("..data/" FILE_NAME, file), 0);
	open_watch(f);
	assert_int_equal(symlink("..2", next), 0);
	assert_int_equal(rename(next, data), 0);
	daemon_pass(&f->d, 0);
	daemon_pass(&f->d, DEBOUNCE_MS);
	daemon_wait(&f->d, 1);
	daemon_quiet(&f->d, 1);
}

static void a_bad_edit_changes_nothing(void **state)
{
	static const char *const bad[] = {"", "{", "{\"version\":\"alpha1\"}", "[]",
		"{\"version\":\"alpha0\",\"Hostnam\":\"x\"}"};
	struct fixture *f = *state;
	open_watch(f);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		edit(f, bad[i]);
		daemon_quiet(&f->d, 0);
		assert_true(raised(f, CONDITION_CONFIG_INVALID));
	}
	/* The previous content again, which stayed in force: nothing to report. */
	edit(f, FIRST);
	daemon_quiet(&f->d, 0);
	assert_false(raised(f, CONDITION_CONFIG_INVALID));
}

static void a_file_that_vanishes_and_comes_back(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *path = tempdir_path(f->d.dir, FILE_NAME);
	open_watch(f);
	assert_int_equal(unlink(path), 0);
	daemon_pass(&f->d, 0);
	daemon_pass(&f->d, DEBOUNCE_MS);
	assert_true(raised(f, CONDITION_CONFIG_INVALID));
	edit(f, SECOND);
	daemon_wait(&f->d, 1);
	assert_false(raised(f, CONDITION_CONFIG_INVALID));
}

static void a_refused_reload_is_tried_again(void **state)
{
	struct fixture *f = *state;
	open_watch(f);
	daemon_says(&f->d, RELOAD, "200 OK", "");
	edit(f, SECOND);
	daemon_wait(&f->d, 1);
	daemon_quiet(&f->d, 1);
	assert_true(raised(f, CONDITION_CONFIG_RELOAD_FAILED));
	daemon_says(&f->d, RELOAD, "200 OK", "{\"Reloaded\":false,\"Err\":\"no\"}");
	daemon_pass(&f->d, RETRY_BASE_MS);
	daemon_wait(&f->d, 2);
	daemon_quiet(&f->d, 2);
	assert_true(raised(f, CONDITION_CONFIG_RELOAD_FAILED));
	daemon_says(&f->d, RELOAD, "200 OK", "{\"Reloaded\":true}");
	daemon_pass(&f->d, 2 * RETRY_BASE_MS);
	daemon_wait(&f->d, 3);
	daemon_quiet(&f->d, 3);
	assert_false(raised(f, CONDITION_CONFIG_RELOAD_FAILED));
}

/* Reverted before the daemon accepted it: the present content is in force. */
static void a_reverted_edit(void **state)
{
	struct fixture *f = *state;
	open_watch(f);
	daemon_says(&f->d, RELOAD, "500 No", "{\"Error\":\"no\"}");
	edit(f, SECOND);
	daemon_wait(&f->d, 1);
	daemon_quiet(&f->d, 1);
	edit(f, FIRST);
	daemon_quiet(&f->d, 1);
	assert_false(raised(f, CONDITION_CONFIG_RELOAD_FAILED));
}

static void a_change_during_a_call_is_seen(void **state)
{
	struct fixture *f = *state;
	open_watch(f);
	daemon_says(&f->d, RELOAD, NULL, NULL);
	edit(f, SECOND);
	daemon_wait(&f->d, 1);
	edit(f, FIRST "\n");
	daemon_quiet(&f->d, 1);
	daemon_says(&f->d, RELOAD, "200 OK", "{\"Reloaded\":true}");
	raw_server_say(
		f->d.server, "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"Reloaded\":true}");
	daemon_wait(&f->d, 2);
	daemon_quiet(&f->d, 2);
}

static void reload_on_demand(void **state)
{
	struct fixture *f = *state;
	open_watch(f);
	confwatch_reload(f->c);
	daemon_wait(&f->d, 1);
	daemon_quiet(&f->d, 1);
	/* This does not pass on a broken file either. */
	edit(f, "{");
	confwatch_reload(f->c);
	daemon_quiet(&f->d, 1);
	assert_true(raised(f, CONDITION_CONFIG_INVALID));
}

/* The daemon has the file of its start, not the one at the begin of the watch. */
static void an_edit_before_the_watch(void **state)
{
	struct fixture *f = *state;
	open_source(f);
	tempdir_write(f->d.dir, FILE_NAME, SECOND);
	open_watch_later(f);
	daemon_wait(&f->d, 1);
	daemon_expect(&f->d, 0, RELOAD, "");
}

static void another_file_is_a_restart(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *old = tempdir_path(f->d.dir, FILE_NAME);
	open_watch(f);
	tempdir_write(f->d.dir, "cap-107.hujson", SECOND);
	assert_int_equal(unlink(old), 0);
	daemon_pass(&f->d, 0);
	daemon_pass(&f->d, DEBOUNCE_MS);
	daemon_quiet(&f->d, 0);
	assert_int_equal(f->restarts, 1);
	assert_true(str_ends(f->source.daemon_path, "/cap-107.hujson"));
	assert_false(raised(f, CONDITION_CONFIG_INVALID));
}

static void a_new_key_is_a_restart_while_one_is_needed(void **state)
{
	struct fixture *f = *state;
	open_watch(f);
	edit(f, "{\"version\":\"alpha0\",\"AuthKey\":\"one\"}");
	daemon_wait(&f->d, 1);
	daemon_quiet(&f->d, 1);
	assert_int_equal(f->restarts, 0);
	f->needs_login = true;
	edit(f, "{\"version\":\"alpha0\",\"AuthKey\":\"two\"}");
	assert_int_equal(f->restarts, 1);
	/* It was tried: the same key again does not count. */
	edit(f, "{\"version\":\"alpha0\",\"AuthKey\":\"two\",\"Hostname\":\"x\"}");
	daemon_wait(&f->d, 2);
	assert_int_equal(f->restarts, 1);
}

static void freed_during_a_call(void **state)
{
	struct fixture *f = *state;
	open_watch(f);
	daemon_says(&f->d, RELOAD, NULL, NULL);
	edit(f, SECOND);
	daemon_wait(&f->d, 1);
	confwatch_free(f->c);
	f->c = NULL;
	confwatch_free(NULL);
	daemon_quiet(&f->d, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_change_is_reported_once),
		TEST(a_swap_is_a_change),
		TEST(a_bad_edit_changes_nothing),
		TEST(a_file_that_vanishes_and_comes_back),
		TEST(a_refused_reload_is_tried_again),
		TEST(a_reverted_edit),
		TEST(a_change_during_a_call_is_seen),
		TEST(reload_on_demand),
		TEST(an_edit_before_the_watch),
		TEST(another_file_is_a_restart),
		TEST(a_new_key_is_a_restart_while_one_is_needed),
		TEST(freed_during_a_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
