/* An API server with several addresses, some of which fail. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/io/fetch.h"
#include "lib/kube/kube.h"
#include "lib/kube/kube_secret.h"
#include "tests/support/api_bench.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"

static void open_with(struct api_bench *b, const char *const *addresses)
{
	fake_dns_set(&b->dns, 600, addresses);
	api_open_at(b, "api.example", b->front.port);
}

static void get_well(struct api_bench *b)
{
	api_get(b, "200 OK", "{}");
	assert_string_equal(b->err.msg, "");
}

/* A server without TLS, or no server, at the address before the good one. */
static struct raw_server *bad_server(struct api_bench *b)
{
	static const char *const addresses[] = {"127.0.0.2", "127.0.0.1", NULL};
	open_with(b, addresses);
	return raw_server_new_at(b->loop, "127.0.0.2", b->front.port);
}

static void the_good_one_is_remembered(void **state)
{
	static const char *const addresses[] = {"127.0.0.2", "127.0.0.3", "127.0.0.1", NULL};
	struct api_bench *b = *state;
	open_with(b, addresses);
	get_well(b);
	assert_int_equal(kube_request_count(b->kube), 3);
	get_well(b);
	get_well(b);
	assert_int_equal(kube_request_count(b->kube), 5);
	/* Also for the next answer of the DNS servers, in another order. */
	static const char *const others[] = {"127.0.0.3", "127.0.0.1", "127.0.0.4", NULL};
	fake_clock_advance_ms(601000);
	fake_dns_set(&b->dns, 600, others);
	get_well(b);
	assert_int_equal(kube_request_count(b->kube), 6);
}

static void a_reset_moves_on(void **state)
{
	struct api_bench *b = *state;
	struct raw_server *bad = bad_server(b);
	bad->resets = true;
	get_well(b);
	get_well(b);
	assert_int_equal(bad->accept_count, 1);
	raw_server_free(bad);
}

static void a_failed_handshake_moves_on(void **state)
{
	struct api_bench *b = *state;
	struct raw_server *bad = bad_server(b);
	bad->greeting = "HTTP/1.1 400 Bad Request\r\n\r\n";
	get_well(b);
	get_well(b);
	assert_int_equal(bad->accept_count, 1);
	raw_server_free(bad);
}

static void silence_moves_on(void **state)
{
	struct api_bench *b = *state;
	/* libcurl enforces this limit on the real clock. */
	fake_clock_remove();
	struct raw_server *bad = bad_server(b);
	get_well(b);
	get_well(b);
	assert_int_equal(bad->accept_count, 1);
	raw_server_free(bad);
}

/* A request with a partial answer may have had an effect. */
static void an_answer_cut_short_does_not_move_on(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "127.0.0.2", NULL};
	struct api_bench *b = *state;
	open_with(b, addresses);
	b->server->reply = (struct raw_reply){
		.text = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", .after = RAW_CLOSE};
	kube_secret_get(b->kube, "tailscale", api_on_reply, b);
	api_wait_calls(b, 1);
	assert_int_equal(b->err.code, -ECONNRESET);
	assert_int_equal(kube_request_count(b->kube), 1);
	/* Without any answer the next address is tried, and the next call begins there. */
	b->server->reply = (struct raw_reply){.after = RAW_CLOSE};
	kube_secret_get(b->kube, "tailscale", api_on_reply, b);
	api_wait_calls(b, 2);
	assert_int_equal(b->err.code, -ECONNREFUSED);
	assert_int_equal(kube_request_count(b->kube), 3);
}

/* A transient failure outranks a permanent one. */
static void one_address_that_may_come_back_is_enough(void **state)
{
	static const char *const addresses[] = {"127.0.0.3", "127.0.0.2", NULL};
	struct api_bench *b = *state;
	struct raw_server *bad = bad_server(b);
	bad->greeting = "HTTP/1.1 400 Bad Request\r\n\r\n";
	open_with(b, addresses);
	kube_secret_get(b->kube, "tailscale", api_on_reply, b);
	api_wait_calls(b, 1);
	assert_int_equal(kube_request_count(b->kube), 2);
	assert_int_equal(b->err.code, -ECONNREFUSED);
	raw_server_free(bad);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, api_bench_open, api_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(the_good_one_is_remembered),
		TEST(a_reset_moves_on),
		TEST(a_failed_handshake_moves_on),
		TEST(silence_moves_on),
		TEST(an_answer_cut_short_does_not_move_on),
		TEST(one_address_that_may_come_back_is_enough),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
