#include "lib/io/httpd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_client.h"

struct fixture {
	struct loop *loop;
	struct httpd *httpd;
	struct httpd_listener *listener;
	uint16_t port;
	struct httpd_request *kept;
	unsigned int kept_count;
	unsigned int gone_count;
};

static void on_health(void *arg, struct httpd_request *r)
{
	AUTO(strv_fini) struct strv headers = {0};
	(void)arg;
	strv_push(&headers, "Pod-IPv4: 10.0.0.1");
	httpd_reply(r, 200, &headers, "ok", 2);
}

static void on_gone(void *arg)
{
	struct fixture *f = arg;
	f->gone_count++;
	f->kept = NULL;
}

static void on_hook(void *arg, struct httpd_request *r)
{
	struct fixture *f = arg;
	f->kept = r;
	f->kept_count++;
	httpd_request_on_gone(r, on_gone, f);
}

static void on_careless_hook(void *arg, struct httpd_request *r)
{
	struct fixture *f = arg;
	f->kept = r;
	f->kept_count++;
}

static void on_big(void *arg, struct httpd_request *r)
{
	size_t len = 8u * 1024 * 1024;
	AUTO(mem_free) char *body = xcalloc(1, len);
	(void)arg;
	memset(body, 'x', len);
	httpd_reply(r, 200, NULL, body, len);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e = {0};
	struct addrport any = {.addr.family = IPADDR_V6};
	f->loop = loop_new(&e);
	f->httpd = httpd_new(f->loop);
	f->listener = httpd_listen(f->httpd, &any, "[::]:0", &e);
	if (f->listener == NULL)
		return -1;
	f->port = httpd_listener_port(f->listener);
	httpd_route(f->listener, "/healthz", on_health, f);
	httpd_route(f->listener, "/hook", on_hook, f);
	httpd_route(f->listener, "/careless", on_careless_hook, f);
	httpd_route(f->listener, "/big", on_big, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fake_clock_remove();
	httpd_free(f->httpd);
	loop_free(f->loop);
	free(f);
	return 0;
}

/* The whole reply. */
static const char *ask(struct fixture *f, const char *request, struct raw_client *c)
{
	raw_client_open(c, f->port);
	raw_client_say(c, request);
	assert_true(loop_wait(f->loop, raw_client_is_done, c, LOOP_WAIT_MS));
	assert_true(c->is_closed);
	return buf_cstr(&c->in);
}

static void assert_reply(struct fixture *f, const char *request, const char *begin,
	const char *inside, const char *end)
{
	struct raw_client c;
	const char *reply = ask(f, request, &c);
	if (!str_starts(reply, begin) || strstr(reply, inside) == NULL || !str_ends(reply, end))
		fail_msg("%s\nanswered with\n%s", request, reply);
	assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
	raw_client_close(&c);
}

/* One byte each half second, for as long as the server reads them. */
static void a_trickling_client_is_cut_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	struct raw_client c;
	fake_clock_install(1000);
	raw_client_open(&c, f->port);
	for (int waited = 0; waited < HTTPD_HEAD_MS; waited += 500) {
		raw_client_say(&c, "G");
		assert_true(loop_wait_idle(f->loop, 5));
		assert_false(raw_client_is_done(&c));
		fake_clock_advance_ms(500);
	}
	/* The deadline counts from the accept, which a busy machine may have delayed by a step or
	 * more of this clock. */
	for (int late = 0; late < HTTPD_HEAD_MS && !raw_client_is_done(&c); late += 500) {
		assert_true(loop_wait_idle(f->loop, 20));
		fake_clock_advance_ms(500);
	}
	assert_true(loop_wait(f->loop, raw_client_is_done, &c, LOOP_WAIT_MS));
	assert_true(str_starts(buf_cstr(&c.in), "HTTP/1.1 408 Request Timeout\r\n"));
	raw_client_close(&c);
}

static void a_reader_that_stops_is_cut(void **state)
{
	struct fixture *f = *state;
	struct raw_client c;
	fake_clock_install(1000);
	raw_client_open(&c, f->port);
	raw_client_say(&c, "GET /big HTTP/1.1\r\n\r\n");
	assert_true(loop_wait_idle(f->loop, 50));
	fake_clock_advance_ms(HTTPD_WRITE_MS + 1);
	assert_true(loop_wait(f->loop, raw_client_is_done, &c, LOOP_WAIT_MS));
	assert_true(c.in.len < 8u * 1024 * 1024);
	raw_client_close(&c);
}

static void idle_clients_cost_nobody_a_probe(void **state)
{
	struct fixture *f = *state;
	struct raw_client idle[80];
	uint64_t begin;
	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		raw_client_open(&idle[i], f->port);
		if (i % 2 == 0)
			raw_client_say(&idle[i], "GET /he");
	}
	assert_true(loop_wait_idle(f->loop, 20));
	begin = clock_now_ns();
	assert_reply(f, "GET /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 200 ", "", "ok");
	print_message("healthz beside 80 idle clients: %llu us\n",
		(unsigned long long)(clock_now_ns() - begin) / 1000);
	/* The oldest was closed to make room. */
	assert_true(loop_wait(f->loop, raw_client_is_done, &idle[0], LOOP_WAIT_MS));
	assert_false(raw_client_is_done(&idle[79]));
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		raw_client_close(&idle[i]);
}

