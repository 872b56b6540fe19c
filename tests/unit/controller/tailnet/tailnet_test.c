#include "controller/tailnet/tailnet.h"

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
#include "tests/support/loop_wait.h"
#include "tests/support/tailnet_bench.h"

#define MINUTE 60000

static void valid_credentials_make_it_ready(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
	tailnet_bench_expect(b, "True Ready", "True Ready", "True Ready");
	tailnet_bench_expect_events(b, "AuthenticationSucceeded");
	assert_int_equal(b->asked[KEY], 1);
	assert_int_equal(b->asked[KEY_GONE], 1);
	assert_string_equal(
		json_str(json_path(b->object, "status", "tailnetInfo", "magicDNSSuffix", NULL)),
		"tail1.ts.net");
	assert_string_equal(
		json_str(json_path(b->object, "status", "tailnetInfo", "organization", NULL)),
		"Personal");
	assert_string_equal(json_str(json_path(b->object, "status", "capabilities", "api", NULL)),
		"tailscale-v2");
	assert_int_equal(b->plan.result, ENGINE_AGAIN);
	assert_in_range(b->plan.after_ms, 269000, 330000);
	/* The request has the tags, and the answer's secrets are nowhere. */
	AUTO(mem_free) char *requests = strv_join(&b->control->requests, "\n");
	assert_non_null(strstr(requests, "\"tags\":[\"tag:k8s-operator\"]"));
	AUTO(mem_free) char *status = json_print(b->object);
	assert_null(strstr(status, "planted"));
}

static void an_hour_without_a_change_costs_two_keys(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
	strv_reset(&b->events);
	for (uint64_t ms = 0; ms < 66 * (uint64_t)MINUTE; ms += 10000)
		tailnet_bench_advance(b, 10000);
	assert_in_range(b->asked[DEVICES], 12, 14);
	assert_int_equal(b->asked[KEY], 2);
	assert_int_equal(b->asked[KEY_GONE], 2);
	tailnet_bench_expect_events(b, "");
}

static void a_refused_client_is_not_asked_again_before_five_minutes(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_answer(b, TOKEN, "401 Unauthorized", "{\"message\":\"API token invalid\"}");
	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
	tailnet_bench_expect(
		b, "False AuthenticationFailed", "Unknown Pending", "False AuthenticationFailed");
	assert_non_null(
		strstr(tailnet_bench_condition(b, "Ready", "message"), "Secret system/cred"));
	tailnet_bench_expect_events(b, "AuthenticationFailed");
	unsigned int asked = b->asked[TOKEN];
	tailnet_bench_advance(b, 5 * MINUTE - 1);
	assert_int_equal(b->asked[TOKEN], asked);
	tailnet_bench_answer(
		b, TOKEN, "200 OK", "{\"access_token\":\"planted-token\",\"expires_in\":3600}");
	tailnet_bench_advance(b, MINUTE / 2 + 1);
	tailnet_bench_expect(b, "True Ready", "True Ready", "True Ready");
	tailnet_bench_expect_events(b, "AuthenticationSucceeded");
}

static void a_missing_scope_is_named(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_answer(
		b, KEY, "403 Forbidden", "{\"message\":\"calling actor does not have enough\"}");
	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
	tailnet_bench_expect(
		b, "True Ready", "False InsufficientPermissions", "False InsufficientPermissions");
	assert_non_null(strstr(tailnet_bench_condition(b, "Validated", "message"), "auth_keys"));
	tailnet_bench_expect_events(b, "AuthenticationSucceeded");
	tailnet_bench_answer(b, DEVICES, "403 Forbidden",
		"{\"message\":\"calling actor does not have enough\"}");
	tailnet_bench_advance(b, 6 * MINUTE);
	assert_non_null(strstr(tailnet_bench_condition(b, "Validated", "message"), "devices:core"));
	tailnet_bench_expect_events(b, "");
}

static void a_refused_tag_is_quoted(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_answer(b, KEY, "400 Bad Request",
		"{\"message\":\"requested tags [tag:k8s-operator] are invalid\"}");
	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
	tailnet_bench_expect(
		b, "True Ready", "False InvalidConfiguration", "False InvalidConfiguration");
	assert_non_null(strstr(tailnet_bench_condition(b, "Ready", "message"), "spec.tags"));
	assert_non_null(strstr(tailnet_bench_condition(b, "Ready", "message"),
		"requested tags [tag:k8s-operator] are invalid"));
}

