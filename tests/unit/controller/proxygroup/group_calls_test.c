/* Steps that ask a control plane; the control plane is played here. */
#include "controller/proxygroup/group_calls.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/planes/planes.h"
#include "controller/proxygroup/group_view.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "tests/support/group_bench.h"
#include "tests/support/loop_wait.h"

static struct played {
	struct strv asked;   /* "create tailnet tag description", "delete tailnet id" */
	const char *tailnet; /* of the last begin */
	bool has_none;       /* no credentials */
	enum control_outcome create, remove;
	struct planes_use *use;
	control_fn on_deleted;
	control_key_fn on_key;
	void *arg;
	unsigned int cancelled, ended;
	/* The result of the step. */
	bool is_done;
	enum engine_result result;
	uint64_t after_ms;
	char message[ERR_MSG_MAX];
} played;

static int some_control, some_call;

struct control *planes_begin(struct planes *p, const char *tailnet, struct planes_use *use)
{
	(void)p;
	played.tailnet = tailnet;
	played.use = use;
	return played.has_none ? NULL : (struct control *)(void *)&some_control;
}

void planes_end(struct planes_use *use)
{
	(void)use;
	played.ended++;
}

struct control_call *control_create_key(
	struct control *c, const struct control_key_request *request, control_key_fn fn, void *arg)
{
	assert_ptr_equal(c, &some_control);
	assert_int_equal(request->expiry_s, 3600);
	assert_false(request->ephemeral);
	AUTO(mem_free) char *tags = strv_join(request->tags, ",");
	strv_pushf(&played.asked, "create %s %s %s", played.tailnet, tags, request->description);
	played.on_key = fn;
	played.arg = arg;
	return (struct control_call *)(void *)&some_call;
}

struct control_call *control_delete_device(
	struct control *c, const char *id, control_fn fn, void *arg)
{
	assert_ptr_equal(c, &some_control);
	assert_string_not_equal(id, "");
	strv_pushf(&played.asked, "delete %s %s", played.tailnet, id);
	played.on_deleted = fn;
	played.arg = arg;
	return (struct control_call *)(void *)&some_call;
}

void control_cancel(struct control_call *call)
{
	if (call != NULL)
		played.cancelled++;
}

static void on_done(void *arg, enum engine_result result, uint64_t after_ms, const struct err *err)
{
	(void)arg;
	assert_false(played.is_done);
	played.is_done = true;
	played.result = result;
	played.after_ms = after_ms;
	if (err != NULL)
		memcpy(played.message, err->msg, sizeof(played.message));
}

/* -- the surroundings -- */

static struct group_bench bench;
static struct group_partners partners;

static int open_all(void **state)
{
	struct err e;
	(void)state;
	played = (struct played){0};
	group_bench_open(&bench, 2);
	partners = (struct group_partners){
		.loop = loop_new(&e),
		.cluster = bench.cluster,
		.memory = bench.memory,
		.settings = &bench.settings,
	};
	bench.settings.refused_ms = GROUP_REFUSED_MS;
	assert_non_null(partners.loop);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	loop_free(partners.loop);
	group_bench_close(&bench);
	strv_fini(&played.asked);
	return 0;
}

static bool has_begun(void *arg)
{
	(void)arg;
	return played.asked.len > 0 || played.is_done;
}

static void *start(const struct engine_call *call, const char *text, int ordinal)
{
	const struct engine_step step = {
		.kind = ENGINE_STEP_CALL, .text = (char *)text, .number = ordinal};
	void *handle = call->start(call->arg, &step, on_done, NULL);
	/* Never from within the call. */
	assert_int_equal(played.asked.len, 0);
	assert_false(played.is_done);
	assert_true(loop_wait(partners.loop, has_begun, NULL, LOOP_WAIT_MS));
	return handle;
}

