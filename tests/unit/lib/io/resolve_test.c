#include "lib/io/resolve.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
	struct resolve *victim;
};

static const char *const two[] = {"10.0.0.1", "fd00::1", NULL};
static const char *const one[] = {"10.0.0.2", NULL};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	f->dir = tempdir_new();
	tempdir_write(f->dir, "resolv.conf", "search one.test\n");
	AUTO(mem_free) char *config = tempdir_path(f->dir, "resolv.conf");
	f->loop = loop_new(&e);
	f->resolver = resolver_new(f->loop, &e);
	fake_dns_open(&f->dns, f->loop);
	*state = f;
	if (f->resolver == NULL || resolver_set_servers(f->resolver, f->dns.servers, &e) < 0 ||
		resolver_set_config(f->resolver, config, &e) < 0) {
		print_error("%s\n", e.msg);
		return -1;
	}
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
	err_clear(&f->err);
	memset(&f->answer, 0, sizeof(f->answer));
	assert_true((answer == NULL) != (err == NULL));
	if (err != NULL)
		f->err = *err;
	else
		f->answer = *answer;
	resolve_cancel(f->victim);
	f->victim = NULL;
}

static struct resolve *start(struct fixture *f, const char *host, uint32_t timeout_ms)
{
	struct err e = {0};
	unsigned int before = f->calls;
	struct resolve *q = resolve_start(f->resolver, host, timeout_ms, on_answer, f, &e);
	if (q == NULL)
		fail_msg("%s", e.msg);
	assert_int_equal(f->calls, before);
	return q;
}

static void ask(struct fixture *f, const char *host)
{
	unsigned int before = f->calls;
	start(f, host, 0);
	assert_true(loop_wait_count(f->loop, &f->calls, before + 1, LOOP_WAIT_MS));
}

static bool has_address(const struct fixture *f, const char *text)
{
	struct ipaddr address;
	struct err e;
	assert_int_equal(ipaddr_parse(text, &address, &e), 0);
	for (size_t i = 0; i < f->answer.count; i++) {
		if (ipaddr_equal(&f->answer.addresses[i], &address))
			return true;
	}
	return false;
}

static void both_families_are_answered(void **state)
{
	struct fixture *f = *state;
	fake_dns_set(&f->dns, 60, two);
	ask(f, "api.example.com");
	assert_int_equal(f->err.code, 0);
	assert_int_equal(f->answer.count, 2);
	assert_true(has_address(f, "10.0.0.1"));
	assert_true(has_address(f, "fd00::1"));
	assert_int_equal(f->answer.ttl_s, 60);
	assert_false(f->answer.stale);
	assert_int_equal(f->dns.question_count, 2);
}

static void numbers_and_localhost_need_no_server(void **state)
{
	struct fixture *f = *state;
	ask(f, "192.0.2.7");
	assert_int_equal(f->answer.count, 1);
	assert_true(has_address(f, "192.0.2.7"));
	ask(f, "2001:db8::1");
	assert_true(has_address(f, "2001:db8::1"));
	ask(f, "localhost");
	assert_true(has_address(f, "127.0.0.1"));
	assert_int_equal(f->dns.question_count, 0);
}

static void answers_are_kept_for_their_time(void **state)
{
	struct fixture *f = *state;
	fake_clock_install(1000);
	fake_dns_set(&f->dns, 60, two);
	ask(f, "api.example.com");
	fake_dns_set(&f->dns, 60, one);
	fake_clock_advance_ms(59000);
	ask(f, "API.example.com");
	assert_int_equal(f->dns.question_count, 2);
	assert_int_equal(f->answer.count, 2);
	assert_int_equal(f->answer.ttl_s, 1);
	fake_clock_advance_ms(1000);
	ask(f, "api.example.com");
	assert_int_equal(f->dns.question_count, 4);
	assert_int_equal(f->answer.count, 1);
	assert_true(has_address(f, "10.0.0.2"));
}

