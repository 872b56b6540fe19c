/*
 * The messages of a datagram or batch, one after the other. A message that exceeds the bytes ends
 * the walk. (mnl_nlmsg_ok compares lengths as signed numbers and accepts a length above 2 GiB.)
 *
 *	struct nlwalk walk = NLWALK_INIT(bytes, len);
 *	const struct nlmsghdr *nlh;
 *	while ((nlh = nlwalk_next(&walk)) != NULL)
 */
#ifndef LIB_NFT_NLWALK_H
#define LIB_NFT_NLWALK_H

#include <stddef.h>

struct nlmsghdr;

struct nlwalk {
	const char *at; /* aligned as the kernel aligns; borrowed */
	size_t left;
};

#define NLWALK_INIT(bytes, len) ((struct nlwalk){.at = (const char *)(bytes), .left = (len)})

/* NULL at the end. */
const struct nlmsghdr *nlwalk_next(struct nlwalk *walk);

#endif
