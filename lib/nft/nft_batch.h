/*
 * Turns a plan into one batch of messages, for one sendmsg, and maps an error of the kernel back to
 * the object that it is about.
 */
#ifndef LIB_NFT_NFT_BATCH_H
#define LIB_NFT_NFT_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/nft/nft_compile.h"
#include "lib/nft/nft_plan.h"
#include "lib/nft/nlwrite.h"

/* Appends BEGIN … END for what the plan asks for; w starts empty. -EMSGSIZE past the cap of w. */
int nft_batch_write(struct nlwrite *w, const struct nft_plan *plan, const struct nft_wanted *wanted,
	const struct nft_desired *desired, struct err *e) MUST_CHECK;

#define NFT_BATCH_TEXT_MAX 320

/* "ip ts_sidecar, map egress_pm, element tcp 10000 (web)": what the message with this sequence
 * number is about. offset is that of the attribute the kernel complains about within the
 * message, 0 when it does not say. Any bytes are accepted. */
void nft_batch_describe(const void *bytes, size_t len, uint32_t seq, uint32_t offset,
	char out[static NFT_BATCH_TEXT_MAX]);

/* The NFT_MSG_… kind of the message with this number, or -1 for BEGIN and END. */
int nft_batch_kind(const void *bytes, size_t len, uint32_t seq);

#endif
