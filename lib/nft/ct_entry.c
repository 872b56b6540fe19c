#include "lib/nft/ct_entry.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/nft/nlattrs.h"

static bool read_addr(const struct nlattrs *ip, int v4, int v6, struct ipaddr *out)
{
	*out = (struct ipaddr){0};
	const struct nlattr *attr = ip->at[v4];
	if (attr != NULL && mnl_attr_get_payload_len(attr) == sizeof(struct in_addr)) {
		out->family = IPADDR_V4;
	} else {
		attr = ip->at[v6];
		if (attr == NULL || mnl_attr_get_payload_len(attr) != sizeof(struct in6_addr))
			return false;
		out->family = IPADDR_V6;
	}
	memcpy(out->bytes, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	return true;
}

static uint16_t read_port(const struct nlattr *attr)
{
	uint16_t wire;
	if (attr == NULL || mnl_attr_get_payload_len(attr) != sizeof(wire))
		return 0;
	memcpy(&wire, mnl_attr_get_payload(attr), sizeof(wire));
	return ntohs(wire);
}

static bool read_tuple(const struct nlattr *nest, struct ct_tuple *out, uint8_t *proto)
{
	struct nlattrs tuple;
	struct nlattrs ip;
	struct nlattrs l4;
	if (nest == NULL)
		return false;
	nlattrs_of_nest(&tuple, nest);
	if (tuple.at[CTA_TUPLE_IP] == NULL || tuple.at[CTA_TUPLE_PROTO] == NULL)
		return false;
	nlattrs_of_nest(&ip, tuple.at[CTA_TUPLE_IP]);
	nlattrs_of_nest(&l4, tuple.at[CTA_TUPLE_PROTO]);
	const struct nlattr *number = l4.at[CTA_PROTO_NUM];
	if (number == NULL || mnl_attr_get_payload_len(number) != sizeof(*proto) ||
		!read_addr(&ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &out->src) ||
		!read_addr(&ip, CTA_IP_V4_DST, CTA_IP_V6_DST, &out->dst) ||
		out->src.family != out->dst.family)
		return false;
	memcpy(proto, mnl_attr_get_payload(number), sizeof(*proto));
	out->src_port = read_port(l4.at[CTA_PROTO_SRC_PORT]);
	out->dst_port = read_port(l4.at[CTA_PROTO_DST_PORT]);
	return true;
}

bool ct_entry_parse(const struct nlmsghdr *nlh, struct ct_entry *out)
{
	struct nlattrs a;
	uint8_t reply_proto;
	*out = (struct ct_entry){0};
	if (nlh->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
		nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
		return false;
	nlattrs_of_message(&a, nlh);
	if (!read_tuple(a.at[CTA_TUPLE_ORIG], &out->original, &out->proto) ||
		!read_tuple(a.at[CTA_TUPLE_REPLY], &out->reply, &reply_proto) ||
		reply_proto != out->proto || out->reply.src.family != out->original.src.family)
		return false;
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	if (nfg->nfgen_family != (out->original.src.family == IPADDR_V4 ? AF_INET : AF_INET6))
		return false;
	const struct nlattr *status = a.at[CTA_STATUS];
	if (status != NULL && mnl_attr_get_payload_len(status) == sizeof(out->status)) {
		memcpy(&out->status, mnl_attr_get_payload(status), sizeof(out->status));
		out->status = ntohl(out->status);
	}
	out->tuple_attr = a.at[CTA_TUPLE_ORIG];
	out->id_attr = a.at[CTA_ID];
	out->zone_attr = a.at[CTA_ZONE];
	return true;
}
