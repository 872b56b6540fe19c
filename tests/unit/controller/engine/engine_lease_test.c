#include "controller/engine/engine_lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/kube/kube_lease.h"
#include "tests/support/api_bench.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"

#define PATH "/apis/coordination.k8s.io/v1/namespaces/ns/leases"
#define RECORD(holder, version)                         \
	"{\"metadata\":{\"resourceVersion\":\"" version \
	"\"},\"spec\":{\"holderIdentity\":\"" holder    \
	"\",\"leaseDurationSeconds\":15,\"leaseTransitions\":4}}"
#define ABSENT "{\"code\":404,\"reason\":\"NotFound\"}"
/* The longest pause between two tries. */
#define PAUSE_MS (KUBE_LEASE_RETRY_MS + KUBE_LEASE_RETRY_MS / 5)

struct fixture {
	struct api_bench *api;
	struct engine_lease *lease;
	const char *get_status, *get_body;
	const char *write_status, *write_body;
	unsigned int changes, troubles, released;
	bool leads;
};

static void choose(void *arg, const char *request)
{
	struct fixture *f = arg;
	bool is_get = strncmp(request, "GET ", 4) == 0;
	raw_server_answer(f->api->server, is_get ? f->get_status : f->write_status,
		is_get ? f->get_body : f->write_body);
}

static void on_change(void *arg, bool leads)
{
	struct fixture *f = arg;
	f->changes++;
	f->leads = leads;
}

static void on_trouble(void *arg, const struct err *err)
{
	struct fixture *f = arg;
	assert_true(err->code < 0);
	f->troubles++;
}

static void on_released(void *arg)
{
	struct fixture *f = arg;
	f->released++;
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
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *api = f->api;
	engine_lease_free(f->lease);
	engine_lease_free(NULL);
	free(f);
	return api_bench_close(&api);
}

static void start(struct fixture *f)
{
	struct err e = {0};
	const struct engine_lease_options options = {
		.ns = "ns",
		.name = "n",
		.self = "me",
		.on_change = on_change,
		.on_trouble = on_trouble,
		.on_released = on_released,
		.arg = f,
	};
	f->lease = engine_lease_new(f->api->loop, f->api->kube, &options, &e);
	assert_non_null(f->lease);
}

/* The request of this number, which must begin like this. */
static void expect_request(struct fixture *f, unsigned int number, const char *begin)
{
	struct raw_server *server = f->api->server;
	assert_true(loop_wait_count(f->api->loop, &server->request_count, number, LOOP_WAIT_MS));
	assert_int_equal(server->request_count, number);
	assert_true(strncmp(api_request(f->api, number - 1), begin, strlen(begin)) == 0);
}

static void wait_changes(struct fixture *f, unsigned int count)
{
	assert_true(loop_wait_count(f->api->loop, &f->changes, count, LOOP_WAIT_MS));
	assert_int_equal(f->changes, count);
}

static bool is_quiet(void *arg)
{
	const struct fixture *f = arg;
	return !engine_lease_is_busy(f->lease);
}

/* All answers have been read, and the pause before the next try is over. */
static void pass_pause(struct fixture *f)
{
	assert_true(loop_wait(f->api->loop, is_quiet, f, LOOP_WAIT_MS));
	fake_clock_advance_ms(PAUSE_MS);
}

/* It leads, since there was no record. */
static void lead(struct fixture *f)
{
	f->get_status = "404 Not Found";
	f->get_body = ABSENT;
	f->write_status = "201 Created";
	f->write_body = RECORD("me", "1");
	start(f);
	assert_false(engine_lease_may_write(f->lease));
	expect_request(f, 1, "GET " PATH "/n ");
	expect_request(f, 2, "POST " PATH " ");
	wait_changes(f, 1);
	assert_true(f->leads);
	assert_true(engine_lease_may_write(f->lease));
	assert_non_null(strstr(api_request(f->api, 1), "\"holderIdentity\":\"me\""));
}

