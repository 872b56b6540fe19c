#include "lib/kube/kube.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/io/resolve.h"
#include "lib/kube/kube_secret.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_dns.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"
#include "tests/support/tempdir.h"
#include "tests/support/tls_front.h"
#include "tests/support/tls_server.h"

/* Certificates take long to make and change nothing. */
static char *certificates;

struct fixture {
	struct loop *loop;
	struct fetcher *fetcher;
	struct resolver *resolver;
	struct fake_dns dns;
	struct raw_server *server;
	struct tls_front front;
	char *account;
	struct kube *kube;
	/* what came */
	unsigned int calls;
	int status, code;
	uint64_t retry_after_ms;
	char *body; /* compact JSON, NULL without */
	bool allowed;
	struct err err;
	/* what the callback does */
	bool frees;
	bool asks_again;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	signal(SIGPIPE, SIG_IGN);
	f->account = tempdir_new();
	AUTO(mem_free) char *ca = tempdir_read(certificates, "ca.pem");
	tempdir_write(f->account, "namespace", "default");
	tempdir_write(f->account, "token", "bearer_token\n");
	tempdir_write(f->account, "ca.crt", ca);
	f->loop = loop_new(&e);
	f->fetcher = fetcher_new(f->loop, &e);
	f->resolver = resolver_new(f->loop, &e);
	fake_dns_open(&f->dns, f->loop);
	f->server = raw_server_new(f->loop, NULL);
	raw_server_answer(f->server, "200 OK", "{}");
	tls_front_start(&f->front, certificates, f->server->port);
	*state = f;
	return f->resolver != NULL ? resolver_set_servers(f->resolver, f->dns.servers, &e) : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fake_clock_remove();
	kube_free(f->kube);
	tls_front_stop(&f->front);
	raw_server_free(f->server);
	resolver_free(f->resolver);
	fake_dns_close(&f->dns);
	fetcher_free(f->fetcher);
	loop_free(f->loop);
	tempdir_free(f->account);
	free(f->body);
	free(f);
	return 0;
}

static void open_at(struct fixture *f, const char *host, uint16_t port)
{
	struct err e = {0};
	AUTO(mem_free) char *text = xasprintf("%u", port);
	struct kube_options options = {.account_dir = f->account, .host = host, .port = text};
	kube_free(f->kube);
	f->kube = kube_new(f->loop, f->fetcher, f->resolver, &options, &e);
	assert_string_equal(e.msg, "");
	assert_non_null(f->kube);
}

static void on_reply(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct fixture *f = arg;
	f->calls++;
	f->status = reply->status;
	f->code = reply->code;
	f->retry_after_ms = reply->retry_after_ms;
	f->allowed = kube_review_allowed(reply);
	free(f->body);
	f->body = reply->body != NULL ? json_print(reply->body) : NULL;
	f->err = err != NULL ? *err : (struct err){0};
	if (f->asks_again) {
		f->asks_again = false;
		kube_secret_get(f->kube, "again", on_reply, f);
	}
	if (f->frees) {
		kube_free(f->kube);
		f->kube = NULL;
	}
}

static void wait_calls(struct fixture *f, unsigned int count)
{
	assert_true(loop_wait_count(f->loop, &f->calls, count, LOOP_WAIT_MS));
	assert_int_equal(f->calls, count);
}

/* GET of a Secret that is answered with exactly these bytes. */
static void get_raw(struct fixture *f, const char *reply)
{
	unsigned int before = f->calls;
	f->server->reply.text = reply;
	if (f->kube == NULL)
		open_at(f, "127.0.0.1", f->front.port);
	kube_secret_get(f->kube, "tailscale", on_reply, f);
	assert_int_equal(f->calls, before); /* never from within the start */
	wait_calls(f, before + 1);
}

static void get(struct fixture *f, const char *status, const char *body)
{
	raw_server_answer(f->server, status, body);
	get_raw(f, f->server->reply.text);
}

static const char *request(const struct fixture *f, size_t i)
{
	assert_true(i < f->server->requests.len);
	return f->server->requests.items[i];
}

