/*
 * Writes netlink messages one after the other into one growing buffer (linux/netlink.h). Knows
 * headers, attributes and byte order, not what the messages mean.
 *
 * The first failure sticks: later calls do nothing, and nlwrite_check returns it, so that builders
 * need no branch of their own.
 *
 *	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(NLWRITE_BATCH_MAX, 1);
 *	nlwrite_begin(&w, type, NLM_F_CREATE, AF_INET, 0);
 *	nlwrite_str(&w, NFTA_TABLE_NAME, "ts_sidecar");
 *	nlwrite_end(&w);
 *	if (nlwrite_check(&w, e) < 0)
 *		return err_wrap(e, "build the batch");
 */
#ifndef LIB_NFT_NLWRITE_H
#define LIB_NFT_NLWRITE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* Far above what 1,000 ports need (300 KB), and what SO_SNDBUFFORCE asks for. */
#define NLWRITE_BATCH_MAX (8u << 20)
/* A nest has 16 bits for its length, and no message of ours may come near them. */
#define NLWRITE_MESSAGE_MAX 65000u

struct nlattr;

struct nlwrite {
	struct buf buf;
	size_t open; /* bytes before the open message; only meaningful while is_open */
	size_t last; /* bytes before the message that was ended last */
	bool is_open;
	int code; /* the first failure, 0 = none */
	uint32_t next_seq;
};

#define NLWRITE_INIT(max_bytes, first_seq) \
	((struct nlwrite){.buf = BUF_INIT(max_bytes), .next_seq = (first_seq)})

void nlwrite_fini(struct nlwrite *w);

/* Opens a message of netfilter: netlink header, then family and res_id (host order). */
void nlwrite_begin(
	struct nlwrite *w, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id);
void nlwrite_end(struct nlwrite *w);
/* Bytes of the open message, headers included. */
size_t nlwrite_size(const struct nlwrite *w);

/* Attributes of the open message; numbers are passed in host order and sent in network order. */
void nlwrite_u8(struct nlwrite *w, uint16_t type, uint8_t value);
void nlwrite_u32(struct nlwrite *w, uint16_t type, uint32_t value);
void nlwrite_u64(struct nlwrite *w, uint16_t type, uint64_t value);
void nlwrite_str(struct nlwrite *w, uint16_t type, const char *text);
void nlwrite_bytes(struct nlwrite *w, uint16_t type, const void *data, size_t len);
/* NULL after a failure; nlwrite_nest_end accepts NULL. */
struct nlattr *nlwrite_nest(struct nlwrite *w, uint16_t type);
void nlwrite_nest_end(struct nlwrite *w, struct nlattr *nest);

/* Adds flags to the message that was ended last. */
void nlwrite_flag_last(struct nlwrite *w, uint16_t flags);

/* 0, or the first failure: -EMSGSIZE or -ENOMEM. */
int nlwrite_check(const struct nlwrite *w, struct err *e) MUST_CHECK;

#endif
