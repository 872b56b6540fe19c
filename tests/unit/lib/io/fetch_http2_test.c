/* Against a server without HTTP/2: the fall-back, and the identity of a client. The real API server
 * is the partner of HTTP/2 itself, in tests/real. */
#include "lib/io/fetch_http2.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"
#include "tests/support/tls_server.h"

struct fixture {
	struct loop *loop;
	struct fetcher *fetcher;
	struct tls_server server;
	char *dir, *ca, *other_ca, *certificate;
	struct secret key;
	unsigned int calls;
	int status;
	char *body;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	signal(SIGPIPE, SIG_IGN);
	f->dir = tempdir_new();
	tls_server_make_certificates(f->dir);
	tls_server_start(&f->server, f->dir);
	f->ca = tempdir_read(f->dir, "ca.pem");
	f->other_ca = tempdir_read(f->dir, "other.pem");
	f->certificate = tempdir_read(f->dir, "server.pem");
	AUTO(mem_free) char *key = tempdir_read(f->dir, "server.key");
	secret_set_str(&f->key, key);
	f->loop = loop_new(&e);
	f->fetcher = fetch_http2_new(f->loop, &e);
	*state = f;
	return f->fetcher != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fetcher_free(f->fetcher);
	loop_free(f->loop);
	tls_server_stop(&f->server);
	tempdir_free(f->dir);
	secret_fini(&f->key);
	free(f->ca);
	free(f->other_ca);
	free(f->certificate);
	free(f->body);
	free(f);
	return 0;
}

static void on_reply(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct fixture *f = arg;
	f->calls++;
	f->status = reply->status;
	free(f->body);
	f->body = xstrdup(reply->body);
	f->err = err != NULL ? *err : (struct err){0};
}

static struct fetch *start(struct fixture *f, struct fetcher *fetcher, const char *ca,
	const struct fetch_identity *identity, struct err *e)
{
	AUTO(mem_free) char *url = xasprintf("https://127.0.0.1:%u/", f->server.port);
	struct fetch_request request = {.method = "GET",
		.url = url,
		.ca_pem = ca,
		.ca_pem_len = strlen(ca),
		.identity = identity,
		.timeout_ms = 20000};
	return fetch_start(fetcher, &request, on_reply, f, e);
}

static void get(struct fixture *f, const char *ca, const struct fetch_identity *identity)
{
	struct err e;
	unsigned int before = f->calls;
	assert_non_null(start(f, f->fetcher, ca, identity, &e));
	assert_true(loop_wait_count(f->loop, &f->calls, before + 1, LOOP_WAIT_MS));
}

static void a_server_without_it_is_asked_as_before(void **state)
{
	struct fixture *f = *state;
	get(f, f->ca, NULL);
	assert_string_equal(f->err.msg, "");
	assert_int_equal(f->status, 200);
	assert_non_null(strstr(f->body, "no client certificate available"));
	get(f, f->other_ca, NULL);
	assert_int_equal(f->err.code, -EACCES);
}

static void a_client_shows_its_certificate(void **state)
{
	struct fixture *f = *state;
	const struct fetch_identity identity = {.certificate_pem = f->certificate,
		.certificate_len = strlen(f->certificate),
		.key = &f->key};
	get(f, f->ca, &identity);
	assert_string_equal(f->err.msg, "");
	assert_null(strstr(f->body, "no client certificate available"));
	assert_non_null(strstr(f->body, "Client certificate"));
	/* The connection of one identity is not used for another. */
	get(f, f->ca, NULL);
	assert_non_null(strstr(f->body, "no client certificate available"));
}

static void a_certificate_that_is_none_is_an_error(void **state)
{
	struct fixture *f = *state;
	const struct fetch_identity identity = {
		.certificate_pem = "x", .certificate_len = 1, .key = &f->key};
	get(f, f->ca, &identity);
	assert_int_equal(f->status, 0);
	assert_true(f->err.code < 0);
	assert_null(strstr(f->err.msg, "PRIVATE"));
}

static void only_who_asks_for_it_goes_without_verification(void **state)
{
	struct fixture *f = *state;
	const struct fetch_identity identity = {.is_unverified = true};
	get(f, f->other_ca, &identity);
	assert_string_equal(f->err.msg, "");
	get(f, f->other_ca, NULL);
	assert_int_equal(f->err.code, -EACCES);
}

static void a_plain_fetcher_refuses_an_identity(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	const struct fetch_identity identity = {.is_unverified = true};
	struct fetcher *plain = fetcher_new(f->loop, &e);
	assert_null(start(f, plain, f->ca, &identity, &e));
	assert_int_equal(e.code, -EINVAL);
	fetcher_free(plain);
}

/* A socket of this process has the option. */
static bool has_bounded_socket(void *arg)
{
	(void)arg;
	for (int fd = 3; fd < 64; fd++) {
		unsigned int limit_ms = 0;
		socklen_t len = sizeof(limit_ms);
		if (getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, &len) == 0 &&
			limit_ms == FETCH_HTTP2_DEAD_MS)
			return true;
	}
	return false;
}

static void a_dead_peer_is_noticed_by_the_kernel(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct fetch *fetch = start(f, f->fetcher, f->ca, NULL, &e);
	assert_non_null(fetch);
	assert_true(loop_wait(f->loop, has_bounded_socket, NULL, LOOP_WAIT_MS));
	fetch_cancel(fetch);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_server_without_it_is_asked_as_before),
		TEST(a_client_shows_its_certificate),
		TEST(a_certificate_that_is_none_is_an_error),
		TEST(only_who_asks_for_it_goes_without_verification),
		TEST(a_plain_fetcher_refuses_an_identity),
		TEST(a_dead_peer_is_noticed_by_the_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
