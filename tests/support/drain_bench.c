#include "tests/support/drain_bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/io/httpd.h"
#include "lib/io/loop.h"
#include "lib/io/resolve.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tempdir.h"

#define OURS_REPLY "HTTP/1.1 200 OK\r\nPod-IPv4: 10.0.0.1\r\nContent-Length: 2\r\n\r\nok"

void drain_bench_remake(struct drain_bench *b, const char *pod_ipv4, const char *pod_ipv6)
{
	struct drain_options options = {
		.directory = b->dir,
		.pod_ipv4 = pod_ipv4,
		.pod_ipv6 = pod_ipv6,
		.interval_ms = 1000,
		.grace_ms = 10000,
		.ping_timeout_ms = 2000,
		.unreachable_limit = DRAIN_UNREACHABLE_LIMIT,
	};
	struct addrport any = {.addr = {.family = IPADDR_V4, .bytes = {127, 0, 0, 1}}};
	struct err e;
	if (b->listener != NULL)
		httpd_listener_close(b->listener);
	drain_free(b->drain);
	b->listener = httpd_listen(b->httpd, &any, "127.0.0.1:0", &e);
	assert_non_null(b->listener);
	b->drain = drain_new(b->loop, b->fetcher, b->resolver, &options);
	httpd_route(b->listener, DRAIN_PATH, drain_handle, b->drain);
}

static void choose(void *arg, const char *request)
{
	struct drain_bench *b = arg;
	(void)request;
	if (b->server->open_count > b->open_max)
		b->open_max = b->server->open_count;
	if (b->ours_left > 0)
		b->server->reply = (struct raw_reply){.text = OURS_REPLY};
	else
		drain_bench_answer(b, b->status);
	b->ours_left -= b->ours_left > 0;
}

int drain_bench_open(void **state)
{
	struct drain_bench *b = xcalloc(1, sizeof(*b));
	struct err e = {0};
	signal(SIGPIPE, SIG_IGN);
	fake_clock_install(1000000);
	b->dir = tempdir_new();
	tempdir_write(b->dir, "resolv.conf", "options ndots:0\n");
	AUTO(mem_free) char *config = tempdir_path(b->dir, "resolv.conf");
	b->loop = loop_new(&e);
	b->fetcher = fetcher_new(b->loop, &e);
	b->resolver = resolver_new(b->loop, &e);
	fake_dns_open(&b->dns, b->loop);
	assert_int_equal(resolver_set_servers(b->resolver, b->dns.servers, &e), 0);
	assert_int_equal(resolver_set_config(b->resolver, config, &e), 0);
	b->server = raw_server_new(b->loop, NULL);
	b->server->choose = choose;
	b->server->choose_arg = b;
	drain_bench_answer(b, DRAIN_BENCH_OTHER);
	b->httpd = httpd_new(b->loop);
	drain_bench_remake(b, DRAIN_BENCH_IPV4, "");
	log_capture_start(&b->log);
	*state = b;
	return 0;
}

int drain_bench_close(void **state)
{
	struct drain_bench *b = *state;
	log_capture_stop(&b->log);
	fake_clock_remove();
	drain_free(b->drain);
	httpd_free(b->httpd);
	raw_server_free(b->server);
	resolver_free(b->resolver);
	fake_dns_close(&b->dns);
	fetcher_free(b->fetcher);
	loop_free(b->loop);
	tempdir_free(b->dir);
	free(b);
	return 0;
}

static void write_service(FILE *out, const char *name, const char *url)
{
	fprintf(out,
		"\"%s\":{\"healthCheckEndpoint\":\"%s\",\"tailnetTarget\":{\"ip\":\"100.64.0.2\"},"
		"\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":4000,\"targetPort\":80}]}",
		name, url);
}

static void write_documents(struct drain_bench *b, const char *services, const char *pings)
{
	tempdir_write(b->dir, "egress-services", services);
	tempdir_write(b->dir, "hep-pings", pings);
}

