#include "egress/drain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/httpd.h"
#include "tests/support/drain_bench.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tempdir.h"

#define SLEEPING                                                                                  \
	"Sleeping for 10s before shutdown to ensure that kube proxies on all nodes have updated " \
	"routing configuration"

static void answered_at_once(void **state)
{
	static const struct {
		const char *services, *pings; /* NULL = no file */
		int status;
		const char *body;
	} rows[] = {
		{NULL, NULL, 200, "safe to terminate"},
		{"", "9", 200, "safe to terminate"},
		{"", "x", 200, "safe to terminate"},
		{"{}", NULL, 200, ""},
		{"{}", "9", 200, ""},
		{"{\"a\":", "9", 500, "error retrieving egress services configs: "},
		{"[]", "9", 500, "error retrieving egress services configs: "},
		{"{}", "nine", 500,
			"error determining the number of times health check endpoint should be "
			"pinged: "},
		{"{\"web\":{\"ports\":[]}}", "99999999999", 500,
			"error determining the number of times health check endpoint should be "
			"pinged: "},
	};
	struct drain_bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(mem_free) char *services = tempdir_path(b->dir, "egress-services");
		AUTO(mem_free) char *pings = tempdir_path(b->dir, "hep-pings");
		struct raw_client c;
		unlink(services);
		unlink(pings);
		if (rows[i].services != NULL)
			tempdir_write(b->dir, "egress-services", rows[i].services);
		if (rows[i].pings != NULL)
			tempdir_write(b->dir, "hep-pings", rows[i].pings);
		drain_bench_ask(b, &c);
		assert_true(loop_wait(b->loop, raw_client_is_done, &c, LOOP_WAIT_MS));
		const char *body = strstr(buf_cstr(&c.in), "\r\n\r\n") + 4;
		assert_int_equal(strtol(buf_cstr(&c.in) + 9, NULL, 10), rows[i].status);
		if (rows[i].status == 200)
			assert_string_equal(body, rows[i].body);
		else
			assert_true(strncmp(body, rows[i].body, strlen(rows[i].body)) == 0);
		raw_client_close(&c);
	}
	assert_int_equal(log_capture_count(&b->log, "pre-shutdown hook failed: error "), 4);
	assert_int_equal(b->server->accept_count, 0);
}

static void a_directory_in_place_of_a_file(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	AUTO(mem_free) char *services = tempdir_path(b->dir, "egress-services");
	assert_int_equal(mkdir(services, 0700), 0);
	drain_bench_ask(b, &c);
	assert_true(loop_wait(b->loop, raw_client_is_done, &c, LOOP_WAIT_MS));
	assert_true(strncmp(buf_cstr(&c.in), "HTTP/1.1 500 ", 13) == 0);
	assert_non_null(strstr(buf_cstr(&c.in), "error retrieving egress services configs: "));
	raw_client_close(&c);
}

/* Still ours twice, then others': the whole way with its lines. */
static void waits_until_others_answer(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_write(b, "web", "3\n");
	b->ours_left = 2;
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, "service \"web\" is still routed through this Pod, waiting...", 1);
	drain_bench_expect_none(b, &c);
	assert_int_equal(b->server->request_count, 1);
	fake_clock_advance_ms(999);
	drain_bench_expect_none(b, &c);
	assert_int_equal(b->server->request_count, 1);
	fake_clock_advance_ms(1);
	drain_bench_wait_pings(b, 2);
	drain_bench_expect_none(b, &c);
	fake_clock_advance_ms(1000);
	drain_bench_wait_log(b, "service \"web\" is no longer routed through this Pod", 1);
	drain_bench_wait_log(b, SLEEPING, 1);
	assert_int_equal(b->server->request_count, 5);
	/* A connection each. */
	assert_int_equal(b->server->accept_count, 5);
	assert_non_null(strstr(b->server->requests.items[0], "\r\nConnection: close\r\n"));
	assert_true(strncmp(b->server->requests.items[0], "GET /healthz HTTP/1.1\r\n", 23) == 0);
	fake_clock_advance_ms(9999);
	drain_bench_expect_none(b, &c);
	fake_clock_advance_ms(1);
	drain_bench_expect(b, &c, 200, "");
	assert_int_equal(log_capture_count(&b->log, "is still routed"), 1);
	assert_true(log_capture_has(&b->log, "Ensuring that cluster traffic for egress targets is "
					     "no longer routed via this Pod..."));
	assert_true(log_capture_has(
		&b->log, "Ensuring that cluster traffic is no longer routed to \"web\" via"));
	/* The next one begins anew. */
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, SLEEPING, 2);
	assert_int_equal(b->server->request_count, 8);
	fake_clock_advance_ms(10000);
	drain_bench_expect(b, &c, 200, "");
}