static void times_are_held_within_bounds(void **state)
{
	struct fixture *f = *state;
	fake_clock_install(1000);
	fake_dns_set(&f->dns, 0, one);
	ask(f, "short.example.com");
	assert_int_equal(f->answer.ttl_s, 5);
	fake_dns_set(&f->dns, 86400, one);
	ask(f, "long.example.com");
	assert_int_equal(f->answer.ttl_s, 600);
}

static void no_such_name_is_final(void **state)
{
	struct fixture *f = *state;
	fake_clock_install(1000);
	fake_dns_set(&f->dns, 60, one);
	ask(f, "gone.example.com");
	fake_clock_advance_ms(61000);
	f->dns.mode = FAKE_DNS_NO_SUCH_NAME;
	ask(f, "gone.example.com");
	assert_int_equal(f->err.code, -ENOENT);
	assert_string_equal(f->err.msg, "lookup gone.example.com: no such host");
	/* and the old answer is not brought back later */
	f->dns.mode = FAKE_DNS_SERVER_FAILURE;
	ask(f, "gone.example.com");
	assert_int_equal(f->err.code, -EAGAIN);
}

static void a_name_without_addresses_is_no_host(void **state)
{
	struct fixture *f = *state;
	static const char *const none[] = {NULL};
	fake_dns_set(&f->dns, 60, none);
	ask(f, "empty.example.com");
	assert_int_equal(f->err.code, -ENOENT);
}

static void a_dead_server_does_not_cut_off(void **state)
{
	struct fixture *f = *state;
	fake_clock_install(1000);
	fake_dns_set(&f->dns, 60, one);
	ask(f, "api.example.com");
	fake_clock_advance_ms(61000);
	f->dns.mode = FAKE_DNS_SERVER_FAILURE;
	ask(f, "api.example.com");
	assert_int_equal(f->err.code, 0);
	assert_true(f->answer.stale);
	assert_true(has_address(f, "10.0.0.2"));
	/* For a moment there is no further query. */
	unsigned int asked = f->dns.question_count;
	ask(f, "api.example.com");
	assert_true(f->answer.stale);
	assert_int_equal(f->dns.question_count, asked);
	fake_clock_advance_ms(5000);
	f->dns.mode = FAKE_DNS_ANSWER;
	ask(f, "api.example.com");
	assert_false(f->answer.stale);
	assert_true(f->dns.question_count > asked);
}

static void a_silent_server_is_cut_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	f->dns.mode = FAKE_DNS_SILENT;
	start(f, "slow.example.com", 50);
	assert_true(loop_wait_count(f->loop, &f->calls, 1, LOOP_WAIT_MS));
	assert_int_equal(f->err.code, -ETIMEDOUT);

	fake_clock_install(1000);
	fake_dns_set(&f->dns, 60, one);
	ask(f, "api.example.com");
	fake_clock_advance_ms(61000);
	f->dns.mode = FAKE_DNS_SILENT;
	start(f, "api.example.com", 50);
	assert_true(loop_wait_idle(f->loop, 5));
	assert_int_equal(f->calls, 2);
	fake_clock_advance_ms(50);
	assert_true(loop_wait_count(f->loop, &f->calls, 3, LOOP_WAIT_MS));
	assert_true(f->answer.stale);
}

static void a_lost_packet_is_asked_again(void **state)
{
	struct fixture *f = *state;
	fake_dns_set(&f->dns, 60, one);
	f->dns.mode = FAKE_DNS_SILENT;
	start(f, "api.example.com", 0);
	assert_true(loop_wait_count(f->loop, &f->dns.question_count, 2, LOOP_WAIT_MS));
	f->dns.mode = FAKE_DNS_ANSWER;
	assert_true(loop_wait_count(f->loop, &f->calls, 1, LOOP_WAIT_MS));
	assert_int_equal(f->err.code, 0);
	assert_true(has_address(f, "10.0.0.2"));
}

