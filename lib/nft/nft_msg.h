/*
 * The messages of nf_tables: table, set, chain, elements, and their removal. Each function appends
 * whole messages to the writer; elements are split over as many messages as they need.
 */
#ifndef LIB_NFT_NFT_MSG_H
#define LIB_NFT_NFT_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/nft/nft_image.h"
#include "lib/nft/nft_schema.h"
#include "lib/nft/nlwrite.h"

/* Which table a message is for. */
struct nft_msg_table {
	enum nft_model_family family;
	const char *name;
};

/* Identifies a set within its batch: an anonymous one has no name yet. */
uint32_t nft_msg_set_id(enum nft_model_family family, enum nft_schema_set set);

void nft_msg_batch_begin(struct nlwrite *w);
void nft_msg_batch_end(struct nlwrite *w);

/* Opens a message about an object of the table; the attribute with the name of the table, the first
 * one of every kind of object, is written. End it with nlwrite_end. */
void nft_msg_begin(
	struct nlwrite *w, const struct nft_msg_table *table, uint8_t kind, uint16_t flags);
/* A comment where nft(8) looks for it (table, rule and element alike); NULL is none. */
void nft_msg_comment(struct nlwrite *w, uint16_t type, const char *comment);

void nft_msg_new_table(
	struct nlwrite *w, const struct nft_msg_table *table, uint16_t flags, const char *comment);
void nft_msg_del_table(struct nlwrite *w, const struct nft_msg_table *table);
void nft_msg_new_set(struct nlwrite *w, const struct nft_msg_table *table, enum nft_schema_set set);
void nft_msg_new_chain(
	struct nlwrite *w, const struct nft_msg_table *table, enum nft_schema_chain chain);
void nft_msg_flush_chain(
	struct nlwrite *w, const struct nft_msg_table *table, enum nft_schema_chain chain);
void nft_msg_flush_set(
	struct nlwrite *w, const struct nft_msg_table *table, enum nft_schema_set set);

/* Writes nothing when there are no elements. Comments are omitted on request. */
void nft_msg_new_elems(struct nlwrite *w, const struct nft_msg_table *table,
	enum nft_schema_set set, const struct nft_elem_refs *elems, bool with_comments);
void nft_msg_del_elems(struct nlwrite *w, const struct nft_msg_table *table,
	enum nft_schema_set set, const struct nft_elem_refs *elems);

#endif
