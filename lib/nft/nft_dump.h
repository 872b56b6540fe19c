/*
 * Reads our tables from the kernel into images, request by request on the loop. No other table is
 * read. A reading during which the ruleset changed is repeated.
 *
 * The reader is embedded in its owner; the images and the socket are borrowed until the callback.
 */
#ifndef LIB_NFT_NFT_DUMP_H
#define LIB_NFT_NFT_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/nft/nft_image.h"
#include "lib/nft/nft_read.h"

struct nlsock;

typedef void (*nft_dump_fn)(void *arg, int code, const struct err *e);

struct nft_dump {
	struct nlsock *sock_ref;
	struct nft_image *images_ref[NFT_MODEL_FAMILIES]; /* NULL = not asked for */
	nft_dump_fn fn;
	void *arg;
	unsigned int family;
	unsigned int step;
	unsigned int tries;
	bool has_generation;
	bool is_torn;
	uint16_t generation; /* low bits, as each answer carries them */
	struct nft_read read;
	struct err e;
};

/* Starts a reading; the callback comes later, from the loop. When this call fails, it is not
 * called. */
int nft_dump_start(struct nft_dump *d, struct nlsock *sock,
	struct nft_image *const images[NFT_MODEL_FAMILIES], nft_dump_fn fn, void *arg,
	struct err *e) MUST_CHECK;
/* Cancels a reading under way. */
void nft_dump_cancel(struct nft_dump *d);

#endif