static void head_is_answered_too(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_write(b, "web", "1");
	raw_client_open(&c, httpd_listener_port(b->listener));
	raw_client_say(&c, "HEAD " DRAIN_PATH " HTTP/1.1\r\nHost: pod\r\n\r\n");
	drain_bench_wait_log(b, SLEEPING, 1);
	fake_clock_advance_ms(10000);
	drain_bench_expect(b, &c, 200, "");
}

static void without_pings_or_endpoints_only_the_pause_remains(void **state)
{
	static const char *const documents[][2] = {
		{"{\"web\":{\"healthCheckEndpoint\":\"http://127.0.0.1:1/\"}}", "0"},
		{"{\"web\":{\"healthCheckEndpoint\":\"http://127.0.0.1:1/\"}}", "-3"},
		{"{\"web\":{\"healthCheckEndpoint\":\"http://127.0.0.1:1/\"}}", ""},
		{"{\"web\":{\"healthCheckEndpoint\":\"\"}}", "9"},
		{"{\"web\":{}}", "9"},
	};
	struct drain_bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
		struct raw_client c;
		tempdir_write(b->dir, "egress-services", documents[i][0]);
		tempdir_write(b->dir, "hep-pings", documents[i][1]);
		drain_bench_ask(b, &c);
		drain_bench_wait_log(b, SLEEPING, i + 1);
		fake_clock_advance_ms(10000);
		drain_bench_expect(b, &c, 200, "");
	}
	assert_int_equal(log_capture_count(&b->log,
				 "Tailnet target \"web\" does not have a cluster healthcheck "
				 "specified, unable to verify if cluster traffic for the target is "
				 "still routed via this Pod"),
		2);
	assert_int_equal(log_capture_count(&b->log, "is no longer routed through this Pod"), 3);
}

static void a_pod_without_addresses_only_pauses(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_remake(b, "", "");
	drain_bench_write(b, "web", "3");
	b->ours_left = 100;
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, "the addresses of this Pod are not known", 1);
	drain_bench_wait_log(b, SLEEPING, 1);
	fake_clock_advance_ms(10000);
	drain_bench_expect(b, &c, 200, "");
	assert_int_equal(b->server->accept_count, 0);
}

static void requests_share_one_drain(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client clients[3];
	drain_bench_write(b, "web", "3");
	b->ours_left = 1;
	drain_bench_ask(b, &clients[0]);
	drain_bench_wait_pings(b, 1);
	drain_bench_ask(b, &clients[1]);
	drain_bench_expect_none(b, &clients[1]);
	/* One that leaves ends nothing while others wait. */
	raw_client_close(&clients[0]);
	fake_clock_advance_ms(1000);
	drain_bench_wait_log(b, SLEEPING, 1);
	fake_clock_advance_ms(6000);
	drain_bench_ask(b, &clients[2]);
	drain_bench_expect_none(b, &clients[2]);
	fake_clock_advance_ms(4000);
	drain_bench_expect(b, &clients[1], 200, "");
	drain_bench_expect(b, &clients[2], 200, "");
	assert_int_equal(b->server->request_count, 4);
	assert_false(log_capture_has(&b->log, "did not stop being routed"));
}

static void changed_documents_begin_anew(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client first, second, third;
	drain_bench_write(b, "web", "3");
	b->ours_left = 1;
	drain_bench_ask(b, &first);
	drain_bench_wait_log(b, "\"web\" is still routed", 1);
	drain_bench_write(b, "other", "2");
	drain_bench_ask(b, &second);
	drain_bench_wait_log(b, SLEEPING, 1);
	assert_int_equal(b->server->request_count, 1 + 2);
	/* Only the number of pings changes, during the pause. */
	tempdir_write(b->dir, "hep-pings", "4");
	drain_bench_ask(b, &third);
	drain_bench_wait_log(b, SLEEPING, 2);
	assert_int_equal(b->server->request_count, 1 + 2 + 4);
	fake_clock_advance_ms(10000);
	drain_bench_expect(b, &first, 200, "");
	drain_bench_expect(b, &second, 200, "");
	drain_bench_expect(b, &third, 200, "");
}

