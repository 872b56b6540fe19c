#include "ingress/serve.h"

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

#include "ingress/ingress_conditions.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "statestore/statestore.h"
#include "statestore/statestore_conditions.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/daemon_bench.h"
#include "tests/support/tempdir.h"

#define POST "POST /localapi/v0/serve-config "
#define RETRY_BASE_MS 250
#define HTTPS "{\"TCP\":{\"443\":{\"HTTPS\":true}}}"

struct fixture {
	struct daemon_bench d;
	struct strv endpoints; /* writes of the store */
	store_written_fn written_fn;
	void *written_arg;
	struct statestore *store;
	struct serve *s;
	unsigned int accepted;
	char *domains, *services; /* told last */
};

static const char *describe(void *self)
{
	(void)self;
	return "nowhere special";
}

/* Writes are never answered: what is wanted is what counts here. */
static void write_changes(void *self, const struct store_change *changes, size_t count,
	store_written_fn fn, void *arg)
{
	struct fixture *f = self;
	assert_int_equal(count, 1);
	assert_string_equal(changes[0].key, STORE_KEY_HTTPS_ENDPOINT);
	strv_push(&f->endpoints, changes[0].value);
	f->written_fn = fn;
	f->written_arg = arg;
}

static void do_nothing(void *self)
{
	(void)self;
}

static void on_accepted(void *arg, const struct strv *cert_domains, const struct strv *services)
{
	struct fixture *f = arg;
	f->accepted++;
	free(f->domains);
	free(f->services);
	f->domains = strv_join(cert_domains, " ");
	f->services = strv_join(services, " ");
}

static void make(struct fixture *f, bool has_store)
{
	AUTO(mem_free) char *path = tempdir_path(f->d.dir, "serve.json");
	const struct serve_options options = {path, 0, RETRY_BASE_MS, 30000};
	serve_free(f->s);
	f->s = serve_new(f->d.loop, f->d.api, has_store ? f->store : NULL, &f->d.conditions,
		&options, on_accepted, f);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	const struct statestore_backend backend = {
		describe, write_changes, NULL, do_nothing, do_nothing, f};
	const struct statestore_times times = {RETRY_BASE_MS, 30000};
	daemon_bench_open(&f->d);
	condition_kinds_add(&f->d.conditions, INGRESS_CONDITIONS, STATESTORE_CONDITIONS);
	f->store = statestore_new(f->d.loop, &f->d.conditions, &backend, &times);
	make(f, true);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	serve_free(f->s);
	statestore_free(f->store);
	daemon_bench_close(&f->d);
	strv_fini(&f->endpoints);
	free(f->domains);
	free(f->services);
	free(f);
	return 0;
}

/* A file that was changed in one step. */
static void put(struct fixture *f, const char *text)
{
	struct err e;
	AUTO(mem_free) char *path = tempdir_path(f->d.dir, "serve.json");
	assert_int_equal(atomicfile_write(path, text, strlen(text), 0600, &e), 0);
}

static void remove_file(struct fixture *f)
{
	AUTO(mem_free) char *path = tempdir_path(f->d.dir, "serve.json");
	assert_int_equal(unlink(path), 0);
}

static bool is_raised(const struct fixture *f, const struct condition_kind *code)
{
	return condition_is_raised(&f->d.conditions, code);
}

static void nothing_happens_before_the_domain_is_known(void **state)
{
	struct fixture *f = *state;
	put(f, "{\"Web\":{\"${TS_CERT_DOMAIN}:443\":{}}}");
	daemon_quiet(&f->d, 0);
	serve_set_cert_domain(f->s, "web.ts.net");
	daemon_wait(&f->d, 1);
	daemon_expect(&f->d, 0, POST, "{\"Web\":{\"web.ts.net:443\":{}}}");
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	assert_non_null(strstr(f->d.server->requests.items[0], "\r\nIf-Match:\r\n"));
	assert_int_equal(log_capture_count(&f->d.log, "serve proxy: applying serve config"), 1);
	/* The same domain again says nothing new. */
	serve_set_cert_domain(f->s, "web.ts.net");
	daemon_quiet(&f->d, 1);
	assert_int_equal(f->accepted, 1);
	assert_int_equal(f->endpoints.len, 1);
	assert_string_equal(f->endpoints.items[0], "web.ts.net");
}

