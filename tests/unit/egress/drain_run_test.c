#include "egress/drain_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "egress/drain_log.h"
#include "lib/base/mem.h"
#include "tests/support/drain_bench.h"
#include "tests/support/fake_clock.h"

#define GIVEN_UP "assuming the routing rules for this Pod have been deleted"
#define UNREACHABLE "likely because there are no (more) healthy backends"

/* A port that nobody listens on. */
static char *dead_url(struct drain_bench *b)
{
	struct raw_server *server = raw_server_new(b->loop, NULL);
	char *url = xasprintf("http://127.0.0.1:%u/healthz", server->port);
	raw_server_free(server);
	return url;
}

static void an_unreachable_endpoint_is_given_up(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	AUTO(mem_free) char *url = dead_url(b);
	AUTO(mem_free) char *line = xasprintf("Endpoint \"%s\" can not be reached: ", url);
	drain_bench_write_url(b, url, "9");
	drain_bench_ask(b, &c);
	for (unsigned int round = 1; round < DRAIN_UNREACHABLE_LIMIT; round++) {
		drain_bench_wait_log(b, UNREACHABLE, 1);
		drain_bench_expect_none(b, &c);
		assert_false(log_capture_has(&b->log, GIVEN_UP));
		fake_clock_advance_ms(1000);
	}
	drain_bench_wait_log(b, GIVEN_UP, 1);
	drain_bench_finish(b, &c);
	assert_int_equal(log_capture_count(&b->log, line), 1);
	assert_int_equal(log_capture_count(&b->log, UNREACHABLE), 1);
	assert_false(log_capture_has(&b->log, "is no longer routed through this Pod"));
}

static void what_is_of_no_use_is_given_up(void **state)
{
	static const char *const urls[] = {"no url", "ftp://127.0.0.1/", "http://", "/healthz",
		"http://user:pw@127.0.0.1/", "http://127.0.0.1:99999/", "http://[fe80::1%25lo]/",
		"http://a..b/", "http://nobody.test/healthz"};
	struct drain_bench *b = *state;
	b->dns.mode = FAKE_DNS_NO_SUCH_NAME;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct raw_client c;
		drain_bench_write_url(b, urls[i], "2");
		drain_bench_ask(b, &c);
		drain_bench_pass_until(b, GIVEN_UP, 1);
		drain_bench_finish(b, &c);
		log_capture_reset(&b->log);
	}
	assert_int_equal(b->server->accept_count, 0);
}

/* Nobody answers, until the time of each ping is over. */
static void a_silent_endpoint_is_given_up(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_write(b, "web", "9");
	b->server->choose = NULL;
	b->server->reply = (struct raw_reply){0};
	drain_bench_ask(b, &c);
	/* Three of the first round, one of each further one. */
	for (unsigned int ping = 1; ping <= 3; ping++) {
		drain_bench_wait_pings(b, ping);
		fake_clock_advance_ms(1999);
		drain_bench_expect_none(b, &c);
		assert_int_equal(b->server->request_count, ping);
		fake_clock_advance_ms(1);
	}
	drain_bench_wait_log(b, UNREACHABLE, 1);
	for (unsigned int round = 2; round <= DRAIN_UNREACHABLE_LIMIT; round++) {
		fake_clock_advance_ms(1000);
		drain_bench_wait_pings(b, 2 + round);
		assert_true(loop_wait_idle(b->loop, 10));
		fake_clock_advance_ms(2000);
		assert_true(loop_wait_idle(b->loop, 10));
	}
	drain_bench_wait_log(b, GIVEN_UP, 1);
	drain_bench_finish(b, &c);
	assert_int_equal(b->server->request_count, 7);
	assert_int_equal(b->server->open_count, 0);
}

static void broken_answers_are_none(void **state)
{
	static const struct raw_reply replies[] = {
		{.text = "nonsense\r\n\r\n", .after = RAW_CLOSE},
		{.text = "HTTP/1.1 200 OK\r\nPod-IPv4: 10.0.0.1\r\n", .after = RAW_CLOSE},
		{.after = RAW_CLOSE},
		{.after = RAW_RESET},
	};
	struct drain_bench *b = *state;
	b->server->choose = NULL;
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		struct raw_client c;
		b->server->reply = replies[i];
		drain_bench_write(b, "web", "3");
		drain_bench_ask(b, &c);
		drain_bench_pass_until(b, GIVEN_UP, 1);
		drain_bench_finish(b, &c);
		log_capture_reset(&b->log);
	}
}

