/*
 * One entry of conntrack as the kernel dumps it (linux/netfilter/nfnetlink_conntrack.h). Pure.
 */
#ifndef LIB_NFT_CT_ENTRY_H
#define LIB_NFT_CT_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/ipaddr.h"

struct nlattr;
struct nlmsghdr;

struct ct_tuple {
	struct ipaddr src;
	struct ipaddr dst;
	uint16_t src_port; /* 0 for protocols without ports */
	uint16_t dst_port;
};

struct ct_entry {
	uint8_t proto;
	uint32_t status; /* IPS_… */
	struct ct_tuple original;
	struct ct_tuple reply;
	/* Borrowed from the message, for the deletion of just this entry; may be NULL. */
	const struct nlattr *tuple_attr;
	const struct nlattr *id_attr;
	const struct nlattr *zone_attr;
};

/* False when the message is not an entry with both tuples, or of neither family. */
bool ct_entry_parse(const struct nlmsghdr *nlh, struct ct_entry *out);

#endif
