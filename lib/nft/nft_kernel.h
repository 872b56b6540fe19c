/*
 * The kernel's nf_tables and conntrack of the network namespace that the caller is in, as a backend
 * of the planner. Sockets stay in the namespace they were opened in.
 */
#ifndef LIB_NFT_NFT_KERNEL_H
#define LIB_NFT_NFT_KERNEL_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/nft/nft_backend.h"
#include "lib/nft/nft_probe.h"

struct loop;

/* NULL with the error set: -EPROTONOSUPPORT when the kernel has no nfnetlink. Free through ops. */
struct nft_backend *nft_kernel_new(struct loop *loop, struct err *e) MUST_CHECK;

/* Asks a backend of this kind what its kernel lacks for the rules of a family, and changes nothing.
 * Fills a zeroed probe. Blocks for some 10 ms, as long as a batch that is not committed. */
int nft_kernel_probe(struct nft_backend *b, enum nft_model_family family, struct nft_probe *out,
	struct err *e) MUST_CHECK;

#endif