static void the_leader_renews_without_reading(void **state)
{
	struct fixture *f = *state;
	lead(f);
	f->write_status = "200 OK";
	pass_pause(f);
	f->write_body = RECORD("me", "2");
	expect_request(f, 3, "PUT " PATH "/n ");
	assert_non_null(strstr(api_request(f->api, 2), "\"resourceVersion\":\"1\""));
	f->write_body = RECORD("me", "3");
	pass_pause(f);
	expect_request(f, 4, "PUT " PATH "/n ");
	assert_non_null(strstr(api_request(f->api, 3), "\"resourceVersion\":\"2\""));
	assert_int_equal(f->changes, 1);
	assert_int_equal(f->troubles, 0);
}

static void one_that_cannot_renew_no_longer_leads(void **state)
{
	struct fixture *f = *state;
	lead(f);
	f->get_status = f->write_status = "500 Oops";
	f->get_body = f->write_body = "{}";
	pass_pause(f);
	assert_true(loop_wait_count(f->api->loop, &f->troubles, 1, LOOP_WAIT_MS));
	assert_true(engine_lease_may_write(f->lease));
	/* A process that was stopped: the guard knows it before anything is reported. */
	fake_clock_advance_ms(KUBE_LEASE_RENEW_MS - PAUSE_MS);
	assert_false(engine_lease_may_write(f->lease));
	assert_int_equal(f->changes, 1);
	wait_changes(f, 2);
	assert_false(f->leads);
	/* The record is still ours: it leads again. */
	f->get_status = f->write_status = "200 OK";
	f->get_body = RECORD("me", "1");
	f->write_body = RECORD("me", "2");
	pass_pause(f);
	wait_changes(f, 3);
	assert_true(f->leads);
}

static void another_leader_is_waited_for(void **state)
{
	struct fixture *f = *state;
	f->get_status = "200 OK";
	f->get_body = RECORD("other", "5");
	f->write_status = "200 OK";
	f->write_body = RECORD("me", "7");
	start(f);
	expect_request(f, 1, "GET ");
	unsigned int requests = 1;
	for (int waited_ms = PAUSE_MS; waited_ms < 15000; waited_ms += PAUSE_MS) {
		pass_pause(f);
		expect_request(f, ++requests, "GET ");
	}
	pass_pause(f);
	expect_request(f, requests + 2, "PUT ");
	wait_changes(f, 1);
	assert_true(f->leads);
	assert_non_null(strstr(api_request(f->api, requests + 1), "\"leaseTransitions\":5"));
	/* Another one has taken it all the same: no trouble, and nothing more is written. */
	f->write_status = "409 Conflict";
	f->write_body = "{\"code\":409,\"reason\":\"Conflict\"}";
	f->get_body = RECORD("other", "9");
	pass_pause(f);
	expect_request(f, requests + 3, "PUT ");
	pass_pause(f);
	expect_request(f, requests + 4, "GET ");
	wait_changes(f, 2);
	assert_false(f->leads);
	assert_int_equal(f->troubles, 0);
}

static void the_leader_leaves_it_free(void **state)
{
	struct fixture *f = *state;
	lead(f);
	f->write_status = "200 OK";
	f->write_body = RECORD("", "2");
	engine_lease_release(f->lease);
	assert_false(engine_lease_may_write(f->lease));
	expect_request(f, 3, "PUT " PATH "/n ");
	assert_non_null(strstr(api_request(f->api, 2), "\"holderIdentity\":\"\""));
	assert_true(loop_wait_count(f->api->loop, &f->released, 1, LOOP_WAIT_MS));
	assert_int_equal(f->changes, 1);
}

static void a_follower_has_nothing_to_leave(void **state)
{
	struct fixture *f = *state;
	f->get_status = "200 OK";
	f->get_body = RECORD("other", "5");
	start(f);
	expect_request(f, 1, "GET ");
	engine_lease_release(f->lease);
	assert_int_equal(f->released, 1);
	assert_true(loop_wait_idle(f->api->loop, 20));
	assert_int_equal(f->api->server->request_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_leader_renews_without_reading),
		TEST(one_that_cannot_renew_no_longer_leads),
		TEST(another_leader_is_waited_for),
		TEST(the_leader_leaves_it_free),
		TEST(a_follower_has_nothing_to_leave),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
