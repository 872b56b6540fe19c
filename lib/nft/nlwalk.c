#include "lib/nft/nlwalk.h"

#include <libmnl/libmnl.h>

const struct nlmsghdr *nlwalk_next(struct nlwalk *walk)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)walk->at;
	if (walk->left < sizeof(*nlh) || nlh->nlmsg_len < sizeof(*nlh))
		return NULL;
	/* The kernel pads the last one too, and libmnl looks for attributes up to there. */
	size_t size = MNL_ALIGN((size_t)nlh->nlmsg_len);
	if (size > walk->left)
		return NULL;
	walk->at += size;
	walk->left -= size;
	return nlh;
}
