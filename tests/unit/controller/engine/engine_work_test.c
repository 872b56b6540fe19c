#include "controller/engine/engine_work.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "tests/support/api_bench.h"
#include "tests/support/fake_clock.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"

#define STORED(version) \
	"{\"metadata\":{\"name\":\"x\",\"uid\":\"u\",\"resourceVersion\":\"" version "\"}}"
#define STATUS(code, reason) \
	"{\"kind\":\"Status\",\"code\":" code ",\"reason\":\"" reason "\",\"message\":\"planned\"}"

static const struct kube_resource maps = {"", "v1", "configmaps", "ConfigMap", true};

/* What the server says to requests with a text in them; the first that fits counts. */
struct answer {
	const char *request, *status, *body;
};

struct fixture {
	struct api_bench *api;
	struct engine_work *work;
	struct engine_feature feature;
	struct log_capture log;
	const struct answer *answers;
	size_t answer_count;
	void (*fill)(struct fixture *f, struct engine_plan *out);
	unsigned int plans, shown;
	enum kube_outcome shown_outcome;
	char shown_step[64];
	/* of on_handled */
	unsigned int handled;
	enum engine_result result;
	int code;
	bool refuses_writes;
	bool hides_writes;
};

static void choose(void *arg, const char *request)
{
	struct fixture *f = arg;
	for (size_t i = 0; i < f->answer_count; i++) {
		if (strstr(request, f->answers[i].request) == NULL)
			continue;
		raw_server_answer(f->api->server, f->answers[i].status, f->answers[i].body);
		return;
	}
	raw_server_answer(f->api->server, "200 OK", STORED("9"));
}

static void plan(void *arg, const char *ns, const char *name, const struct engine_failure *failure,
	struct engine_plan *out)
{
	struct fixture *f = arg;
	assert_string_equal(ns, "a");
	assert_string_equal(name, "x");
	f->plans++;
	if (failure == NULL) {
		f->fill(f, out);
		return;
	}
	f->shown++;
	f->shown_outcome = failure->outcome;
	snprintf(f->shown_step, sizeof(f->shown_step), "%s", failure->step->op.target.name);
}

static bool may_write(void *arg)
{
	const struct fixture *f = arg;
	return !f->refuses_writes;
}

static bool is_seen(void *arg, const struct engine_write *write)
{
	const struct fixture *f = arg;
	assert_string_equal(write->resource->plural, "configmaps");
	assert_string_equal(write->version, "9");
	return !f->hides_writes;
}

static void on_handled(void *arg, const char *kind, const char *ns, const char *name,
	enum engine_result result, uint64_t took_ms, const struct err *err)
{
	struct fixture *f = arg;
	(void)took_ms;
	assert_string_equal(kind, "Thing");
	assert_string_equal(ns, "a");
	assert_string_equal(name, "x");
	f->handled++;
	f->result = result;
	f->code = err != NULL ? err->code : 0;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	void *api;
	if (api_bench_open(&api) != 0)
		return -1;
	f->api = api;
	f->api->server->choose = choose;
	f->api->server->choose_arg = f;
	api_open_at(f->api, "127.0.0.1", f->api->front.port);
	f->feature = (struct engine_feature){.kind = "Thing", .plan = plan, .arg = f};
	const struct engine_work_options options = {
		.at_once = 4,
		.is_seen = is_seen,
		.may_write = may_write,
		.on_handled = on_handled,
		.arg = f,
	};
	log_set_level(LOG_LEVEL_DEBUG);
	log_capture_start(&f->log);
	f->work = engine_work_new(f->api->loop, f->api->kube, NULL, &f->feature, 1, &options);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *api = f->api;
	engine_work_free(f->work);
	log_capture_stop(&f->log);
	log_set_level(LOG_LEVEL_INFO);
	free(f);
	return api_bench_close(&api);
}

static void put(struct engine_plan *out, int stage, const char *name)
{
	const struct kube_op op = {.verb = KUBE_APPLY,
		.target = {&maps, "a", name, NULL},
		.field_manager = "m",
		.is_forced = true};
	engine_plan_request(out, stage, &op, json_new_object());
}

