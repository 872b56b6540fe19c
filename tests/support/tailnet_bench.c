#include "tests/support/tailnet_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/fetch_http2.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"

static const char *const parts[ANSWERS] = {[TOKEN] = "/oauth/token",
	[DEVICES] = "/devices",
	[KEY] = "POST /api/v2/tailnet/-/keys",
	[KEY_GONE] = "DELETE /api/v2/tailnet/-/keys/k1 "};

static void choose(void *arg, const char *request)
{
	struct tailnet_bench *b = arg;
	for (int i = 0; i < ANSWERS; i++) {
		if (strstr(request, parts[i]) != NULL) {
			b->asked[i]++;
			b->control->reply = b->replies[i];
			return;
		}
	}
	fail_msg("unexpected request: %s", request);
}

void tailnet_bench_answer(struct tailnet_bench *b, int what, const char *status, const char *body)
{
	raw_server_answer(b->control, status, body);
	b->replies[what] = b->control->reply;
}

static void on_change(void *arg, const char *tailnet)
{
	struct tailnet_bench *b = arg;
	assert_string_equal(tailnet, "one");
	b->changes++;
}

struct json *tailnet_bench_parse(const char *text)
{
	struct err e;
	struct json *out = json_parse(text, strlen(text), &e);
	assert_non_null(out);
	return out;
}

void tailnet_bench_feed(struct tailnet_bench *b)
{
	struct err e;
	AUTO(json_freep) struct json *copy = json_dup(b->object);
	assert_int_equal(cluster_feed(b->cluster, CLUSTER_TAILNETS, KUBE_MODIFIED, copy, &e), 0);
}

int tailnet_bench_open(void **state)
{
	void *api;
	struct err e;
	struct tailnet_bench *b = xcalloc(1, sizeof(*b));
	if (watch_bench_api_open(&api) != 0)
		return -1;
	b->api = api;
	struct api_bench *base = b->api->api;
	b->fetcher = fetch_http2_new(base->loop, &e);
	b->control = raw_server_new(base->loop, NULL);
	b->control->choose = choose;
	b->control->choose_arg = b;
	const struct cluster_options cluster = {.ns = "system", .default_tailnet = "one"};
	b->cluster = cluster_new(&cluster);
	const struct planes_options planes = {
		.cluster = b->cluster,
		.fetcher = b->fetcher,
		.resolver = base->resolver,
		.on_change = on_change,
		.arg = b,
	};
	b->planes = planes_new(base->loop, base->kube, &planes);
	b->tailnet = tailnet_new(base->loop, b->cluster, b->planes, &(struct tailnet_options){0});
	tailnet_feature(b->tailnet, &b->feature);
	tailnet_bench_answer(
		b, TOKEN, "200 OK", "{\"access_token\":\"planted-token\",\"expires_in\":3600}");
	tailnet_bench_answer(
		b, DEVICES, "200 OK", "{\"devices\":[" DEVICE("1", "web.tail1.ts.net") "]}");
	tailnet_bench_answer(b, KEY, "200 OK", "{\"id\":\"k1\",\"key\":\"planted-key\"}");
	tailnet_bench_answer(b, KEY_GONE, "200 OK", "{}");
	AUTO(mem_free)
	char *text = xasprintf(
		"{\"metadata\":{\"name\":\"one\",\"uid\":\"u\",\"generation\":1,"
		"\"resourceVersion\":\"7\"},\"spec\":{\"controlPlane\":\"Tailscale\",\"tailnet\":"
		"\"-\",\"apiURL\":\"http://127.0.0.1:%u\",\"oauthSecretName\":\"cred\",\"tags\":["
		"\"tag:k8s-operator\"],\"syncInterval\":\"5m\"}}",
		b->control->port);
	b->object = tailnet_bench_parse(text);
	*state = b;
	return 0;
}

int tailnet_bench_close(void **state)
{
	struct tailnet_bench *b = *state;
	void *api = b->api;
	if (b->running != NULL)
		b->running->call->cancel(b->running->call->arg, b->handle);
	engine_plan_fini(&b->plan);
	tailnet_free(b->tailnet);
	planes_free(b->planes);
	cluster_free(b->cluster);
	fetcher_free(b->fetcher);
	raw_server_free(b->control);
	json_free(b->object);
	strv_fini(&b->events);
	strv_fini(&b->also);
	free(b);
	return watch_bench_api_close(&api);
}

static void on_done(void *arg, enum engine_result result, uint64_t after_ms, const struct err *err)
{
	struct tailnet_bench *b = arg;
	(void)after_ms;
	assert_int_equal(result, ENGINE_DONE);
	assert_null(err);
	b->is_done = true;
}