static void a_secret_is_read(void **state)
{
	struct fixture *f = *state;
	get(f, "200 OK", "{\"data\":{\"a\":\"aGVsbG8=\"}}");
	assert_string_equal(f->err.msg, "");
	assert_int_equal(f->status, 200);
	assert_string_equal(f->body, "{\"data\":{\"a\":\"aGVsbG8=\"}}");
	assert_true(strncmp(request(f, 0),
			    "GET /api/v1/namespaces/default/secrets/tailscale HTTP/1.1", 57) == 0);
	assert_non_null(strstr(request(f, 0), "\r\nAuthorization: Bearer bearer_token\r\n"));
	assert_non_null(strstr(request(f, 0), "\r\nAccept: application/json\r\n"));
	assert_string_equal(kube_namespace(f->kube), "default");
	/* The connection is kept. */
	get(f, "200 OK", "{}");
	assert_int_equal(f->server->accept_count, 1);
	assert_int_equal(kube_request_count(f->kube), 2);
}

static void a_secret_is_patched(void **state)
{
	struct fixture *f = *state;
	AUTO(kube_fields_fini) struct kube_fields changes = {0};
	open_at(f, "127.0.0.1", f->front.port);
	kube_fields_set(&changes, "device_id", "n1", 2);
	kube_fields_set(&changes, "old", NULL, 0);
	kube_secret_merge(f->kube, "tailscale", &changes, on_reply, f);
	wait_calls(f, 1);
	assert_string_equal(f->err.msg, "");
	assert_non_null(strstr(request(f, 0), "PATCH /api/v1/namespaces/default/secrets/tailscale"
					      "?fieldManager=tailscale-container HTTP/1.1\r\n"));
	assert_non_null(strstr(
		request(f, 0), "\r\nContent-Type: application/strategic-merge-patch+json\r\n"));
	assert_non_null(strstr(request(f, 0), "\"data\":{\"device_id\":\"bjE=\",\"old\":null}}"));
	/* Some servers answer a patch with nothing at all. */
	raw_server_answer(f->server, "200 OK", "");
	kube_secret_merge(f->kube, "tailscale", &changes, on_reply, f);
	wait_calls(f, 2);
	assert_string_equal(f->err.msg, "");
	assert_null(f->body);
}

static void a_review_is_asked(void **state)
{
	static const char *const rows[][2] = {
		{"{\"status\":{\"allowed\":true}}", "yes"},
		{"{\"status\":{\"allowed\":false}}", "no"},
		{"{\"status\":{}}", "no"},
		{"{\"status\":{\"allowed\":\"true\"}}", "no"},
		{"null", "no"},
	};
	struct fixture *f = *state;
	open_at(f, "127.0.0.1", f->front.port);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		raw_server_answer(f->server, i < 4 ? "201 Created" : "200 OK", rows[i][0]);
		kube_review_secret(f->kube, "tailscale", "patch", on_reply, f);
		wait_calls(f, (unsigned int)i + 1);
		assert_string_equal(f->err.msg, "");
		assert_int_equal(f->allowed, strcmp(rows[i][1], "yes") == 0);
	}
	assert_non_null(strstr(request(f, 0),
		"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews HTTP/1.1\r\n"));
	assert_non_null(strstr(request(f, 0), "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(request(f, 0),
		"\"spec\":{\"resourceAttributes\":{\"name\":\"tailscale\",\"namespace\":\"default\","
		"\"resource\":\"secrets\",\"verb\":\"patch\"}}"));
}

static void a_refusal_is_told_with_the_request(void **state)
{
	struct fixture *f = *state;
	get(f, "404 Not Found",
		"{\"kind\":\"Status\",\"message\":\"secret not found\",\"code\":404}");
	assert_int_equal(f->err.code, -ENOENT);
	assert_string_equal(f->err.msg,
		"GET /api/v1/namespaces/default/secrets/tailscale: 404: secret not found");
	assert_int_equal(f->code, 404);
	get(f, "429 Too Many\r\nRetry-After: 7", "");
	assert_int_equal(f->err.code, -EAGAIN);
	assert_true(f->retry_after_ms == 7000);
	get(f, "502 Bad Gateway", "<html>nginx</html>\n");
	assert_int_equal(f->err.code, -EAGAIN);
	assert_non_null(strstr(f->err.msg, "502: \"<html>nginx</html>\""));
	get(f, "200 OK", "<html></html>");
	assert_int_equal(f->err.code, -EAGAIN);
	get(f, "403 Forbidden", "{\"message\":\"m\",\"code\":403}");
	assert_int_equal(f->err.code, -EACCES);
	assert_int_equal(f->code, 403);
}

static void broken_answers_are_errors(void **state)
{
	struct fixture *f = *state;
	f->server->reply.after = RAW_CLOSE;
	get_raw(f, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":");
	assert_true(f->err.code == -ECONNRESET || f->err.code == -EPROTO);
	assert_non_null(strstr(f->err.msg, "/secrets/tailscale: "));
	assert_null(strstr(f->err.msg, "GET /api")); /* named once */
	assert_int_equal(f->status, 0);
	assert_null(f->body);
	get_raw(f, "nonsense\r\n\r\n");
	assert_int_not_equal(f->err.code, 0);
	get_raw(f, NULL);
	assert_int_not_equal(f->err.code, 0);
}

