#include "lib/kube/kube.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/kube/kube_secret.h"
#include "tests/support/api_bench.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

static void a_new_token_is_used_at_once(void **state)
{
	struct api_bench *f = *state;
	api_get(f, "200 OK", "{}");
	tempdir_write(f->account, "token", "rotated");
	api_get(f, "200 OK", "{}");
	assert_non_null(strstr(api_request(f, 1), "Bearer rotated\r\n"));
}

static void a_refused_token_is_read_again_once(void **state)
{
	static const char refused[] = "{\"message\":\"Unauthorized\",\"code\":401}";
	struct api_bench *f = *state;
	/* The same token: no second try. */
	api_get(f, "401 Unauthorized", refused);
	assert_int_equal(f->err.code, -EACCES);
	assert_int_equal(f->code, 401);
	assert_int_equal(f->server->request_count, 1);
	/* Another token by now. */
	kube_secret_get(f->kube, "tailscale", api_on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 2, LOOP_WAIT_MS));
	tempdir_write(f->account, "token", "fresh");
	raw_server_answer(f->server, "200 OK", "{}");
	api_wait_calls(f, 2);
	assert_string_equal(f->err.msg, "");
	assert_int_equal(f->server->request_count, 3);
	assert_non_null(strstr(api_request(f, 1), "Bearer bearer_token\r\n"));
	assert_non_null(strstr(api_request(f, 2), "Bearer fresh\r\n"));
	/* Another token, refused again: no third try. */
	raw_server_answer(f->server, "401 Unauthorized", refused);
	kube_secret_get(f->kube, "tailscale", api_on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 4, LOOP_WAIT_MS));
	tempdir_write(f->account, "token", "fresher");
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 5, LOOP_WAIT_MS));
	tempdir_write(f->account, "token", "freshest");
	api_wait_calls(f, 3);
	assert_int_equal(f->err.code, -EACCES);
	assert_int_equal(f->server->request_count, 5);
	assert_null(strstr(f->err.msg, "fresh"));
}

static void a_token_that_cannot_be_sent_is_an_error(void **state)
{
	struct api_bench *f = *state;
	tempdir_write(f->account, "token", "two\r\nX-Lines: 1");
	api_get(f, "200 OK", "{}");
	assert_int_equal(f->err.code, -EINVAL);
	assert_non_null(strstr(f->err.msg, "/secrets/tailscale: "));
	assert_null(strstr(f->err.msg, "two"));
	assert_int_equal(f->server->request_count, 0);
}

static void the_next_address_is_tried(void **state)
{
	static const char *const addresses[] = {"127.0.0.2", "127.0.0.3", "127.0.0.1", NULL};
	struct api_bench *f = *state;
	fake_dns_set(&f->dns, 60, addresses);
	api_open_at(f, "api.example", f->front.port);
	api_get(f, "200 OK", "{}");
	assert_string_equal(f->err.msg, "");
	assert_non_null(strstr(api_request(f, 0), "\r\nHost: api.example:"));
	/* None is left. */
	tls_front_stop(&f->front);
	api_open_at(f, "api.example", f->front.port);
	kube_secret_get(f->kube, "tailscale", api_on_reply, f);
	api_wait_calls(f, 2);
	assert_int_equal(f->err.code, -ECONNREFUSED);
	assert_int_equal(f->status, 0);
	assert_int_equal(kube_request_count(f->kube), 3);
}

static void a_name_that_is_unknown_may_be_known_soon(void **state)
{
	struct api_bench *f = *state;
	f->dns.mode = FAKE_DNS_NO_SUCH_NAME;
	api_open_at(f, "api.example", f->front.port);
	kube_secret_get(f->kube, "tailscale", api_on_reply, f);
	api_wait_calls(f, 1);
	assert_int_equal(f->err.code, -EAGAIN);
	assert_non_null(strstr(f->err.msg, "GET /api/v1/namespaces/default/secrets/tailscale: "));
	api_open_at(f, "not a host", f->front.port);
	kube_secret_get(f->kube, "tailscale", api_on_reply, f);
	api_wait_calls(f, 2);
	assert_int_equal(f->err.code, -EINVAL);
	assert_int_equal(kube_request_count(f->kube), 0);
}

static void addresses_need_no_brackets(void **state)
{
	static const char *const hosts[] = {"::1", "[::1]"};
	struct api_bench *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		unsigned int before = f->calls;
		api_open_at(f, hosts[i], 1);
		kube_secret_get(f->kube, "tailscale", api_on_reply, f);
		api_wait_calls(f, before + 1);
		/* No server listens there, or there is no IPv6 here, but it was accepted as an
		 * address. */
		assert_int_not_equal(f->err.code, -EINVAL);
		assert_non_null(strstr(f->err.msg, "https://[::1]:1/api"));
	}
}

static void an_untrusted_server_is_not_asked(void **state)
{
	struct api_bench *f = *state;
	AUTO(mem_free) char *other = tempdir_read(f->certificates, "other.pem");
	api_get(f, "200 OK", "{}");
	tempdir_write(f->account, "ca.crt", other);
	api_get(f, "200 OK", "{}");
	assert_int_equal(f->err.code, -EACCES);
	assert_int_equal(f->status, 0);
	assert_int_equal(f->server->request_count, 1);
}

static void one_deadline_covers_all(void **state)
{
	struct api_bench *f = *state;
	fake_clock_install(1000000);
	api_open_at(f, "127.0.0.1", f->front.port);
	f->server->reply.text = NULL;
	kube_secret_get(f->kube, "tailscale", api_on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 1, LOOP_WAIT_MS));
	fake_clock_advance_ms(KUBE_TIMEOUT_MS - 1);
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->calls, 0);
	fake_clock_advance_ms(1);
	api_wait_calls(f, 1);
	assert_int_equal(f->err.code, -ETIMEDOUT);
	/* No time is left for a second try. */
	kube_secret_get(f->kube, "tailscale", api_on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 2, LOOP_WAIT_MS));
	raw_server_say(f->server, "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}");
	tempdir_write(f->account, "token", "fresh");
	fake_clock_advance_ms(KUBE_TIMEOUT_MS);
	api_wait_calls(f, 2);
	assert_int_equal(f->err.code, -ETIMEDOUT);
	assert_int_equal(f->server->request_count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, api_bench_open, api_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(a_new_token_is_used_at_once),
		TEST(a_refused_token_is_read_again_once),
		TEST(a_token_that_cannot_be_sent_is_an_error),
		TEST(the_next_address_is_tried),
		TEST(a_name_that_is_unknown_may_be_known_soon),
		TEST(addresses_need_no_brackets),
		TEST(an_untrusted_server_is_not_asked),
		TEST(one_deadline_covers_all),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
