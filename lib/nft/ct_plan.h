/*
 * Which flows may go on after the rules have changed. NAT is decided once for each flow, so an
 * entry of conntrack may still translate as the rules before did, or not at all. Pure.
 *
 *	no translation, but there is one now, UDP		ends, else it is never served
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
#include "lib/nft/ct_targets.h"
#include "lib/nft/nft_compile.h"
#include "lib/nft/nft_image.h"
#include "lib/nft/nft_model.h"

/* What the rules did since flows were last made to follow them, over any number of changes: kept
 * until a pass over all flows has succeeded. Zeroed = no pass is pending. */
struct ct_past {
	bool has_changed[NFT_MODEL_FAMILIES];
	struct ct_targets targets; /* of families that have changed; sorted */
};

/* The rules of a family are about to be replaced, or were just now. balanced_from as it is now. */
void ct_past_add(struct ct_past *past, enum nft_model_family family, const struct nft_image *before,
	const struct ipaddr *balanced_from);
bool ct_past_is_pending(const struct ct_past *past);
void ct_past_fini(struct ct_past *past);

/* What one pass over all flows compares them with. */
struct ct_view {
	struct ct_targets targets; /* past, present and live ones */
	const struct nft_desired *now_ref;
	const struct nft_wanted *wanted_ref;
	bool has_changed[NFT_MODEL_FAMILIES]; /* flows of an unchanged family are not read */
};

/* Past is copied, the other two are borrowed until ct_view_fini. */
void ct_view_init(struct ct_view *view, const struct ct_past *past, const struct nft_desired *now,
	const struct nft_wanted *wanted);
void ct_view_fini(struct ct_view *view);

enum ct_verdict {
	CT_KEEP_FOREIGN, /* not ours */
	CT_KEEP_SAME,    /* translated as it would be now */
	CT_KEEP_LIVE,    /* a TCP flow to a target that still exists */
	CT_END_UNTRANSLATED,
	CT_END_CHANGED,
	CT_END_GONE,
	CT_END_SOURCE,
};

/* Some searches in sorted sets, however many rules there are. */
enum ct_verdict ct_plan_decide(const struct ct_view *view, const struct ct_entry *entry);
/* Whether any flow of the family may have to end. False while nothing is translated, as in a new
 * pod without services. */
bool ct_plan_can_end(const struct ct_view *view, enum nft_model_family family);
bool ct_verdict_is_end(enum ct_verdict verdict);

#endif
