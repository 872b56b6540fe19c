/* Names of health check endpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "egress/drain.h"
#include "lib/base/mem.h"
#include "tests/support/drain_bench.h"
#include "tests/support/fake_clock.h"

#define GIVEN_UP "assuming the routing rules for this Pod have been deleted"
#define UNREACHABLE "likely because there are no (more) healthy backends"

static void names_are_resolved(void **state)
{
	/* The family of our own address, where there is one of it. */
	static const char *const both[] = {"fd00::99", "127.0.0.1", NULL};
	static const char *const none[] = {NULL};
	struct drain_bench *b = *state;
	struct raw_client c;
	AUTO(mem_free)
	char *url = xasprintf("http://web.ns.svc.test:%u/healthz", b->server->port);
	AUTO(mem_free)
	char *host = xasprintf("\r\nHost: web.ns.svc.test:%u\r\n", b->server->port);
	drain_bench_write_url(b, url, "3");
	fake_dns_set(&b->dns, 60, both);
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, "is no longer routed through this Pod", 1);
	assert_int_equal(b->server->request_count, 3);
	assert_non_null(strstr(b->server->requests.items[0], host));
	drain_bench_finish(b, &c);
	/* A name without an address. */
	AUTO(mem_free) char *other = xasprintf("http://other.test:%u/", b->server->port);
	fake_dns_set(&b->dns, 60, none);
	drain_bench_write_url(b, other, "3");
	drain_bench_ask(b, &c);
	drain_bench_pass_until(b, GIVEN_UP, 1);
	raw_client_close(&c);
}

/* Traffic may well come here while the name cannot be looked up. */
static void a_failed_look_up_is_not_the_end(void **state)
{
	static const char *const here[] = {"127.0.0.1", NULL};
	struct drain_bench *b = *state;
	struct raw_client c;
	AUTO(mem_free) char *url = xasprintf("http://web.test:%u/", b->server->port);
	b->dns.mode = FAKE_DNS_SERVER_FAILURE;
	drain_bench_write_url(b, url, "3");
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, UNREACHABLE, 1);
	for (unsigned int round = 0; round < 3 * DRAIN_UNREACHABLE_LIMIT; round++) {
		drain_bench_expect_none(b, &c);
		fake_clock_advance_ms(1000);
	}
	assert_false(log_capture_has(&b->log, GIVEN_UP));
	fake_dns_set(&b->dns, 60, here);
	drain_bench_answer(b, DRAIN_BENCH_OURS);
	drain_bench_pass_until(b, "is still routed", 1);
	drain_bench_answer(b, DRAIN_BENCH_OTHER);
	drain_bench_pass_until(b, "is no longer routed through this Pod", 1);
	drain_bench_finish(b, &c);
}

/* Only one family shows who answers: the drain waits for its addresses. */
static void the_family_of_this_pod_is_waited_for(void **state)
{
	static const char *const both[] = {"::1", "127.0.0.1", NULL};
	struct drain_bench *b = *state;
	struct raw_client c;
	AUTO(mem_free) char *url = xasprintf("http://web.test:%u/", b->server->port);
	fake_dns_set(&b->dns, 60, both);
	fake_dns_rule(&b->dns, NULL, IPADDR_V4, FAKE_DNS_HELD);
	drain_bench_write_url(b, url, "3");
	drain_bench_ask(b, &c);
	assert_true(loop_wait_count(b->loop, &b->dns.question_count, 2, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(b->loop, 20));
	fake_clock_advance_ms(50);
	drain_bench_wait_log(b, "no answer for IPv4 yet", 1);
	assert_int_equal(b->server->accept_count, 0);
	fake_dns_release(&b->dns);
	drain_bench_pass_until(b, "is no longer routed through this Pod", 1);
	assert_int_equal(b->server->request_count, 3);
	drain_bench_finish(b, &c);
}

/* The pings go round the addresses: one of two answers. */
static void addresses_are_used_in_turn(void **state)
{
	static const char *const two[] = {"127.0.0.1", "127.0.0.2", NULL};
	struct drain_bench *b = *state;
	struct raw_client c;
	AUTO(mem_free) char *url = xasprintf("http://web.test:%u/", b->server->port);
	drain_bench_write_url(b, url, "4");
	fake_dns_set(&b->dns, 60, two);
	drain_bench_ask(b, &c);
	drain_bench_wait_log(b, UNREACHABLE, 1);
	assert_int_equal(b->server->request_count, 2);
	drain_bench_answer(b, DRAIN_BENCH_OURS);
	drain_bench_pass_until(b, "is still routed", 1);
	assert_false(log_capture_has(&b->log, GIVEN_UP));
	raw_client_close(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, drain_bench_open, drain_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(names_are_resolved),
		TEST(a_failed_look_up_is_not_the_end),
		TEST(the_family_of_this_pod_is_waited_for),
		TEST(addresses_are_used_in_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
