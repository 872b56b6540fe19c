#include "statestore/store_kube.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/api_bench.h"
#include "tests/support/fake_clock.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"

#define RETRY_BASE_MS 5
#define RETRY_MAX_MS 10
#define ALLOWED "{\"status\":{\"allowed\":true}}"
#define DENIED "{\"status\":{\"allowed\":false}}"
#define SECRET "{\"data\":{\"authkey\":\"a2V5\",\"device_id\":\"bkFCQw==\"}}"
#define ABSENT "{\"message\":\"secrets \\\"tailscale\\\" not found\",\"code\":404}"

/* How each question is answered; the status stands for the code. */
struct script {
	const char *get_status, *get;
	const char *update_status, *update;
	const char *patch_status, *patch;
	const char *create_status, *create;
};

static const struct script all_well = {
	"200 OK", SECRET, "201 Created", ALLOWED, "201 Created", ALLOWED, "201 Created", ALLOWED};

struct fixture {
	struct api_bench *b;
	struct store_kube_setup *setup;
	struct script script;
	struct log_capture log;
	unsigned int done;
	struct err err;
	bool exists, can_patch;
	struct err cannot_patch;
	size_t fields;
	unsigned int written, listed, wanted_requests;
	struct strv keys;
};

static void choose(void *arg, const char *request)
{
	struct fixture *f = arg;
	const struct script *s = &f->script;
	if (strncmp(request, "GET ", 4) == 0)
		raw_server_answer(f->b->server, s->get_status, s->get);
	else if (strstr(request, "\"verb\":\"update\"") != NULL)
		raw_server_answer(f->b->server, s->update_status, s->update);
	else if (strstr(request, "\"verb\":\"patch\"") != NULL)
		raw_server_answer(f->b->server, s->patch_status, s->patch);
	else if (strstr(request, "\"verb\":\"create\"") != NULL)
		raw_server_answer(f->b->server, s->create_status, s->create);
	else
		raw_server_answer(f->b->server, "200 OK", "");
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	void *bench;
	assert_int_equal(api_bench_open(&bench), 0);
	f->b = bench;
	f->script = all_well;
	f->wanted_requests = 12;
	f->b->server->choose = choose;
	f->b->server->choose_arg = f;
	log_capture_start(&f->log);
	api_open_at(f->b, "127.0.0.1", f->b->front.port);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *bench = f->b;
	store_kube_setup_cancel(f->setup);
	api_bench_close(&bench);
	log_capture_stop(&f->log);
	strv_fini(&f->keys);
	free(f);
	return 0;
}

static void on_setup(void *arg, const struct store_kube_facts *facts, const struct err *err)
{
	struct fixture *f = arg;
	f->setup = NULL;
	f->done++;
	f->err = err != NULL ? *err : (struct err){0};
	f->exists = facts->exists;
	f->can_patch = facts->can_patch;
	f->cannot_patch = facts->cannot_patch;
	f->fields = facts->fields.len;
	if (err == NULL && facts->exists)
		assert_string_equal(kube_fields_get(&facts->fields, "authkey")->value, "key");
}

static void start(struct fixture *f)
{
	const struct store_kube_setup_options options = {
		"tailscale", RETRY_BASE_MS, RETRY_MAX_MS, false};
	f->done = 0;
	f->setup = store_kube_setup_start(f->b->loop, f->b->kube, &options, on_setup, f);
	assert_int_equal(f->done, 0);
}

static void run(struct fixture *f)
{
	start(f);
	assert_true(loop_wait_count(f->b->loop, &f->done, 1, LOOP_WAIT_MS));
}

static void three_questions_are_enough(void **state)
{
	struct fixture *f = *state;
	run(f);
	assert_string_equal(f->err.msg, "");
	assert_true(f->exists);
	assert_true(f->can_patch);
	assert_int_equal(f->fields, 2);
	assert_int_equal(f->b->server->request_count, 3);
	assert_int_equal(f->log.texts.len, 0);
}

static void an_absent_secret_needs_the_right_to_create_it(void **state)
{
	struct fixture *f = *state;
	f->script.get_status = "404 Not Found";
	f->script.get = ABSENT;
	run(f);
	assert_string_equal(f->err.msg, "");
	assert_false(f->exists);
	assert_int_equal(f->fields, 0);
	assert_int_equal(f->b->server->request_count, 4);
	f->script.create = DENIED;
	run(f);
	assert_int_equal(f->err.code, -EACCES);
	assert_non_null(strstr(f->err.msg, "tailscale state Secret tailscale does not exist and we "
					   "don't have permissions to create it. If you intend"));
	/* A review without an answer is no right. */
	f->script.create_status = "400 Bad";
	run(f);
	assert_int_equal(f->err.code, -EACCES);
	assert_true(
		log_capture_has(&f->log, "error checking create permission on secret tailscale"));
}