static bool is_quiet(void *arg)
{
	const struct drain_bench *b = arg;
	return b->server->open_count == 0;
}

static void a_client_that_leaves_ends_the_drain(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_write(b, "web", "3");
	b->ours_left = 1000;
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, "is still routed", 1);
	raw_client_close(&c);
	drain_bench_wait_log(
		b, "Cluster traffic for web did not stop being routed to this Pod.", 1);
	unsigned int count = b->server->request_count;
	fake_clock_advance_ms(60000);
	assert_true(loop_wait_idle(b->loop, 30));
	assert_int_equal(b->server->request_count, count);
	/* In the middle of a ping. */
	b->ours_left = 0;
	b->server->choose = NULL;
	b->server->reply = (struct raw_reply){0};
	drain_bench_ask(b, &c);
	drain_bench_wait_pings(b, count + 1);
	raw_client_close(&c);
	drain_bench_wait_log(b, "Cluster traffic for web did not stop", 2);
	assert_true(loop_wait(b->loop, is_quiet, b, LOOP_WAIT_MS));
	assert_false(log_capture_has(&b->log, "Sleeping"));
}

static void a_client_that_leaves_during_the_pause(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_write(b, "web", "1");
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, SLEEPING, 1);
	raw_client_close(&c);
	assert_true(loop_wait_idle(b->loop, 20));
	fake_clock_advance_ms(10000);
	assert_true(loop_wait_idle(b->loop, 20));
	assert_false(log_capture_has(&b->log, "did not stop being routed"));
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, SLEEPING, 2);
	fake_clock_advance_ms(10000);
	drain_bench_expect(b, &c, 200, "");
}

static void a_stop_answers_what_waits(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client clients[2];
	drain_bench_write(b, "web", "3");
	b->ours_left = 1000;
	drain_bench_ask(b, &clients[0]);
	drain_bench_ask(b, &clients[1]);
	drain_bench_wait_log(b, "is still routed", 1);
	drain_stop(b->drain);
	drain_bench_expect(b, &clients[0], 200, "");
	drain_bench_expect(b, &clients[1], 200, "");
	drain_bench_wait_log(b, "Cluster traffic for web did not stop", 1);
	unsigned int count = b->server->request_count;
	fake_clock_advance_ms(60000);
	drain_bench_ask(b, &clients[0]);
	drain_bench_expect(b, &clients[0], 200, "");
	assert_int_equal(b->server->request_count, count);
	drain_stop(b->drain);
}

static void a_stop_during_the_pause(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_write(b, "web", "1");
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, SLEEPING, 1);
	drain_stop(b->drain);
	drain_bench_expect(b, &c, 200, "");
	assert_false(log_capture_has(&b->log, "did not stop being routed"));
}

static void either_end_may_be_freed_first(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client clients[2];
	drain_bench_write(b, "web", "3");
	b->server->choose = NULL;
	b->server->reply = (struct raw_reply){0};
	drain_bench_ask(b, &clients[0]);
	drain_bench_ask(b, &clients[1]);
	drain_bench_wait_pings(b, 1);
	assert_true(loop_wait_idle(b->loop, 20));
	drain_free(b->drain);
	b->drain = NULL;
	raw_client_close(&clients[0]);
	assert_true(loop_wait(b->loop, is_quiet, b, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(b->loop, 20));
	raw_client_close(&clients[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, drain_bench_open, drain_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(answered_at_once),
		TEST(a_directory_in_place_of_a_file),
		TEST(waits_until_others_answer),
		TEST(head_is_answered_too),
		TEST(without_pings_or_endpoints_only_the_pause_remains),
		TEST(a_pod_without_addresses_only_pauses),
		TEST(requests_share_one_drain),
		TEST(changed_documents_begin_anew),
		TEST(a_client_that_leaves_ends_the_drain),
		TEST(a_client_that_leaves_during_the_pause),
		TEST(a_stop_answers_what_waits),
		TEST(a_stop_during_the_pause),
		TEST(either_end_may_be_freed_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
