/*
 * The firewall in memory, behind the same planner as the kernel's: for runs that must not touch the
 * network. Holds images, applies plans to them as the kernel would (a removal of what is absent or
 * an addition of what is there fails, and nothing of the plan is done then), and can be made to
 * fail.
 */
#ifndef LIB_NFT_NFT_MEMORY_H
#define LIB_NFT_NFT_MEMORY_H

#include "lib/base/err.h"
#include "lib/nft/nft_backend.h"

struct ct_entry;
struct loop;

/* Free through ops. */
struct nft_backend *nft_memory_new(struct loop *loop);

/* What it holds now; tests may change it, as another program would. */
struct nft_image *nft_memory_image(struct nft_backend *b, enum nft_model_family family);
/* Transactions so far. */
size_t nft_memory_commits(const struct nft_backend *b);
/* How often flows were asked to follow the rules. */
size_t nft_memory_reconciles(const struct nft_backend *b);
/* The next so many commits fail with this code; with -ENOBUFS they are nevertheless made, as by a
 * kernel whose answers are lost. */
void nft_memory_fail(struct nft_backend *b, int code, unsigned int times);
/* The same for readings, and for passes over the flows. */
void nft_memory_fail_reads(struct nft_backend *b, int code, unsigned int times);
void nft_memory_fail_flows(struct nft_backend *b, int code, unsigned int times);
/* There are no packets, so these are the only flows; a pass ends those that may not go on. */
void nft_memory_add_flow(struct nft_backend *b, const struct ct_entry *flow);
size_t nft_memory_flows(const struct nft_backend *b);
/* Acts like the event of a foreign edit. */
void nft_memory_disturb(struct nft_backend *b);

#endif
