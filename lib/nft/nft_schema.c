#include "lib/nft/nft_schema.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>

/* Numbers of data types in nft(8); those of concatenations are put together from 6 bits each. */
enum {
	TYPE_INTEGER = 4,
	TYPE_IPV4_ADDR = 7,
	TYPE_IPV6_ADDR = 8,
	TYPE_INET_PROTOCOL = 12,
	TYPE_INET_SERVICE = 13,
	TYPE_BITS = 6,
};

/* Length of a protocol and of a port, padded. */
#define PART_LEN 4u

/* Before all chains at the conventional priorities -100 and 100, after conntrack at -200. */
#define PRIORITY_DNAT (-110)
#define PRIORITY_SNAT 90

static const struct nft_schema_family families[] = {
	/* A register of 16 bytes overlays four of 4 bytes: 1 is 8 to 11, 2 is 12 to 15. */
	[NFT_MODEL_V4] = {.name = "ip",
		.nfproto = NFPROTO_IPV4,
		.addr_len = 4,
		.daddr_offset = 16,
		.port_register = NFT_REG32_01},
	[NFT_MODEL_V6] = {.name = "ip6",
		.nfproto = NFPROTO_IPV6,
		.addr_len = 16,
		.daddr_offset = 24,
		.port_register = NFT_REG_2},
};

static const char *const set_names[] = {
	[NFT_SCHEMA_EGRESS_PM] = "egress_pm",
	[NFT_SCHEMA_DADDR_MAP] = "daddr_map",
	[NFT_SCHEMA_EGRESS_DST] = "egress_dst",
	[NFT_SCHEMA_LOCAL_PORTS] = "local_ports",
	[NFT_SCHEMA_BACKENDS] = NFT_SCHEMA_ANONYMOUS,
};

static const struct nft_schema_chain_info chains[] = {
	[NFT_SCHEMA_PREROUTING] = {"prerouting", "nat", NF_INET_PRE_ROUTING, PRIORITY_DNAT},
	[NFT_SCHEMA_POSTROUTING] = {"postrouting", "nat", NF_INET_POST_ROUTING, PRIORITY_SNAT},
	[NFT_SCHEMA_MSS_CLAMP] = {"mss_clamp", NULL, 0, 0},
	[NFT_SCHEMA_FORWARD] = {"forward", "filter", NF_INET_FORWARD, NF_IP_PRI_MANGLE},
};

const struct nft_schema_family *nft_schema_family(enum nft_model_family family)
{
	return &families[family];
}

struct nft_schema_set_info nft_schema_set(enum nft_model_family family, enum nft_schema_set set)
{
	uint32_t addr_type = family == NFT_MODEL_V4 ? TYPE_IPV4_ADDR : TYPE_IPV6_ADDR;
	uint32_t addr_len = families[family].addr_len;
	struct nft_schema_set_info info = {.name = set_names[set]};
	bool is_by_port = set == NFT_SCHEMA_EGRESS_PM || set == NFT_SCHEMA_LOCAL_PORTS;
	bool is_map = set == NFT_SCHEMA_EGRESS_PM || set == NFT_SCHEMA_DADDR_MAP ||
		      set == NFT_SCHEMA_BACKENDS;

	info.key_type =
		is_by_port ? TYPE_INET_PROTOCOL << TYPE_BITS | TYPE_INET_SERVICE : addr_type;
	info.key_len = is_by_port ? 2 * PART_LEN : addr_len;
	if (is_map) {
		info.flags = NFT_SET_MAP;
		info.data_type = addr_type;
		info.data_len = addr_len;
	}
	if (set == NFT_SCHEMA_EGRESS_PM) {
		info.data_type = addr_type << TYPE_BITS | TYPE_INET_SERVICE;
		info.data_len = addr_len + PART_LEN;
	}
	if (set == NFT_SCHEMA_BACKENDS) {
		info.flags |= NFT_SET_ANONYMOUS | NFT_SET_CONSTANT;
		info.key_type = TYPE_INTEGER;
		info.key_len = sizeof(uint32_t);
	}
	return info;
}

const struct nft_schema_chain_info *nft_schema_chain(enum nft_schema_chain chain)
{
	return &chains[chain];
}

enum nft_schema_set nft_schema_find_set(const char *name)
{
	int set = 0;
	while (set < NFT_SCHEMA_SETS && strcmp(set_names[set], name) != 0)
		set++;
	return (enum nft_schema_set)set;
}

enum nft_schema_chain nft_schema_find_chain(const char *name)
{
	int chain = 0;
	while (chain < NFT_SCHEMA_CHAINS && strcmp(chains[chain].name, name) != 0)
		chain++;
	return (enum nft_schema_chain)chain;
}
