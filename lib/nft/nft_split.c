#include "lib/nft/nft_split.h"

#include <string.h>

#include "lib/base/mem.h"

/* An IPv6 element without a comment is 60 bytes; a batch has some more around them. */
#define ELEM_BYTES 64
#define BATCH_BYTES 8192
/* No buffer is that small, and each piece must make progress. */
#define CAPACITY_MIN 16
/* Changes of these are included with the rules as long as both are certain to fit. */
#define WITH_RULES_MAX 1024

enum action {
	ACT_PREPARE,
	ACT_ADD,
	ACT_RULES,
	ACT_CHANGE,
	ACT_ENABLE,
	ACT_REMOVE,
};

static const struct step {
	enum action action;
	enum nft_schema_set set;
} steps[] = {
	{ACT_PREPARE, NFT_SCHEMA_SETS},
	{ACT_ADD, NFT_SCHEMA_EGRESS_DST},
	{ACT_RULES, NFT_SCHEMA_SETS},
	{ACT_CHANGE, NFT_SCHEMA_LOCAL_PORTS},
	{ACT_CHANGE, NFT_SCHEMA_DADDR_MAP},
	{ACT_CHANGE, NFT_SCHEMA_EGRESS_PM},
	{ACT_ENABLE, NFT_SCHEMA_SETS},
	{ACT_REMOVE, NFT_SCHEMA_EGRESS_DST},
};

void nft_split_init(struct nft_split *split, const struct nft_plan *whole, size_t bytes)
{
	size_t room = bytes > BATCH_BYTES ? (bytes - BATCH_BYTES) / ELEM_BYTES : 0;
	*split = (struct nft_split){
		.whole_ref = whole, .capacity = room > CAPACITY_MIN ? room : CAPACITY_MIN};
}

static bool is_new(const struct nft_plan_family *plan)
{
	return plan->kind == NFT_PLAN_FULL || plan->kind == NFT_PLAN_REBUILD;
}

/* One key: its removal, its addition, or both. */
static size_t move_key(struct nft_split *s, const struct nft_plan_family *from,
	struct nft_plan_family *to, enum nft_schema_set set)
{
	const struct nft_elem_refs *removed = &from->removed[set];
	const struct nft_elem_refs *added = &from->added[set];
	enum action action = steps[s->step].action;
	bool may_remove = action != ACT_ADD && s->removed_at < removed->len;
	bool may_add = action != ACT_REMOVE && s->added_at < added->len;
	int order = may_remove ? -1 : 1;
	if (may_remove && may_add)
		order = memcmp(removed->items[s->removed_at]->key, added->items[s->added_at]->key,
			NFT_SCHEMA_KEY_MAX);
	if (may_remove && order <= 0)
		nft_elem_refs_add(&to->removed[set], removed->items[s->removed_at++]);
	if (may_add && order >= 0)
		nft_elem_refs_add(&to->added[set], added->items[s->added_at++]);
	to->kind = may_remove || may_add ? NFT_PLAN_DELTA : to->kind;
	return (size_t)(may_remove && order <= 0) + (size_t)(may_add && order >= 0);
}

/* Fills the piece from the set of this step; true when it is full and there may be more. */
static bool move_elements(struct nft_split *s, struct nft_plan *piece)
{
	enum nft_schema_set set = steps[s->step].set;
	size_t count = 0;
	while (s->family < NFT_MODEL_FAMILIES) {
		const struct nft_plan_family *from = &s->whole_ref->families[s->family];
		size_t moved = 0;
		if ((s->included[s->family] & 1u << set) == 0)
			moved = move_key(s, from, &piece->families[s->family], set);
		count += moved;
		if (count + 1 >= s->capacity)
			return true;
		if (moved > 0)
			continue;
		s->family++;
		s->removed_at = 0;
		s->added_at = 0;
	}
	return false;
}

static void add_all(struct nft_elem_refs *to, const struct nft_elem_refs *from)
{
	for (size_t i = 0; i < from->len; i++)
		nft_elem_refs_add(to, from->items[i]);
}

/* Changed rules, and with them the sets that are best changed at the same moment. */
static void move_rules(struct nft_split *s, int family, struct nft_plan_family *to)
{
	static const enum nft_schema_set sets[] = {NFT_SCHEMA_LOCAL_PORTS, NFT_SCHEMA_DADDR_MAP};
	const struct nft_plan_family *from = &s->whole_ref->families[family];
	if (from->kind != NFT_PLAN_DELTA || from->chains == 0)
		return;
	to->kind = NFT_PLAN_DELTA;
	to->chains = from->chains;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		enum nft_schema_set set = sets[i];
		size_t count = from->removed[set].len + from->added[set].len;
		if (count > WITH_RULES_MAX || count > s->capacity / 4)
			continue;
		add_all(&to->removed[set], &from->removed[set]);
		add_all(&to->added[set], &from->added[set]);
		s->included[family] |= 1u << set;
	}
}

static void move_structure(struct nft_split *s, enum action action, struct nft_plan *piece)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		struct nft_plan_family *to = &piece->families[f];
		const struct nft_plan_family *from = &s->whole_ref->families[f];
		if (action == ACT_RULES)
			move_rules(s, f, to);
		else if (is_new(from) && action == ACT_PREPARE)
			to->kind = NFT_PLAN_PREPARE;
		else if (is_new(from))
			*to = (struct nft_plan_family){
				.kind = NFT_PLAN_ENABLE, .chains = from->chains};
		else if (from->kind == NFT_PLAN_REMOVE && action == ACT_ENABLE)
			to->kind = NFT_PLAN_REMOVE;
	}
}

bool nft_split_next(struct nft_split *s, struct nft_plan *piece)
{
	while (s->step < ARRAY_LEN(steps)) {
		enum action action = steps[s->step].action;
		bool is_elements =
			action == ACT_ADD || action == ACT_CHANGE || action == ACT_REMOVE;
		if (is_elements && move_elements(s, piece))
			return true;
		if (!is_elements)
			move_structure(s, action, piece);
		s->step++;
		s->family = 0;
		s->removed_at = 0;
		s->added_at = 0;
		if (!nft_plan_is_empty(piece))
			return true;
	}
	return false;
}
