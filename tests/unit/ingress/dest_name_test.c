#include "ingress/dest_name.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingress/ingress_conditions.h"
#include "lib/base/mem.h"
#include "lib/io/resolve.h"
#include "lib/nft/nft.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_dns.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

#define NAME "backend.example.com"
#define FAILED "[unexpected] error resolving DNS name " NAME ": "
#define NO_SUCH "lookup " NAME ": no such host"
#define NEXT "reconfigureTimer: next DNS resolution attempt in "
#define RETRY \
	"reconfigureTimer: last DNS resolution attempt failed, next DNS resolution attempt in "
#define INSTALLING "installing ingress proxy rules for backends "
#define CHANGED "Backend address change detected, installing proxy rules for backends "

static const char *const one[] = {"10.0.0.1", NULL};
static const char *const three[] = {"10.0.0.3", "10.0.0.1", "10.0.0.2", NULL};
static const char *const rotated[] = {"10.0.0.2", "10.0.0.3", "10.0.0.1", NULL};
static const char *const both[] = {"fd00::2", "10.0.0.1", "fd00::1", NULL};
static const char *const only_ipv6[] = {"fd00::1", NULL};

struct fixture {
	struct loop *loop;
	struct resolver *resolver;
	struct fake_dns dns;
	char *dir;
	struct condition_set conditions;
	struct log_capture log;
	struct dest_name *d;
	unsigned int changes;
	const char *own[2];
	bool no_ipv6;
	struct err err;
};

static void on_changed(void *arg)
{
	struct fixture *f = arg;
	f->changes++;
}

static void make(struct fixture *f, const char *name)
{
	const struct dest_name_options options = {name, 1000, 600000, 600000};
	dest_name_free(f->d);
	f->d = dest_name_new(f->loop, f->resolver, &f->conditions, &options, on_changed, f);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	log_capture_start(&f->log);
	condition_kinds_add(&f->conditions, INGRESS_CONDITIONS);
	fake_clock_install(1000000);
	f->dir = tempdir_new();
	tempdir_write(f->dir, "resolv.conf", "");
	AUTO(mem_free) char *config = tempdir_path(f->dir, "resolv.conf");
	f->loop = loop_new(&e);
	f->resolver = resolver_new(f->loop, &e);
	fake_dns_open(&f->dns, f->loop);
	f->own[0] = "100.64.0.1";
	f->own[1] = "fd7a::1";
	*state = f;
	if (f->resolver == NULL || resolver_set_servers(f->resolver, f->dns.servers, &e) < 0 ||
		resolver_set_config(f->resolver, config, &e) < 0) {
		print_error("%s\n", e.msg);
		return -1;
	}
	make(f, NAME);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	dest_name_free(f->d);
	resolver_free(f->resolver);
	fake_dns_close(&f->dns);
	loop_free(f->loop);
	condition_set_fini(&f->conditions);
	fake_clock_remove();
	log_capture_stop(&f->log);
	tempdir_free(f->dir);
	free(f);
	return 0;
}

static int contribute(struct fixture *f, const char *v4, const char *v6)
{
	const char *const expected[] = {v4, v6};
	struct nft_wanted w;
	nft_wanted_init(&w, "tailscale0", "ns/pod");
	if (f->no_ipv6)
		nft_wanted_disable(&w, NFT_MODEL_V6);
	for (size_t i = 0; i < ARRAY_LEN(f->own); i++) {
		struct ipaddr own;
		if (f->own[i] != NULL && ipaddr_parse(f->own[i], &own, &f->err) == 0)
			nft_wanted_set_own(&w, &own);
	}
	f->err = (struct err){0};
	int code = dest_name_contribute(f->d, &w, &f->err);
	for (int i = 0; i < NFT_MODEL_FAMILIES; i++) {
		AUTO(strv_fini) struct strv texts = {0};
		const struct nft_wanted_family *family = &w.families[i];
		for (size_t k = 0; k < family->backends.len; k++) {
			char text[IPADDR_TEXT_MAX];
			strv_push(&texts, ipaddr_format(&family->backends.items[k], text));
		}
		AUTO(mem_free) char *all = strv_join(&texts, " ");
		assert_string_equal(all, expected[i]);
		if (family->backends.len > 0)
			assert_true(ipaddr_equal(&family->balanced_from, &family->own));
	}
	nft_wanted_fini(&w);
	return code;
}