static void a_secret_may_come_and_change(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_begin(b, SECRET_LIST(""));
	tailnet_bench_expect(b, "False SecretNotFound", "Unknown Pending", "False SecretNotFound");
	assert_string_equal(
		tailnet_bench_condition(b, "Ready", "message"), "there is no Secret system/cred");
	assert_int_equal(b->plan.after_ms, MINUTE);
	unsigned int changes = b->changes;
	raw_server_say(b->api->api->server, FRAME("ADDED", SECRET(FIRST, "6")));
	assert_true(loop_wait_count(b->api->api->loop, &b->changes, changes + 1, LOOP_WAIT_MS));
	tailnet_bench_handle(b);
	tailnet_bench_expect(b, "True Ready", "True Ready", "True Ready");
	assert_int_equal(b->asked[TOKEN], 1);
	/* Rotated: the old token is not used again, a key is tried again. */
	tailnet_bench_answer(
		b, TOKEN, "200 OK", "{\"access_token\":\"second\",\"expires_in\":3600}");
	size_t before = b->control->requests.len;
	raw_server_say(b->api->api->server, FRAME("MODIFIED", SECRET(OTHER, "7")));
	assert_true(loop_wait_count(b->api->api->loop, &b->changes, changes + 2, LOOP_WAIT_MS));
	tailnet_bench_handle(b);
	assert_int_equal(b->asked[KEY], 2);
	for (size_t i = before; i < b->control->requests.len; i++)
		assert_null(strstr(b->control->requests.items[i], "planted-token"));
	assert_non_null(strstr(b->control->requests.items[before], "other"));
	tailnet_bench_expect(b, "True Ready", "True Ready", "True Ready");
	/* Gone again. */
	raw_server_say(b->api->api->server, FRAME("DELETED", SECRET(OTHER, "8")));
	assert_true(loop_wait_count(b->api->api->loop, &b->changes, changes + 3, LOOP_WAIT_MS));
	tailnet_bench_handle(b);
	tailnet_bench_expect(b, "False SecretNotFound", "Unknown Pending", "False SecretNotFound");
	assert_null(planes_get(b->planes, "one"));
}

/* The Secret changes while the control plane is silent. */
static void a_rotation_ends_the_sync_under_way(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
	b->replies[DEVICES] = (struct raw_reply){.text = NULL};
	struct json *metadata = json_dup(json_get(b->object, "metadata"));
	json_set(metadata, "generation", json_new_i64(2));
	json_set(b->object, "metadata", metadata);
	tailnet_bench_feed(b);
	engine_plan_fini(&b->plan);
	b->feature.plan(b->feature.arg, "", "one", NULL, &b->plan);
	assert_true(b->plan.is_partial);
	const struct engine_step *step = b->plan.steps[b->plan.count - 1];
	unsigned int asked = b->asked[DEVICES];
	tailnet_bench_start(b, step);
	assert_true(
		loop_wait_count(b->api->api->loop, &b->asked[DEVICES], asked + 1, LOOP_WAIT_MS));
	unsigned int changes = b->changes;
	raw_server_say(b->api->api->server, FRAME("MODIFIED", SECRET(OTHER, "7")));
	/* It ends at once, and its result does not count. */
	tailnet_bench_wait(b);
	assert_true(loop_wait_count(b->api->api->loop, &b->changes, changes + 1, LOOP_WAIT_MS));
	tailnet_bench_answer(b, DEVICES, "200 OK", "{\"devices\":[]}");
	size_t before = b->control->requests.len;
	tailnet_bench_handle(b);
	assert_non_null(strstr(b->control->requests.items[before], "other"));
	tailnet_bench_expect(b, "True Ready", "True Ready", "True Ready");
}

static void a_faulty_secret_is_named(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_begin(b,
		SECRET_LIST("{\"metadata\":{\"name\":\"cred\",\"resourceVersion\":\"1\"},\"data\":{"
			    "\"client_id\":\"" FIRST "\"}}"));
	tailnet_bench_expect(
		b, "False InvalidConfiguration", "Unknown Pending", "False InvalidConfiguration");
	assert_string_equal(tailnet_bench_condition(b, "Ready", "message"),
		"Secret system/cred lacks the key client_secret");
	assert_int_equal(b->control->request_count, 0);
}

static void an_outage_of_three_intervals_is_survived(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
	for (int i = 0; i < ANSWERS; i++)
		tailnet_bench_answer(b, i, "503 Service Unavailable", "{}");
	strv_reset(&b->events);
	b->moves_clock = true;
	for (uint64_t ms = 0; ms < 13 * (uint64_t)MINUTE; ms += 10000) {
		tailnet_bench_advance(b, 10000);
		assert_string_equal(tailnet_bench_condition(b, "Ready", "status"), "True");
	}
	/* With back-off. */
	assert_true(b->asked[TOKEN] + b->asked[DEVICES] < 100);
	for (uint64_t ms = 0; ms < 6 * (uint64_t)MINUTE; ms += 10000)
		tailnet_bench_advance(b, 10000);
	tailnet_bench_expect(b, "True Ready", "True Ready", "Unknown APIError");
	tailnet_bench_answer(
		b, TOKEN, "200 OK", "{\"access_token\":\"planted-token\",\"expires_in\":3600}");
	tailnet_bench_answer(b, DEVICES, "200 OK", "{\"devices\":[]}");
	tailnet_bench_answer(b, KEY, "200 OK", "{\"id\":\"k1\",\"key\":\"planted-key\"}");
	tailnet_bench_answer(b, KEY_GONE, "404 Not Found", "{}");
	b->moves_clock = false;
	for (int i = 0; i < 40; i++)
		tailnet_bench_advance(b, 10000);
	tailnet_bench_expect(b, "True Ready", "True Ready", "True Ready");
	tailnet_bench_expect_events(b, "");
	/* No devices: the domain stays. */
	assert_string_equal(json_str(json_path(b->object, "status", "tailnetInfo", "name", NULL)),
		"tail1.ts.net");
}