static void a_client_that_leaves_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct raw_client c;
	raw_client_open(&c, f->port);
	raw_client_say(&c, "GET /hook HTTP/1.1\r\n\r\n");
	assert_true(loop_wait_count(f->loop, &f->kept_count, 1, LOOP_WAIT_MS));
	raw_client_close(&c);
	assert_true(loop_wait_count(f->loop, &f->gone_count, 1, LOOP_WAIT_MS));
	assert_null(f->kept);
}

static void a_handler_that_does_not_ask_keeps_its_request(void **state)
{
	struct fixture *f = *state;
	struct raw_client c;
	raw_client_open(&c, f->port);
	raw_client_say(&c, "GET /careless HTTP/1.1\r\n\r\n");
	assert_true(loop_wait_count(f->loop, &f->kept_count, 1, LOOP_WAIT_MS));
	raw_client_close(&c);
	assert_true(loop_wait_idle(f->loop, 20));
	assert_string_equal(httpd_request_path(f->kept), "/careless");
	httpd_reply_error(f->kept, 503, "too late");
	assert_true(loop_wait_idle(f->loop, 5));
}

static void kept_requests_leave_places_for_probes(void **state)
{
	struct fixture *f = *state;
	struct raw_client kept[HTTPD_KEPT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		raw_client_open(&kept[i], f->port);
		raw_client_say(&kept[i], "GET /hook HTTP/1.1\r\n\r\n");
	}
	assert_true(loop_wait_count(f->loop, &f->kept_count, HTTPD_KEPT_MAX, LOOP_WAIT_MS));
	assert_int_equal(f->gone_count, 0);
	assert_reply(f, "GET /hook HTTP/1.1\r\n\r\n", "HTTP/1.1 503 ", "nosniff", "\n");
	assert_int_equal(f->gone_count, 1);
	assert_reply(f, "GET /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 200 ", "", "ok");
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		raw_client_close(&kept[i]);
	assert_true(loop_wait_count(f->loop, &f->gone_count, HTTPD_KEPT_MAX + 1, LOOP_WAIT_MS));
}

/* Valgrind plays the limit of descriptors itself and closes descriptors that accept4 returns beyond
 * it. */
static bool is_limit_faked(void)
{
	static char maps[1024 * 1024];
	FILE *file = fopen("/proc/self/maps", "re");
	assert_non_null(file);
	size_t len = fread(maps, 1, sizeof(maps) - 1, file);
	fclose(file);
	maps[len] = '\0';
	return strstr(maps, "/vgpreload_") != NULL;
}

static void running_out_of_descriptors_is_survived(void **state)
{
	struct fixture *f = *state;
	if (is_limit_faked()) {
		print_message("skipped: valgrind fakes RLIMIT_NOFILE\n");
		skip();
	}
	struct rlimit old;
	struct rlimit tight;
	struct raw_client c;
	raw_client_open(&c, f->port);
	raw_client_say(&c, "GET /healthz HTTP/1.1\r\n\r\n");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = old;
	tight.rlim_cur = (rlim_t)c.fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	/* Gaps among the descriptors would still be filled. */
	int fillers[64];
	size_t count = 0;
	while (count < ARRAY_LEN(fillers) && (fillers[count] = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0)
		count++;
	assert_true(loop_wait_idle(f->loop, 50));
	assert_false(raw_client_is_done(&c));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	while (count > 0)
		fd_close(&fillers[--count]);
	assert_true(loop_wait(f->loop, raw_client_is_done, &c, LOOP_WAIT_MS));
	assert_true(str_ends(buf_cstr(&c.in), "ok"));
	raw_client_close(&c);
}

static void a_head_beyond_the_limit_is_refused(void **state)
{
	struct fixture *f = *state;
	char text[HTTPD_HEAD_MAX + 512];
	memset(text, 'a', sizeof(text));
	memcpy(text, "GET /", 5);
	text[sizeof(text) - 1] = '\0';
	/* Everything is sent and part of it unread: the reply must not be lost by a reset. */
	assert_reply(f, text, "HTTP/1.1 431 ", "nosniff", "\n");

	char fits[HTTPD_HEAD_MAX + 1];
	static const char begin[] = "GET /healthz HTTP/1.1\r\nX: ";
	memset(fits, 'a', sizeof(fits));
	memcpy(fits, begin, sizeof(begin) - 1);
	memcpy(fits + HTTPD_HEAD_MAX - 4, "\r\n\r\n", 5);
	assert_reply(f, fits, "HTTP/1.1 200 ", "", "ok");
}

static void a_body_sent_anyway_does_not_cost_the_reply(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *body = xcalloc(1, 48 * 1024);
	memset(body, 'x', 48 * 1024 - 1);
	AUTO(mem_free)
	char *text = xasprintf("POST /healthz HTTP/1.1\r\nContent-Length: 49151\r\n\r\n%s", body);
	assert_reply(f, text, "HTTP/1.1 405 ", "", "\n");
}

int main(void)
{
#define HTTPD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		HTTPD_TEST(a_trickling_client_is_cut_at_the_deadline),
		HTTPD_TEST(a_reader_that_stops_is_cut),
		HTTPD_TEST(idle_clients_cost_nobody_a_probe),
		HTTPD_TEST(a_client_that_leaves_is_noticed),
		HTTPD_TEST(a_handler_that_does_not_ask_keeps_its_request),
		HTTPD_TEST(kept_requests_leave_places_for_probes),
		HTTPD_TEST(running_out_of_descriptors_is_survived),
		HTTPD_TEST(a_head_beyond_the_limit_is_refused),
		HTTPD_TEST(a_body_sent_anyway_does_not_cost_the_reply),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
