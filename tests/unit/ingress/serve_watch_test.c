#include "ingress/serve_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "tests/support/daemon_bench.h"

#define GET "GET /localapi/v0/serve-config "
#define VERSIONED "200 OK\r\nETag: \"empty\""
#define INTERVAL_MS 3000
#define CONFIG "{\"TCP\":{\"443\":{\"HTTPS\":true}},\"Services\":{\"svc:a\":{\"TCP\":{\"80\":{}}}}}"

struct fixture {
	struct daemon_bench d;
	struct serve_watch *w;
	unsigned int cleared;
	bool starts_again;
};

static void on_cleared(void *arg)
{
	struct fixture *f = arg;
	f->cleared++;
	if (f->starts_again)
		serve_watch_start(f->w, CONFIG);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	daemon_bench_open(&f->d);
	daemon_says(&f->d, GET, "200 OK", CONFIG);
	f->w = serve_watch_new(f->d.loop, f->d.api, INTERVAL_MS, on_cleared, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	serve_watch_free(f->w);
	daemon_bench_close(&f->d);
	free(f);
	return 0;
}

/* The first look, right after the document was given to the daemon. */
static void start(struct fixture *f)
{
	unsigned int requests = f->d.server->request_count;
	serve_watch_start(f->w, CONFIG);
	daemon_wait(&f->d, requests + 1);
	daemon_quiet(&f->d, requests + 1);
}

static void look(struct fixture *f)
{
	unsigned int requests = f->d.server->request_count;
	daemon_pass(&f->d, INTERVAL_MS);
	daemon_wait(&f->d, requests + 1);
	daemon_quiet(&f->d, requests + 1);
}

static void what_counts_as_served(void **state)
{
	static const struct {
		const char *ours, *theirs;
		bool is_served;
	} cases[] = {
		{"{}", "{}", true},
		{"{}", "null", true},
		{"{\"TCP\":null,\"Web\":7}", "null", true},
		{CONFIG, CONFIG, true},
		{CONFIG, "{}", false},
		{CONFIG, "null", false},
		{CONFIG, "[]", false},
		/* Members in any case, values as they are, more of everything. */
		{"{\"tcp\":{\"80\":{\"HTTP\":true}}}", "{\"TCP\":{\"80\":{},\"81\":{}},\"Web\":{}}",
			true},
		{"{\"TCP\":{\"80\":{}}}", "{\"TCP\":{\"81\":{}}}", false},
		{"{\"Web\":{\"a:1\":{\"Handlers\":{\"/\":{},\"/x\":{}}}}}",
			"{\"Web\":{\"a:1\":{\"Handlers\":{\"/x\":{},\"/\":{},\"/y\":{}}}}}", true},
		{"{\"Web\":{\"a:1\":{\"Handlers\":{\"/\":{},\"/x\":{}}}}}",
			"{\"Web\":{\"a:1\":{\"Handlers\":{\"/\":{}}}}}", false},
		{"{\"Web\":{\"a:1\":{}}}", "{\"Web\":{\"A:1\":{}}}", false},
		{"{\"Services\":{\"svc:a\":null}}", "{\"Services\":{\"svc:a\":{}}}", true},
		{"{\"Services\":{\"svc:a\":{\"Tun\":true}}}", "{\"Services\":{\"svc:b\":{}}}",
			false},
		{"{\"Services\":{\"svc:a\":{\"Web\":{\"a:1\":{}}}}}",
			"{\"Services\":{\"svc:a\":{\"Web\":null}}}", false},
		{"{\"AllowFunnel\":{\"a:443\":true}}", "{}", true},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e;
		AUTO(json_freep)
		struct json *ours = json_parse(cases[i].ours, strlen(cases[i].ours), &e);
		AUTO(json_freep)
		struct json *theirs = json_parse(cases[i].theirs, strlen(cases[i].theirs), &e);
		assert_int_equal(serve_watch_is_served(ours, theirs), cases[i].is_served);
	}
}

static void what_is_cleared_is_noticed_once(void **state)
{
	struct fixture *f = *state;
	start(f);
	look(f);
	look(f);
	assert_int_equal(f->cleared, 0);
	daemon_says(&f->d, GET, "200 OK", "{}");
	look(f);
	assert_int_equal(f->cleared, 1);
	daemon_pass(&f->d, 10 * INTERVAL_MS);
	daemon_quiet(&f->d, 4);
	/* Given again, from within the call. */
	daemon_says(&f->d, GET, "200 OK", CONFIG);
	start(f);
	daemon_says(&f->d, GET, "200 OK", "null");
	f->starts_again = true;
	daemon_pass(&f->d, INTERVAL_MS);
	daemon_wait(&f->d, 7);
	assert_int_equal(f->cleared, 2);
}

static void a_daemon_that_writes_it_otherwise_is_left_alone(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET, "200 OK", "{\"TCP\":{\"443\":{}},\"Services\":{\"svc:A\":{}}}");
	start(f);
	daemon_pass(&f->d, 10 * INTERVAL_MS);
	daemon_quiet(&f->d, 1);
	assert_int_equal(f->cleared, 0);
	/* One that gives no answer is asked again. */
	daemon_says(&f->d, GET, "500 No", "no");
	start(f);
	look(f);
	daemon_says(&f->d, GET, "200 OK", CONFIG);
	look(f);
	daemon_says(&f->d, GET, "500 No", "no");
	look(f);
	assert_int_equal(f->cleared, 0);
	daemon_says(&f->d, GET, "200 OK", "{}");
	look(f);
	assert_int_equal(f->cleared, 1);
}

static void what_is_cleared_before_the_first_look_is_noticed(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET, VERSIONED, "{\"TCP\":{}}");
	start(f);
	assert_int_equal(f->cleared, 1);
	daemon_says(&f->d, GET, "200 OK", CONFIG);
	start(f);
	daemon_says(&f->d, GET, VERSIONED, "null");
	start(f);
	assert_int_equal(f->cleared, 2);
	/* A daemon that keeps nothing is not given it again and again. */
	start(f);
	daemon_pass(&f->d, 10 * INTERVAL_MS);
	daemon_quiet(&f->d, 4);
	assert_int_equal(f->cleared, 2);
}

static void the_same_version_is_not_read_again(void **state)
{
	struct fixture *f = *state;
	daemon_says(&f->d, GET, "200 OK\r\nETag: \"one\"", CONFIG);
	start(f);
	daemon_says(&f->d, GET, "200 OK\r\nETag: \"one\"", "{}");
	look(f);
	assert_int_equal(f->cleared, 0);
	daemon_says(&f->d, GET, "200 OK\r\nETag: \"two\"", "{}");
	look(f);
	assert_int_equal(f->cleared, 1);
}

static void a_stop_is_silent(void **state)
{
	struct fixture *f = *state;
	start(f);
	daemon_says(&f->d, GET, NULL, NULL);
	daemon_pass(&f->d, INTERVAL_MS);
	daemon_wait(&f->d, 2);
	serve_watch_stop(f->w);
	daemon_pass(&f->d, 60000);
	daemon_quiet(&f->d, 2);
	/* Nothing to keep. */
	serve_watch_start(f->w, "{\"AllowFunnel\":{}}");
	daemon_quiet(&f->d, 2);
	serve_watch_free(NULL);
	assert_int_equal(f->cleared, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_counts_as_served),
		TEST(what_is_cleared_is_noticed_once),
		TEST(a_daemon_that_writes_it_otherwise_is_left_alone),
		TEST(what_is_cleared_before_the_first_look_is_noticed),
		TEST(the_same_version_is_not_read_again),
		TEST(a_stop_is_silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