static void an_answer_beyond_all_measure_is_refused(void **state)
{
	struct fixture *f = *state;
	static char block[65536];
	memset(block, ' ', sizeof(block));
	f->server->reply = (struct raw_reply){.block = block,
		.block_len = sizeof(block),
		.repeat = KUBE_REPLY_MAX / sizeof(block) + 1};
	get_raw(f, "HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n");
	assert_int_equal(f->err.code, -EMSGSIZE);
}

static void a_new_token_is_used_at_once(void **state)
{
	struct fixture *f = *state;
	get(f, "200 OK", "{}");
	tempdir_write(f->account, "token", "rotated");
	get(f, "200 OK", "{}");
	assert_non_null(strstr(request(f, 1), "Bearer rotated\r\n"));
}

static void a_refused_token_is_read_again_once(void **state)
{
	static const char refused[] = "{\"message\":\"Unauthorized\",\"code\":401}";
	struct fixture *f = *state;
	/* The same token: no second try. */
	get(f, "401 Unauthorized", refused);
	assert_int_equal(f->err.code, -EACCES);
	assert_int_equal(f->code, 401);
	assert_int_equal(f->server->request_count, 1);
	/* Another by now. */
	kube_secret_get(f->kube, "tailscale", on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 2, LOOP_WAIT_MS));
	tempdir_write(f->account, "token", "fresh");
	raw_server_answer(f->server, "200 OK", "{}");
	wait_calls(f, 2);
	assert_string_equal(f->err.msg, "");
	assert_int_equal(f->server->request_count, 3);
	assert_non_null(strstr(request(f, 1), "Bearer bearer_token\r\n"));
	assert_non_null(strstr(request(f, 2), "Bearer fresh\r\n"));
	/* Another again, refused again: that is enough. */
	raw_server_answer(f->server, "401 Unauthorized", refused);
	kube_secret_get(f->kube, "tailscale", on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 4, LOOP_WAIT_MS));
	tempdir_write(f->account, "token", "fresher");
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 5, LOOP_WAIT_MS));
	tempdir_write(f->account, "token", "freshest");
	wait_calls(f, 3);
	assert_int_equal(f->err.code, -EACCES);
	assert_int_equal(f->server->request_count, 5);
	assert_null(strstr(f->err.msg, "fresh"));
}

static void the_next_address_is_tried(void **state)
{
	static const char *const addresses[] = {"127.0.0.2", "127.0.0.3", "127.0.0.1", NULL};
	struct fixture *f = *state;
	fake_dns_set(&f->dns, 60, addresses);
	open_at(f, "api.example", f->front.port);
	get(f, "200 OK", "{}");
	assert_string_equal(f->err.msg, "");
	assert_non_null(strstr(request(f, 0), "\r\nHost: api.example:"));
	/* None is left. */
	tls_front_stop(&f->front);
	open_at(f, "api.example", f->front.port);
	kube_secret_get(f->kube, "tailscale", on_reply, f);
	wait_calls(f, 2);
	assert_int_equal(f->err.code, -ECONNREFUSED);
	assert_int_equal(f->status, 0);
	assert_int_equal(kube_request_count(f->kube), 3);
}

static void a_name_that_is_unknown_may_be_known_soon(void **state)
{
	struct fixture *f = *state;
	f->dns.mode = FAKE_DNS_NO_SUCH_NAME;
	open_at(f, "api.example", f->front.port);
	kube_secret_get(f->kube, "tailscale", on_reply, f);
	wait_calls(f, 1);
	assert_int_equal(f->err.code, -EAGAIN);
	assert_non_null(strstr(f->err.msg, "GET /api/v1/namespaces/default/secrets/tailscale: "));
	open_at(f, "not a host", f->front.port);
	kube_secret_get(f->kube, "tailscale", on_reply, f);
	wait_calls(f, 2);
	assert_int_equal(f->err.code, -EINVAL);
	assert_int_equal(kube_request_count(f->kube), 0);
}

static void addresses_need_no_brackets(void **state)
{
	static const char *const hosts[] = {"::1", "[::1]"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		unsigned int before = f->calls;
		open_at(f, hosts[i], 1);
		kube_secret_get(f->kube, "tailscale", on_reply, f);
		wait_calls(f, before + 1);
		/* Nobody listens there, or there is no IPv6 here: but it was an address. */
		assert_int_not_equal(f->err.code, -EINVAL);
		assert_non_null(strstr(f->err.msg, "https://[::1]:1/api"));
	}
}

