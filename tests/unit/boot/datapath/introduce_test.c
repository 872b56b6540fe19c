#include "boot/datapath/introduce.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/localapi/localapi.h"
#include "tests/support/address.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"
#include "tests/support/tempdir.h"

struct fixture {
	struct loop *loop;
	struct fetcher *fetcher;
	char *dir, *socket;
	struct raw_server *server;
	struct localapi *api;
	struct introduce introduce;
	struct nft_wanted wanted;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e;
	struct ipaddr own = address_of("100.64.0.1");
	signal(SIGPIPE, SIG_IGN);
	f->dir = tempdir_new();
	f->socket = tempdir_path(f->dir, "sock");
	f->loop = loop_new(&e);
	f->fetcher = fetcher_new(f->loop, &e);
	f->server = raw_server_new(f->loop, f->socket);
	f->api = localapi_new(f->loop, f->fetcher, f->socket);
	introduce_init(&f->introduce, f->api);
	nft_wanted_init(&f->wanted, "tailscale0", "test");
	nft_wanted_set_own(&f->wanted, &own);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	introduce_fini(&f->introduce);
	nft_wanted_fini(&f->wanted);
	localapi_free(f->api);
	raw_server_free(f->server);
	fetcher_free(f->fetcher);
	loop_free(f->loop);
	tempdir_free(f->dir);
	free(f->socket);
	free(f);
	return 0;
}

/* Port maps to `count` targets, two to each. */
static void want_targets(struct fixture *f, unsigned int count)
{
	char service[] = "svc", text[32];
	struct err e;
	for (unsigned int i = 0; i < 2 * count; i++) {
		struct nft_portmap map = {.service = service,
			.proto = IPPROTO_TCP,
			.match_port = (uint16_t)(1000 + i),
			.target_port = 80};
		(void)snprintf(text, sizeof(text), "100.65.%u.%u", i / 2 / 200, 1 + i / 2 % 200);
		map.target = address_of(text);
		assert_int_equal(nft_wanted_add_portmap(&f->wanted, &map, &e), 0);
	}
}

static void wait_requests(struct fixture *f, unsigned int count)
{
	assert_true(loop_wait_count(f->loop, &f->server->request_count, count, LOOP_WAIT_MS));
}

static unsigned int asked(const struct fixture *f, const char *first)
{
	unsigned int count = 0;
	for (size_t i = 0; i < f->server->requests.len; i++)
		count += strncmp(f->server->requests.items[i], first, strlen(first)) == 0;
	return count;
}

static void test_each_target_once(void **state)
{
	struct fixture *f = *state;
	struct ipaddr single = address_of("100.65.9.9");
	struct err e;
	want_targets(f, 3 * INTRODUCE_CALLS_MAX);
	assert_int_equal(nft_wanted_set_catch_all(&f->wanted, &single, &e), 0);
	/* A target that does not answer delays no other. */
	raw_server_answer(f->server, "500 Internal Server Error", "no answer");
	introduce_to(&f->introduce, &f->wanted);
	wait_requests(f, 3 * INTRODUCE_CALLS_MAX + 1);
	assert_true(loop_wait_idle(f->loop, 50));
	assert_int_equal(f->server->request_count, 3 * INTRODUCE_CALLS_MAX + 1);
	assert_int_equal(asked(f, "POST /localapi/v0/ping?ip=100.65.9.9&type=TSMP "), 1);
	assert_int_equal(asked(f, "POST /localapi/v0/ping?ip=100.65.0.1&type=TSMP "), 1);
}

static void test_some_at_a_time(void **state)
{
	struct fixture *f = *state;
	want_targets(f, INTRODUCE_MAX + 10);
	introduce_to(&f->introduce, &f->wanted); /* nothing is answered */
	wait_requests(f, INTRODUCE_CALLS_MAX);
	assert_true(loop_wait_idle(f->loop, 50));
	assert_int_equal(f->server->request_count, INTRODUCE_CALLS_MAX);
	assert_int_equal(f->introduce.targets.len, INTRODUCE_MAX);
}

/* The daemon dies meanwhile, and its successor is introduced to all anew. */
static void test_stopped_and_begun_again(void **state)
{
	struct fixture *f = *state;
	want_targets(f, 2);
	introduce_to(&f->introduce, &f->wanted);
	wait_requests(f, 2);
	introduce_stop(&f->introduce);
	raw_server_answer(f->server, "200 OK", "{}");
	introduce_to(&f->introduce, &f->wanted);
	wait_requests(f, 4);
	assert_true(loop_wait_idle(f->loop, 50));
	assert_int_equal(f->server->request_count, 4);
}

static void test_without_targets(void **state)
{
	struct fixture *f = *state;
	introduce_to(&f->introduce, &f->wanted);
	assert_true(loop_wait_idle(f->loop, 50));
	assert_int_equal(f->server->request_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_target_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_some_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_and_begun_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_targets, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
