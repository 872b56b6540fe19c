#include "lib/nft/nlwalk.h"

#include <libmnl/libmnl.h>

const struct nlmsghdr *nlwalk_next(struct nlwalk *walk)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)walk->at;
	if (walk->left < sizeof(*nlh) || nlh->nlmsg_len < sizeof(*nlh) ||
		nlh->nlmsg_len > walk->left)
		return NULL;
	size_t size = MNL_ALIGN((size_t)nlh->nlmsg_len);
	/* The last one need not be padded. */
	if (size > walk->left)
		size = walk->left;
	walk->at += size;
	walk->left -= size;
	return nlh;
}
