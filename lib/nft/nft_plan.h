/*
 * Desired against actual: what one batch has to change. Pure. A plan borrows elements of both
 * images, which must outlive it.
 */
#ifndef LIB_NFT_NFT_PLAN_H
#define LIB_NFT_NFT_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/nft/nft_compile.h"
#include "lib/nft/nft_image.h"

enum nft_plan_kind {
	NFT_PLAN_NONE,    /* nothing to do */
	NFT_PLAN_DELTA,   /* some elements, and the chains whose rules changed */
	NFT_PLAN_FULL,    /* missing objects are made, all are emptied and filled again */
	NFT_PLAN_REBUILD, /* the same, after the removal of a table with another structure */
	NFT_PLAN_REMOVE,
	NFT_PLAN_CREATE, /* everything, but only where there is no table yet (-EEXIST) */
	/* Pieces of FULL and REBUILD (nft_split.h): a new table with empty sets and no chains; then
	 * its chains and rules. */
	NFT_PLAN_PREPARE,
	NFT_PLAN_ENABLE,
};

struct nft_plan_family {
	enum nft_plan_kind kind;
	unsigned int chains; /* bits of enum nft_schema_chain: rules to write again */
	struct nft_elem_refs removed[NFT_SCHEMA_SETS];
	struct nft_elem_refs added[NFT_SCHEMA_SETS];
};

struct nft_plan {
	struct nft_plan_family families[NFT_MODEL_FAMILIES];
};

/* Fills a zeroed plan. actual[f] NULL = unknown: a full plan, whether there is a table or not. */
void nft_plan_make(struct nft_plan *plan, const struct nft_desired *desired,
	const struct nft_image *const actual[NFT_MODEL_FAMILIES]);
/* The removal of the existing tables of both families. */
void nft_plan_make_removal(
	struct nft_plan *plan, const struct nft_image *const actual[NFT_MODEL_FAMILIES]);
/* The table of one family, where there is none yet. */
void nft_plan_make_new(
	struct nft_plan *plan, const struct nft_desired *desired, enum nft_model_family family);
/* Turns a full plan into one that begins with an empty table, for a kernel that refused the
 * former. */
void nft_plan_escalate(struct nft_plan *plan);
void nft_plan_fini(struct nft_plan *plan);

bool nft_plan_is_empty(const struct nft_plan *plan);
/* More than elements changes: worth reading back. */
bool nft_plan_is_structural(const struct nft_plan *plan);
/* Elements to be removed and added. */
size_t nft_plan_elements(const struct nft_plan *plan);

#endif