static void applied(struct fixture *f, int code)
{
	const struct nft_result result = {.code = code};
	const struct err e = {.code = code};
	dest_name_applied(f->d, &result, code < 0 ? &e : NULL);
}

/* Contribution and a result that is good. */
static void apply(struct fixture *f, const char *v4, const char *v6)
{
	assert_int_equal(contribute(f, v4, v6), 0);
	applied(f, 0);
}

struct line {
	const struct fixture *f;
	const char *part;
	size_t count;
};

static bool has_line(void *arg)
{
	const struct line *line = arg;
	return log_capture_count(&line->f->log, line->part) >= line->count;
}

/* Waits for a line to come so many times in all. */
static void expect_line(struct fixture *f, const char *part, size_t count)
{
	struct line line = {f, part, count};
	if (!loop_wait(f->loop, has_line, &line, LOOP_WAIT_MS))
		fail_msg("\"%s\" did not come %zu times", part, count);
	assert_int_equal(log_capture_count(&f->log, part), count);
}

/* The time comes, and it asks (for A and AAAA). */
static void expect_question_after(struct fixture *f, uint64_t ms)
{
	unsigned int before = f->dns.question_count;
	fake_clock_advance_ms(ms - 1);
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->dns.question_count, before);
	fake_clock_advance_ms(1);
	assert_true(loop_wait_count(f->loop, &f->dns.question_count, before + 2, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(f->loop, 20));
}

static void expect_change(struct fixture *f, unsigned int count)
{
	assert_true(loop_wait_count(f->loop, &f->changes, count, LOOP_WAIT_MS));
	assert_int_equal(f->changes, count);
}

static void nothing_is_asked_before_the_start(void **state)
{
	struct fixture *f = *state;
	fake_dns_set(&f->dns, 60, one);
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(contribute(f, "", ""), -EAGAIN);
	assert_string_equal(f->err.msg, "DNS name " NAME " is not resolved yet");
	assert_int_equal(f->dns.question_count, 0);
	dest_name_start(f->d);
	dest_name_start(f->d);
	expect_change(f, 1);
	assert_int_equal(f->dns.question_count, 2);
}

static void all_backends_of_both_families_are_used(void **state)
{
	struct fixture *f = *state;
	fake_dns_set(&f->dns, 3600, both);
	dest_name_start(f->d);
	expect_change(f, 1);
	expect_line(f, NEXT "10m0s", 1);
	/* A failed contribution is logged once it is in force. */
	assert_int_equal(contribute(f, "10.0.0.1", "fd00::1 fd00::2"), 0);
	applied(f, -EPERM);
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 0);
	apply(f, "10.0.0.1", "fd00::1 fd00::2");
	expect_line(f, INSTALLING "[10.0.0.1 fd00::1 fd00::2]", 1);
	apply(f, "10.0.0.1", "fd00::1 fd00::2");
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 1);
	/* Another own address: installed again. */
	f->own[0] = "100.64.0.2";
	apply(f, "10.0.0.1", "fd00::1 fd00::2");
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 2);
	assert_int_equal(log_capture_count(&f->log, CHANGED), 0);
	assert_int_equal(f->log.worst, LOG_LEVEL_INFO);
}

