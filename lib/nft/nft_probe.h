/*
 * What the kernel lacks for our rules, all of it at once and by name, without changing anything:
 * the whole design goes out under another table's name, in a batch whose last message must fail.
 * Exactly that one failure means that everything is there.
 */
#ifndef LIB_NFT_NFT_PROBE_H
#define LIB_NFT_NFT_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/nft/nft_model.h"
#include "lib/nft/nlsock.h"
#include "lib/nft/nlwrite.h"

struct nft_probe {
	bool is_supported; /* everything except features with a substitute */
	bool is_forbidden; /* the kernel was not asked: we may not change anything */
	bool has_numgen;   /* without it: nft_wanted_unbalance */
	struct strv
		missing; /* "chain type nat (chain prerouting)", "expression ct (rule leak-guard)" */
};

void nft_probe_fini(struct nft_probe *probe);

/* Appends the batch to an empty writer. */
void nft_probe_write(struct nlwrite *w, enum nft_model_family family);

/* Fills a zeroed probe from the answers to the batch. Pure. */
void nft_probe_evaluate(const struct nlwrite *batch, enum nft_model_family family,
	const struct nlsock_outcome *outcome, struct nft_probe *out);

/* 0 when it is supported; else all that is missing in one sentence, with -EPERM when it is a
 * permission and -EOPNOTSUPP when it is the kernel. */
int nft_probe_check(
	const struct nft_probe *probe, enum nft_model_family family, struct err *e) MUST_CHECK;

#endif