static void a_pause_that_is_asked_for_is_made(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
	tailnet_bench_answer(b, DEVICES, "429 Too Many Requests\r\nRetry-After: 7", "{}");
	tailnet_bench_advance(b, 6 * MINUTE);
	unsigned int asked = b->control->request_count;
	assert_string_equal(tailnet_bench_condition(b, "Ready", "status"), "True");
	tailnet_bench_answer(b, DEVICES, "200 OK", "{\"devices\":[]}");
	tailnet_bench_advance(b, 6900);
	assert_int_equal(b->control->request_count, asked);
	for (int i = 0; i < 20; i++)
		tailnet_bench_advance(b, 1000);
	assert_true(b->control->request_count > asked);
}

static void feed_group(struct tailnet_bench *b, enum kube_change change)
{
	struct err e;
	AUTO(json_freep)
	struct json *group = tailnet_bench_parse(
		"{\"metadata\":{\"name\":\"egress\",\"uid\":\"g\",\"generation\":1},\"spec\":{"
		"\"type\":\"egress\",\"tailnet\":\"one\"}}");
	assert_int_equal(cluster_feed(b->cluster, CLUSTER_PROXY_GROUPS, change, group, &e), 0);
}

static size_t finalizers(const struct tailnet_bench *b)
{
	return json_len(json_path(b->object, "metadata", "finalizers", NULL));
}

static void a_tailnet_in_use_is_held_for_a_time(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
	assert_int_equal(finalizers(b), 0);
	feed_group(b, KUBE_ADDED);
	tailnet_bench_handle(b);
	assert_int_equal(finalizers(b), 1);
	feed_group(b, KUBE_DELETED);
	tailnet_bench_handle(b);
	assert_int_equal(finalizers(b), 0);
	feed_group(b, KUBE_ADDED);
	tailnet_bench_handle(b);
	strv_reset(&b->events);
	struct json *metadata = json_dup(json_get(b->object, "metadata"));
	json_set_str(metadata, "deletionTimestamp", "2999-01-01T00:00:00Z");
	json_set(b->object, "metadata", metadata);
	tailnet_bench_feed(b);
	tailnet_bench_handle(b);
	tailnet_bench_expect_events(b, "TailnetInUse");
	tailnet_bench_advance(b, 4 * MINUTE);
	assert_int_equal(finalizers(b), 1);
	tailnet_bench_expect_events(b, "");
	tailnet_bench_advance(b, MINUTE);
	assert_int_equal(finalizers(b), 0);
	tailnet_bench_expect_events(b, "TailnetReleased");
}

static void groups_are_queued_when_it_can_be_used(void **state)
{
	struct tailnet_bench *b = *state;
	feed_group(b, KUBE_ADDED);
	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
	AUTO(mem_free) char *first = strv_join(&b->also, ",");
	assert_string_equal(first, "egress");
	strv_reset(&b->also);
	tailnet_bench_advance(b, 6 * MINUTE);
	assert_int_equal(b->also.len, 0);
}

static void nothing_is_written_while_nothing_changes(void **state)
{
	struct tailnet_bench *b = *state;
	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
	assert_int_equal(tailnet_bench_handle(b), 0);
	fake_clock_advance_ms(4 * MINUTE);
	assert_int_equal(tailnet_bench_handle(b), 0);
}

#define FLOW(test) cmocka_unit_test_setup_teardown(test, tailnet_bench_open, tailnet_bench_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW(valid_credentials_make_it_ready),
		FLOW(an_hour_without_a_change_costs_two_keys),
		FLOW(a_refused_client_is_not_asked_again_before_five_minutes),
		FLOW(a_missing_scope_is_named),
		FLOW(a_refused_tag_is_quoted),
		FLOW(a_secret_may_come_and_change),
		FLOW(a_rotation_ends_the_sync_under_way),
		FLOW(a_faulty_secret_is_named),
		FLOW(an_outage_of_three_intervals_is_survived),
		FLOW(a_pause_that_is_asked_for_is_made),
		FLOW(a_tailnet_in_use_is_held_for_a_time),
		FLOW(groups_are_queued_when_it_can_be_used),
		FLOW(nothing_is_written_while_nothing_changes),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
