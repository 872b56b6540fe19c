#include "ingress/certs.h"

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

#define GET_DOMAINS "GET /localapi/v0/cert-domains "
#define GET_A "GET /localapi/v0/cert/a.ts.net?type=pair&min_validity=0s "
#define GET_B "GET /localapi/v0/cert/b.ts.net?type=pair&min_validity=0s "
#define MINUTE_MS UINT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)

struct fixture {
	struct daemon_bench d;
	struct certs *c;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	daemon_bench_open(&f->d);
	condition_kinds_add(&f->d.conditions, INGRESS_CONDITIONS);
	daemon_says(&f->d, GET_DOMAINS, "200 OK", "[\"a.ts.net\",\"b.ts.net\"]");
	daemon_says(&f->d, "GET /localapi/v0/cert/", "200 OK", "-----BEGIN");
	f->c = certs_new(f->d.loop, f->d.api, &f->d.conditions);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	certs_free(f->c);
	daemon_bench_close(&f->d);
	free(f);
	return 0;
}

static void want(struct fixture *f, const char *words)
{
	AUTO(strv_fini) struct strv domains = {0};
	str_words(words, &domains);
	certs_want(f->c, &domains);
}

static bool has_failed(const struct fixture *f)
{
	return condition_is_raised(&f->d.conditions, CONDITION_CERT_FAILED);
}

static void nothing_wanted_nothing_asked(void **state)
{
	struct fixture *f = *state;
	want(f, "");
	certs_wake(f->c);
	certs_pause(f->c);
	certs_resume(f->c);
	daemon_pass(&f->d, 2 * DAY_MS);
	daemon_quiet(&f->d, 0);
	certs_free(NULL);
}

static void a_listed_domain_is_asked_for_each_day(void **state)
{
	struct fixture *f = *state;
	want(f, "a.ts.net");
	daemon_wait(&f->d, 2);
	daemon_expect(&f->d, 0, GET_DOMAINS, "");
	daemon_expect(&f->d, 1, GET_A, "");
	daemon_quiet(&f->d, 2);
	certs_wake(f->c); /* nobody waits to be listed */
	daemon_pass(&f->d, DAY_MS - 1);
	daemon_quiet(&f->d, 2);
	daemon_pass(&f->d, 1);
	daemon_wait(&f->d, 3);
	daemon_expect(&f->d, 2, GET_A, "");
	/* Wanted again: nothing changes. */
	daemon_quiet(&f->d, 3);
	want(f, "a.ts.net");
	daemon_quiet(&f->d, 3);
	assert_false(has_failed(f));
}

static void a_domain_waits_to_be_listed(void **state)
{
	static const char *const texts[] = {
		"[]", "null", "{}", "nonsense", "[\"other\",null,7]", "\"a.ts.net\""};
	struct fixture *f = *state;
	daemon_says(&f->d, GET_DOMAINS, "503 No", "no netmap");
	want(f, "a.ts.net");
	daemon_wait(&f->d, 1);
	daemon_quiet(&f->d, 1);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		daemon_says(&f->d, GET_DOMAINS, "200 OK", texts[i]);
		/* Woken by a change of the node, or by the clock. */
		if (i % 2 == 0)
			certs_wake(f->c);
		else
			daemon_pass(&f->d, MINUTE_MS);
		daemon_wait(&f->d, (unsigned int)i + 2);
		daemon_quiet(&f->d, (unsigned int)i + 2);
	}
	daemon_says(&f->d, GET_DOMAINS, "200 OK", "[\"a.ts.net\"]");
	certs_wake(f->c);
	daemon_wait(&f->d, ARRAY_LEN(texts) + 3);
	daemon_expect(&f->d, ARRAY_LEN(texts) + 2, GET_A, "");
	assert_false(has_failed(f));
}

static void one_look_up_serves_all(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET_DOMAINS, NULL, NULL);
	want(f, "a.ts.net");
	daemon_wait(&f->d, 1);
	want(f, "a.ts.net b.ts.net");
	certs_wake(f->c);
	daemon_quiet(&f->d, 1);
	raw_server_say(f->d.server,
		"HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n[\"b.ts.net\",\"a.ts.net\"]");
	daemon_wait(&f->d, 3);
	daemon_quiet(&f->d, 3);
}

static void failures_grow_the_pause(void **state)
{
	static const uint64_t pauses[] = {1, 10, 100, 24 * 60, 24 * 60};
	struct fixture *f = *state;
	daemon_says(&f->d, GET_A, "500 No", "{\"error\":\"acme: bad\"}");
	want(f, "a.ts.net");
	daemon_wait(&f->d, 2);
	for (unsigned int i = 0; i < ARRAY_LEN(pauses); i++) {
		daemon_quiet(&f->d, i + 2);
		assert_true(has_failed(f));
		daemon_pass(&f->d, pauses[i] * MINUTE_MS - 1);
		daemon_quiet(&f->d, i + 2);
		daemon_pass(&f->d, 1);
		daemon_wait(&f->d, i + 3);
	}
	assert_true(log_capture_has(&f->d.log,
		"Error refreshing certificate for a.ts.net (retry 3): GET "
		"/localapi/v0/cert/a.ts.net?type=pair&min_validity=0s: acme: bad. Will retry in "
		"1h40m0s"));
	daemon_quiet(&f->d, 7);
	daemon_says(&f->d, GET_A, "200 OK", "");
	daemon_pass(&f->d, DAY_MS);
	daemon_wait(&f->d, 8);
	daemon_quiet(&f->d, 8);
	assert_false(has_failed(f));
}