static void a_changed_file_is_applied(void **state)
{
	struct fixture *f = *state;
	serve_set_cert_domain(f->s, "web.ts.net");
	put(f, "{\"Services\":{\"svc:b\":{\"Web\":{\"b.ts.net:443\":{}}},\"svc:a\":{}}}");
	daemon_wait(&f->d, 1);
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	assert_string_equal(f->domains, "b.ts.net");
	assert_string_equal(f->services, "svc:a svc:b");
	/* Other bytes, same document. */
	put(f, " {\"Services\":{\"svc:b\":{\"Web\":{\"b.ts.net:443\":{}}},\"svc:a\":{}}}\n");
	daemon_quiet(&f->d, 1);
	put(f, "null");
	daemon_wait(&f->d, 2);
	daemon_expect(&f->d, 1, POST, "{}");
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 2, LOOP_WAIT_MS));
	assert_string_equal(f->services, "");
}

static void a_change_during_a_call_is_not_lost(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, POST, NULL, NULL);
	put(f, "{\"a\":1}");
	serve_set_cert_domain(f->s, "d");
	daemon_wait(&f->d, 1);
	put(f, "{\"a\":2}");
	daemon_quiet(&f->d, 1);
	daemon_says(&f->d, POST, "200 OK", "");
	raw_server_say(f->d.server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	daemon_wait(&f->d, 2);
	daemon_expect(&f->d, 1, POST, "{\"a\":2}");
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 2, LOOP_WAIT_MS));
}

static void a_missing_or_empty_file_changes_nothing(void **state)
{
	struct fixture *f = *state;
	serve_set_cert_domain(f->s, "d");
	daemon_quiet(&f->d, 0);
	assert_int_equal(log_capture_count(&f->d.log, "serve proxy: no serve config at \""), 1);
	put(f, "{}");
	daemon_wait(&f->d, 1);
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	put(f, "");
	daemon_quiet(&f->d, 1);
	assert_int_equal(log_capture_count(&f->d.log, "serve config file is empty, skipping"), 1);
	assert_int_equal(log_capture_count(&f->d.log, "serve proxy: no serve config at \""), 2);
	remove_file(f);
	daemon_quiet(&f->d, 1);
	assert_int_equal(log_capture_count(&f->d.log, "serve proxy: no serve config at \""), 3);
	/* Told once each. */
	tempdir_write(f->d.dir, "neighbour", "");
	daemon_quiet(&f->d, 1);
	assert_int_equal(log_capture_count(&f->d.log, "serve proxy: no serve config at \""), 3);
	assert_false(is_raised(f, CONDITION_SERVE_CONFIG_INVALID));
	/* Back with what was there. */
	put(f, "{}");
	daemon_quiet(&f->d, 1);
}

static void a_broken_file_changes_nothing(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *path = tempdir_path(f->d.dir, "serve.json");
	put(f, "{\"a\":1}");
	serve_set_cert_domain(f->s, "d");
	daemon_wait(&f->d, 1);
	put(f, "{\"a\":");
	daemon_quiet(&f->d, 1);
	assert_true(is_raised(f, CONDITION_SERVE_CONFIG_INVALID));
	const char *reason =
		condition_get(&f->d.conditions, CONDITION_SERVE_CONFIG_INVALID)->reason;
	assert_non_null(strstr(reason, "serve proxy: failed to read serve config: "));
	assert_non_null(strstr(reason, path));
	put(f, "{\"a\":1}");
	daemon_quiet(&f->d, 1);
	assert_false(is_raised(f, CONDITION_SERVE_CONFIG_INVALID));
	/* No file at all by that name. */
	remove_file(f);
	assert_int_equal(mkdir(path, 0700), 0);
	daemon_quiet(&f->d, 1);
	assert_true(is_raised(f, CONDITION_SERVE_CONFIG_INVALID));
	assert_non_null(strstr(reason, path));
	assert_null(strstr(strstr(reason, path) + 1, path)); /* named once */
	assert_int_equal(rmdir(path), 0);
	daemon_quiet(&f->d, 1);
	assert_false(is_raised(f, CONDITION_SERVE_CONFIG_INVALID));
}