static void handle(struct fixture *f, unsigned int times)
{
	engine_work_add(f->work, "Thing", "a", "x");
	assert_true(loop_wait_count(f->api->loop, &f->handled, times, LOOP_WAIT_MS));
}

/* Methods and names of the requests, in order. */
static void expect_requests(const struct fixture *f, const char *expected)
{
	AUTO(strv_fini) struct strv seen = {0};
	for (size_t i = 0; i < f->api->server->requests.len; i++) {
		const char *request = api_request(f->api, i);
		size_t method = strcspn(request, " ");
		const char *path = request + method + 1;
		size_t end = strcspn(path, "? ");
		const char *name = path + end;
		while (name > path && name[-1] != '/')
			name--;
		strv_pushf(
			&seen, "%.*s %.*s", (int)method, request, (int)(path + end - name), name);
	}
	AUTO(mem_free) char *joined = seen.len > 0 ? strv_join(&seen, ", ") : xstrdup("");
	assert_string_equal(joined, expected);
}

static void answer_with(struct fixture *f, const struct answer *answers, size_t count)
{
	f->answers = answers;
	f->answer_count = count;
}

static void fill_three_stages(struct fixture *f, struct engine_plan *out)
{
	(void)f;
	put(out, 7, "last");
	put(out, 1, "first");
	put(out, 3, "middle");
	engine_plan_also(out, "Thing", "a", "x");
	engine_plan_also(out, "Unknown", "a", "x");
	if (f->plans > 1)
		engine_plan_fini(out);
}

static void stages_are_carried_out_in_their_order(void **state)
{
	struct fixture *f = *state;
	f->fill = fill_three_stages;
	handle(f, 1);
	assert_int_equal(f->result, ENGINE_DONE);
	expect_requests(f, "PATCH first, PATCH middle, PATCH last");
	/* The key that it asks for is handled once more. */
	assert_true(loop_wait_count(f->api->loop, &f->handled, 2, LOOP_WAIT_MS));
	assert_int_equal(engine_work_ready(f->work) + engine_work_running(f->work), 0);
}

static void fill_two_and_one(struct fixture *f, struct engine_plan *out)
{
	(void)f;
	put(out, 1, "bad");
	put(out, 1, "good");
	put(out, 2, "after");
	out->shows_failure = true;
}

static void a_failure_ends_the_plan_after_its_stage(void **state)
{
	static const struct answer answers[] = {
		{"/bad?", "409 Conflict", STATUS("409", "Conflict")}};
	struct fixture *f = *state;
	answer_with(f, answers, 1);
	f->fill = fill_two_and_one;
	handle(f, 1);
	assert_int_equal(f->result, ENGINE_FAILED);
	assert_int_equal(f->code, -ESTALE);
	assert_int_equal(f->api->server->requests.len, 2);
	/* A conflict is normal: shown nowhere, said at debug level alone. */
	assert_int_equal(f->shown, 0);
	assert_int_equal(log_capture_count_id(&f->log, "engine.conflict"), 1);
	assert_int_equal(f->log.worst, LOG_LEVEL_DEBUG);
	/* Again soon. */
	answer_with(f, NULL, 0);
	fake_clock_advance_ms(10);
	assert_true(loop_wait_count(f->api->loop, &f->handled, 2, LOOP_WAIT_MS));
	assert_int_equal(f->result, ENGINE_DONE);
}

struct failure_case {
	const char *status, *body;
	enum kube_outcome outcome;
	enum engine_result result;
	bool is_shown;
	const char *event;
};