static void it_is_asked_again_when_the_answer_is_old(void **state)
{
	struct fixture *f = *state;
	fake_dns_set(&f->dns, 30, three);
	dest_name_start(f->d);
	expect_change(f, 1);
	expect_line(f, NEXT "30s", 1);
	apply(f, "10.0.0.1 10.0.0.2 10.0.0.3", "");
	/* The order means nothing, and a shorter rest is no news. */
	fake_dns_set(&f->dns, 17, rotated);
	expect_question_after(f, 30000);
	fake_dns_set(&f->dns, 1, rotated);
	expect_question_after(f, 17000);
	expect_question_after(f, 5000);
	assert_int_equal(f->changes, 1);
	assert_int_equal(log_capture_count(&f->log, NEXT), 1);
	/* Other backends are. */
	fake_dns_set(&f->dns, 60, one);
	expect_question_after(f, 5000);
	expect_change(f, 2);
	expect_line(f, NEXT "1m0s", 1);
	apply(f, "10.0.0.1", "");
	expect_line(f, CHANGED "[10.0.0.1]", 1);
}

static void failures_are_tried_again_with_growing_pauses(void **state)
{
	static const uint64_t pauses_s[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600};
	struct fixture *f = *state;
	f->dns.mode = FAKE_DNS_NO_SUCH_NAME;
	dest_name_start(f->d);
	expect_line(f, FAILED NO_SUCH, 1);
	expect_line(f, RETRY "1s", 1);
	assert_string_equal(
		condition_get(&f->conditions, CONDITION_DEST_NAME_UNRESOLVED)->reason, NO_SUCH);
	for (size_t i = 0; i < ARRAY_LEN(pauses_s); i++)
		expect_question_after(f, pauses_s[i] * 1000);
	/* Each pause once, the reason once. */
	expect_line(f, RETRY "8m32s", 1);
	expect_line(f, RETRY "10m0s", 1);
	expect_line(f, RETRY, 11);
	expect_line(f, FAILED, 1);
	assert_int_equal(contribute(f, "", ""), -EAGAIN);
	assert_int_equal(f->changes, 0);
	/* It recovers, and begins again with the shortest pause. */
	f->dns.mode = FAKE_DNS_ANSWER;
	fake_dns_set(&f->dns, 60, one);
	expect_question_after(f, 600000);
	expect_change(f, 1);
	expect_line(f, NEXT "1m0s", 1);
	assert_false(condition_is_raised(&f->conditions, CONDITION_DEST_NAME_UNRESOLVED));
	f->dns.mode = FAKE_DNS_NO_SUCH_NAME;
	expect_question_after(f, 60000);
	expect_line(f, FAILED, 2);
	expect_line(f, RETRY "1s", 2);
}

static void what_stood_stays_while_the_name_is_gone(void **state)
{
	struct fixture *f = *state;
	fake_dns_set(&f->dns, 60, three);
	dest_name_start(f->d);
	expect_change(f, 1);
	apply(f, "10.0.0.1 10.0.0.2 10.0.0.3", "");
	f->dns.mode = FAKE_DNS_NO_SUCH_NAME;
	expect_question_after(f, 60000);
	expect_line(f, FAILED NO_SUCH, 1);
	apply(f, "10.0.0.1 10.0.0.2 10.0.0.3", "");
	assert_true(condition_is_raised(&f->conditions, CONDITION_DEST_NAME_UNRESOLVED));
	/* The same backends again: an end of the failure, but no change. */
	f->dns.mode = FAKE_DNS_ANSWER;
	expect_question_after(f, 1000);
	expect_line(f, NEXT "1m0s", 2);
	assert_int_equal(f->changes, 1);
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 1);
	assert_int_equal(log_capture_count(&f->log, CHANGED), 0);
	assert_false(condition_is_raised(&f->conditions, CONDITION_DEST_NAME_UNRESOLVED));
}

