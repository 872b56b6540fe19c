/*
 * What stands between the planner and the kernel: something that commits a plan and reads tables
 * back. There are two: the kernel's (nft_kernel.h) and one in memory (nft_memory.h).
 */
#ifndef LIB_NFT_NFT_BACKEND_H
#define LIB_NFT_NFT_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/nft/nft_compile.h"
#include "lib/nft/nft_dump.h"
#include "lib/nft/nft_image.h"
#include "lib/nft/nft_model.h"
#include "lib/nft/nft_plan.h"

struct ct_view;
struct nft_backend;

/* A plan with what it was made from; all borrowed. wanted and desired are NULL for a removal. */
struct nft_commit {
	const struct nft_plan *plan;
	const struct nft_wanted *wanted;
	const struct nft_desired *desired;
	size_t *transactions; /* raised by each batch that was committed; NULL = not counted */
};

/* deleted = flows that were cut. */
typedef void (*nft_reconcile_fn)(void *arg, size_t deleted, int code, const struct err *e);
typedef void (*nft_foreign_fn)(void *arg);

struct nft_backend_ops {
	/* All or nothing, at once. Only a plan that is too large even without comments is committed
	 * in pieces (nft_split.h), and may fail after some of them. The error names the object:
	 * -ENOENT, -EEXIST: the table is not as the plan assumed; -EMSGSIZE: too large, try without
	 * comments; transient codes: again later. */
	int (*commit)(struct nft_backend *b, const struct nft_commit *commit, struct err *e);
	/* Fills the images that are not NULL, one per family; one read at a time. */
	int (*read)(struct nft_backend *b, struct nft_image *const images[NFT_MODEL_FAMILIES],
		nft_dump_fn fn, void *arg, struct err *e);
	/* Ends flows whose translation is no longer what the view says; one pass at a time. */
	int (*reconcile)(struct nft_backend *b, const struct ct_view *view, nft_reconcile_fn fn,
		void *arg, struct err *e);
	/* Calls fn whenever another program may have changed our tables. */
	int (*watch)(struct nft_backend *b, nft_foreign_fn fn, void *arg, struct err *e);
	/* Cancels what is under way, without callbacks. */
	void (*free)(struct nft_backend *b);
};

struct nft_backend {
	const struct nft_backend_ops *ops;
};

#endif
