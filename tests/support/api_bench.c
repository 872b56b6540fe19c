#include "tests/support/api_bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/io/resolve.h"
#include "lib/kube/kube_secret.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"
#include "tests/support/tls_server.h"

static char *certificates;

int api_bench_begin(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	certificates = tempdir_new();
	tls_server_make_certificates(certificates);
	return 0;
}

int api_bench_end(void **state)
{
	(void)state;
	tempdir_freep(&certificates);
	return 0;
}

int api_bench_open(void **state)
{
	struct api_bench *b = xcalloc(1, sizeof(*b));
	struct err e = {0};
	/* Even on a slow machine a handshake must not time out. */
	fake_clock_install(1000000);
	b->certificates = certificates;
	b->account = tempdir_new();
	AUTO(mem_free) char *ca = tempdir_read(certificates, "ca.pem");
	tempdir_write(b->account, "namespace", "default");
	tempdir_write(b->account, "token", "bearer_token\n");
	tempdir_write(b->account, "ca.crt", ca);
	b->loop = loop_new(&e);
	b->fetcher = fetcher_new(b->loop, &e);
	b->resolver = resolver_new(b->loop, &e);
	fake_dns_open(&b->dns, b->loop);
	b->server = raw_server_new(b->loop, NULL);
	raw_server_answer(b->server, "200 OK", "{}");
	tls_front_start(&b->front, certificates, b->server->port);
	*state = b;
	return b->resolver != NULL ? resolver_set_servers(b->resolver, b->dns.servers, &e) : -1;
}

int api_bench_close(void **state)
{
	struct api_bench *b = *state;
	fake_clock_remove();
	kube_free(b->kube);
	tls_front_stop(&b->front);
	raw_server_free(b->server);
	resolver_free(b->resolver);
	fake_dns_close(&b->dns);
	fetcher_free(b->fetcher);
	loop_free(b->loop);
	tempdir_free(b->account);
	free(b->body);
	free(b);
	return 0;
}

void api_open_at(struct api_bench *b, const char *host, uint16_t port)
{
	struct err e = {0};
	AUTO(mem_free) char *text = xasprintf("%u", port);
	struct kube_options options = {.account_dir = b->account, .host = host, .port = text};
	kube_free(b->kube);
	b->kube = kube_new(b->loop, b->fetcher, b->resolver, &options, &e);
	assert_string_equal(e.msg, "");
	assert_non_null(b->kube);
}

void api_on_reply(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct api_bench *b = arg;
	b->calls++;
	b->status = reply->status;
	b->code = reply->code;
	b->retry_after_ms = reply->retry_after_ms;
	b->allowed = kube_review_allowed(reply);
	free(b->body);
	b->body = reply->body != NULL ? json_print(reply->body) : NULL;
	b->err = err != NULL ? *err : (struct err){0};
	if (b->asks_again) {
		b->asks_again = false;
		kube_secret_get(b->kube, "again", api_on_reply, b);
	}
	if (b->frees) {
		kube_free(b->kube);
		b->kube = NULL;
	}
}

void api_wait_calls(struct api_bench *b, unsigned int count)
{
	assert_true(loop_wait_count(b->loop, &b->calls, count, LOOP_WAIT_MS));
	assert_int_equal(b->calls, count);
}

void api_get_raw(struct api_bench *b, const char *reply)
{
	unsigned int before = b->calls;
	b->server->reply.text = reply;
	if (b->kube == NULL)
		api_open_at(b, "127.0.0.1", b->front.port);
	kube_secret_get(b->kube, "tailscale", api_on_reply, b);
	assert_int_equal(b->calls, before); /* never from within the start */
	api_wait_calls(b, before + 1);
}

void api_get(struct api_bench *b, const char *status, const char *body)
{
	raw_server_answer(b->server, status, body);
	api_get_raw(b, b->server->reply.text);
}

const char *api_request(const struct api_bench *b, size_t i)
{
	assert_true(i < b->server->requests.len);
	return b->server->requests.items[i];
}
