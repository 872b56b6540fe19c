/*
 * What the kernel answers to a request, besides data: an error, an acknowledgement, the end of a
 * dump, with the extended acknowledgement where there is one (linux/netlink.h). Pure.
 */
#ifndef LIB_NFT_NLERR_H
#define LIB_NFT_NLERR_H

#include <stdbool.h>
#include <stdint.h>

struct nlmsghdr;

#define NLERR_TEXT_MAX 128

struct nlerr {
	uint32_t seq;              /* of the request */
	int code;                  /* negative errno, 0 = acknowledged */
	uint32_t offset;           /* of the attribute at fault within the request, 0 = unknown */
	char text[NLERR_TEXT_MAX]; /* the kernel's own words, "" = none */
};

/* False when the message is neither an error nor the end of a dump. One that is too short counts as
 * -EBADMSG. */
bool nlerr_parse(const struct nlmsghdr *nlh, struct nlerr *out);

#endif