static void an_endpoint_that_comes_back_is_waited_for(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_write(b, "web", "1");
	for (unsigned int again = 0; again < 3; again++) {
		b->server->choose = NULL;
		b->server->reply = (struct raw_reply){.after = RAW_CLOSE};
		if (again == 0)
			drain_bench_ask(b, &c);
		for (unsigned int round = 0; round < DRAIN_UNREACHABLE_LIMIT - 1; round++) {
			drain_bench_wait_pings(b, again * DRAIN_UNREACHABLE_LIMIT + round + 1);
			assert_true(loop_wait_idle(b->loop, 10));
			if (round == DRAIN_UNREACHABLE_LIMIT - 2)
				drain_bench_answer(b, DRAIN_BENCH_OURS);
			fake_clock_advance_ms(1000);
		}
		drain_bench_wait_pings(b, (again + 1) * DRAIN_UNREACHABLE_LIMIT);
		assert_true(loop_wait_idle(b->loop, 10));
		fake_clock_advance_ms(1000);
	}
	assert_false(log_capture_has(&b->log, GIVEN_UP));
	/* Each state is logged once. */
	assert_int_equal(log_capture_count(&b->log, UNREACHABLE), 1);
	assert_int_equal(log_capture_count(&b->log, "is still routed"), 1);
	raw_client_close(&c);
	drain_bench_wait_log(b, "Cluster traffic for web did not stop", 1);
}

/* Each says what a ping sees; header names and addresses in any case. */
static void the_head_of_any_answer_counts(void **state)
{
	static const struct {
		const char *pod_ipv4, *pod_ipv6, *status;
		bool is_ours;
	} rows[] = {
		{"10.0.0.1", "", "200 OK\r\npod-ipv4: 10.0.0.1", true},
		{"10.0.0.1", "fd00::1", "200 OK\r\nPod-IPv6: fd00::1", false},
		{"10.0.0.1", "fd00::1", "200 OK\r\nPod-IPv6: fd00::1\r\nPod-IPv4: 10.0.0.1", true},
		{"", "fd00::1", "200 OK\r\nPod-IPv6: FD00:0::1", true},
		{"", "fd00::1", "200 OK\r\nPod-IPv6: fd00::2", false},
		{"", "fd00::1", "200 OK\r\nPod-IPv4: fd00::1", false},
		{"10.0.0.1", "", "503 Service Unavailable\r\nPod-IPv4: 10.0.0.1", true},
		{"10.0.0.1", "", "503 Service Unavailable", false},
		{"10.0.0.1", "", "404 Not Found\r\nPod-IPv4: 10.0.0.9", false},
		/* Not followed. */
		{"10.0.0.1", "", "302 Found\r\nLocation: /x", false},
		{"10.0.0.1", "", "302 Found\r\nLocation: /x\r\nPod-IPv4: 10.0.0.1", true},
		{"10.0.0.1", "", "200 OK\r\nPod-IPv4:", false},
	};
	struct drain_bench *b = *state;
	drain_bench_write(b, "web", "1");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct raw_client c;
		unsigned int before = b->server->request_count;
		drain_bench_remake(b, rows[i].pod_ipv4, rows[i].pod_ipv6);
		drain_bench_answer(b, rows[i].status);
		drain_bench_ask(b, &c);
		drain_bench_wait_log(b,
			rows[i].is_ours ? "is still routed through this Pod"
					: "is no longer routed through this Pod",
			1);
		assert_int_equal(b->server->request_count, before + 1);
		raw_client_close(&c);
		assert_true(loop_wait_idle(b->loop, 5));
		log_capture_reset(&b->log);
	}
}

static void a_body_is_not_waited_for(void **state)
{
	static const char *const heads[] = {
		"HTTP/1.1 200 OK\r\nPod-IPv4: 10.0.0.2\r\nContent-Length: 1000000000\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nPod-IPv4: 10.0.0.2\r\nTransfer-Encoding: chunked\r\n\r\n",
	};
	struct drain_bench *b = *state;
	b->server->choose = NULL;
	drain_bench_write(b, "web", "3");
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct raw_client c;
		b->server->reply = (struct raw_reply){.text = heads[i]};
		drain_bench_ask(b, &c);
		drain_bench_wait_log(b, "is no longer routed through this Pod", i + 1);
		drain_bench_wait_log(b, "Sleeping for 10s", i + 1);
		fake_clock_advance_ms(10000);
		drain_bench_expect(b, &c, 200, "");
	}
}