static void a_missing_right_is_named(void **state)
{
	struct fixture *f = *state;
	f->script.update = DENIED;
	run(f);
	assert_int_equal(f->err.code, -EACCES);
	assert_string_equal(f->err.msg,
		"some Kubernetes permissions are missing, please check your RBAC configuration: "
		"missing update permission on secret \"tailscale\"");
	f->script.get_status = "403 Forbidden";
	f->script.get = "{\"message\":\"no\",\"code\":403}";
	run(f);
	assert_string_equal(f->err.msg,
		"some Kubernetes permissions are missing, please check your RBAC configuration: "
		"missing get permission on secret \"tailscale\"\n"
		"missing update permission on secret \"tailscale\"");
	/* A refused token is no missing right. */
	f->script.update = ALLOWED;
	f->script.get_status = "401 Unauthorized";
	f->script.get = "{\"message\":\"Unauthorized\",\"code\":401}";
	run(f);
	assert_non_null(strstr(f->err.msg, "getting Tailscale state Secret tailscale: GET "));
	assert_non_null(strstr(f->err.msg, "401: Unauthorized"));
}

static void without_patch_nothing_is_written(void **state)
{
	struct fixture *f = *state;
	struct statestore_backend backend;
	f->script.patch = DENIED;
	run(f);
	assert_string_equal(f->err.msg, "");
	assert_false(f->can_patch);
	assert_non_null(strstr(f->cannot_patch.msg, "missing patch permission on secret \""));
	assert_false(store_kube_backend(f->b->kube, "tailscale", false, &backend));
	/* Nor when it is unknown. */
	f->script.patch_status = "403 Forbidden";
	f->script.update_status = "403 Forbidden";
	run(f);
	assert_string_equal(f->err.msg, "");
	assert_false(f->can_patch);
	assert_true(
		log_capture_has(&f->log, "error checking patch permission on secret tailscale"));
	assert_true(
		log_capture_has(&f->log, "error checking update permission on secret tailscale"));
}

static void a_secret_that_cannot_be_read_is_final(void **state)
{
	struct fixture *f = *state;
	f->script.get = "{\"data\":{\"authkey\":\"!\"}}";
	run(f);
	assert_int_equal(f->err.code, -EINVAL);
	assert_non_null(
		strstr(f->err.msg, "getting Tailscale state Secret tailscale: data.authkey: "));
	f->script.get_status = "422 Odd";
	run(f);
	assert_int_equal(f->err.code, -EINVAL);
}

/* Conditions under which time goes on: one millisecond each time they are looked at. */
static bool is_patch_left(void *arg)
{
	const struct fixture *f = arg;
	fake_clock_advance_ms(1);
	return strstr(store_kube_setup_last_error(f->setup), "429") != NULL;
}

static bool was_tried_often(void *arg)
{
	const struct fixture *f = arg;
	fake_clock_advance_ms(1);
	return f->b->server->request_count >= f->wanted_requests;
}

static bool is_done(void *arg)
{
	const struct fixture *f = arg;
	fake_clock_advance_ms(1);
	return f->done > 0;
}

static void what_passes_is_tried_again(void **state)
{
	struct fixture *f = *state;
	f->script.get_status = "503 No";
	f->script.get = "{\"message\":\"starting\",\"code\":503}";
	f->script.patch_status = "429 No";
	start(f);
	assert_string_equal(store_kube_setup_last_error(f->setup), "");
	assert_true(loop_wait_count(f->b->loop, &f->b->server->request_count, 3, LOOP_WAIT_MS));
	assert_true(loop_wait(f->b->loop, was_tried_often, f, LOOP_WAIT_MS));
	assert_non_null(strstr(store_kube_setup_last_error(f->setup), "starting"));
	assert_int_equal(f->done, 0);
	/* Each reason once. */
	assert_int_equal(
		log_capture_count(&f->log, "cannot get Secret tailscale yet, trying again: "), 1);
	assert_int_equal(
		log_capture_count(&f->log, "cannot patch Secret tailscale yet, trying again: "), 1);
	f->script.get_status = "200 OK";
	f->script.get = SECRET;
	assert_true(loop_wait(f->b->loop, is_patch_left, f, LOOP_WAIT_MS));
	f->script.patch_status = "201 Created";
	assert_true(loop_wait(f->b->loop, is_done, f, LOOP_WAIT_MS));
	assert_string_equal(f->err.msg, "");
	assert_true(f->can_patch);
}

/* A server that has just come up does not know its roles yet. */
static void a_refusal_after_an_outage_is_asked_again(void **state)
{
	struct fixture *f = *state;
	f->script.get_status = "503 No";
	f->script.get = "{\"message\":\"starting\",\"code\":503}";
	f->script.patch_status = "503 No";
	start(f);
	assert_true(loop_wait(f->b->loop, was_tried_often, f, LOOP_WAIT_MS));
	f->script.patch_status = "201 Created";
	f->script.patch = DENIED;
	f->script.get_status = "403 No";
	f->script.get = "{\"message\":\"RBAC: no roles yet\",\"code\":403}";
	f->wanted_requests += 2;
	assert_true(loop_wait(f->b->loop, was_tried_often, f, LOOP_WAIT_MS));
	f->script = all_well;
	assert_true(loop_wait(f->b->loop, is_done, f, LOOP_WAIT_MS));
	assert_string_equal(f->err.msg, "");
	assert_true(f->can_patch);
}

