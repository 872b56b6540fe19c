/*
 * Bounds that only a mistake of another order of magnitude would break: a dump for each element, a
 * transaction for each port, rules that are walked one by one. The best of some rounds counts,
 * because the machine has other work, too. Figures to look at come from nft_bench.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/nft/nft_kernel.h"
#include "tests/kernel/netbed.h"
#include "tests/support/netns.h"

#define ROUNDS 11
#define MAPS 1000
#define CONNECTIONS 300
#define NS_PER_MS 1000000u
#define TARGET4 "100.64.1.1"

static void wanted_init(struct nft_wanted *w, unsigned int maps, uint16_t first_target_port)
{
	netbed_wanted_init(w);
	for (unsigned int i = 0; i < maps; i++)
		firewall_portmap(w, "s", IPPROTO_TCP, (uint16_t)(10000 + i), TARGET4,
			i == 0 ? first_target_port : 80);
}

/* One batch from the present state (NULL = nothing known) to the desired one; nanoseconds. */
static uint64_t send_once(struct nft_backend *kernel, struct nft_wanted *w,
	const struct nft_desired *desired, const struct nft_desired *before)
{
	struct err e = {0};
	struct nft_plan plan = {0};
	size_t batches = 0;
	struct nft_commit c = {
		.plan = &plan, .wanted = w, .desired = desired, .transactions = &batches};
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {NULL, NULL};
	for (int f = 0; f < NFT_MODEL_FAMILIES && before != NULL; f++)
		actual[f] = &before->images[f];
	nft_plan_make(&plan, desired, actual);
	uint64_t start = clock_now_ns();
	if (kernel->ops->commit(kernel, &c, &e) < 0)
		fail_msg("%s", e.msg);
	uint64_t time = clock_now_ns() - start;
	assert_int_equal(batches, 1);
	nft_plan_fini(&plan);
	return time;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void on_foreign(void *arg)
{
	(void)arg;
}

static void test_batches(void **state)
{
	struct err e = {0};
	struct nft_wanted wanted[2];
	struct nft_desired desired[2] = {0};
	uint64_t all = UINT64_MAX;
	uint64_t one = UINT64_MAX;
	uint64_t watched = UINT64_MAX;
	(void)state;
	struct loop *loop = loop_new(&e);
	for (int i = 0; i < 2; i++) {
		wanted_init(&wanted[i], MAPS, (uint16_t)(80 + i));
		assert_int_equal(nft_compile(&wanted[i], true, &desired[i], &e), 0);
	}
	for (int round = 0; round < ROUNDS; round++) {
		int ns = netns_new();
		struct nft_backend *kernel = nft_kernel_new(loop, &e);
		assert_non_null(kernel);
		all = least(all, send_once(kernel, &wanted[0], &desired[0], NULL));
		one = least(one, send_once(kernel, &wanted[1], &desired[1], &desired[0]));
		kernel->ops->free(kernel);
		close(ns);
		ns = netns_new();
		kernel = nft_kernel_new(loop, &e);
		assert_non_null(kernel);
		assert_int_equal(kernel->ops->watch(kernel, on_foreign, NULL, &e), 0);
		watched = least(watched, send_once(kernel, &wanted[0], &desired[0], NULL));
		kernel->ops->free(kernel);
		close(ns);
	}
	print_message("%d maps %.2f ms, watched %.2f ms, one element %.3f ms\n", MAPS,
		(double)all / NS_PER_MS, (double)watched / NS_PER_MS, (double)one / NS_PER_MS);
	/* Listening to our own events would add half as much again. */
	assert_true((double)watched <= 1.3 * (double)all);
	assert_true(all <= 20 * NS_PER_MS);
	assert_true(one <= NS_PER_MS);
	for (int i = 0; i < 2; i++) {
		nft_desired_fini(&desired[i]);
		nft_wanted_fini(&wanted[i]);
	}
	loop_free(loop);
}

static uint64_t connect_many(struct netbed *b, int listener, unsigned int maps)
{
	struct nft_wanted w;
	wanted_init(&w, maps, 80);
	netbed_apply(b, &w);
	uint64_t start = clock_now_ns();
	for (unsigned int i = 0; i < CONNECTIONS; i++) {
		char text[NETBED_TEXT_MAX];
		int client = netbed_dial(
			b, NETBED_CLIENT, NETBED_POD4, (uint16_t)(10000 + i * 7 % maps));
		assert_true(client >= 0);
		int server = netbed_accept(listener, text);
		netbed_abort(client);
		netbed_abort(server);
	}
	return clock_now_ns() - start;
}

static void test_connections(void **state)
{
	struct netbed *b = *state;
	uint64_t few = UINT64_MAX;
	uint64_t many = UINT64_MAX;
	int listener = netbed_listen(b, NETBED_TAILNET, SOCK_STREAM, 80);
	for (int round = 0; round < ROUNDS; round++) {
		few = least(few, connect_many(b, listener, 1));
		many = least(many, connect_many(b, listener, MAPS));
	}
	print_message("%d connections: 1 map %.1f ms, %d maps %.1f ms\n", CONNECTIONS,
		(double)few / NS_PER_MS, MAPS, (double)many / NS_PER_MS);
	assert_true((double)few >= 0.7 * (double)many);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batches),
		cmocka_unit_test_setup_teardown(test_connections, netbed_open, netbed_close),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
