/*
 * The expressions of a rule (linux/netfilter/nf_tables.h), one function each. All are called while
 * the list of expressions of a rule is open in the writer; registers are those of the kernel's
 * numbering, NFT_REG_1 to NFT_REG32_15.
 */
#ifndef LIB_NFT_NFT_EXPR_H
#define LIB_NFT_NFT_EXPR_H

#include <stddef.h>
#include <stdint.h>

#include "lib/nft/nlwrite.h"

/* A value, as expressions and elements hold one. */
void nft_expr_data(struct nlwrite *w, uint16_t type, const void *data, size_t len);

void nft_expr_meta(struct nlwrite *w, uint32_t key, uint32_t dreg);
void nft_expr_cmp(struct nlwrite *w, uint32_t op, const void *data, size_t len);
void nft_expr_payload(
	struct nlwrite *w, uint32_t base, uint32_t offset, uint32_t len, uint32_t dreg);
/* Register 1 and mask compared with nothing set, for flags. */
void nft_expr_bitwise(struct nlwrite *w, const void *mask, size_t len);
/* dreg 0: a set, which only matches. set_id 0: a set that is known by its name. */
void nft_expr_lookup(
	struct nlwrite *w, const char *set, uint32_t set_id, uint32_t sreg, uint32_t dreg);
/* port_reg 0: the port stays. */
void nft_expr_nat(
	struct nlwrite *w, uint32_t type, uint32_t family, uint32_t addr_reg, uint32_t port_reg);
void nft_expr_numgen_inc(struct nlwrite *w, uint32_t modulus, uint32_t dreg);
void nft_expr_immediate(struct nlwrite *w, const void *data, size_t len);
/* NFT_RETURN, NF_DROP, or NFT_JUMP with the name of a chain. */
void nft_expr_verdict(struct nlwrite *w, int code, const char *chain);
void nft_expr_rt(struct nlwrite *w, uint32_t key, uint32_t dreg);
void nft_expr_hton(struct nlwrite *w, uint32_t reg, uint32_t len);
/* Writes register 1 into a TCP option. */
void nft_expr_tcpopt_write(struct nlwrite *w, uint8_t option, uint32_t offset, uint32_t len);
/* The direction of the flow is not matched. */
void nft_expr_ct(struct nlwrite *w, uint32_t key, uint32_t dreg);
void nft_expr_counter(struct nlwrite *w);

#endif
