/*
 * Runs of the firewall in memory: the desired state is a number of port maps to one target, and the
 * last result is kept.
 *
 *	cmocka_unit_test_setup_teardown(test, nft_bench_open, nft_bench_close)
 *	assert_int_equal(nft_bench_apply(b, 3), 0);
 */
#ifndef TESTS_SUPPORT_NFT_BENCH_H
#define TESTS_SUPPORT_NFT_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "lib/nft/nft.h"

#define NFT_BENCH_OWNER "a/b"
#define NFT_BENCH_OWN "100.64.0.1"
#define NFT_BENCH_TARGET "100.64.1.1"
/* The first of the ports that are mapped. */
#define NFT_BENCH_PORT 100

struct loop;

struct nft_bench {
	struct loop *loop;
	struct nft_backend *memory;
	struct nft *nft;
	const char *target; /* of all maps; NFT_BENCH_TARGET at first */
	const char *own;    /* NFT_BENCH_OWN at first */
	uint8_t proto;      /* IPPROTO_TCP at first */
	unsigned int results;
	unsigned int cancelled;
	struct nft_result last;
	struct err e;
};

/* Setup and teardown of a test. */
int nft_bench_open(void **state);
int nft_bench_close(void **state);

/* Requests so many ports; the result comes from the loop. */
void nft_bench_ask(struct nft_bench *b, uint16_t ports);
/* The same, and waits; returns the code. */
int nft_bench_apply(struct nft_bench *b, uint16_t ports);
/* Elements of the IPv4 map. */
size_t nft_bench_maps(struct nft_bench *b);
/* An nft_result_fn, arg is the bench. */
void nft_bench_on_result(void *arg, const struct nft_result *result, const struct err *e);

#endif