static void an_endless_refusal_is_an_answer_all_the_same(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	b->server->choose = NULL;
	b->server->reply = (struct raw_reply){
		.text = "HTTP/1.1 503 Busy\r\nPod-IPv4: 10.0.0.1\r\nContent-Length: 9\r\n\r\nx"};
	drain_bench_write(b, "web", "3");
	drain_bench_ask(b, &c);
	drain_bench_wait_pings(b, 1);
	assert_true(loop_wait_idle(b->loop, 20));
	fake_clock_advance_ms(2000);
	drain_bench_wait_log(b, "is still routed", 1);
	raw_client_close(&c);
}

static void many_services_are_few_at_a_time(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_write_many(b, 200, false, "3");
	b->ours_left = 50;
	drain_bench_ask(b, &c);
	drain_bench_wait_pings(b, 50 + 150 * 3);
	drain_bench_expect_none(b, &c);
	fake_clock_advance_ms(1000);
	drain_bench_finish(b, &c);
	assert_int_equal(b->server->request_count, 50 + 200 * 3);
	assert_in_range(b->open_max, 2, 2 * DRAIN_ROUNDS_MAX);
	assert_int_equal(log_capture_count(&b->log, "\" is no longer routed through this Pod"),
		DRAIN_LOG_LINES);
	assert_int_equal(log_capture_count(&b->log, "\" is still routed"), DRAIN_LOG_LINES);
	assert_true(log_capture_has(&b->log, "... and 180 more services to check"));
	assert_true(log_capture_has(&b->log, "service \"svc-0000\" is still routed"));
	assert_true(log_capture_has(&b->log, "routed to \"svc-0019\" via this Pod"));
	assert_false(log_capture_has(&b->log, "svc-0020\" via this Pod"));
}

static void services_share_the_checks_of_an_endpoint(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_write_many(b, 5000, true, "9");
	b->ours_left = 1;
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, "is still routed", DRAIN_LOG_LINES);
	fake_clock_advance_ms(1000);
	drain_bench_finish(b, &c);
	assert_int_equal(b->server->request_count, 1 + 9);
	assert_true(log_capture_has(
		&b->log, "... and 4980 more services are no longer routed through this Pod"));
	assert_in_range(b->log.texts.len, 60, 80);
}

static void thousands_of_endpoints_are_bounded(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_write_many(b, 2000, false, "1");
	drain_bench_ask(b, &c);
	for (unsigned int count = 500; count <= 2000; count += 500)
		drain_bench_wait_pings(b, count);
	drain_bench_finish(b, &c);
	assert_int_equal(b->server->request_count, 2000);
	assert_in_range(b->open_max, 2, 2 * DRAIN_ROUNDS_MAX);
	assert_in_range(b->log.texts.len, 40, 60);
}

static void what_remains_is_summarised(void **state)
{
	struct drain_bench *b = *state;
	struct raw_client c;
	drain_bench_write_many(b, 100, true, "1");
	drain_bench_answer(b, DRAIN_BENCH_OURS);
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, "svc-0019\" is still routed", 1);
	/* The others are logged from time to time. */
	drain_bench_pass_until(b, "... and 80 more services are still routed", 1);
	raw_client_close(&c);
	drain_bench_wait_log(b, "... and 80 more services did not stop being routed", 1);
	assert_true(log_capture_has(&b->log, "Cluster traffic for svc-0000 did not stop"));
	assert_int_equal(log_capture_count(&b->log, "Cluster traffic for svc"), DRAIN_LOG_LINES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, drain_bench_open, drain_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(an_unreachable_endpoint_is_given_up),
		TEST(what_is_of_no_use_is_given_up),
		TEST(a_silent_endpoint_is_given_up),
		TEST(broken_answers_are_none),
		TEST(an_endpoint_that_comes_back_is_waited_for),
		TEST(the_head_of_any_answer_counts),
		TEST(a_body_is_not_waited_for),
		TEST(an_endless_refusal_is_an_answer_all_the_same),
		TEST(many_services_are_few_at_a_time),
		TEST(services_share_the_checks_of_an_endpoint),
		TEST(thousands_of_endpoints_are_bounded),
		TEST(what_remains_is_summarised),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
