/* Partly failing servers: a search domain, or one family of addresses. */
#include "lib/io/resolve.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_dns.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

struct fixture {
	struct loop *loop;
	struct resolver *resolver;
	struct fake_dns dns;
	char *dir;
	unsigned int calls;
	struct resolve_answer answer;
	struct err err;
};

static const char *const both[] = {"10.0.0.1", "fd00::1", NULL};
static const char *const other[] = {"10.0.0.2", "fd00::2", NULL};
static const char *const only_v4[] = {"10.0.0.2", NULL};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	fake_clock_install(1000);
	f->dir = tempdir_new();
	tempdir_write(f->dir, "resolv.conf", "search one.test two.test\n");
	AUTO(mem_free) char *config = tempdir_path(f->dir, "resolv.conf");
	f->loop = loop_new(&e);
	f->resolver = resolver_new(f->loop, &e);
	fake_dns_open(&f->dns, f->loop);
	fake_dns_set(&f->dns, 60, both);
	*state = f;
	if (f->resolver == NULL || resolver_set_servers(f->resolver, f->dns.servers, &e) < 0 ||
		resolver_set_config(f->resolver, config, &e) < 0)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fake_clock_remove();
	resolver_free(f->resolver);
	fake_dns_close(&f->dns);
	loop_free(f->loop);
	tempdir_free(f->dir);
	free(f);
	return 0;
}

static void on_answer(void *arg, const struct resolve_answer *answer, const struct err *err)
{
	struct fixture *f = arg;
	f->calls++;
	f->err = err != NULL ? *err : (struct err){0};
	f->answer = answer != NULL ? *answer : (struct resolve_answer){0};
}

static void start(struct fixture *f, const char *host)
{
	struct err e = {0};
	assert_non_null(resolve_start(f->resolver, host, 0, on_answer, f, &e));
}

static void wait_answer(struct fixture *f, unsigned int before)
{
	assert_true(loop_wait_count(f->loop, &f->calls, before + 1, LOOP_WAIT_MS));
}

static void ask(struct fixture *f, const char *host)
{
	unsigned int before = f->calls;
	start(f, host);
	wait_answer(f, before);
}

/* The answer as "address address", in its order. */
static void assert_answer(const struct fixture *f, const char *expected)
{
	AUTO(strv_fini) struct strv texts = {0};
	for (size_t i = 0; i < f->answer.count; i++) {
		char text[IPADDR_TEXT_MAX];
		strv_push(&texts, ipaddr_format(&f->answer.addresses[i], text));
	}
	AUTO(mem_free) char *all = strv_join(&texts, " ");
	assert_string_equal(all, expected);
}

static void a_domain_that_fails_is_passed_over(void **state)
{
	static const enum fake_dns_mode modes[] = {FAKE_DNS_SERVER_FAILURE, FAKE_DNS_REFUSED};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		AUTO(mem_free) char *host = xasprintf("host-%zu", i);
		AUTO(mem_free) char *first = xasprintf("%s.one.test", host);
		f->dns.rule_count = 0;
		fake_dns_rule(&f->dns, first, IPADDR_NONE, modes[i]);
		ask(f, host);
		assert_string_equal(f->err.msg, "");
		assert_answer(f, "10.0.0.1 fd00::1");
		AUTO(mem_free) char *second = xasprintf("%s.two.test", host);
		assert_true(strv_contains(&f->dns.names, second));
		assert_false(strv_contains(&f->dns.names, host));
		/* And the other one, too. */
		AUTO(mem_free) char *absolute = xasprintf("%s-2", host);
		AUTO(mem_free) char *third = xasprintf("%s.one.test", absolute);
		AUTO(mem_free) char *fourth = xasprintf("%s.two.test", absolute);
		fake_dns_rule(&f->dns, third, IPADDR_NONE, modes[i]);
		fake_dns_rule(&f->dns, fourth, IPADDR_NONE, modes[i]);
		ask(f, absolute);
		assert_string_equal(f->err.msg, "");
		assert_true(strv_contains(&f->dns.names, absolute));
	}
}

