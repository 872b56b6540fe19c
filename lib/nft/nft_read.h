/*
 * Answers of the kernel about one of our tables, message by message, into an image. Accepts any
 * bytes: input that does not look like an answer marks the image as foreign and has no other
 * effect.
 *
 *	struct nft_read r;
 *	nft_read_init(&r, NFT_MODEL_V4, NFT_SCHEMA_TABLE, &image);
 *	nft_read_message(&r, nlh, e);     for each message of each answer
 *	nft_read_finish(&r);              sorts, and checks sets and chains
 */
#ifndef LIB_NFT_NFT_READ_H
#define LIB_NFT_NFT_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/nft/nft_image.h"

struct nlmsghdr;

/* Most elements read of one set, and rules of one table: far above what we make (each port of a
 * protocol is there once), so that another program cannot make us grow without bound. A table with
 * more counts as foreign. */
#define NFT_READ_ELEMS_MAX (1u << 18)
#define NFT_READ_RULES_MAX 4096u
#define NFT_READ_NAME_MAX 64

struct nft_read {
	enum nft_model_family family;
	const char *table_ref;
	struct nft_image *image_ref;
	unsigned int chains_seen; /* bits */
	unsigned int sets_seen;
	uint32_t objects; /* of the table, as the kernel counts them */
	uint32_t rules;
	uint32_t schema;                   /* of the table's comment, 0 = none */
	char anonymous[NFT_READ_NAME_MAX]; /* name of the map of backends, "" = none */
	bool is_foreign;                   /* has something that we never make */
};

void nft_read_init(struct nft_read *r, enum nft_model_family family, const char *table,
	struct nft_image *image);
/* Messages about other tables and of other kinds are passed over. -ENOMEM. */
int nft_read_message(struct nft_read *r, const struct nlmsghdr *nlh, struct err *e) MUST_CHECK;
void nft_read_finish(struct nft_read *r);

/* Reads the rules from our own messages, for the desired image: NEWRULE messages only. */
int nft_read_own_rules(
	struct nft_read *r, const void *messages, size_t len, struct err *e) MUST_CHECK;

#endif
