/*
 * Can this node reach a target? Its family must have a firewall here and an own address. Pure.
 */
#ifndef EGRESS_REACH_H
#define EGRESS_REACH_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/nft/nft_model.h"

/* Bytes of a list of addresses as Go prints prefixes, cut when there are more. */
#define REACH_LIST_MAX 256

/* 0, -EINVAL for an address nothing can be, -EAFNOSUPPORT for a family without firewall,
 * -EADDRNOTAVAIL for one without an own address in w. */
int reach_check(const struct nft_wanted *w, const struct ipaddr *target, struct err *e) MUST_CHECK;

/* Of each family the first address that can be reached, added to out in the order of the list.
 * Returns 0 with *e cleared when no family was left out; else the code and sentence of the first
 * one that was. */
int reach_pick(const struct nft_wanted *w, const struct nft_addresses *list,
	struct nft_addresses *out, struct err *e);

/* "[100.64.0.2/32 fd7a::2/128]" */
const char *reach_format(const struct nft_addresses *list, char out[static REACH_LIST_MAX]);
/* The own addresses of families with a firewall. */
const char *reach_format_own(const struct nft_wanted *w, char out[static REACH_LIST_MAX]);

#endif
