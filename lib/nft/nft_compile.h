/*
 * Compiles the desired state into the images that the kernel should hold. Pure.
 *
 * Two services cannot have one protocol and port, or one address: the service whose name comes
 * first in byte order gets it; every other one is reported as a conflict and not configured. Within
 * one service the entry that was added first wins silently (a name with two addresses of a family).
 */
#ifndef LIB_NFT_NFT_COMPILE_H
#define LIB_NFT_NFT_COMPILE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/nft/nft_image.h"
#include "lib/nft/nft_model.h"

struct nft_conflict {
	char *service; /* the one that is not configured */
	char *winner;
	char what[NFT_ELEM_TEXT_MAX]; /* "tcp 10000", "100.64.0.9" */
	enum nft_model_family family;
	uint8_t proto; /* IPPROTO_TCP or IPPROTO_UDP; 0 when it is about an address */
	uint16_t port;
};

struct nft_desired {
	struct nft_image images[NFT_MODEL_FAMILIES]; /* has_table only for enabled families */
	struct nft_conflict *conflicts;
	size_t conflict_count;
	bool with_comments; /* elements carry the name of their service */
};

/* Fills a zeroed struct; also on failure (-EMSGSIZE, -ENOMEM) nft_desired_fini ends it. */
int nft_compile(const struct nft_wanted *w, bool with_comments, struct nft_desired *out,
	struct err *e) MUST_CHECK;
void nft_desired_fini(struct nft_desired *d);

#endif
