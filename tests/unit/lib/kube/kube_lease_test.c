#include "lib/kube/kube_lease.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

#define WALL 1769903999

static struct kube_lease lease_of(const char *text)
{
	struct kube_lease lease;
	struct err e = {0};
	AUTO(json_freep) struct json *doc = json_parse(text, strlen(text), &e);
	assert_non_null(doc);
	assert_int_equal(kube_lease_decode(doc, &lease, &e), 0);
	return lease;
}

static void a_record_is_read_and_written(void **state)
{
	static const char text[] =
		"{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{"
		"\"namespace\":\"ns\",\"name\":\"n\",\"resourceVersion\":\"7\"},\"spec\":{"
		"\"holderIdentity\":\"pod_1\",\"leaseDurationSeconds\":15,\"acquireTime\":"
		"\"2026-01-31T23:59:59.000000Z\",\"renewTime\":\"2026-01-31T23:59:59.000001Z\","
		"\"leaseTransitions\":3}}";
	(void)state;
	struct kube_lease lease = lease_of(text);
	assert_string_equal(lease.holder, "pod_1");
	assert_int_equal(lease.duration_s, 15);
	assert_int_equal(lease.transitions, 3);
	AUTO(json_freep) struct json *doc = kube_lease_document(&lease, "ns", "n");
	AUTO(mem_free) char *again = json_print(doc);
	assert_string_equal(again, text);
	/* Nothing that a record has must be there. */
	lease = lease_of("{\"spec\":{\"holderIdentity\":null}}");
	assert_string_equal(lease.holder, "");
	assert_string_equal(lease.version, "");
}

static void a_record_of_other_types_is_refused(void **state)
{
	static const char *const texts[] = {"{\"spec\":{\"holderIdentity\":7}}",
		"{\"spec\":{\"leaseDurationSeconds\":\"15\"}}",
		"{\"spec\":{\"leaseTransitions\":1.5}}", "{\"metadata\":{\"resourceVersion\":[]}}"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct kube_lease lease;
		struct err e = {0};
		AUTO(json_freep) struct json *doc = json_parse(texts[i], strlen(texts[i]), &e);
		assert_int_equal(kube_lease_decode(doc, &lease, &e), -EINVAL);
		assert_true(strncmp(e.msg, "Lease: ", 7) == 0);
	}
	char name[400];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	struct kube_lease lease;
	struct err e = {0};
	AUTO(json_freep) struct json *doc = json_new_object();
	struct json *spec = json_new_object();
	json_set_str(spec, "holderIdentity", name);
	json_set(doc, "spec", spec);
	assert_int_equal(kube_lease_decode(doc, &lease, &e), -EINVAL);
	assert_string_equal(e.msg, "Lease: holderIdentity is longer than 255 bytes");
}

static struct kube_lease held_by(const char *holder, const char *version)
{
	struct kube_lease lease = {.duration_s = 15};
	memcpy(lease.holder, holder, strlen(holder) + 1);
	memcpy(lease.version, version, strlen(version) + 1);
	return lease;
}

static void the_first_candidate_makes_the_record(void **state)
{
	struct kube_election me = {.self = "me"};
	struct kube_lease next;
	(void)state;
	assert_int_equal(kube_election_step(&me, 0), KUBE_ELECTION_WAIT);
	kube_election_see(&me, NULL, 1000);
	assert_int_equal(kube_election_step(&me, 1000), KUBE_ELECTION_CREATE);
	kube_election_fill(&me, KUBE_ELECTION_CREATE, WALL, &next);
	assert_string_equal(next.holder, "me");
	assert_int_equal(next.transitions, 0);
	assert_int_equal(next.duration_s, KUBE_LEASE_DURATION_S);
	assert_string_equal(next.acquired, "2026-01-31T23:59:59.000000Z");
	assert_string_equal(next.renewed, next.acquired);
	assert_false(kube_election_may_write(&me, 1000));
	struct kube_lease answer = held_by("me", "1");
	kube_election_lead(&me, &answer, 1000);
	assert_true(kube_election_may_write(&me, 1000 + KUBE_LEASE_RENEW_MS - 1));
	/* A stopped process: nothing is written after that. */
	assert_false(kube_election_may_write(&me, 1000 + KUBE_LEASE_RENEW_MS));
	assert_int_equal(kube_election_step(&me, 3000), KUBE_ELECTION_RENEW);
	kube_election_fill(&me, KUBE_ELECTION_RENEW, WALL + 2, &next);
	assert_string_equal(next.version, "1");
	assert_string_equal(next.renewed, "2026-02-01T00:00:01.000000Z");
	assert_string_equal(next.acquired, "");
}