static void what_never_reached_the_ca_does_not_count(void **state)
{
	static const char *const texts[] = {"{\"error\":\"Post x: context deadline exceeded\"}",
		"dial tcp: connection refused", "read: connection reset by peer",
		"connect: network is unreachable", "write: broken pipe", "dial: i/o timeout"};
	struct fixture *f = *state;
	daemon_says(&f->d, GET_A, "500 No", texts[0]);
	want(f, "a.ts.net");
	daemon_wait(&f->d, 2);
	for (unsigned int i = 0; i < ARRAY_LEN(texts); i++) {
		daemon_quiet(&f->d, i + 2);
		daemon_says(&f->d, GET_A, "500 No", texts[(i + 1) % ARRAY_LEN(texts)]);
		daemon_pass(&f->d, MINUTE_MS);
		daemon_wait(&f->d, i + 3);
	}
	assert_true(has_failed(f));
	/* No counter shows it, but it is failing while another domain is fine. */
	want(f, "a.ts.net b.ts.net");
	daemon_wait(&f->d, ARRAY_LEN(texts) + 4);
	daemon_quiet(&f->d, ARRAY_LEN(texts) + 4);
	assert_true(has_failed(f));
	/* Nor wanted any more. */
	want(f, "b.ts.net");
	assert_false(has_failed(f));
}

static void the_ca_may_ask_for_a_pause(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET_A, "429 Too Many\r\nRetry-After: 7200", "");
	want(f, "a.ts.net");
	daemon_wait(&f->d, 2);
	daemon_quiet(&f->d, 2);
	/* Up to half as long again, so that not all come at once. */
	daemon_pass(&f->d, 10800 * 1000 - 1);
	daemon_quiet(&f->d, 2);
	daemon_says(&f->d, GET_A, "429 Too Many", "");
	daemon_pass(&f->d, 1);
	daemon_wait(&f->d, 3);
	/* Without Retry-After it is a failure like any other: the second. */
	daemon_quiet(&f->d, 3);
	daemon_pass(&f->d, 10 * MINUTE_MS - 1);
	daemon_quiet(&f->d, 3);
	daemon_pass(&f->d, 1);
	daemon_wait(&f->d, 4);
}

static void a_vanished_domain_is_forgotten(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET_A, NULL, NULL);
	want(f, "a.ts.net");
	daemon_wait(&f->d, 2);
	want(f, "b.ts.net");
	daemon_wait(&f->d, 4);
	daemon_expect(&f->d, 3, GET_B, "");
	daemon_quiet(&f->d, 4);
	want(f, "");
	daemon_pass(&f->d, 3 * DAY_MS);
	daemon_quiet(&f->d, 4);
}

static void a_pause_keeps_the_schedule(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET_B, NULL, NULL);
	want(f, "a.ts.net b.ts.net");
	daemon_wait(&f->d, 3);
	daemon_quiet(&f->d, 3);
	certs_pause(f->c);
	certs_wake(f->c);
	daemon_pass(&f->d, DAY_MS / 2);
	daemon_quiet(&f->d, 3);
	/* The one that was under way is asked for at once, the other when it is due. */
	daemon_says(&f->d, GET_B, "200 OK", "");
	certs_resume(f->c);
	daemon_wait(&f->d, 4);
	daemon_expect(&f->d, 3, GET_B, "");
	daemon_quiet(&f->d, 4);
	daemon_pass(&f->d, DAY_MS / 2);
	daemon_wait(&f->d, 5);
	daemon_expect(&f->d, 4, GET_A, "");
	daemon_quiet(&f->d, 5);
	/* A look-up is paused, too. */
	certs_pause(f->c);
	want(f, "c.ts.net");
	daemon_quiet(&f->d, 5);
	certs_resume(f->c);
	daemon_wait(&f->d, 6);
	daemon_expect(&f->d, 5, GET_DOMAINS, "");
	daemon_quiet(&f->d, 6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_wanted_nothing_asked),
		TEST(a_listed_domain_is_asked_for_each_day),
		TEST(a_domain_waits_to_be_listed),
		TEST(one_look_up_serves_all),
		TEST(failures_grow_the_pause),
		TEST(what_never_reached_the_ca_does_not_count),
		TEST(the_ca_may_ask_for_a_pause),
		TEST(a_vanished_domain_is_forgotten),
		TEST(a_pause_keeps_the_schedule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
