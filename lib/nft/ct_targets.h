/*
 * Addresses that flows may lead to, each with its uses in the rules: one sorted set, so that a flow
 * costs one search however many services there are. Pure.
 *
 *	ct_targets_add(&t, &addr, CT_TARGET_NOW);	any order, any number of times
 *	ct_targets_sort(&t);				before the first ct_targets_uses
 */
#ifndef LIB_NFT_CT_TARGETS_H
#define LIB_NFT_CT_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ipaddr.h"

enum ct_target_use {
	CT_TARGET_NOW = 1 << 0,         /* something is translated to it */
	CT_TARGET_BACKEND = 1 << 1,     /* one of several that connections are spread over */
	CT_TARGET_LIVE = 1 << 2,        /* no target any more, but it is there */
	CT_TARGET_BEFORE = 1 << 3,      /* something was translated to it */
	CT_TARGET_WAS_BACKEND = 1 << 4, /* of a name, alone or one of several */
	CT_TARGET_WAS_OWN = 1 << 5,     /* the source of flows was translated to it */
};

/* Family and address, so that one comparison of bytes orders all of them. */
#define CT_TARGET_KEY_LEN 17

struct ct_target {
	uint8_t key[CT_TARGET_KEY_LEN];
	uint8_t uses; /* bits of enum ct_target_use */
};

/* Zeroed = empty. */
struct ct_targets {
	struct ct_target *items;
	size_t len;
	size_t cap;
};

void ct_targets_add(struct ct_targets *t, const struct ipaddr *addr, unsigned int uses);
void ct_targets_add_all(struct ct_targets *t, const struct ct_targets *from);
/* One item for each address, with all of its uses. */
void ct_targets_sort(struct ct_targets *t);
void ct_targets_fini(struct ct_targets *t);

/* All uses of an address, 0 when it has none. */
unsigned int ct_targets_uses(const struct ct_targets *t, const struct ipaddr *addr);

bool ct_target_is(const struct ct_target *target, const struct ipaddr *addr);
bool ct_target_is_of(const struct ct_target *target, enum ipaddr_family family);

#endif