static void each_failure_has_its_end(void **state)
{
	static const struct failure_case cases[] = {
		{"422 Unprocessable", STATUS("422", "Invalid"), KUBE_INVALID, ENGINE_STUCK, true,
			"engine.stuck"},
		{"413 Too Large", STATUS("413", "RequestEntityTooLarge"), KUBE_TOO_LARGE,
			ENGINE_STUCK, true, "engine.stuck"},
		{"403 Forbidden", STATUS("403", "Forbidden"), KUBE_FORBIDDEN, ENGINE_FAILED, true,
			"engine.forbidden"},
		{"404 Not Found", STATUS("404", "NotFound"), KUBE_NOT_FOUND, ENGINE_FAILED, true,
			"engine.failed"},
		{"500 Error", STATUS("500", "InternalError"), KUBE_UNAVAILABLE, ENGINE_FAILED,
			false, "engine.failed"},
		{"418 Teapot", STATUS("418", "Teapot"), KUBE_REFUSED, ENGINE_STUCK, true,
			"engine.stuck"},
	};
	struct fixture *f = *state;
	f->fill = fill_two_and_one;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct failure_case *c = &cases[i];
		const struct answer answer = {"/bad?", c->status, c->body};
		unsigned int shown = f->shown;
		answer_with(f, &answer, 1);
		handle(f, f->handled + 1);
		assert_int_equal(f->result, c->result);
		assert_int_equal(f->shown - shown, c->is_shown);
		assert_int_equal(log_capture_count_id(&f->log, c->event), 1);
		if (c->is_shown) {
			assert_int_equal(f->shown_outcome, c->outcome);
			assert_string_equal(f->shown_step, "bad");
		}
		log_capture_reset(&f->log);
	}
	answer_with(f, NULL, 0);
}

static void fill_patch(struct fixture *f, struct engine_plan *out)
{
	const struct kube_op op = {.verb = KUBE_PATCH, .target = {&maps, "a", "bad", NULL}};
	(void)f;
	engine_plan_request(out, 1, &op, json_new_object());
	out->shows_failure = true;
}

static void what_is_gone_meanwhile_is_like_a_conflict(void **state)
{
	static const struct answer answers[] = {
		{"/bad", "404 Not Found", STATUS("404", "NotFound")}};
	struct fixture *f = *state;
	answer_with(f, answers, 1);
	f->fill = fill_patch;
	handle(f, 1);
	assert_int_equal(f->result, ENGINE_FAILED);
	assert_int_equal(f->shown, 0);
	assert_int_equal(f->log.worst, LOG_LEVEL_DEBUG);
}

static void a_missing_permission_is_said_once_with_the_rule(void **state)
{
	static const struct answer answers[] = {
		{"/bad?", "403 Forbidden", STATUS("403", "Forbidden")}};
	struct fixture *f = *state;
	answer_with(f, answers, 1);
	f->fill = fill_two_and_one;
	handle(f, 1);
	handle(f, 2);
	assert_int_equal(log_capture_count_id(&f->log, "engine.forbidden"), 1);
	assert_true(log_capture_has(&f->log,
		"add verbs [create, patch] on resources [configmaps] of apiGroups [\"\"]"));
}

static void fill_partial(struct fixture *f, struct engine_plan *out)
{
	put(out, 1, f->plans == 1 ? "one" : "two");
	out->is_partial = f->plans == 1;
}

static void a_partial_plan_is_made_anew_at_once(void **state)
{
	struct fixture *f = *state;
	f->fill = fill_partial;
	handle(f, 1);
	assert_int_equal(f->plans, 2);
	expect_requests(f, "PATCH one, PATCH two");
}

static void fill_for_ever(struct fixture *f, struct engine_plan *out)
{
	(void)f;
	out->is_partial = true;
}

static void a_plan_that_stays_partial_ends(void **state)
{
	struct fixture *f = *state;
	f->fill = fill_for_ever;
	handle(f, 1);
	assert_int_equal(f->result, ENGINE_AGAIN);
}

static void nothing_is_written_without_the_lease(void **state)
{
	struct fixture *f = *state;
	f->fill = fill_three_stages;
	f->refuses_writes = true;
	handle(f, 1);
	assert_int_equal(f->result, ENGINE_FAILED);
	assert_int_equal(f->code, -ECANCELED);
	assert_int_equal(f->api->server->requests.len, 0);
}

static void fill_new(struct fixture *f, struct engine_plan *out)
{
	struct err e;
	static const char text[] = "{\"metadata\":{\"labels\":{\"ours\":\"true\"}}}";
	const struct kube_target target = {&maps, "a", "new", NULL};
	engine_plan_apply(out, 1, &target, json_parse(text, strlen(text), &e), NULL);
	out->shows_failure = true;
	(void)f;
}

