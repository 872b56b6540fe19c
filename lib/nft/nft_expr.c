#include "lib/nft/nft_expr.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

/* Longest mask: a TCP header's flags or a word of conntrack. */
#define MASK_MAX 8

struct open_expr {
	struct nlattr *element;
	struct nlattr *data;
};

static struct open_expr expr_open(struct nlwrite *w, const char *name)
{
	struct open_expr x;
	x.element = nlwrite_nest(w, NFTA_LIST_ELEM);
	nlwrite_str(w, NFTA_EXPR_NAME, name);
	x.data = nlwrite_nest(w, NFTA_EXPR_DATA);
	return x;
}

static void expr_close(struct nlwrite *w, struct open_expr x)
{
	nlwrite_nest_end(w, x.data);
	nlwrite_nest_end(w, x.element);
}

void nft_expr_data(struct nlwrite *w, uint16_t type, const void *data, size_t len)
{
	struct nlattr *nest = nlwrite_nest(w, type);
	nlwrite_bytes(w, NFTA_DATA_VALUE, data, len);
	nlwrite_nest_end(w, nest);
}

void nft_expr_meta(struct nlwrite *w, uint32_t key, uint32_t dreg)
{
	struct open_expr x = expr_open(w, "meta");
	nlwrite_u32(w, NFTA_META_KEY, key);
	nlwrite_u32(w, NFTA_META_DREG, dreg);
	expr_close(w, x);
}

void nft_expr_cmp(struct nlwrite *w, uint32_t op, const void *data, size_t len)
{
	struct open_expr x = expr_open(w, "cmp");
	nlwrite_u32(w, NFTA_CMP_SREG, NFT_REG_1);
	nlwrite_u32(w, NFTA_CMP_OP, op);
	nft_expr_data(w, NFTA_CMP_DATA, data, len);
	expr_close(w, x);
}

void nft_expr_payload(
	struct nlwrite *w, uint32_t base, uint32_t offset, uint32_t len, uint32_t dreg)
{
	struct open_expr x = expr_open(w, "payload");
	nlwrite_u32(w, NFTA_PAYLOAD_DREG, dreg);
	nlwrite_u32(w, NFTA_PAYLOAD_BASE, base);
	nlwrite_u32(w, NFTA_PAYLOAD_OFFSET, offset);
	nlwrite_u32(w, NFTA_PAYLOAD_LEN, len);
	expr_close(w, x);
}

void nft_expr_bitwise(struct nlwrite *w, const void *mask, size_t len)
{
	static const uint8_t zero[MASK_MAX];
	struct open_expr x = expr_open(w, "bitwise");
	nlwrite_u32(w, NFTA_BITWISE_SREG, NFT_REG_1);
	nlwrite_u32(w, NFTA_BITWISE_DREG, NFT_REG_1);
	nlwrite_u32(w, NFTA_BITWISE_LEN, (uint32_t)len);
	nft_expr_data(w, NFTA_BITWISE_MASK, mask, len);
	nft_expr_data(w, NFTA_BITWISE_XOR, zero, len);
	expr_close(w, x);
}

void nft_expr_lookup(
	struct nlwrite *w, const char *set, uint32_t set_id, uint32_t sreg, uint32_t dreg)
{
	struct open_expr x = expr_open(w, "lookup");
	nlwrite_str(w, NFTA_LOOKUP_SET, set);
	nlwrite_u32(w, NFTA_LOOKUP_SREG, sreg);
	if (dreg != 0)
		nlwrite_u32(w, NFTA_LOOKUP_DREG, dreg);
	if (set_id != 0)
		nlwrite_u32(w, NFTA_LOOKUP_SET_ID, set_id);
	expr_close(w, x);
}