static void an_untrusted_server_is_not_asked(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *other = tempdir_read(certificates, "other.pem");
	get(f, "200 OK", "{}");
	tempdir_write(f->account, "ca.crt", other);
	get(f, "200 OK", "{}");
	assert_int_equal(f->err.code, -EACCES);
	assert_int_equal(f->status, 0);
	assert_int_equal(f->server->request_count, 1);
}

static void one_deadline_covers_all(void **state)
{
	struct fixture *f = *state;
	fake_clock_install(1000000);
	open_at(f, "127.0.0.1", f->front.port);
	f->server->reply.text = NULL;
	kube_secret_get(f->kube, "tailscale", on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 1, LOOP_WAIT_MS));
	fake_clock_advance_ms(KUBE_TIMEOUT_MS - 1);
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->calls, 0);
	fake_clock_advance_ms(1);
	wait_calls(f, 1);
	assert_int_equal(f->err.code, -ETIMEDOUT);
	/* No time is left for a second try. */
	kube_secret_get(f->kube, "tailscale", on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 2, LOOP_WAIT_MS));
	raw_server_say(f->server, "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}");
	tempdir_write(f->account, "token", "fresh");
	fake_clock_advance_ms(KUBE_TIMEOUT_MS);
	wait_calls(f, 2);
	assert_int_equal(f->err.code, -ETIMEDOUT);
	assert_int_equal(f->server->request_count, 2);
}

static void cancelled_requests_are_silent(void **state)
{
	struct fixture *f = *state;
	open_at(f, "127.0.0.1", f->front.port);
	f->server->reply.text = NULL;
	kube_cancel(NULL);
	/* At once, after it was sent, and with the client. */
	kube_cancel(kube_secret_get(f->kube, "a", on_reply, f));
	struct kube_call *call = kube_secret_get(f->kube, "b", on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 1, LOOP_WAIT_MS));
	kube_cancel(call);
	kube_secret_get(f->kube, "c", on_reply, f);
	assert_true(loop_wait_count(f->loop, &f->server->request_count, 2, LOOP_WAIT_MS));
	kube_secret_get(f->kube, "d", on_reply, f);
	kube_free(f->kube);
	f->kube = NULL;
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->calls, 0);
}

static void a_callback_may_ask_again_and_end_it_all(void **state)
{
	struct fixture *f = *state;
	f->asks_again = true;
	get(f, "200 OK", "{}");
	wait_calls(f, 2);
	assert_non_null(strstr(request(f, 1), "/secrets/again "));
	f->asks_again = true;
	f->frees = true;
	get(f, "200 OK", "{}");
	assert_true(loop_wait_idle(f->loop, 20));
	assert_int_equal(f->calls, 3);
	assert_null(f->kube);
}

static void a_client_needs_its_files(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct kube_options options = {.account_dir = "/nowhere"};
	assert_null(kube_new(f->loop, f->fetcher, f->resolver, &options, &e));
	assert_int_equal(e.code, -ENOENT);
	options.account_dir = f->account;
	tempdir_write(f->account, "token", "\n");
	assert_null(kube_new(f->loop, f->fetcher, f->resolver, &options, &e));
	assert_int_equal(e.code, -EINVAL);
	kube_free(NULL);
}

static int make_certificates(void **state)
{
	(void)state;
	certificates = tempdir_new();
	tls_server_make_certificates(certificates);
	return 0;
}

static int remove_certificates(void **state)
{
	(void)state;
	tempdir_freep(&certificates);
	return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_secret_is_read),
		TEST(a_secret_is_patched),
		TEST(a_review_is_asked),
		TEST(a_refusal_is_told_with_the_request),
		TEST(broken_answers_are_errors),
		TEST(an_answer_beyond_all_measure_is_refused),
		TEST(a_new_token_is_used_at_once),
		TEST(a_refused_token_is_read_again_once),
		TEST(the_next_address_is_tried),
		TEST(a_name_that_is_unknown_may_be_known_soon),
		TEST(addresses_need_no_brackets),
		TEST(an_untrusted_server_is_not_asked),
		TEST(one_deadline_covers_all),
		TEST(cancelled_requests_are_silent),
		TEST(a_callback_may_ask_again_and_end_it_all),
		TEST(a_client_needs_its_files),
	};
	return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
