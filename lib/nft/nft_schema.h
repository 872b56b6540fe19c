/*
 * The objects of our two tables, `ip ts_sidecar` and `ip6 ts_sidecar`, as the kernel knows them:
 * names, types, lengths, hooks. One place, so that writer and reader cannot disagree.
 *
 * Elements are kept as the kernel holds them: each part of a key or of data padded to 4 bytes,
 * network byte order.
 */
#ifndef LIB_NFT_NFT_SCHEMA_H
#define LIB_NFT_NFT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/nft/nft_model.h"

#define NFT_SCHEMA_TABLE "ts_sidecar"
/* Raised when sets, chains or their meaning change; part of the table's comment. */
#define NFT_SCHEMA_VERSION 1
/* The name pattern that requests an anonymous map, and the prefix of the name the kernel gives
 * it. */
#define NFT_SCHEMA_ANONYMOUS "__map%d"
#define NFT_SCHEMA_ANONYMOUS_PREFIX "__map"

#define NFT_SCHEMA_KEY_MAX 16
#define NFT_SCHEMA_DATA_MAX 20

enum nft_schema_set {
	NFT_SCHEMA_EGRESS_PM,   /* protocol . port : target . target port */
	NFT_SCHEMA_DADDR_MAP,   /* address : address */
	NFT_SCHEMA_EGRESS_DST,  /* every egress target */
	NFT_SCHEMA_LOCAL_PORTS, /* protocol . port that a catch-all target leaves alone */
	NFT_SCHEMA_SETS,
	NFT_SCHEMA_BACKENDS = NFT_SCHEMA_SETS, /* the anonymous map: number : address */
};

/* In the order in which they are made: mss_clamp before forward, which jumps to it. */
enum nft_schema_chain {
	NFT_SCHEMA_PREROUTING,
	NFT_SCHEMA_POSTROUTING,
	NFT_SCHEMA_MSS_CLAMP,
	NFT_SCHEMA_FORWARD,
	NFT_SCHEMA_CHAINS,
};

struct nft_schema_family {
	const char *name; /* as nft(8) writes it */
	uint8_t nfproto;
	uint8_t addr_len;
	uint8_t daddr_offset;  /* in the network header */
	uint8_t port_register; /* where a lookup of address . port leaves the port */
};

/* Types are for nft(8) only; the kernel stores them and looks at the lengths. */
struct nft_schema_set_info {
	const char *name;
	uint32_t flags;
	uint32_t key_type;
	uint32_t key_len;
	uint32_t data_type; /* 0 for sets */
	uint32_t data_len;
};

struct nft_schema_chain_info {
	const char *name;
	const char *type; /* NULL: a chain that is only jumped to */
	uint32_t hook;
	int32_t priority;
};

const struct nft_schema_family *nft_schema_family(enum nft_model_family family);
/* NFT_SCHEMA_BACKENDS is accepted too. */
struct nft_schema_set_info nft_schema_set(enum nft_model_family family, enum nft_schema_set set);
const struct nft_schema_chain_info *nft_schema_chain(enum nft_schema_chain chain);

/* The index of a name; NFT_SCHEMA_SETS or NFT_SCHEMA_CHAINS when the name is not ours. */
enum nft_schema_set nft_schema_find_set(const char *name);
enum nft_schema_chain nft_schema_find_chain(const char *name);

#endif
