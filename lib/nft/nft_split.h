/*
 * Splits a plan that is too large for one batch into pieces. Pure.
 *
 * That happens where the size of a send buffer cannot be forced (a pod in a user namespace) and
 * many thousand ports change at once. Packets see the pieces in an order that is harmless:
 *
 *	a new table	sets are made and filled while no chain looks at them, chains come last
 *	a table in use	the guard knows a target before anything leads to it, and until
 *			nothing does; every port and address has its old entry or its new one
 *
 * So a failed piece leaves a table that is either unused or partly updated, port by port, and the
 * next plan, made from the present state, continues. Elements must not carry comments.
 *
 *	struct nft_split split;
 *	nft_split_init(&split, &plan, bytes);
 *	while (nft_split_next(&split, &piece))
 *		write the piece, then nft_plan_fini(&piece)
 */
#ifndef LIB_NFT_NFT_SPLIT_H
#define LIB_NFT_NFT_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/nft/nft_plan.h"

struct nft_split {
	const struct nft_plan *whole_ref;
	size_t capacity; /* elements of a piece */
	size_t step;
	int family;
	size_t removed_at; /* within the set of this step and family */
	size_t added_at;
	unsigned int included[NFT_MODEL_FAMILIES]; /* bits of sets that were included with rules */
};

/* The plan is borrowed until the last piece. bytes = most of one batch. */
void nft_split_init(struct nft_split *split, const struct nft_plan *whole, size_t bytes);
/* Fills a zeroed plan; false when there is no other piece. */
bool nft_split_next(struct nft_split *split, struct nft_plan *piece);

#endif
