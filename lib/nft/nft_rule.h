/*
 * The rules of a family, chain by chain: the desired state becomes NEWRULE messages. The number of
 * rules is fixed; everything that grows is in sets and maps (nft_schema.h).
 *
 *	prerouting:	dnat to ip daddr map @daddr_map
 *	 two backends	ip daddr FROM dnat to numgen inc mod N map { 0 : B0, … }
 *	 all egress	iifname != TUN meta l4proto . th dport @local_ports return
 *			iifname != TUN dnat to TARGET
 *			iifname != TUN dnat ip to meta l4proto . th dport map @egress_pm
 *	postrouting:
 *	 own address	oifname TUN ip daddr @egress_dst snat to OWN
 *	mss_clamp:	oifname TUN tcp option maxseg size set rt mtu
 *			iifname TUN tcp option maxseg size set rt mtu
 *	forward:	tcp flags syn / syn,rst jump mss_clamp
 *			oifname != TUN ct direction original ct status dnat
 *			  ip daddr @egress_dst counter drop
 *			oifname != TUN ct direction reply ct status dnat
 *			  iifname != TUN ip daddr 100.64.0.0/10 counter drop
 *
 * The last two are the guards against leaks: without the tunnel, neither packets to a target in the
 * tailnet nor the answers of a target in the cluster to a peer may leave. Peers are recognized by
 * the ranges of the tailnet, so that a client in the cluster that reaches an address of ours by
 * another way gets its answers that way. Packets from the tunnel are for clients in the cluster,
 * also where Pods have addresses of these ranges.
 */
#ifndef LIB_NFT_NFT_RULE_H
#define LIB_NFT_NFT_RULE_H

#include "lib/nft/nft_model.h"
#include "lib/nft/nft_schema.h"
#include "lib/nft/nlwrite.h"

/* What the rules of one family are made from; all borrowed. */
struct nft_rule_scope {
	enum nft_model_family family;
	const char *table; /* NFT_SCHEMA_TABLE but for the probe */
	const char *tun;
	const struct nft_wanted_family *wanted;
};

/* Appends the messages that fill an empty chain; with prerouting, the anonymous map it needs. */
void nft_rule_write_chain(
	struct nlwrite *w, const struct nft_rule_scope *scope, enum nft_schema_chain chain);

#endif
