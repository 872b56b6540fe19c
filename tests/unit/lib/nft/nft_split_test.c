/* A large plan in pieces: nothing is lost, each fits, and their order is harmless. */
#include "lib/nft/nft_split.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_batch.h"
#include "tests/support/address.h"

#define PIECE_BYTES 16384
#define WRITER_BYTES (8u << 20)
#define PIECES_MAX 4096

static struct ipaddr numbered(enum nft_model_family family, unsigned int n)
{
	struct ipaddr out =
		address_of(family == NFT_MODEL_V4 ? "100.65.0.0" : "fd7a:115c:a1e0::1:0");
	size_t len = nft_schema_family(family)->addr_len;
	out.bytes[len - 2] = (uint8_t)(n >> 8);
	out.bytes[len - 1] = (uint8_t)n;
	return out;
}

/* Ports from first to last; their targets are numbered from there on. */
static void wanted_init(
	struct nft_wanted *w, unsigned int first, unsigned int last, unsigned int to)
{
	struct err e = {0};
	struct ipaddr own4 = address_of("100.64.0.1");
	struct ipaddr own6 = address_of("fd7a:115c:a1e0::1");
	nft_wanted_init(w, "tailscale0", "a/b");
	nft_wanted_set_own(w, &own4);
	nft_wanted_set_own(w, &own6);
	for (unsigned int port = first; port < last; port++) {
		for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
			struct nft_portmap map = {(char[]){"s"}, IPPROTO_TCP, (uint16_t)port,
				numbered((enum nft_model_family)f, port + to), 80};
			assert_int_equal(nft_wanted_add_portmap(w, &map, &e), 0);
		}
	}
}

struct world {
	struct nft_wanted wanted[2]; /* before and after */
	struct nft_desired desired[2];
	struct nft_plan whole;
};

static void open_world(struct world *x, bool with_before)
{
	struct err e = {0};
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {0};
	for (int i = 0; i < 2; i++)
		assert_int_equal(nft_compile(&x->wanted[i], false, &x->desired[i], &e), 0);
	for (int f = 0; f < NFT_MODEL_FAMILIES && with_before; f++)
		actual[f] = &x->desired[0].images[f];
	nft_plan_make(&x->whole, &x->desired[1], actual);
}

static void close_world(struct world *x)
{
	nft_plan_fini(&x->whole);
	for (int i = 0; i < 2; i++) {
		nft_desired_fini(&x->desired[i]);
		nft_wanted_fini(&x->wanted[i]);
	}
}

/* What the kernel would hold: keys and data of each set, and whether rules look at them. */
struct held {
	struct nft_elems sets[NFT_MODEL_FAMILIES][NFT_SCHEMA_SETS];
	bool is_enabled[NFT_MODEL_FAMILIES];
};

static void remove_elem(struct nft_elems *elems, const uint8_t *key)
{
	struct nft_elem *found = (struct nft_elem *)(uintptr_t)nft_elems_find(elems, key);
	assert_non_null(found);
	mem_free(&found->comment);
	memmove(found, found + 1,
		(size_t)(elems->items + elems->len - (found + 1)) * sizeof(*found));
	elems->len--;
}

static void hold(struct held *h, const struct nft_plan *piece)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		const struct nft_plan_family *plan = &piece->families[f];
		h->is_enabled[f] |= plan->kind == NFT_PLAN_ENABLE;
		for (int set = 0; set < NFT_SCHEMA_SETS; set++) {
			struct nft_elems *elems = &h->sets[f][set];
			for (size_t i = 0; i < plan->removed[set].len; i++)
				remove_elem(elems, plan->removed[set].items[i]->key);
			for (size_t i = 0; i < plan->added[set].len; i++) {
				const struct nft_elem *added = plan->added[set].items[i];
				assert_null(nft_elems_find(elems, added->key));
				nft_elems_add(elems, added);
				nft_elems_sort(elems);
			}
		}
	}
}

