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
#include "tests/support/serve_bench.h"
#include "tests/support/tempdir.h"

#define POST "POST /localapi/v0/serve-config "
#define GET "GET /localapi/v0/serve-config "
#define HTTPS "{\"TCP\":{\"443\":{\"HTTPS\":true}}}"

static void remove_file(struct serve_bench *f)
{
	AUTO(mem_free) char *path = tempdir_path(f->d.dir, "serve.json");
	assert_int_equal(unlink(path), 0);
}

static bool is_raised(const struct serve_bench *f, const struct condition_kind *code)
{
	return condition_is_raised(&f->d.conditions, code);
}

static void nothing_happens_before_the_domain_is_known(void **state)
{
	struct serve_bench *f = *state;
	serve_bench_put(f, "{\"Web\":{\"${TS_CERT_DOMAIN}:443\":{}}}");
	daemon_quiet(&f->d, 0);
	serve_set_cert_domain(f->s, "web.ts.net");
	daemon_wait(&f->d, 1);
	daemon_expect(&f->d, 0, POST, "{\"Web\":{\"web.ts.net:443\":{}}}");
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	assert_non_null(strstr(f->d.server->requests.items[0], "\r\nIf-Match:\r\n"));
	assert_int_equal(log_capture_count(&f->d.log, "serve proxy: applying serve config"), 1);
	/* The same domain again says nothing new; what is served was looked at. */
	serve_set_cert_domain(f->s, "web.ts.net");
	daemon_quiet(&f->d, 2);
	daemon_expect(&f->d, 1, GET, "");
	assert_int_equal(f->accepted, 1);
	assert_int_equal(f->endpoints.len, 1);
	assert_string_equal(f->endpoints.items[0], "web.ts.net");
}

static void a_changed_file_is_applied(void **state)
{
	struct serve_bench *f = *state;
	serve_set_cert_domain(f->s, "web.ts.net");
	serve_bench_put(
		f, "{\"Services\":{\"svc:b\":{\"Web\":{\"b.ts.net:443\":{}}},\"svc:a\":{}}}");
	daemon_wait(&f->d, 1);
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	assert_string_equal(f->domains, "b.ts.net");
	assert_string_equal(f->services, "svc:a svc:b");
	daemon_wait(&f->d, 2);
	daemon_expect(&f->d, 1, GET, "");
	/* Other bytes, same document. */
	serve_bench_put(
		f, " {\"Services\":{\"svc:b\":{\"Web\":{\"b.ts.net:443\":{}}},\"svc:a\":{}}}\n");
	daemon_quiet(&f->d, 2);
	serve_bench_put(f, "null");
	daemon_wait(&f->d, 3);
	daemon_expect(&f->d, 2, POST, "{}");
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 2, LOOP_WAIT_MS));
	assert_string_equal(f->services, "");
}

static void a_change_during_a_call_is_not_lost(void **state)
{
	struct serve_bench *f = *state;
	daemon_says(&f->d, POST, NULL, NULL);
	serve_bench_put(f, "{\"a\":1}");
	serve_set_cert_domain(f->s, "d");
	daemon_wait(&f->d, 1);
	serve_bench_put(f, "{\"a\":2}");
	daemon_quiet(&f->d, 1);
	daemon_says(&f->d, POST, "200 OK", "");
	raw_server_say(f->d.server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	daemon_wait(&f->d, 2);
	daemon_expect(&f->d, 1, POST, "{\"a\":2}");
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 2, LOOP_WAIT_MS));
}

static void a_missing_or_empty_file_changes_nothing(void **state)
{
	struct serve_bench *f = *state;
	serve_set_cert_domain(f->s, "d");
	daemon_quiet(&f->d, 0);
	assert_int_equal(log_capture_count(&f->d.log, "serve proxy: no serve config at \""), 1);
	serve_bench_put(f, "{}");
	daemon_wait(&f->d, 1);
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	serve_bench_put(f, "");
	daemon_quiet(&f->d, 1);
	assert_int_equal(log_capture_count(&f->d.log, "serve config file is empty, skipping"), 1);
	assert_int_equal(log_capture_count(&f->d.log, "serve proxy: no serve config at \""), 2);
	remove_file(f);
	daemon_quiet(&f->d, 1);
	assert_int_equal(log_capture_count(&f->d.log, "serve proxy: no serve config at \""), 3);
	/* Logged once each. */
	tempdir_write(f->d.dir, "neighbour", "");
	daemon_quiet(&f->d, 1);
	assert_int_equal(log_capture_count(&f->d.log, "serve proxy: no serve config at \""), 3);
	assert_false(is_raised(f, CONDITION_SERVE_CONFIG_INVALID));
	/* Back with what was there. */
	serve_bench_put(f, "{}");
	daemon_quiet(&f->d, 1);
}