static void answer_key(enum control_outcome outcome, const char *text)
{
	struct err e;
	AUTO(secret_fini) struct secret secret = {0};
	secret_set_str(&secret, text);
	const struct control_key key = {"kid", &secret};
	const struct control_result result = {.outcome = outcome, .retry_after_ms = 7000};
	err_set(&e, -EACCES, "the server's words");
	played.on_key(played.arg, outcome == CONTROL_OK ? &key : NULL, &result,
		outcome == CONTROL_OK ? NULL : &e);
}

static void answer_deletion(enum control_outcome outcome)
{
	struct err e;
	const struct control_result result = {.outcome = outcome, .retry_after_ms = 7000};
	err_set(&e, -EACCES, "the server's words");
	played.on_deleted(played.arg, &result, outcome == CONTROL_OK ? NULL : &e);
}

static void a_key_is_kept_in_memory(void **state)
{
	(void)state;
	const struct engine_call mint = group_call_mint(&partners);
	start(&mint, "egress/", 1);
	assert_string_equal(played.asked.items[0], "create default tag:k8s egress-1");
	answer_key(CONTROL_OK, "tskey");
	assert_int_equal(played.result, ENGINE_DONE);
	assert_string_equal(secret_str(group_memory_key(bench.memory, "egress", 1)), "tskey");
	assert_null(group_memory_key(bench.memory, "egress", 0));
	assert_int_equal(played.ended, 1);
}

static void each_group_asks_its_own_tailnet_with_its_own_tags(void **state)
{
	(void)state;
	group_bench_put(&bench, CLUSTER_TAILNETS,
		"{\"metadata\":{\"name\":\"second\"},\"spec\":{\"proxyTags\":[\"tag:b\"]}}");
	group_bench_put(&bench, CLUSTER_PROXY_GROUPS,
		"{\"metadata\":{\"name\":\"other\"},\"spec\":{\"type\":\"egress\","
		"\"tailnet\":\"second\"}}");
	const struct engine_call mint = group_call_mint(&partners);
	start(&mint, "other/", 0);
	assert_string_equal(played.asked.items[0], "create second tag:b other-0");
	answer_key(CONTROL_OK, "k");
	group_bench_patch(&bench, CLUSTER_PROXY_GROUPS, "other",
		"{\"spec\":{\"tags\":[\"tag:x\",\"tag:y\"]}}");
	strv_reset(&played.asked);
	played.is_done = false;
	start(&mint, "other/", 0);
	assert_string_equal(played.asked.items[0], "create second tag:x,tag:y other-0");
	answer_key(CONTROL_OK, "k");
}

static void a_replaced_key_comes_after_the_deletion(void **state)
{
	uint64_t next;
	(void)state;
	const struct engine_call replace = group_call_replace(&partners);
	const struct kube_entry *group =
		kube_cache_get(cluster_cache(bench.cluster, CLUSTER_PROXY_GROUPS), NULL, "egress");
	start(&replace, "egress/n1", 0);
	assert_int_equal(played.asked.len, 1);
	assert_string_equal(played.asked.items[0], "delete default n1");
	answer_deletion(CONTROL_OK);
	assert_string_equal(played.asked.items[1], "create default tag:k8s egress-0");
	answer_key(CONTROL_OK, "k");
	assert_int_equal(played.result, ENGINE_DONE);
	/* As of now: a token that is used later than the bucket was looked at counts twice. */
	const struct group_bucket bucket = group_bucket_of(group->data, &bench.settings);
	assert_int_equal(group_memory_tokens(bench.memory, "egress", &bucket, &next), 1);
	assert_int_equal(partners.replaced, 1);
	assert_int_equal(partners.deleted, 1);
}

static void no_empty_id_is_sent(void **state)
{
	(void)state;
	const struct engine_call replace = group_call_replace(&partners);
	start(&replace, "egress/", 0);
	assert_string_equal(played.asked.items[0], "create default tag:k8s egress-0");
	answer_key(CONTROL_OK, "k");
}

