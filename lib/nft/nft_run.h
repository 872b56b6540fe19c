/*
 * Private to nft.c: one run of the firewall, from a request to its result. Steps are in nft_run.c.
 */
#ifndef LIB_NFT_NFT_RUN_H
#define LIB_NFT_NFT_RUN_H

#include <stdbool.h>

#include "lib/io/timer.h"
#include "lib/nft/ct_plan.h"
#include "lib/nft/nft.h"
#include "lib/nft/nft_plan.h"

#define NFT_RUN_WHY_MAX 160

enum nft_run_kind {
	NFT_RUN_APPLY,
	NFT_RUN_REPAIR, /* the same desired state again, against the present tables */
	NFT_RUN_REMOVE,
};

/* A desired state and what it compiles to. */
struct nft_state {
	struct nft_wanted wanted;
	struct nft_desired desired;
};

struct nft_run {
	enum nft_run_kind kind;
	struct nft_state *state; /* of a removal: the owner only */
	nft_result_fn fn;        /* NULL for a repair when nothing watches */
	void *arg;
	const struct nft_state *applied_ref; /* by the previous run; NULL: must be read */
	struct ct_past *past_ref;            /* outlives the run: flows that do not follow the rules
 * yet */
	struct nft_image before[NFT_MODEL_FAMILIES]; /* the first reading, kept for conntrack */
	struct nft_image later[NFT_MODEL_FAMILIES];  /* every other reading */
	unsigned int readings;
	bool is_rebuilding; /* the kernel refused to make our objects in the existing table */
	unsigned int tries;
	struct timer retry;
	struct ct_view view;
	struct nft_result result;
	bool was_pending; /* flows, when the run began */
	char repaired[NFT_RUN_WHY_MAX];
	struct err e;
	/* The owner, which is notified when the run has ended. */
	struct nft_backend *backend_ref;
	void (*on_end)(void *owner, struct nft_run *run);
	void *owner;
};

struct nft_run *nft_run_new(enum nft_run_kind kind, struct nft_wanted *wanted_take);
void nft_run_free(struct nft_run *run); /* NULL is accepted */
/* The first step, at once; on_end is called from a later turn or from within. */
void nft_run_start(struct nft_run *run, struct loop *loop);
void nft_state_free(struct nft_state *state); /* NULL is accepted */

#endif