static void the_failure_is_that_of_the_host_as_it_is(void **state)
{
	struct fixture *f = *state;
	fake_dns_rule(&f->dns, "api.one.test", IPADDR_NONE, FAKE_DNS_SERVER_FAILURE);
	f->dns.mode = FAKE_DNS_NO_SUCH_NAME;
	ask(f, "api");
	assert_int_equal(f->err.code, -ENOENT);
	assert_string_equal(f->err.msg, "lookup api: no such host");
	/* The other way round, with the host name tried first. */
	fake_dns_rule(&f->dns, "api.example", IPADDR_NONE, FAKE_DNS_SERVER_FAILURE);
	ask(f, "api.example");
	assert_int_equal(f->err.code, -EAGAIN);
	assert_true(strv_contains(&f->dns.names, "api.example.two.test"));
}

static void a_failed_domain_does_not_forget_the_last_answer(void **state)
{
	struct fixture *f = *state;
	fake_dns_rule(&f->dns, "api", IPADDR_NONE, FAKE_DNS_NO_SUCH_NAME);
	fake_dns_rule(&f->dns, "api.two.test", IPADDR_NONE, FAKE_DNS_NO_SUCH_NAME);
	ask(f, "api");
	fake_clock_advance_ms(61000);
	f->dns.mode = FAKE_DNS_SERVER_FAILURE;
	ask(f, "api");
	assert_true(f->answer.stale);
	assert_answer(f, "10.0.0.1 fd00::1");
}