static void a_record_is_free_when_it_stays_as_it_is(void **state)
{
	struct kube_election me = {.self = "me"};
	struct kube_lease next;
	struct kube_lease theirs = held_by("other", "5");
	(void)state;
	kube_election_see(&me, &theirs, 1000);
	kube_election_see(&me, &theirs, 10000);
	assert_int_equal(kube_election_step(&me, 15999), KUBE_ELECTION_WAIT);
	/* It is renewed: the time begins anew. */
	theirs = held_by("other", "6");
	kube_election_see(&me, &theirs, 15999);
	assert_int_equal(kube_election_step(&me, 30998), KUBE_ELECTION_WAIT);
	assert_int_equal(kube_election_step(&me, 30999), KUBE_ELECTION_ACQUIRE);
	kube_election_fill(&me, KUBE_ELECTION_ACQUIRE, WALL, &next);
	assert_string_equal(next.holder, "me");
	assert_int_equal(next.transitions, 1);
	assert_string_equal(next.version, "6");
}

static void a_released_record_is_free_at_once(void **state)
{
	struct kube_election me = {.self = "me"};
	struct kube_lease next;
	struct kube_lease free_one = held_by("", "5");
	(void)state;
	kube_election_see(&me, &free_one, 1000);
	assert_int_equal(kube_election_step(&me, 1000), KUBE_ELECTION_ACQUIRE);
	struct kube_lease mine = held_by("me", "6");
	kube_election_lead(&me, &mine, 1000);
	kube_election_fill(&me, KUBE_ELECTION_RELEASE, WALL, &next);
	assert_string_equal(next.holder, "");
	assert_int_equal(next.duration_s, 1);
	assert_string_equal(next.version, "6");
}

static void who_has_lost_it_writes_nothing(void **state)
{
	struct kube_election me = {.self = "me"};
	struct kube_lease mine = held_by("me", "5");
	struct kube_lease theirs = held_by("other", "6");
	(void)state;
	kube_election_lead(&me, &mine, 1000);
	assert_true(kube_election_may_write(&me, 1001));
	kube_election_see(&me, &theirs, 1001);
	assert_false(kube_election_may_write(&me, 1001));
	assert_int_equal(kube_election_step(&me, 1001), KUBE_ELECTION_WAIT);
	/* One that was there before under the same name is ours to renew, but does not lead yet. */
	struct kube_election again = {.self = "me"};
	kube_election_see(&again, &mine, 2000);
	assert_int_equal(kube_election_step(&again, 2000), KUBE_ELECTION_RENEW);
	assert_false(kube_election_may_write(&again, 2000));
	/* The answer is another's record: a write that came too late. */
	kube_election_lead(&again, &theirs, 2000);
	assert_false(kube_election_may_write(&again, 2000));
}

/* A duration that would hold the record for ever, or not at all. */
static void an_odd_duration_is_not_believed(void **state)
{
	static const int64_t durations[] = {0, -1, 3601, INT64_MAX};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		struct kube_election me = {.self = "me"};
		struct kube_lease theirs = held_by("other", "5");
		theirs.duration_s = durations[i];
		kube_election_see(&me, &theirs, 1000);
		assert_int_equal(kube_election_step(&me, 15999), KUBE_ELECTION_WAIT);
		assert_int_equal(kube_election_step(&me, 16000), KUBE_ELECTION_ACQUIRE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read_and_written),
		cmocka_unit_test(a_record_of_other_types_is_refused),
		cmocka_unit_test(the_first_candidate_makes_the_record),
		cmocka_unit_test(a_record_is_free_when_it_stays_as_it_is),
		cmocka_unit_test(a_released_record_is_free_at_once),
		cmocka_unit_test(who_has_lost_it_writes_nothing),
		cmocka_unit_test(an_odd_duration_is_not_believed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
