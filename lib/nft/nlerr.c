#include "lib/nft/nlerr.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <string.h>

static void parse_extended(const struct nlmsghdr *nlh, size_t skip, struct nlerr *out)
{
	const struct nlattr *attr;
	mnl_attr_for_each(attr, nlh, (unsigned int)skip)
	{
		const char *payload = mnl_attr_get_payload(attr);
		size_t len = mnl_attr_get_payload_len(attr);
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG) {
			size_t end = strnlen(payload, len);
			snprintf(out->text, sizeof(out->text), "%.*s", (int)end, payload);
		} else if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_OFFS &&
			   len == sizeof(out->offset)) {
			memcpy(&out->offset, payload, len); /* host order */
		}
	}
}

/* The error is followed by the request; a capped answer has only its header. */
static size_t request_size(const struct nlmsghdr *nlh, const struct nlmsgerr *error)
{
	if ((nlh->nlmsg_flags & NLM_F_CAPPED) != 0)
		return sizeof(*error);
	if (error->msg.nlmsg_len < sizeof(error->msg))
		return nlh->nlmsg_len;
	return sizeof(*error) + error->msg.nlmsg_len - sizeof(error->msg);
}

bool nlerr_parse(const struct nlmsghdr *nlh, struct nlerr *out)
{
	*out = (struct nlerr){.seq = nlh->nlmsg_seq};
	size_t payload = nlh->nlmsg_len - MNL_NLMSG_HDRLEN;
	if (nlh->nlmsg_type == NLMSG_DONE) {
		/* A dump that failed midway reports it here. */
		if (payload >= sizeof(out->code))
			memcpy(&out->code, mnl_nlmsg_get_payload(nlh), sizeof(out->code));
		if (out->code > 0)
			out->code = 0;
		return true;
	}
	if (nlh->nlmsg_type != NLMSG_ERROR)
		return false;
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
	if (payload < sizeof(*error)) {
		out->code = -EBADMSG;
		return true;
	}
	/* Never positive and never outside the range of errno, because it is used as one. */
	out->code = error->error <= 0 && error->error > -4096 ? error->error : -EBADMSG;
	size_t skip = request_size(nlh, error);
	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) != 0 && skip < payload)
		parse_extended(nlh, MNL_ALIGN(skip), out);
	return true;
}
