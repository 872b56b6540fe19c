/*
 * What the kernel holds of one family: the elements of each set and the rules of each chain in a
 * form that compares. The same struct describes what it should hold (nft_compile.h) and what it
 * does hold (nft_read.h), so that desired and actual are compared by one function.
 *
 * An image owns its comments and texts. Elements are sorted by key.
 */
#ifndef LIB_NFT_NFT_IMAGE_H
#define LIB_NFT_NFT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ipaddr.h"
#include "lib/base/str.h"
#include "lib/nft/nft_schema.h"

/* Key and data as the kernel holds them, zero behind their length. */
struct nft_elem {
	uint8_t key[NFT_SCHEMA_KEY_MAX];
	uint8_t data[NFT_SCHEMA_DATA_MAX];
	char *comment; /* NULL = none */
};

struct nft_elems {
	struct nft_elem *items;
	size_t len;
	size_t cap;
};

/* Borrowed elements of another image. */
struct nft_elem_refs {
	const struct nft_elem **items;
	size_t len;
	size_t cap;
};

struct nft_image {
	bool has_table;
	bool is_schema_current; /* exactly our sets and chains, of the right kind */
	char *owner;            /* NAMESPACE/POD of the table's comment; NULL when it names none */
	struct nft_elems sets[NFT_SCHEMA_SETS];
	struct nft_elems backends;            /* of the anonymous map; empty when there is none */
	struct strv rules[NFT_SCHEMA_CHAINS]; /* as nft_canon.h spells them */
	struct ipaddr own; /* what the source is translated to; family IPADDR_NONE = nothing */
};

void nft_image_init(struct nft_image *image);
void nft_image_fini(struct nft_image *image);

/* Copies the element; its comment too. */
void nft_elems_add(struct nft_elems *elems, const struct nft_elem *elem);
/* By key; elements of equal keys keep their order. */
void nft_elems_sort(struct nft_elems *elems);
/* In sorted elements; NULL when there is none. */
const struct nft_elem *nft_elems_find(const struct nft_elems *elems, const uint8_t *key);
void nft_elems_fini(struct nft_elems *elems);

void nft_elem_refs_add(struct nft_elem_refs *refs, const struct nft_elem *elem);
void nft_elem_refs_add_all(struct nft_elem_refs *refs, const struct nft_elems *elems);
void nft_elem_refs_fini(struct nft_elem_refs *refs);

bool nft_elem_is_same(const struct nft_elem *a, const struct nft_elem *b); /* comment included */

/* The first difference as a sentence, "" when there is none. Owner names are not compared. */
bool nft_image_differs(enum nft_model_family family, const struct nft_image *desired,
	const struct nft_image *actual, char *why, size_t why_size);

/* "tcp 10000", "100.64.0.1": a key as people write it. */
#define NFT_ELEM_TEXT_MAX 80
const char *nft_elem_format(enum nft_model_family family, enum nft_schema_set set,
	const uint8_t *key, char out[static NFT_ELEM_TEXT_MAX]);

#endif