void nft_expr_nat(
	struct nlwrite *w, uint32_t type, uint32_t family, uint32_t addr_reg, uint32_t port_reg)
{
	struct open_expr x = expr_open(w, "nat");
	nlwrite_u32(w, NFTA_NAT_TYPE, type);
	nlwrite_u32(w, NFTA_NAT_FAMILY, family);
	nlwrite_u32(w, NFTA_NAT_REG_ADDR_MIN, addr_reg);
	if (port_reg != 0)
		nlwrite_u32(w, NFTA_NAT_REG_PROTO_MIN, port_reg);
	expr_close(w, x);
}

void nft_expr_numgen_inc(struct nlwrite *w, uint32_t modulus, uint32_t dreg)
{
	struct open_expr x = expr_open(w, "numgen");
	nlwrite_u32(w, NFTA_NG_DREG, dreg);
	nlwrite_u32(w, NFTA_NG_MODULUS, modulus);
	nlwrite_u32(w, NFTA_NG_TYPE, NFT_NG_INCREMENTAL);
	nlwrite_u32(w, NFTA_NG_OFFSET, 0);
	expr_close(w, x);
}

void nft_expr_immediate(struct nlwrite *w, const void *data, size_t len)
{
	struct open_expr x = expr_open(w, "immediate");
	nlwrite_u32(w, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	nft_expr_data(w, NFTA_IMMEDIATE_DATA, data, len);
	expr_close(w, x);
}

void nft_expr_verdict(struct nlwrite *w, int code, const char *chain)
{
	struct open_expr x = expr_open(w, "immediate");
	nlwrite_u32(w, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	struct nlattr *data = nlwrite_nest(w, NFTA_IMMEDIATE_DATA);
	struct nlattr *verdict = nlwrite_nest(w, NFTA_DATA_VERDICT);
	nlwrite_u32(w, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain != NULL)
		nlwrite_str(w, NFTA_VERDICT_CHAIN, chain);
	nlwrite_nest_end(w, verdict);
	nlwrite_nest_end(w, data);
	expr_close(w, x);
}

void nft_expr_rt(struct nlwrite *w, uint32_t key, uint32_t dreg)
{
	struct open_expr x = expr_open(w, "rt");
	nlwrite_u32(w, NFTA_RT_DREG, dreg);
	nlwrite_u32(w, NFTA_RT_KEY, key);
	expr_close(w, x);
}

void nft_expr_hton(struct nlwrite *w, uint32_t reg, uint32_t len)
{
	struct open_expr x = expr_open(w, "byteorder");
	nlwrite_u32(w, NFTA_BYTEORDER_SREG, reg);
	nlwrite_u32(w, NFTA_BYTEORDER_DREG, reg);
	nlwrite_u32(w, NFTA_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nlwrite_u32(w, NFTA_BYTEORDER_LEN, len);
	nlwrite_u32(w, NFTA_BYTEORDER_SIZE, len);
	expr_close(w, x);
}

void nft_expr_tcpopt_write(struct nlwrite *w, uint8_t option, uint32_t offset, uint32_t len)
{
	struct open_expr x = expr_open(w, "exthdr");
	nlwrite_u32(w, NFTA_EXTHDR_SREG, NFT_REG_1);
	nlwrite_u8(w, NFTA_EXTHDR_TYPE, option);
	nlwrite_u32(w, NFTA_EXTHDR_OFFSET, offset);
	nlwrite_u32(w, NFTA_EXTHDR_LEN, len);
	nlwrite_u32(w, NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	expr_close(w, x);
}

void nft_expr_ct(struct nlwrite *w, uint32_t key, uint32_t dreg)
{
	struct open_expr x = expr_open(w, "ct");
	nlwrite_u32(w, NFTA_CT_DREG, dreg);
	nlwrite_u32(w, NFTA_CT_KEY, key);
	expr_close(w, x);
}

void nft_expr_counter(struct nlwrite *w)
{
	struct open_expr x = expr_open(w, "counter");
	nlwrite_u64(w, NFTA_COUNTER_BYTES, 0);
	nlwrite_u64(w, NFTA_COUNTER_PACKETS, 0);
	expr_close(w, x);
}
