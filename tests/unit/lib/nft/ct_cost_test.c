/* What a pass over all flows costs: hardly more with many services than with few. */
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "lib/nft/ct_plan.h"

#define FLOWS 250000
#define FEW 10
#define MANY 10000
#define ROUNDS 3
#define VIPS 0x64600000u     /* 100.96.0.0 */
#define TARGETS 0x0a600000u  /* 10.96.0.0 */
#define ANOTHER 0x0a700000u  /* 10.112.0.0 */
#define CLIENTS 0x0a800000u  /* 10.128.0.0 */
#define MOVED_OF_A_HUNDRED 1 /* services that lead elsewhere now */

struct change {
	struct nft_wanted wanted[2]; /* before, now */
	struct nft_desired desired[2];
	struct ct_past past;
	struct ct_view view;
};

static struct ipaddr v4(uint32_t number)
{
	struct ipaddr addr = {.family = IPADDR_V4};
	for (int i = 0; i < 4; i++)
		addr.bytes[i] = (uint8_t)(number >> (24 - 8 * i));
	return addr;
}

static void open_change(struct change *c, uint32_t services)
{
	struct err e = {0};
	struct ipaddr own = v4(0x64400001);
	*c = (struct change){0};
	for (int k = 0; k < 2; k++) {
		struct nft_wanted *w = &c->wanted[k];
		nft_wanted_init(w, "tailscale0", "a/b");
		nft_wanted_set_own(w, &own);
		for (uint32_t i = 0; i < services; i++) {
			bool has_moved = k == 1 && i % 100 < MOVED_OF_A_HUNDRED;
			struct nft_pair pair = {(char[]){"s"}, v4(VIPS + i),
				v4((has_moved ? ANOTHER : TARGETS) + i)};
			assert_int_equal(nft_wanted_add_pair(w, &pair, &e), 0);
		}
		assert_int_equal(nft_compile(w, true, &c->desired[k], &e), 0);
	}
}

static void close_change(struct change *c)
{
	ct_view_fini(&c->view);
	ct_past_fini(&c->past);
	for (int k = 0; k < 2; k++) {
		nft_desired_fini(&c->desired[k]);
		nft_wanted_fini(&c->wanted[k]);
	}
}

/* Everything that one pass does, except reading the table. Processor time, because other processes
 * may be busy. */
static double decide_all(struct change *c, uint32_t services, unsigned int *ended)
{
	clock_t start = clock();
	*ended = 0;
	ct_past_add(&c->past, NFT_MODEL_V4, &c->desired[0].images[NFT_MODEL_V4],
		&c->wanted[1].families[NFT_MODEL_V4].balanced_from);
	ct_view_init(&c->view, &c->past, &c->desired[1], &c->wanted[1]);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct ct_entry flow = {
			.proto = IPPROTO_UDP,
			.status = IPS_DST_NAT,
			.original = {v4(CLIENTS + i), v4(VIPS + i % services), 4000, 80},
			.reply = {v4(TARGETS + i % services), v4(CLIENTS + i), 80, 4000},
		};
		*ended += ct_verdict_is_end(ct_plan_decide(&c->view, &flow));
	}
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static double least_of(uint32_t services, unsigned int expected)
{
	double least = 1e9;
	for (int round = 0; round < ROUNDS; round++) {
		struct change c;
		unsigned int ended;
		open_change(&c, services);
		double time = decide_all(&c, services, &ended);
		close_change(&c);
		assert_int_equal(ended, expected);
		if (time < least)
			least = time;
	}
	return least;
}

static void test_cost(void **state)
{
	(void)state;
	double few = least_of(FEW, FLOWS / FEW);
	double many = least_of(MANY, FLOWS / 100 * MOVED_OF_A_HUNDRED);
	print_message(
		"%d flows: %d services %.3f s, %d services %.3f s\n", FLOWS, FEW, few, MANY, many);
	/* A search is some ten steps longer; a linear search would cost a hundredfold. */
	assert_true(many < 8 * few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