static void a_device_that_is_gone_is_deleted(void **state)
{
	(void)state;
	const struct engine_call call = group_call_remove(&partners);
	start(&call, "egress/n1", 0);
	answer_deletion(CONTROL_NOT_FOUND);
	assert_int_equal(played.result, ENGINE_DONE);
	assert_int_equal(played.asked.len, 1);
	assert_true(strv_contains(group_memory_deleted(bench.memory, "egress"), "n1"));
}

struct row {
	enum control_outcome outcome;
	uint64_t after_ms;
};

static void each_outcome_has_its_pause(void **state)
{
	static const struct row rows[] = {
		{CONTROL_LIMITED, 7000},
		{CONTROL_UNAVAILABLE, 0},
		{CONTROL_INVALID, GROUP_REFUSED_MS},
		{CONTROL_FORBIDDEN, GROUP_REFUSED_MS},
		{CONTROL_UNAUTHORIZED, GROUP_REFUSED_MS},
		{CONTROL_UNSUPPORTED, GROUP_REFUSED_MS},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int is_key = 0; is_key < 2; is_key++) {
			const struct engine_call call = is_key != 0 ? group_call_mint(&partners)
								    : group_call_remove(&partners);
			strv_reset(&played.asked);
			played.is_done = false;
			start(&call, is_key != 0 ? "egress/" : "egress/n1", 0);
			if (is_key != 0)
				answer_key(rows[i].outcome, "k");
			else
				answer_deletion(rows[i].outcome);
			assert_int_equal(played.result, ENGINE_FAILED);
			assert_int_equal(played.after_ms, rows[i].after_ms);
			assert_string_equal(played.message, "the server's words");
		}
	}
	assert_null(group_memory_key(bench.memory, "egress", 0));
	assert_int_equal(group_memory_deleted(bench.memory, "egress")->len, 0);
}

static void without_credentials_the_step_fails(void **state)
{
	(void)state;
	played.has_none = true;
	const struct engine_call mint = group_call_mint(&partners);
	start(&mint, "egress/", 0);
	assert_true(played.is_done);
	assert_int_equal(played.result, ENGINE_FAILED);
	assert_string_equal(played.message, "TailscaleTailnet default has no usable credentials");
}

static void new_credentials_end_the_step(void **state)
{
	(void)state;
	const struct engine_call mint = group_call_mint(&partners);
	start(&mint, "egress/", 0);
	played.use->on_retired(played.use->arg);
	assert_int_equal(played.cancelled, 1);
	assert_int_equal(played.result, ENGINE_FAILED);
}

static void a_cancelled_step_says_nothing(void **state)
{
	(void)state;
	const struct engine_call mint = group_call_mint(&partners);
	void *handle = start(&mint, "egress/", 0);
	mint.cancel(mint.arg, handle);
	assert_int_equal(played.cancelled, 1);
	assert_int_equal(played.ended, 1);
	assert_false(played.is_done);
}

static void a_group_that_is_gone_meanwhile_gets_no_key(void **state)
{
	(void)state;
	const struct engine_call replace = group_call_replace(&partners);
	start(&replace, "egress/n1", 0);
	group_bench_remove(&bench, CLUSTER_PROXY_GROUPS, "egress");
	answer_deletion(CONTROL_OK);
	assert_int_equal(played.result, ENGINE_FAILED);
	assert_int_equal(played.asked.len, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_is_kept_in_memory),
		TEST(each_group_asks_its_own_tailnet_with_its_own_tags),
		TEST(a_replaced_key_comes_after_the_deletion),
		TEST(no_empty_id_is_sent),
		TEST(a_device_that_is_gone_is_deleted),
		TEST(each_outcome_has_its_pause),
		TEST(without_credentials_the_step_fails),
		TEST(new_credentials_end_the_step),
		TEST(a_cancelled_step_says_nothing),
		TEST(a_group_that_is_gone_meanwhile_gets_no_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
