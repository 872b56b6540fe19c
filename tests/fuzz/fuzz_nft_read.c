/*
 * Answers about our tables: for any bytes the image is complete, sorted and equal to itself, and
 * one with our sets and chains can be the start of a delta that fits into a batch.
 */
#include <libmnl/libmnl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_batch.h"
#include "lib/nft/nft_plan.h"
#include "lib/nft/nft_read.h"
#include "lib/nft/nlwalk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void read_all(
	const void *bytes, size_t size, enum nft_model_family family, struct nft_image *image)
{
	struct nft_read read;
	struct err e = {0};
	struct nlwalk walk = NLWALK_INIT(bytes, size);
	const struct nlmsghdr *nlh;
	nft_read_init(&read, family, NFT_SCHEMA_TABLE, image);
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		if (nft_read_message(&read, nlh, &e) < 0)
			require(e.msg[0] != '\0');
	}
	nft_read_finish(&read);
}

static void check_sorted(const struct nft_elems *elems)
{
	for (size_t i = 1; i < elems->len; i++)
		require(memcmp(elems->items[i - 1].key, elems->items[i].key, NFT_SCHEMA_KEY_MAX) <=
			0);
}

static void check_image(enum nft_model_family family, const struct nft_image *image)
{
	char why[160];
	bool differs = nft_image_differs(family, image, image, why, sizeof(why));
	require(differs == (why[0] != '\0'));
	require(differs == (image->has_table && !image->is_schema_current));
	require(!image->is_schema_current || image->has_table);
	for (int set = 0; set < NFT_SCHEMA_SETS; set++)
		check_sorted(&image->sets[set]);
	check_sorted(&image->backends);
}

static void check_plan(struct nft_image images[NFT_MODEL_FAMILIES])
{
	AUTO(nft_wanted_fini) struct nft_wanted none = {0};
	AUTO(nft_desired_fini) struct nft_desired desired = {0};
	AUTO(nft_plan_fini) struct nft_plan plan = {0};
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {
		&images[NFT_MODEL_V4], &images[NFT_MODEL_V6]};
	struct err e = {0};
	nft_wanted_init(&none, "tailscale0", "a/b");
	require(nft_compile(&none, true, &desired, &e) == 0);
	nft_plan_make(&plan, &desired, actual);
	require(nft_batch_write(&w, &plan, &none, &desired, &e) == 0);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		if (plan.families[f].kind != NFT_PLAN_DELTA)
			continue;
		for (int set = 0; set < NFT_SCHEMA_SETS; set++)
			require(plan.families[f].removed[set].len == images[f].sets[set].len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nft_image images[NFT_MODEL_FAMILIES] = {0};
	AUTO(mem_free) uint8_t *aligned = xmalloc(size + 1);
	if (size > 0)
		memcpy(aligned, data, size);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		read_all(aligned, size, (enum nft_model_family)f, &images[f]);
		check_image((enum nft_model_family)f, &images[f]);
	}
	check_plan(images);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		nft_image_fini(&images[f]);
	return 0;
}
