#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"
#include "tests/support/tempdir.h"
#include "tests/support/tls_server.h"

struct fixture {
	struct loop *loop;
	struct fetcher *fetcher;
	struct tls_server server;
	char *dir;
	char *ca;
	char *other_ca;
	unsigned int calls;
	int status;
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
	f->loop = loop_new(&e);
	f->fetcher = fetcher_new(f->loop, &e);
	*state = f;
	return f->fetcher != NULL && f->ca != NULL && f->other_ca != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fetcher_free(f->fetcher);
	loop_free(f->loop);
	tls_server_stop(&f->server);
	tempdir_free(f->dir);
	free(f->ca);
	free(f->other_ca);
	free(f);
	return 0;
}

static void on_reply(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct fixture *f = arg;
	f->calls++;
	f->status = reply->status;
	err_clear(&f->err);
	if (err != NULL)
		f->err = *err;
}

static void get(struct fixture *f, uint16_t port, const char *host, const char *ca)
{
	struct err e = {0};
	unsigned int before = f->calls;
	struct ipaddr address;
	AUTO(mem_free) char *url = xasprintf("https://%s:%u/x?secret", host, port);
	assert_int_equal(ipaddr_parse("127.0.0.1", &address, &e), 0);
	struct fetch_request request = {.method = "GET",
		.url = url,
		.address = &address,
		.ca_pem = ca,
		.ca_pem_len = ca != NULL ? strlen(ca) : 0,
		.timeout_ms = 20000};
	assert_non_null(fetch_start(f->fetcher, &request, on_reply, f, &e));
	assert_true(loop_wait_count(f->loop, &f->calls, before + 1, 2 * LOOP_WAIT_MS));
}

static void a_trusted_server_is_asked(void **state)
{
	struct fixture *f = *state;
	uint64_t begin = clock_now_ns();
	get(f, f->server.port, "api.example", f->ca);
	print_message("request with handshake: %llu us\n",
		(unsigned long long)(clock_now_ns() - begin) / 1000);
	assert_string_equal(f->err.msg, "");
	assert_int_equal(f->status, 200);
	get(f, f->server.port, "127.0.0.1", f->ca);
	assert_int_equal(f->status, 200);
}

static void a_server_of_another_authority_is_not_trusted(void **state)
{
	struct fixture *f = *state;
	/* NULL: the authorities of the system, which do not include ours. */
	const char *const strangers[] = {f->other_ca, NULL};
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		get(f, f->server.port, "api.example", strangers[i]);
		assert_int_equal(f->err.code, -EACCES);
		assert_int_equal(f->status, 0);
		assert_non_null(strstr(f->err.msg, "certificate not trusted: "));
		assert_non_null(strstr(f->err.msg, "unable to get local issuer certificate"));
		assert_null(strstr(f->err.msg, "secret"));
	}
	/* A connection made with a trusted CA is not reused for a request without it. */
	get(f, f->server.port, "api.example", f->ca);
	assert_int_equal(f->status, 200);
	get(f, f->server.port, "api.example", f->other_ca);
	assert_int_equal(f->err.code, -EACCES);
}

static void a_certificate_of_another_host_is_not_trusted(void **state)
{
	struct fixture *f = *state;
	get(f, f->server.port, "elsewhere.example", f->ca);
	assert_int_equal(f->err.code, -EACCES);
	assert_non_null(strstr(f->err.msg, "elsewhere.example"));
}

static void an_authority_that_cannot_be_read_is_an_error(void **state)
{
	struct fixture *f = *state;
	get(f, f->server.port, "api.example", "no certificate in here");
	assert_int_equal(f->err.code, -EINVAL);
	assert_non_null(strstr(f->err.msg, "CA certificates cannot be used"));
}

static void a_server_that_speaks_no_tls_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct raw_server *plain = raw_server_new(f->loop, NULL);
	plain->greeting = "220 smtp.example ESMTP\r\n";
	get(f, plain->port, "api.example", f->ca);
	assert_int_equal(f->err.code, -EPROTO);
	assert_non_null(strstr(f->err.msg, "TLS handshake: "));
	raw_server_free(plain);
}

static void a_handshake_that_hangs_is_cut(void **state)
{
	struct fixture *f = *state;
	struct err e;
	unsigned int before = f->calls;
	struct raw_server *mute = raw_server_new(f->loop, NULL);
	AUTO(mem_free) char *url = xasprintf("https://127.0.0.1:%u/", mute->port);
	struct fetch_request request = {
		.method = "GET", .url = url, .connect_timeout_ms = 100, .timeout_ms = 20000};
	assert_non_null(fetch_start(f->fetcher, &request, on_reply, f, &e));
	assert_true(loop_wait_count(f->loop, &f->calls, before + 1, LOOP_WAIT_MS));
	assert_int_equal(f->err.code, -ETIMEDOUT);
	assert_non_null(strstr(f->err.msg, "connect: "));
	raw_server_free(mute);
}

int main(void)
{
	/* One server for all tests: none of them changes it. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trusted_server_is_asked),
		cmocka_unit_test(a_server_of_another_authority_is_not_trusted),
		cmocka_unit_test(a_certificate_of_another_host_is_not_trusted),
		cmocka_unit_test(an_authority_that_cannot_be_read_is_an_error),
		cmocka_unit_test(a_server_that_speaks_no_tls_is_an_error),
		cmocka_unit_test(a_handshake_that_hangs_is_cut),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