/* What the API server would do with the patch. */
static void patch(struct tailnet_bench *b, const struct engine_step *step)
{
	const char *member = step->op.target.subresource != NULL ? "status" : "metadata";
	const struct json *from = json_get(step->body, member);
	struct json *to = json_type(json_get(b->object, member)) == JSON_OBJECT
				  ? json_dup(json_get(b->object, member))
				  : json_new_object();
	for (const struct json *m = json_first(from); m != NULL; m = json_next(m))
		json_set(to, json_key(m), json_dup(m));
	json_set(b->object, member, to);
	tailnet_bench_feed(b);
}

static bool is_done(void *arg)
{
	struct tailnet_bench *b = arg;
	if (b->moves_clock)
		fake_clock_advance_ms(50);
	return b->is_done;
}

void tailnet_bench_start(struct tailnet_bench *b, const struct engine_step *step)
{
	b->is_done = false;
	b->running = step;
	b->handle = step->call->start(step->call->arg, step, on_done, b);
}

void tailnet_bench_wait(struct tailnet_bench *b)
{
	assert_true(loop_wait(b->api->api->loop, is_done, b, LOOP_WAIT_MS));
	b->running = NULL;
}

static void carry_out(struct tailnet_bench *b, struct engine_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct engine_step *step = plan->steps[i];
		if (step->kind == ENGINE_STEP_EVENT)
			strv_pushf(&b->events, "%s", step->event.reason);
		if (step->kind == ENGINE_STEP_REQUEST)
			patch(b, step);
		if (step->kind != ENGINE_STEP_CALL)
			continue;
		tailnet_bench_start(b, step);
		tailnet_bench_wait(b);
	}
	for (size_t i = 0; i + 2 < plan->also.len; i += 3)
		strv_push(&b->also, plan->also.items[i + 2]);
}

size_t tailnet_bench_handle(struct tailnet_bench *b)
{
	size_t requests = 0;
	for (int i = 0; i < 10; i++) {
		engine_plan_fini(&b->plan);
		b->feature.plan(b->feature.arg, "", "one", NULL, &b->plan);
		size_t now = 0;
		for (size_t k = 0; k < b->plan.count; k++)
			now += b->plan.steps[k]->kind == ENGINE_STEP_REQUEST;
		carry_out(b, &b->plan);
		requests += now;
		if (!b->plan.is_partial && now == 0)
			return requests;
	}
	fail_msg("it comes to no rest");
	return 0;
}

void tailnet_bench_begin(struct tailnet_bench *b, const char *list)
{
	watch_answer(b->api, "limit=500", "200 OK", list);
	watch_stream(b->api, "watch=1", "");
	tailnet_bench_feed(b);
	tailnet_bench_handle(b);
	watch_wait_request(b->api, 2, "watch=1");
	assert_true(loop_wait_idle(b->api->api->loop, 20)); /* the answer has begun */
	assert_true(loop_wait_count(b->api->api->loop, &b->changes, 1, LOOP_WAIT_MS));
	tailnet_bench_handle(b);
	/* The second change is that of the Secret. */
	if (planes_state(b->planes, "one")->credentials == PLANES_PENDING) {
		assert_true(loop_wait_count(b->api->api->loop, &b->changes, 2, LOOP_WAIT_MS));
		tailnet_bench_handle(b);
	}
}

const char *tailnet_bench_condition(
	const struct tailnet_bench *b, const char *type, const char *key)
{
	for (const struct json *c = json_first(json_path(b->object, "status", "conditions", NULL));
		c != NULL; c = json_next(c)) {
		if (strcmp(json_str(json_get(c, "type")), type) == 0)
			return json_str(json_get(c, key));
	}
	return "";
}

void tailnet_bench_expect(const struct tailnet_bench *b, const char *authenticated,
	const char *validated, const char *ready)
{
	const char *const types[] = {"Authenticated", "Validated", "Ready"};
	const char *const wanted[] = {authenticated, validated, ready};
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		AUTO(mem_free)
		char *text = xasprintf("%s %s", tailnet_bench_condition(b, types[i], "status"),
			tailnet_bench_condition(b, types[i], "reason"));
		assert_string_equal(text, wanted[i]);
	}
}

void tailnet_bench_expect_events(struct tailnet_bench *b, const char *reasons)
{
	AUTO(mem_free) char *text = strv_join(&b->events, ", ");
	assert_string_equal(text, reasons);
	strv_reset(&b->events);
}

void tailnet_bench_advance(struct tailnet_bench *b, uint64_t ms)
{
	fake_clock_advance_ms(ms);
	tailnet_bench_handle(b);
}
