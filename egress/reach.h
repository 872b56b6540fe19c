/*
 * Whether this node can reach a target: the target's family needs a firewall and an own address.
 * Pure.
 */
#ifndef EGRESS_REACH_H
#define EGRESS_REACH_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/nft/nft_model.h"

/* Size of a list of addresses as Go prints prefixes; a longer list is truncated. */
#define REACH_LIST_MAX 256

/* 0, -EINVAL for an unusable address, -EAFNOSUPPORT for a family without a firewall,
 * -EADDRNOTAVAIL for one without an own address in w. */
int reach_check(const struct nft_wanted *w, const struct ipaddr *target, struct err *e) MUST_CHECK;

/* Adds the first reachable address of each family to out, in the order of the list. Returns 0 with
 * *e cleared when no family was left out; otherwise the code and sentence of the first one left
 * out. */
int reach_pick(const struct nft_wanted *w, const struct nft_addresses *list,
	struct nft_addresses *out, struct err *e);

/* "[100.64.0.2/32 fd7a::2/128]" */
const char *reach_format(const struct nft_addresses *list, char out[static REACH_LIST_MAX]);
/* The own addresses of families with a firewall. */
const char *reach_format_own(const struct nft_wanted *w, char out[static REACH_LIST_MAX]);

#endif