static void write_one(struct drain_bench *b, const char *name, const char *url, const char *pings)
{
	AUTO(mem_free) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	fputc('{', out);
	write_service(out, name, url);
	fputc('}', out);
	fclose(out);
	write_documents(b, text, pings);
}

void drain_bench_write(struct drain_bench *b, const char *name, const char *pings)
{
	AUTO(mem_free) char *url = xasprintf("http://127.0.0.1:%u/healthz", b->server->port);
	write_one(b, name, url, pings);
}

void drain_bench_write_url(struct drain_bench *b, const char *url, const char *pings)
{
	write_one(b, "web", url, pings);
}

void drain_bench_write_many(
	struct drain_bench *b, unsigned int count, bool is_shared, const char *pings)
{
	AUTO(mem_free) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	for (unsigned int i = 0; i < count; i++) {
		AUTO(mem_free) char *name = xasprintf("svc-%04u", i);
		AUTO(mem_free)
		char *url = xasprintf("http://127.0.0.1:%u/%u", b->server->port, is_shared ? 0 : i);
		fputc(i == 0 ? '{' : ',', out);
		write_service(out, name, url);
	}
	fputc('}', out);
	fclose(out);
	write_documents(b, text, pings);
}

void drain_bench_answer(struct drain_bench *b, const char *status)
{
	b->status = status;
	raw_server_answer(b->server, status, "ok");
}

void drain_bench_ask(struct drain_bench *b, struct raw_client *c)
{
	raw_client_open(c, httpd_listener_port(b->listener));
	raw_client_say(c, "GET " DRAIN_PATH " HTTP/1.1\r\nHost: pod\r\n\r\n");
}

void drain_bench_expect(struct drain_bench *b, struct raw_client *c, int status, const char *body)
{
	assert_true(loop_wait(b->loop, raw_client_is_done, c, LOOP_WAIT_MS));
	const char *answer = buf_cstr(&c->in);
	const char *head_end = strstr(answer, "\r\n\r\n");
	assert_non_null(head_end);
	assert_true(strncmp(answer, "HTTP/1.1 ", 9) == 0);
	assert_int_equal(strtol(answer + 9, NULL, 10), status);
	assert_string_equal(head_end + 4, body);
	raw_client_close(c);
}

void drain_bench_finish(struct drain_bench *b, struct raw_client *c)
{
	drain_bench_wait_log(b, "Sleeping for 10s", 1);
	fake_clock_advance_ms(10000);
	drain_bench_expect(b, c, 200, "");
}

void drain_bench_expect_none(struct drain_bench *b, struct raw_client *c)
{
	assert_true(loop_wait_idle(b->loop, 20));
	assert_false(raw_client_is_done(c));
	assert_int_equal(c->in.len, 0);
}

struct log_goal {
	const struct log_capture *log;
	const char *part;
	size_t count;
};

static bool is_logged(void *arg)
{
	const struct log_goal *goal = arg;
	return log_capture_count(goal->log, goal->part) >= goal->count;
}

static bool wait_log(struct drain_bench *b, const char *part, size_t count, uint64_t limit_ms)
{
	struct log_goal goal = {&b->log, part, count};
	return loop_wait(b->loop, is_logged, &goal, limit_ms);
}

void drain_bench_wait_log(struct drain_bench *b, const char *part, size_t count)
{
	if (!wait_log(b, part, count, LOOP_WAIT_MS))
		fail_msg(
			"%zu of %zu lines with: %s", log_capture_count(&b->log, part), count, part);
}

void drain_bench_wait_pings(struct drain_bench *b, unsigned int count)
{
	if (!loop_wait_count(b->loop, &b->server->request_count, count, LOOP_WAIT_MS))
		fail_msg("%u of %u pings", b->server->request_count, count);
}

void drain_bench_pass_until(struct drain_bench *b, const char *part, size_t count)
{
	for (unsigned int i = 0; i < 400 && !wait_log(b, part, count, 15); i++)
		fake_clock_advance_ms(1000);
	drain_bench_wait_log(b, part, count);
}