static void wait_held(struct fixture *f, unsigned int questions)
{
	assert_true(loop_wait_count(f->loop, &f->dns.question_count, questions, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(f->loop, 20));
}

static void a_family_that_is_not_answered_holds_up_for_a_moment(void **state)
{
	static const enum ipaddr_family late[] = {IPADDR_V6, IPADDR_V4};
	static const char *const early[] = {"10.0.0.1", "fd00::1"};
	static const char *const hosts[] = {"six.example", "four.example"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(late); i++) {
		unsigned int calls = f->calls;
		unsigned int questions = f->dns.question_count;
		fake_dns_rule(&f->dns, NULL, late[i], FAKE_DNS_HELD);
		start(f, hosts[i]);
		wait_held(f, questions + 2);
		fake_clock_advance_ms(49);
		assert_true(loop_wait_idle(f->loop, 20));
		assert_int_equal(f->calls, calls);
		fake_clock_advance_ms(1);
		wait_answer(f, calls);
		assert_string_equal(f->err.msg, "");
		assert_answer(f, early[i]);
		assert_true(f->answer.is_partial);
		assert_int_equal(f->answer.ttl_s, 5);
		/* Requests in the meantime do not wait. */
		ask(f, hosts[i]);
		assert_answer(f, early[i]);
		assert_int_equal(f->dns.question_count, questions + 2);
		/* The late answer is there for the next request. */
		fake_dns_release(&f->dns);
		assert_true(loop_wait_idle(f->loop, 20));
		fake_clock_advance_ms(5000);
		ask(f, hosts[i]);
		assert_answer(f, "10.0.0.1 fd00::1");
		assert_false(f->answer.is_partial);
		assert_int_equal(f->answer.ttl_s, 55);
		assert_int_equal(f->dns.question_count, questions + 3);
	}
}

static void a_slow_family_keeps_its_last_addresses(void **state)
{
	struct fixture *f = *state;
	ask(f, "api.example");
	fake_dns_set(&f->dns, 60, other);
	fake_dns_rule(&f->dns, NULL, IPADDR_V6, FAKE_DNS_HELD);
	fake_clock_advance_ms(61000);
	start(f, "api.example");
	wait_held(f, 4);
	fake_clock_advance_ms(50);
	wait_answer(f, 1);
	assert_answer(f, "10.0.0.2 fd00::1");
	assert_true(f->answer.is_partial);
	/* It has none any more. */
	fake_dns_set(&f->dns, 60, only_v4);
	fake_dns_release(&f->dns);
	assert_true(loop_wait_idle(f->loop, 20));
	ask(f, "api.example");
	assert_answer(f, "10.0.0.2");
	assert_false(f->answer.is_partial);
}

static void a_silent_family_does_not_hold_up_a_search(void **state)
{
	struct fixture *f = *state;
	fake_dns_rule(&f->dns, NULL, IPADDR_V6, FAKE_DNS_SILENT);
	fake_dns_rule(&f->dns, "api.one.test", IPADDR_NONE, FAKE_DNS_NO_SUCH_NAME);
	start(f, "api");
	wait_held(f, 2);
	fake_clock_advance_ms(50);
	wait_held(f, 4);
	assert_true(strv_contains(&f->dns.names, "api.two.test"));
	fake_clock_advance_ms(50);
	wait_answer(f, 0);
	assert_answer(f, "10.0.0.1");
}

/* Two faults at once: the server of a domain fails, and nobody answers for one family. */
static void a_failed_domain_and_a_silent_family(void **state)
{
	static const enum ipaddr_family silent[] = {IPADDR_V6, IPADDR_V4};
	static const char *const found[] = {"10.0.0.1", "fd00::1"};
	static const char *const hosts[] = {"six", "four"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		unsigned int calls = f->calls;
		unsigned int questions = f->dns.question_count;
		AUTO(mem_free) char *first = xasprintf("%s.one.test", hosts[i]);
		AUTO(mem_free) char *second = xasprintf("%s.two.test", hosts[i]);
		f->dns.rule_count = 0;
		fake_dns_rule(&f->dns, NULL, silent[i], FAKE_DNS_SILENT);
		fake_dns_rule(&f->dns, first, silent[1 - i], FAKE_DNS_SERVER_FAILURE);
		fake_dns_rule(&f->dns, second, silent[1 - i], FAKE_DNS_REFUSED);
		start(f, hosts[i]);
		for (unsigned int step = 1; step <= 3; step++) {
			wait_held(f, questions + 2 * step);
			fake_clock_advance_ms(50);
		}
		wait_answer(f, calls);
		assert_string_equal(f->err.msg, "");
		assert_answer(f, found[i]);
		assert_true(f->answer.is_partial);
	}
}

/* Some servers deny a whole name that has only addresses of the other family. */
static void a_name_denied_for_one_family_has_the_other(void **state)
{
	struct fixture *f = *state;
	fake_dns_rule(&f->dns, "api.example", IPADDR_V6, FAKE_DNS_NO_SUCH_NAME);
	ask(f, "api.example");
	assert_answer(f, "10.0.0.1");
	assert_false(f->answer.is_partial);
}

static void what_is_awaited_ends_with_the_resolver(void **state)
{
	struct fixture *f = *state;
	fake_dns_rule(&f->dns, NULL, IPADDR_V6, FAKE_DNS_HELD);
	start(f, "api.example");
	wait_held(f, 2);
	fake_clock_advance_ms(50);
	wait_answer(f, 0);
	/* The answer expires before the other family has answered. */
	fake_clock_advance_ms(61000);
	start(f, "api.example");
	wait_held(f, 4);
	tempdir_write(f->dir, "resolv.conf", "search second.test\noptions ndots:3\n");
	start(f, "other.example");
	wait_held(f, 8);
	assert_true(strv_contains(&f->dns.names, "api.example.second.test"));
}

int main(void)
{
#define NAMES_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		NAMES_TEST(a_domain_that_fails_is_passed_over),
		NAMES_TEST(the_failure_is_that_of_the_host_as_it_is),
		NAMES_TEST(a_failed_domain_does_not_forget_the_last_answer),
		NAMES_TEST(a_family_that_is_not_answered_holds_up_for_a_moment),
		NAMES_TEST(a_slow_family_keeps_its_last_addresses),
		NAMES_TEST(a_silent_family_does_not_hold_up_a_search),
		NAMES_TEST(a_failed_domain_and_a_silent_family),
		NAMES_TEST(a_name_denied_for_one_family_has_the_other),
		NAMES_TEST(what_is_awaited_ends_with_the_resolver),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