static void a_lasting_refusal_after_an_outage_is_believed(void **state)
{
	struct fixture *f = *state;
	f->script.get_status = "503 No";
	f->script.get = "{}";
	f->script.patch = DENIED;
	start(f);
	assert_true(loop_wait(f->b->loop, was_tried_often, f, LOOP_WAIT_MS));
	f->script.get_status = "200 OK";
	f->script.get = SECRET;
	assert_true(loop_wait(f->b->loop, is_done, f, LOOP_WAIT_MS));
	assert_string_equal(f->err.msg, "");
	assert_false(f->can_patch);
}

static void cancelling_is_silent(void **state)
{
	struct fixture *f = *state;
	start(f);
	store_kube_setup_cancel(f->setup);
	f->script.get_status = "503 No";
	start(f);
	assert_true(loop_wait_count(f->b->loop, &f->b->server->request_count, 1, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(f->b->loop, 20));
	store_kube_setup_cancel(f->setup);
	f->setup = NULL;
	store_kube_setup_cancel(NULL);
	fake_clock_advance_ms(5 * RETRY_MAX_MS);
	assert_true(loop_wait_idle(f->b->loop, 20));
	assert_int_equal(f->done, 0);
}

static void on_written(void *arg, const struct err *err, uint64_t retry_after_ms)
{
	struct fixture *f = arg;
	f->written++;
	f->err = err != NULL ? *err : (struct err){0};
	assert_true(retry_after_ms == (err != NULL ? 13500 : 0));
}

static void on_listed(void *arg, const struct strv *keys, const struct err *err)
{
	struct fixture *f = arg;
	f->listed++;
	f->err = err != NULL ? *err : (struct err){0};
	strv_copy(&f->keys, keys);
}

static void the_secret_is_a_place(void **state)
{
	const struct store_change changes[] = {{"device_id", "n"}, {"old", NULL}};
	struct fixture *f = *state;
	struct statestore_backend place;
	assert_true(store_kube_backend(f->b->kube, "tailscale", true, &place));
	assert_string_equal(place.describe(place.self), "Secret \"tailscale\"");
	place.write(place.self, changes, 2, on_written, f);
	place.list(place.self, on_listed, f);
	assert_int_equal(f->written + f->listed, 0);
	assert_true(loop_wait_count(f->b->loop, &f->written, 1, LOOP_WAIT_MS));
	assert_true(loop_wait_count(f->b->loop, &f->listed, 1, LOOP_WAIT_MS));
	assert_string_equal(f->err.msg, "");
	AUTO(mem_free) char *keys = strv_join(&f->keys, " ");
	assert_string_equal(keys, "authkey device_id");
	f->script.get_status = "404 No";
	place.list(place.self, on_listed, f);
	assert_true(loop_wait_count(f->b->loop, &f->listed, 2, LOOP_WAIT_MS));
	assert_int_equal(f->err.code, -ENOENT);
	f->script.get_status = "200 OK";
	f->script.get = "{\"data\":[]}";
	place.list(place.self, on_listed, f);
	assert_true(loop_wait_count(f->b->loop, &f->listed, 3, LOOP_WAIT_MS));
	assert_int_equal(f->err.code, -EINVAL);
	f->b->server->choose = NULL;
	raw_server_answer(f->b->server, "429 No\r\nRetry-After: 9", "");
	place.write(place.self, changes, 1, on_written, f);
	assert_true(loop_wait_count(f->b->loop, &f->written, 2, LOOP_WAIT_MS));
	assert_int_equal(f->err.code, -EAGAIN);
	place.write(place.self, changes, 1, on_written, f);
	place.list(place.self, on_listed, f);
	place.cancel(place.self);
	place.list(place.self, on_listed, f);
	place.free(place.self);
	assert_true(loop_wait_idle(f->b->loop, 20));
	assert_int_equal(f->written, 2);
	assert_int_equal(f->listed, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(three_questions_are_enough),
		TEST(an_absent_secret_needs_the_right_to_create_it),
		TEST(a_missing_right_is_named),
		TEST(without_patch_nothing_is_written),
		TEST(a_secret_that_cannot_be_read_is_final),
		TEST(what_passes_is_tried_again),
		TEST(a_refusal_after_an_outage_is_asked_again),
		TEST(a_lasting_refusal_after_an_outage_is_believed),
		TEST(cancelling_is_silent),
		TEST(the_secret_is_a_place),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
