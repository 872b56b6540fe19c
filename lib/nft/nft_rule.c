#include "lib/nft/nft_rule.h"

/* Before the kernel's headers, which then leave out what both define. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <string.h>

#include "lib/nft/nft_expr.h"
#include "lib/nft/nft_msg.h"

/* RFC 9293, 3.1: byte 13 holds the flags; these two distinguish the first packet of each side. */
#define TCP_FLAGS_OFFSET 13
#define TCP_SYN_RST 0x06
#define TCP_SYN 0x02
/* The value of the option behind its kind and length. */
#define MSS_VALUE_OFFSET 2
#define MSS_VALUE_LEN 2
/* Source and destination port stand first in TCP and UDP alike. */
#define DPORT_OFFSET 2
#define PORT_LEN 2

/* A 16 byte register 1 overlays 8 to 11: the key is the protocol in 8 and the port in 9. */
#define KEY_PORT_REGISTER NFT_REG32_01

struct open_rule {
	struct nlwrite *w;
	const struct nft_rule_scope *scope;
	const struct nft_schema_family *info;
	struct nlattr *expressions;
};

static struct open_rule rule_open(
	struct nlwrite *w, const struct nft_rule_scope *scope, enum nft_schema_chain chain)
{
	struct nft_msg_table table = {scope->family, scope->table};
	struct open_rule r = {.w = w, .scope = scope, .info = nft_schema_family(scope->family)};
	nft_msg_begin(w, &table, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nlwrite_str(w, NFTA_RULE_CHAIN, nft_schema_chain(chain)->name);
	r.expressions = nlwrite_nest(w, NFTA_RULE_EXPRESSIONS);
	return r;
}

static void rule_close(struct open_rule *r, const char *comment)
{
	nlwrite_nest_end(r->w, r->expressions);
	nft_msg_comment(r->w, NFTA_RULE_USERDATA, comment);
	nlwrite_end(r->w);
}

/* All 16 bytes, so that tailscale01 does not match as tailscale0. */
static void match_tun(struct open_rule *r, uint32_t key, uint32_t op)
{
	char name[NFT_MODEL_TUN_MAX] = {0};
	memcpy(name, r->scope->tun, strnlen(r->scope->tun, sizeof(name) - 1));
	nft_expr_meta(r->w, key, NFT_REG_1);
	nft_expr_cmp(r->w, op, name, sizeof(name));
}

static void load_daddr(struct open_rule *r)
{
	nft_expr_payload(r->w, NFT_PAYLOAD_NETWORK_HEADER, r->info->daddr_offset, r->info->addr_len,
		NFT_REG_1);
}

static void load_port_key(struct open_rule *r)
{
	nft_expr_meta(r->w, NFT_META_L4PROTO, NFT_REG_1);
	nft_expr_payload(
		r->w, NFT_PAYLOAD_TRANSPORT_HEADER, DPORT_OFFSET, PORT_LEN, KEY_PORT_REGISTER);
}

static void dnat(struct open_rule *r, uint32_t port_reg)
{
	nft_expr_nat(r->w, NFT_NAT_DNAT, r->info->nfproto, NFT_REG_1, port_reg);
}

static void write_by_daddr(struct nlwrite *w, const struct nft_rule_scope *scope)
{
	struct open_rule r = rule_open(w, scope, NFT_SCHEMA_PREROUTING);
	load_daddr(&r);
	nft_expr_lookup(w, nft_schema_set(scope->family, NFT_SCHEMA_DADDR_MAP).name, 0, NFT_REG_1,
		NFT_REG_1);
	dnat(&r, 0);
	rule_close(&r, "by-daddr");
}

/* The map of the balanced target: numbers are in host order, as numgen counts. */
static void write_backends(struct nlwrite *w, const struct nft_rule_scope *scope)
{
	const struct nft_addresses *backends = &scope->wanted->backends;
	struct nft_msg_table table = {scope->family, scope->table};
	struct nft_elems elems = {0};
	struct nft_elem_refs refs = {0};
	for (size_t i = 0; i < backends->len; i++) {
		struct nft_elem elem = {0};
		uint32_t number = (uint32_t)i;
		memcpy(elem.key, &number, sizeof(number));
		memcpy(elem.data, backends->items[i].bytes, sizeof(backends->items[i].bytes));
		nft_elems_add(&elems, &elem);
	}
	nft_elem_refs_add_all(&refs, &elems);
	nft_msg_new_set(w, &table, NFT_SCHEMA_BACKENDS);
	nft_msg_new_elems(w, &table, NFT_SCHEMA_BACKENDS, &refs, false);
	nft_elem_refs_fini(&refs);
	nft_elems_fini(&elems);
}

static void write_balanced(struct nlwrite *w, const struct nft_rule_scope *scope)
{
	write_backends(w, scope);
	struct open_rule r = rule_open(w, scope, NFT_SCHEMA_PREROUTING);
	load_daddr(&r);
	nft_expr_cmp(w, NFT_CMP_EQ, scope->wanted->balanced_from.bytes, r.info->addr_len);
	nft_expr_numgen_inc(w, (uint32_t)scope->wanted->backends.len, NFT_REG_1);
	nft_expr_lookup(w, NFT_SCHEMA_ANONYMOUS, nft_msg_set_id(scope->family, NFT_SCHEMA_BACKENDS),
		NFT_REG_1, NFT_REG_1);
	dnat(&r, 0);
	rule_close(&r, "dns-target");
}

static void write_catch_all(struct nlwrite *w, const struct nft_rule_scope *scope)
{
	struct open_rule r = rule_open(w, scope, NFT_SCHEMA_PREROUTING);
	match_tun(&r, NFT_META_IIFNAME, NFT_CMP_NEQ);
	load_port_key(&r);
	nft_expr_lookup(
		w, nft_schema_set(scope->family, NFT_SCHEMA_LOCAL_PORTS).name, 0, NFT_REG_1, 0);
	nft_expr_verdict(w, NFT_RETURN, NULL);
	rule_close(&r, "local-ports");

	r = rule_open(w, scope, NFT_SCHEMA_PREROUTING);
	match_tun(&r, NFT_META_IIFNAME, NFT_CMP_NEQ);
	nft_expr_immediate(w, scope->wanted->catch_all.bytes, r.info->addr_len);
	dnat(&r, 0);
	rule_close(&r, "egress-all");
}

static void write_portmap(struct nlwrite *w, const struct nft_rule_scope *scope)
{
	struct open_rule r = rule_open(w, scope, NFT_SCHEMA_PREROUTING);
	match_tun(&r, NFT_META_IIFNAME, NFT_CMP_NEQ);
	load_port_key(&r);
	nft_expr_lookup(w, nft_schema_set(scope->family, NFT_SCHEMA_EGRESS_PM).name, 0, NFT_REG_1,
		NFT_REG_1);
	dnat(&r, r.info->port_register);
	rule_close(&r, "egress-portmap");
}

static void write_prerouting(struct nlwrite *w, const struct nft_rule_scope *scope)
{
	write_by_daddr(w, scope);
	/* One backend is an element of daddr_map. */
	if (scope->wanted->backends.len >= 2)
		write_balanced(w, scope);
	if (scope->wanted->catch_all.family != IPADDR_NONE)
		write_catch_all(w, scope);
	write_portmap(w, scope);
}

static void lookup_egress_dst(struct open_rule *r)
{
	load_daddr(r);
	nft_expr_lookup(r->w, nft_schema_set(r->scope->family, NFT_SCHEMA_EGRESS_DST).name, 0,
		NFT_REG_1, 0);
}

static void write_postrouting(struct nlwrite *w, const struct nft_rule_scope *scope)
{
	if (scope->wanted->own.family == IPADDR_NONE)
		return;
	struct open_rule r = rule_open(w, scope, NFT_SCHEMA_POSTROUTING);
	match_tun(&r, NFT_META_OIFNAME, NFT_CMP_EQ);
	lookup_egress_dst(&r);
	nft_expr_immediate(w, scope->wanted->own.bytes, r.info->addr_len);
	nft_expr_nat(w, NFT_NAT_SNAT, r.info->nfproto, NFT_REG_1, 0);
	rule_close(&r, "egress-self");
}

static void write_clamp(struct nlwrite *w, const struct nft_rule_scope *scope, uint32_t direction,
	const char *comment)
{
	struct open_rule r = rule_open(w, scope, NFT_SCHEMA_MSS_CLAMP);
	match_tun(&r, direction, NFT_CMP_EQ);
	nft_expr_rt(w, NFT_RT_TCPMSS, NFT_REG_1);
	nft_expr_hton(w, NFT_REG_1, MSS_VALUE_LEN);
	nft_expr_tcpopt_write(w, TCPOPT_MAXSEG, MSS_VALUE_OFFSET, MSS_VALUE_LEN);
	rule_close(&r, comment);
}

static void write_syn_jump(struct nlwrite *w, const struct nft_rule_scope *scope)
{
	static const uint8_t tcp = IPPROTO_TCP;
	static const uint8_t mask = TCP_SYN_RST;
	static const uint8_t syn = TCP_SYN;
	struct open_rule r = rule_open(w, scope, NFT_SCHEMA_FORWARD);
	nft_expr_meta(w, NFT_META_L4PROTO, NFT_REG_1);
	nft_expr_cmp(w, NFT_CMP_EQ, &tcp, sizeof(tcp));
	nft_expr_payload(
		w, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, sizeof(mask), NFT_REG_1);
	nft_expr_bitwise(w, &mask, sizeof(mask));
	nft_expr_cmp(w, NFT_CMP_EQ, &syn, sizeof(syn));
	nft_expr_verdict(w, NFT_JUMP, nft_schema_chain(NFT_SCHEMA_MSS_CLAMP)->name);
	rule_close(&r, "syn-to-clamp");
}

/* Packets of one direction of a translated flow that would leave by another way than the tunnel. */
static struct open_rule open_guard(
	struct nlwrite *w, const struct nft_rule_scope *scope, uint8_t direction)
{
	static const uint32_t translated = IPS_DST_NAT; /* host order, as conntrack loads it */
	static const uint32_t none = 0;
	struct open_rule r = rule_open(w, scope, NFT_SCHEMA_FORWARD);
	match_tun(&r, NFT_META_OIFNAME, NFT_CMP_NEQ);
	nft_expr_ct(w, NFT_CT_DIRECTION, NFT_REG_1);
	nft_expr_cmp(w, NFT_CMP_EQ, &direction, sizeof(direction));
	nft_expr_ct(w, NFT_CT_STATUS, NFT_REG_1);
	nft_expr_bitwise(w, &translated, sizeof(translated));
	nft_expr_cmp(w, NFT_CMP_NEQ, &none, sizeof(none));
	return r;
}

static void close_guard(struct open_rule *r, const char *comment)
{
	nft_expr_counter(r->w);
	nft_expr_verdict(r->w, NF_DROP, NULL);
	rule_close(r, comment);
}

/* Addresses that only the tailnet has: 100.64.0.0/10 and fd7a:115c:a1e0::/48. */
static void match_tailnet(struct open_rule *r)
{
	static const uint8_t v4_mask[] = {0xff, 0xc0, 0, 0};
	static const uint8_t v4_range[] = {100, 64, 0, 0};
	static const uint8_t v6_range[] = {0xfd, 0x7a, 0x11, 0x5c, 0xa1, 0xe0};
	if (r->scope->family == NFT_MODEL_V4) {
		load_daddr(r);
		nft_expr_bitwise(r->w, v4_mask, sizeof(v4_mask));
		nft_expr_cmp(r->w, NFT_CMP_EQ, v4_range, sizeof(v4_range));
	} else {
		nft_expr_payload(r->w, NFT_PAYLOAD_NETWORK_HEADER, r->info->daddr_offset,
			sizeof(v6_range), NFT_REG_1);
		nft_expr_cmp(r->w, NFT_CMP_EQ, v6_range, sizeof(v6_range));
	}
}

/* Packets to a target in the tailnet, and answers of a target in the cluster to a peer. Answers of
 * a target in the tailnet come from the tunnel: they are for a client in the cluster, whatever its
 * address is. */
static void write_guards(struct nlwrite *w, const struct nft_rule_scope *scope)
{
	struct open_rule r = open_guard(w, scope, IP_CT_DIR_ORIGINAL);
	lookup_egress_dst(&r);
	close_guard(&r, "leak-guard");
	r = open_guard(w, scope, IP_CT_DIR_REPLY);
	match_tun(&r, NFT_META_IIFNAME, NFT_CMP_NEQ);
	match_tailnet(&r);
	close_guard(&r, "answer-guard");
}

void nft_rule_write_chain(
	struct nlwrite *w, const struct nft_rule_scope *scope, enum nft_schema_chain chain)
{
	switch (chain) {
	case NFT_SCHEMA_PREROUTING:
		write_prerouting(w, scope);
		break;
	case NFT_SCHEMA_POSTROUTING:
		write_postrouting(w, scope);
		break;
	case NFT_SCHEMA_MSS_CLAMP:
		write_clamp(w, scope, NFT_META_OIFNAME, "mss-out");
		write_clamp(w, scope, NFT_META_IIFNAME, "mss-in");
		break;
	case NFT_SCHEMA_FORWARD:
		write_syn_jump(w, scope);
		write_guards(w, scope);
		break;
	case NFT_SCHEMA_CHAINS:
		break;
	}
}
