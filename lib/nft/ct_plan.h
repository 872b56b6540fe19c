/*
 * Which flows may go on after the rules have changed. NAT is decided once for each flow, so an
 * entry of conntrack may still translate as the rules before did, or not at all. Pure.
 *
 *	no translation, but there is one now, UDP		ends, or its sender is never served
 *	another translation than now, UDP			ends
 *	another translation than now, TCP			ends when nothing translates it any
 *								more or its target is gone
 *	source translated to an address we no longer have	ends
 *	the same translation, or an unknown target		goes on, always
 */
#ifndef LIB_NFT_CT_PLAN_H
#define LIB_NFT_CT_PLAN_H

#include <stdbool.h>

#include "lib/nft/ct_entry.h"
#include "lib/nft/nft_compile.h"
#include "lib/nft/nft_image.h"
#include "lib/nft/nft_model.h"

/* Before and now, all borrowed. before[f] NULL or without a table = nothing of ours was there. */
struct ct_view {
	const struct nft_image *before[NFT_MODEL_FAMILIES];
	const struct nft_desired *now;
	const struct nft_wanted *wanted;
	bool has_changed[NFT_MODEL_FAMILIES]; /* others go on, and are not even read */
};

enum ct_verdict {
	CT_KEEP_FOREIGN, /* not ours */
	CT_KEEP_SAME,    /* translated as it would be now */
	CT_KEEP_LIVE,    /* a TCP flow to a target that still exists */
	CT_END_UNTRANSLATED,
	CT_END_CHANGED,
	CT_END_GONE,
	CT_END_SOURCE,
};

enum ct_verdict ct_plan_judge(const struct ct_view *view, const struct ct_entry *entry);
/* Whether any entry of the family can be judged to end: not while nothing is translated, as in a
 * new pod without services. */
bool ct_plan_can_end(const struct ct_view *view, enum nft_model_family family);
bool ct_verdict_is_end(enum ct_verdict verdict);

#endif