static void a_broken_file_changes_nothing(void **state)
{
	struct serve_bench *f = *state;
	AUTO(mem_free) char *path = tempdir_path(f->d.dir, "serve.json");
	serve_bench_put(f, "{\"a\":1}");
	serve_set_cert_domain(f->s, "d");
	daemon_wait(&f->d, 1);
	serve_bench_put(f, "{\"a\":");
	daemon_quiet(&f->d, 1);
	assert_true(is_raised(f, CONDITION_SERVE_CONFIG_INVALID));
	const char *reason =
		condition_get(&f->d.conditions, CONDITION_SERVE_CONFIG_INVALID)->reason;
	assert_non_null(strstr(reason, "serve proxy: failed to read serve config: "));
	assert_non_null(strstr(reason, path));
	serve_bench_put(f, "{\"a\":1}");
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
	struct serve_bench *f = *state;
	daemon_says(&f->d, POST, "400 No", "{\"error\":\"bad port\"}");
	serve_bench_put(f, "{\"a\":1}");
	serve_set_cert_domain(f->s, "d");
	daemon_wait(&f->d, 1);
	daemon_quiet(&f->d, 1);
	assert_true(is_raised(f, CONDITION_SERVE_APPLY_FAILED));
	assert_int_equal(f->accepted, 0);
	assert_int_equal(f->endpoints.len, 0);
	daemon_pass(&f->d, SERVE_BENCH_RETRY_MS);
	daemon_wait(&f->d, 2);
	daemon_quiet(&f->d, 2);
	daemon_pass(&f->d, SERVE_BENCH_RETRY_MS);
	daemon_quiet(&f->d, 2);
	daemon_pass(&f->d, SERVE_BENCH_RETRY_MS);
	daemon_wait(&f->d, 3);
	daemon_quiet(&f->d, 3);
	/* A better file does not wait. */
	daemon_says(&f->d, POST, "200 OK", "");
	serve_bench_put(f, "{\"a\":2}");
	daemon_wait(&f->d, 4);
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	assert_false(is_raised(f, CONDITION_SERVE_APPLY_FAILED));
	daemon_pass(&f->d, 60000);
	daemon_quiet(&f->d, 4);
}

static void without_https_such_a_config_is_not_posted(void **state)
{
	struct serve_bench *f = *state;
	serve_bench_put(f, HTTPS);
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
	daemon_wait(&f->d, 2);
	/* Another without needs none. */
	serve_bench_put(f, "{\"TCP\":{\"80\":{\"HTTP\":true}}}");
	serve_set_cert_domain(f->s, SERVE_NO_HTTPS);
	daemon_wait(&f->d, 3);
}

static void a_restarted_daemon_gets_it_again(void **state)
{
	struct serve_bench *f = *state;
	serve_bench_put(f, "{\"a\":1}");
	serve_set_cert_domain(f->s, "d");
	daemon_wait(&f->d, 1);
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	serve_pause(f->s);
	serve_bench_put(f, "{\"a\":2}");
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
	serve_bench_put(f, "broken");
	serve_reapply(f->s);
	daemon_wait(&f->d, 4);
	daemon_expect(&f->d, 3, POST, "{\"a\":2}");
	daemon_quiet(&f->d, 4);
}

static void a_pause_ends_what_is_under_way(void **state)
{
	struct serve_bench *f = *state;
	daemon_says(&f->d, POST, NULL, NULL);
	serve_bench_put(f, "{\"a\":1}");
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
	serve_bench_put(f, "{\"a\":1}");
	daemon_wait(&f->d, 2);
	serve_free(f->s);
	f->s = NULL;
	serve_free(NULL);
	daemon_quiet(&f->d, 2);
}

/* The daemon has lost it, and gets it again. */
static void clear_it(struct serve_bench *f)
{
	unsigned int requests = f->d.server->request_count;
	daemon_says(&f->d, GET, "200 OK", "{}");
	daemon_says(&f->d, POST, NULL, NULL);
	daemon_pass(&f->d, SERVE_BENCH_WATCH_MS);
	daemon_wait(&f->d, requests + 2);
	daemon_expect(&f->d, requests + 1, POST, HTTPS);
	daemon_says(&f->d, GET, "200 OK", HTTPS);
	raw_server_say(f->d.server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	daemon_wait(&f->d, requests + 3);
	daemon_quiet(&f->d, requests + 3);
}

static void what_is_cleared_by_hand_is_put_back(void **state)
{
	struct serve_bench *f = *state;
	daemon_says(&f->d, GET, "200 OK", HTTPS);
	serve_bench_put(f, HTTPS);
	serve_set_cert_domain(f->s, "d");
	daemon_wait(&f->d, 2);
	daemon_quiet(&f->d, 2);
	clear_it(f);
	assert_int_equal(log_capture_count_id(&f->d.log, "serve.restoring"), 1);
	clear_it(f);
	assert_int_equal(log_capture_count_id(&f->d.log, "serve.restoring"), 1);
	/* Also when there is no file any more; and after a while it is news again. */
	remove_file(f);
	daemon_quiet(&f->d, 8);
	daemon_pass(&f->d, 60000);
	daemon_wait(&f->d, 9);
	daemon_quiet(&f->d, 9);
	clear_it(f);
	assert_int_equal(log_capture_count_id(&f->d.log, "serve.restoring"), 2);
	assert_int_equal(log_capture_count_id(&f->d.log, "serve.applying"), 1);
}

static void a_store_is_no_need(void **state)
{
	struct serve_bench *f = *state;
	serve_bench_make(f, false);
	serve_bench_put(f, "{}");
	serve_set_cert_domain(f->s, "d");
	assert_true(loop_wait_count(f->d.loop, &f->accepted, 1, LOOP_WAIT_MS));
	daemon_quiet(&f->d, 1);
	assert_int_equal(f->endpoints.len, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, serve_bench_open, serve_bench_close)
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
		TEST(what_is_cleared_by_hand_is_put_back),
		TEST(a_store_is_no_need),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