static void a_new_object_is_looked_for_first(void **state)
{
	static const struct answer absent[] = {
		{"GET ", "404 Not Found", STATUS("404", "NotFound")}};
	static const struct answer foreign[] = {
		{"GET ", "200 OK", "{\"metadata\":{\"labels\":{\"theirs\":\"true\"}}}"}};
	static const struct answer ours[] = {
		{"GET ", "200 OK", "{\"metadata\":{\"labels\":{\"ours\":\"true\"}}}"}};
	struct fixture *f = *state;
	f->fill = fill_new;
	answer_with(f, absent, 1);
	handle(f, 1);
	expect_requests(f, "GET new, PATCH new");
	assert_int_equal(f->result, ENGINE_DONE);
	/* Of another one: left alone, and said. */
	answer_with(f, foreign, 1);
	handle(f, 2);
	expect_requests(f, "GET new, PATCH new, GET new");
	assert_int_equal(f->shown_outcome, KUBE_EXISTS);
	assert_true(log_capture_has(&f->log, "apply ConfigMap a/new: it exists and was not made"));
	/* Ours, and not as desired: the hash is missing. */
	answer_with(f, ours, 1);
	handle(f, 3);
	expect_requests(f, "GET new, PATCH new, GET new, GET new, PATCH new");
	answer_with(f, NULL, 0);
}

static void fill_one(struct fixture *f, struct engine_plan *out)
{
	(void)f;
	put(out, 1, "one");
}

static void a_key_waits_until_its_writes_are_seen(void **state)
{
	struct fixture *f = *state;
	f->fill = fill_one;
	f->hides_writes = true;
	engine_work_add(f->work, "Thing", "a", "x");
	assert_true(loop_wait_count(f->api->loop, &f->api->server->request_count, 1, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(f->api->loop, 50));
	assert_int_equal(f->handled, 0);
	/* Another change: not seen yet. */
	engine_work_add(f->work, "Thing", "a", "x");
	assert_int_equal(f->handled, 0);
	f->hides_writes = false;
	engine_work_add(f->work, "Thing", "a", "x");
	assert_int_equal(f->handled, 1);
	/* What comes never is not waited for. */
	f->hides_writes = true;
	assert_true(loop_wait_count(f->api->loop, &f->api->server->request_count, 2, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(f->api->loop, 50));
	assert_int_equal(f->handled, 1);
	fake_clock_advance_ms(ENGINE_SEEN_MS);
	assert_true(loop_wait_count(f->api->loop, &f->handled, 2, LOOP_WAIT_MS));
}

static void a_deadline_cancels_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	f->fill = fill_one;
	f->api->server->choose = NULL;
	f->api->server->reply = (struct raw_reply){0};
	engine_work_add(f->work, "Thing", "a", "x");
	assert_true(loop_wait_count(f->api->loop, &f->api->server->request_count, 1, LOOP_WAIT_MS));
	engine_work_hold(f->work, true);
	fake_clock_advance_ms(ENGINE_DEADLINE_MS);
	assert_true(loop_wait_count(f->api->loop, &f->handled, 1, LOOP_WAIT_MS));
	assert_int_equal(f->result, ENGINE_FAILED);
	assert_int_equal(engine_work_running(f->work), 0);
	assert_int_equal(log_capture_count_id(&f->log, "engine.expired") +
				 log_capture_count_id(&f->log, "engine.failed"),
		1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stages_are_carried_out_in_their_order),
		TEST(a_failure_ends_the_plan_after_its_stage),
		TEST(each_failure_has_its_end),
		TEST(what_is_gone_meanwhile_is_like_a_conflict),
		TEST(a_missing_permission_is_said_once_with_the_rule),
		TEST(a_partial_plan_is_made_anew_at_once),
		TEST(a_plan_that_stays_partial_ends),
		TEST(nothing_is_written_without_the_lease),
		TEST(a_new_object_is_looked_for_first),
		TEST(a_key_waits_until_its_writes_are_seen),
		TEST(a_deadline_cancels_what_is_under_way),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