static void a_refused_config_is_tried_again(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, POST, "400 No", "{\"error\":\"bad port\"}");
	put(f, "{\"a\":1}");
	serve_set_cert_domain(f->s, "d");
	daemon_wait(&f->d, 1);
	daemon_quiet(&f->d, 1);
	assert_true(is_raised(f, CONDITION_SERVE_APPLY_FAILED));
	assert_int_equal(f->accepted, 0);
	assert_int_equal(f->endpoints.len, 0);
	daemon_pass(&f->d, RETRY_BASE_MS);
	daemon_wait(&f->d, 2);
	daemon_quiet(&f->d, 2);
	daemon_pass(&f->d, RETRY_BASE_MS);
	daemon_quiet(&f->d, 2);
	daemon_pass(&f->d, RETRY_BASE_MS);
	daemon_wait(&f->d, 3);
	daemon_quiet(&f->d, 3);
	/* A better file does not wait. */
	daemon_says(&f->d, POST, "200 OK", "");
	put(f, "{\"a\":2}");
	daemon_wait(&f->d, 4);
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	assert_false(is_raised(f, CONDITION_SERVE_APPLY_FAILED));
	daemon_pass(&f->d, 60000);
	daemon_quiet(&f->d, 4);
}

static void without_https_such_a_config_is_not_posted(void **state)
{
	struct fixture *f = *state;
	put(f, HTTPS);
	serve_set_cert_domain(f->s, SERVE_NO_HTTPS);
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	daemon_quiet(&f->d, 0);
	assert_int_equal(log_capture_count_id(&f->d.log, "serve.no_https"), 1);
	assert_int_equal(f->endpoints.len, 1);
	assert_string_equal(f->endpoints.items[0], "no-https");
	tempdir_write(f->d.dir, "neighbour", "");
	daemon_quiet(&f->d, 0);
	assert_int_equal(log_capture_count_id(&f->d.log, "serve.no_https"), 1);
	/* The tailnet has it now. */
	serve_set_cert_domain(f->s, "web.ts.net");
	daemon_wait(&f->d, 1);
	daemon_expect(&f->d, 0, POST, HTTPS);
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 2, LOOP_WAIT_MS));
	/* Another without needs none. */
	put(f, "{\"TCP\":{\"80\":{\"HTTP\":true}}}");
	serve_set_cert_domain(f->s, SERVE_NO_HTTPS);
	daemon_wait(&f->d, 2);
}

static void a_restarted_daemon_gets_it_again(void **state)
{
	struct fixture *f = *state;
	put(f, "{\"a\":1}");
	serve_set_cert_domain(f->s, "d");
	daemon_wait(&f->d, 1);
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	serve_pause(f->s);
	put(f, "{\"a\":2}");
	daemon_quiet(&f->d, 1);
	serve_reapply(f->s);
	daemon_wait(&f->d, 2);
	daemon_expect(&f->d, 1, POST, "{\"a\":2}");
	daemon_quiet(&f->d, 2);
	/* Also when the file does not serve any more. */
	remove_file(f);
	serve_pause(f->s);
	serve_reapply(f->s);
	daemon_wait(&f->d, 3);
	daemon_expect(&f->d, 2, POST, "{\"a\":2}");
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 3, LOOP_WAIT_MS));
	put(f, "broken");
	serve_reapply(f->s);
	daemon_wait(&f->d, 4);
	daemon_expect(&f->d, 3, POST, "{\"a\":2}");
	daemon_quiet(&f->d, 4);
}

static void a_pause_ends_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, POST, NULL, NULL);
	put(f, "{\"a\":1}");
	serve_set_cert_domain(f->s, "d");
	daemon_wait(&f->d, 1);
	serve_pause(f->s);
	daemon_pass(&f->d, 60000);
	daemon_quiet(&f->d, 1);
	assert_int_equal(f->accepted, 0);
	assert_false(is_raised(f, CONDITION_SERVE_APPLY_FAILED));
	/* Nothing to apply for a daemon that never had anything. */
	remove_file(f);
	serve_reapply(f->s);
	daemon_quiet(&f->d, 1);
	/* Freed in the middle. */
	put(f, "{\"a\":1}");
	daemon_wait(&f->d, 2);
	serve_free(f->s);
	f->s = NULL;
	serve_free(NULL);
	daemon_quiet(&f->d, 2);
}

static void a_store_is_no_need(void **state)
{
	struct fixture *f = *state;
	make(f, false);
	put(f, "{}");
	serve_set_cert_domain(f->s, "d");
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	daemon_quiet(&f->d, 1);
	assert_int_equal(f->endpoints.len, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_happens_before_the_domain_is_known),
		TEST(a_changed_file_is_applied),
		TEST(a_change_during_a_call_is_not_lost),
		TEST(a_missing_or_empty_file_changes_nothing),
		TEST(a_broken_file_changes_nothing),
		TEST(a_refused_config_is_tried_again),
		TEST(without_https_such_a_config_is_not_posted),
		TEST(a_restarted_daemon_gets_it_again),
		TEST(a_pause_ends_what_is_under_way),
		TEST(a_store_is_no_need),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
