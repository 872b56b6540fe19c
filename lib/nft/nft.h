/*
 * The firewall of the pod: keeps our two tables in their desired state, from the first take-over of
 * what a predecessor left to the removal at the end. Everything happens on the loop, one run at a
 * time:
 *
 *	compile → read what is there (once, and on suspicion) → plan → one batch → read back after
 *	changes of structure → end flows that are translated otherwise → report
 *
 *	struct nft *n = nft_new(loop, nft_kernel_new(loop, e));
 *	nft_apply(n, &wanted, on_applied, arg);    wanted is moved out of
 *
 * Nothing is half applied: a failed run leaves the kernel as it was. Tables outlive the process
 * unless nft_remove is asked for.
 */
#ifndef LIB_NFT_NFT_H
#define LIB_NFT_NFT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/nft/nft_backend.h"
#include "lib/nft/nft_compile.h"
#include "lib/nft/nft_model.h"

struct loop;
struct nft;

/* What a run came to. All of it is borrowed, valid during the callback. */
struct nft_result {
	/* 0, or: -EEXIST the table belongs to another pod; -EPERM; -ECANCELED replaced by a newer
	 * request before it began; transient codes after some tries. */
	int code;
	size_t transactions; /* batches that were committed */
	/* The tables were read after the last batch and hold what was wanted. When code is 0 and
	 * this is false there was no batch, or one of elements only, which the kernel acknowledged,
	 * on top of tables that had been read back before. */
	bool was_read_back;
	size_t elements;                      /* removed and added */
	const struct nft_conflict *conflicts; /* losers and winners of a port or an address */
	size_t conflict_count;
	size_t flows_ended;
	/* The rules stand, but some flows do not follow them yet. They are tried again, with
	 * back-off and with every later run, until a result comes without this. */
	struct err flows_error;
	const char *repaired; /* what another program had changed; NULL = nothing */
};

typedef void (*nft_result_fn)(void *arg, const struct nft_result *result, const struct err *e);

/* Becomes the owner of the backend. A result callback may apply and remove again, but not free. */
struct nft *nft_new(struct loop *loop, struct nft_backend *backend_take);
/* Callbacks of runs under way are not called; the tables stay. NULL is accepted. */
void nft_free(struct nft *n);

/* To be called before anything is started whose connections our rules must not break: makes missing
 * tables at once. From then on the kernel tracks connections in this network namespace. Otherwise
 * it would begin with the first rule that needs conntrack, treat every connection that is open then
 * as a new one, and translate what comes in on it. An existing table is left as it is, whoever owns
 * it. wanted has no services; it is borrowed. */
int nft_claim(struct nft *n, const struct nft_wanted *wanted, struct err *e) MUST_CHECK;

/* The desired state is moved out of *wanted_take. A request that has not begun when the next one
 * comes ends with -ECANCELED. The callback comes from the loop, never from within this call. */
void nft_apply(struct nft *n, struct nft_wanted *wanted_take, nft_result_fn fn, void *arg);
/* Removes both tables where they belong to this owner (NAMESPACE/POD, or /POD for that name in any
 * namespace): -EEXIST when every table that exists belongs to another owner. Requests that have not
 * begun end with -ECANCELED. */
void nft_remove(struct nft *n, const char *owner, nft_result_fn fn, void *arg);

/* From now on, changes that other programs make to our tables are undone. Each repair is reported,
 * and so is each further try to make flows follow the rules: then repaired is NULL, and flows_error
 * says how it ended. The tries are reported even when this call fails. */
int nft_watch(struct nft *n, nft_result_fn on_repaired, void *arg, struct err *e) MUST_CHECK;

#endif