/* The guard knows every target that a port leads to. */
static void expect_guarded(const struct held *h)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		const struct nft_elems *maps = &h->sets[f][NFT_SCHEMA_EGRESS_PM];
		for (size_t i = 0; i < maps->len; i++) {
			uint8_t key[NFT_SCHEMA_KEY_MAX] = {0};
			memcpy(key, maps->items[i].data,
				nft_schema_family((enum nft_model_family)f)->addr_len);
			assert_non_null(nft_elems_find(&h->sets[f][NFT_SCHEMA_EGRESS_DST], key));
		}
	}
}

static void expect_held(const struct held *h, const struct nft_desired *desired)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		for (int set = 0; set < NFT_SCHEMA_SETS; set++) {
			const struct nft_elems *want = &desired->images[f].sets[set];
			assert_int_equal(h->sets[f][set].len, want->len);
			for (size_t i = 0; i < want->len; i++)
				assert_true(nft_elem_is_same(
					&want->items[i], &h->sets[f][set].items[i]));
		}
	}
}

static size_t play(const struct world *x, struct held *h)
{
	struct nft_split split;
	struct err e = {0};
	size_t pieces = 0;
	nft_split_init(&split, &x->whole, PIECE_BYTES);
	for (;; pieces++) {
		AUTO(nft_plan_fini) struct nft_plan piece = {0};
		AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(WRITER_BYTES, 1);
		if (!nft_split_next(&split, &piece))
			return pieces;
		assert_false(nft_plan_is_empty(&piece));
		assert_int_equal(nft_batch_write(&w, &piece, &x->wanted[1], &x->desired[1], &e), 0);
		assert_in_range(w.buf.len, 1, PIECE_BYTES);
		for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
			assert_false(
				h->is_enabled[f] && x->whole.families[f].kind != NFT_PLAN_DELTA);
		hold(h, &piece);
		expect_guarded(h);
		assert_in_range(pieces, 0, PIECES_MAX);
	}
}

static void drop(struct held *h)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		for (int set = 0; set < NFT_SCHEMA_SETS; set++)
			nft_elems_fini(&h->sets[f][set]);
	}
}

static void test_new_table(void **state)
{
	struct world x = {0};
	struct held h = {0};
	(void)state;
	wanted_init(&x.wanted[0], 0, 0, 0);
	wanted_init(&x.wanted[1], 1, 501, 0);
	open_world(&x, false);
	assert_in_range(play(&x, &h), 2000 / 128, PIECES_MAX);
	expect_held(&h, &x.desired[1]);
	/* Chains came with the last piece. */
	assert_true(h.is_enabled[NFT_MODEL_V4] && h.is_enabled[NFT_MODEL_V6]);
	drop(&h);
	close_world(&x);
}

static void test_table_in_use(void **state)
{
	struct world x = {0};
	struct held h = {0};
	struct err e = {0};
	struct ipaddr own = address_of("100.64.0.2");
	struct nft_pair pair = {(char[]){"v"}, address_of("100.99.0.1"), address_of("10.0.0.1")};
	(void)state;
	wanted_init(&x.wanted[0], 1, 401, 0);
	wanted_init(&x.wanted[1], 201, 601, 1000);
	nft_wanted_set_own(&x.wanted[1], &own); /* a rule changes, too */
	assert_int_equal(nft_wanted_add_pair(&x.wanted[1], &pair, &e), 0);
	open_world(&x, true);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		for (int set = 0; set < NFT_SCHEMA_SETS; set++) {
			const struct nft_elems *from = &x.desired[0].images[f].sets[set];
			for (size_t i = 0; i < from->len; i++)
				nft_elems_add(&h.sets[f][set], &from->items[i]);
		}
	}
	play(&x, &h);
	expect_held(&h, &x.desired[1]);
	assert_false(h.is_enabled[NFT_MODEL_V4]);
	drop(&h);
	close_world(&x);
}

static void test_nothing(void **state)
{
	struct world x = {0};
	struct held h = {0};
	(void)state;
	wanted_init(&x.wanted[0], 1, 5, 0);
	wanted_init(&x.wanted[1], 1, 5, 0);
	open_world(&x, true);
	assert_int_equal(play(&x, &h), 0);
	close_world(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_table),
		cmocka_unit_test(test_table_in_use),
		cmocka_unit_test(test_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