static void those_who_ask_the_same_share_a_lookup(void **state)
{
	struct fixture *f = *state;
	fake_dns_set(&f->dns, 60, two);
	start(f, "api.example.com", 0);
	start(f, "API.example.com", 0);
	resolve_cancel(start(f, "api.example.com", 0));
	assert_true(loop_wait_count(f->loop, &f->calls, 2, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(f->loop, 5));
	assert_int_equal(f->calls, 2);
	assert_int_equal(f->dns.question_count, 2);
	/* One callback cancels the other's request. */
	f->victim = start(f, "192.0.2.1", 0);
	struct resolve *other = start(f, "192.0.2.2", 0);
	assert_ptr_not_equal(other, f->victim);
	assert_true(loop_wait_count(f->loop, &f->calls, 3, LOOP_WAIT_MS));
	/* resolver_free cancels what is still under way. */
	f->dns.mode = FAKE_DNS_SILENT;
	start(f, "late.example.com", 1000);
	assert_true(loop_wait_idle(f->loop, 5));
}

static void a_changed_configuration_is_read_again(void **state)
{
	struct fixture *f = *state;
	fake_dns_set(&f->dns, 60, one);
	ask(f, "short");
	assert_string_equal(f->dns.names.items[0], "short.one.test");
	/* A lookup under way is asked again under the new one. */
	strv_reset(&f->dns.names);
	f->dns.mode = FAKE_DNS_SILENT;
	start(f, "pending", 0);
	assert_true(loop_wait_count(f->loop, &f->dns.question_count, 4, LOOP_WAIT_MS));
	tempdir_write(f->dir, "resolv.conf", "search second.test\n");
	f->dns.mode = FAKE_DNS_ANSWER;
	start(f, "other", 0);
	assert_true(loop_wait_count(f->loop, &f->calls, 3, LOOP_WAIT_MS));
	assert_true(strv_contains(&f->dns.names, "other.second.test"));
	assert_true(strv_contains(&f->dns.names, "pending.second.test"));
}

static void large_answers_come_by_tcp_and_are_limited(void **state)
{
	struct fixture *f = *state;
	struct err e;
	f->dns.ttl_s = 60;
	for (f->dns.count = 0; f->dns.count < FAKE_DNS_ADDRESSES_MAX; f->dns.count++) {
		char text[32];
		snprintf(text, sizeof(text), "10.1.1.%zu", f->dns.count);
		assert_int_equal(ipaddr_parse(text, &f->dns.addresses[f->dns.count], &e), 0);
	}
	ask(f, "many.example.com");
	assert_int_equal(f->answer.count, RESOLVE_ADDRESSES_MAX);
	assert_true(f->dns.tcp_count > 0);
}

static void nonsense_is_refused(void **state)
{
	struct fixture *f = *state;
	char endless[512];
	memset(endless, 'a', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';
	const char *const hosts[] = {"", "a b", "a\nb", "caf\xc3\xa9", endless};
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct err e = {0};
		assert_null(resolve_start(f->resolver, hosts[i], 0, on_answer, f, &e));
		assert_int_equal(e.code, -EINVAL);
	}
	ask(f, "..");
	assert_int_equal(f->err.code, -ENOENT);
	assert_int_equal(f->dns.question_count, 0);
}

int main(void)
{
#define RESOLVE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		RESOLVE_TEST(both_families_are_answered),
		RESOLVE_TEST(numbers_and_localhost_need_no_server),
		RESOLVE_TEST(answers_are_kept_for_their_time),
		RESOLVE_TEST(times_are_held_within_bounds),
		RESOLVE_TEST(no_such_name_is_final),
		RESOLVE_TEST(a_name_without_addresses_is_no_host),
		RESOLVE_TEST(a_dead_server_does_not_cut_off),
		RESOLVE_TEST(a_silent_server_is_cut_at_the_deadline),
		RESOLVE_TEST(a_lost_packet_is_asked_again),
		RESOLVE_TEST(those_who_ask_the_same_share_a_lookup),
		RESOLVE_TEST(a_changed_configuration_is_read_again),
		RESOLVE_TEST(large_answers_come_by_tcp_and_are_limited),
		RESOLVE_TEST(nonsense_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
