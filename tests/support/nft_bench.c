#include "tests/support/address.h"
#include "tests/support/nft_bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/nft/nft_memory.h"
#include "tests/support/loop_wait.h"

#define POD "10.244.0.1"

int nft_bench_open(void **state)
{
	struct nft_bench *b = xcalloc(1, sizeof(*b));
	struct err e = {0};
	b->loop = loop_new(&e);
	assert_non_null(b->loop);
	b->memory = nft_memory_new(b->loop);
	b->nft = nft_new(b->loop, b->memory);
	b->target = NFT_BENCH_TARGET;
	b->own = NFT_BENCH_OWN;
	b->proto = IPPROTO_TCP;
	*state = b;
	return 0;
}

int nft_bench_close(void **state)
{
	struct nft_bench *b = *state;
	nft_free(b->nft);
	loop_free(b->loop);
	free(b);
	return 0;
}

void nft_bench_on_result(void *arg, const struct nft_result *result, const struct err *e)
{
	struct nft_bench *b = arg;
	if (result->code == -ECANCELED) {
		b->cancelled++;
		return;
	}
	b->results++;
	b->last = *result;
	b->e = *e;
}

void nft_bench_ask(struct nft_bench *b, uint16_t ports)
{
	struct nft_wanted w;
	struct err e = {0};
	struct ipaddr own = address_of(b->own);
	struct ipaddr pod = address_of(POD);
	nft_wanted_init(&w, "tailscale0", NFT_BENCH_OWNER);
	nft_wanted_set_own(&w, &own);
	nft_wanted_set_pod(&w, &pod);
	for (uint16_t i = 0; i < ports; i++) {
		struct nft_portmap map = {(char[]){"s"}, b->proto, (uint16_t)(NFT_BENCH_PORT + i),
			address_of(b->target), 80};
		assert_int_equal(nft_wanted_add_portmap(&w, &map, &e), 0);
	}
	nft_apply(b->nft, &w, nft_bench_on_result, b);
}

int nft_bench_apply(struct nft_bench *b, uint16_t ports)
{
	unsigned int target = b->results + 1;
	nft_bench_ask(b, ports);
	assert_true(loop_wait_count(b->loop, &b->results, target, LOOP_WAIT_MS));
	return b->last.code;
}

size_t nft_bench_maps(struct nft_bench *b)
{
	return nft_memory_image(b->memory, NFT_MODEL_V4)->sets[NFT_SCHEMA_EGRESS_PM].len;
}