static void an_answer_of_yesterday_is_a_failure(void **state)
{
	struct fixture *f = *state;
	fake_dns_set(&f->dns, 60, one);
	dest_name_start(f->d);
	expect_change(f, 1);
	apply(f, "10.0.0.1", "");
	f->dns.mode = FAKE_DNS_SERVER_FAILURE;
	fake_clock_advance_ms(60000);
	expect_line(f, FAILED "lookup " NAME ": the DNS servers do not answer any more", 1);
	apply(f, "10.0.0.1", "");
	assert_true(condition_is_raised(&f->conditions, CONDITION_DEST_NAME_UNRESOLVED));
	assert_int_equal(f->changes, 1);
}

static void a_family_that_is_missing_is_left_out(void **state)
{
	struct fixture *f = *state;
	f->own[1] = NULL;
	fake_dns_set(&f->dns, 60, both);
	dest_name_start(f->d);
	expect_change(f, 1);
	apply(f, "10.0.0.1", "");
	apply(f, "10.0.0.1", "");
	expect_line(f,
		"backend targets [10.0.0.1 fd00::1 fd00::2] contain at least one IPv6 address, but "
		"this node's Tailscale IPs do not contain a valid IPv6 address",
		1);
	expect_line(f, INSTALLING "[10.0.0.1]", 1);
	f->own[1] = "fd7a::1";
	apply(f, "10.0.0.1", "fd00::1 fd00::2");
	expect_line(f, CHANGED "[10.0.0.1 fd00::1 fd00::2]", 1);
	f->no_ipv6 = true;
	apply(f, "10.0.0.1", "");
	expect_line(f, "contain at least one IPv6 address, but", 2);
	assert_false(condition_is_raised(&f->conditions, CONDITION_INGRESS_TARGET_FAILED));
}

static void no_backend_within_reach_is_a_condition(void **state)
{
	struct fixture *f = *state;
	f->own[1] = NULL;
	fake_dns_set(&f->dns, 60, only_ipv6);
	dest_name_start(f->d);
	expect_change(f, 1);
	assert_int_equal(contribute(f, "", ""), -EAGAIN);
	assert_string_equal(f->err.msg,
		"DNS name " NAME ": none of [fd00::1] can be reached: this node's Tailscale IPs do "
		"not contain a valid IPv6 address");
	assert_string_equal(
		condition_get(&f->conditions, CONDITION_INGRESS_TARGET_FAILED)->reason, f->err.msg);
	applied(f, 0);
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 0);
	f->own[1] = "fd7a::1";
	apply(f, "", "fd00::1");
	assert_int_equal(log_capture_count(&f->log, INSTALLING), 1);
	assert_false(condition_is_raised(&f->conditions, CONDITION_INGRESS_TARGET_FAILED));
}

static void a_name_that_cannot_be_is_a_failure(void **state)
{
	struct fixture *f = *state;
	make(f, "no..name");
	dest_name_start(f->d);
	expect_line(f, "[unexpected] error resolving DNS name no..name: ", 1);
	expect_line(f, RETRY "1s", 1);
	assert_int_equal(f->dns.question_count, 0);
}

static void it_can_end_in_the_middle_of_a_question(void **state)
{
	struct fixture *f = *state;
	f->dns.mode = FAKE_DNS_SILENT;
	dest_name_start(f->d);
	assert_true(loop_wait_count(f->loop, &f->dns.question_count, 1, LOOP_WAIT_MS));
	dest_name_free(STEAL(f->d));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_asked_before_the_start),
		TEST(all_backends_of_both_families_are_used),
		TEST(it_is_asked_again_when_the_answer_is_old),
		TEST(failures_are_tried_again_with_growing_pauses),
		TEST(what_stood_stays_while_the_name_is_gone),
		TEST(an_answer_of_yesterday_is_a_failure),
		TEST(a_family_that_is_missing_is_left_out),
		TEST(no_backend_within_reach_is_a_condition),
		TEST(a_name_that_cannot_be_is_a_failure),
		TEST(it_can_end_in_the_middle_of_a_question),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
