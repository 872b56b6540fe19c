#include "lib/nft/nft_plan.h"

#include <string.h>

#define ALL_CHAINS ((1u << NFT_SCHEMA_CHAINS) - 1)

static void plan_full(
	struct nft_plan_family *plan, const struct nft_image *desired, enum nft_plan_kind kind)
{
	plan->kind = kind;
	plan->chains = ALL_CHAINS;
	for (int s = 0; s < NFT_SCHEMA_SETS; s++)
		nft_elem_refs_add_all(&plan->added[s], &desired->sets[s]);
}

/* Both sorted: one walk. Changed data is a removal and an addition of the same key, because the
 * kernel cannot update in place. */
static void plan_elems(struct nft_plan_family *plan, int set, const struct nft_elems *desired,
	const struct nft_elems *actual)
{
	size_t want = 0;
	size_t have = 0;
	while (want < desired->len || have < actual->len) {
		int order = 0;
		if (want == desired->len)
			order = 1;
		else if (have == actual->len)
			order = -1;
		else
			order = memcmp(desired->items[want].key, actual->items[have].key,
				NFT_SCHEMA_KEY_MAX);
		bool is_same =
			order == 0 && nft_elem_is_same(&desired->items[want], &actual->items[have]);
		if (order >= 0 && !is_same)
			nft_elem_refs_add(&plan->removed[set], &actual->items[have]);
		if (order <= 0 && !is_same)
			nft_elem_refs_add(&plan->added[set], &desired->items[want]);
		want += order <= 0;
		have += order >= 0;
	}
}

static bool elems_equal(const struct nft_elems *a, const struct nft_elems *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		if (!nft_elem_is_same(&a->items[i], &b->items[i]))
			return false;
	}
	return true;
}

static void plan_delta(struct nft_plan_family *plan, const struct nft_image *desired,
	const struct nft_image *actual)
{
	for (int c = 0; c < NFT_SCHEMA_CHAINS; c++) {
		if (!strv_equal(&desired->rules[c], &actual->rules[c]))
			plan->chains |= 1u << c;
	}
	/* The map of backends is anonymous: it is made and removed with its rule. */
	if (!elems_equal(&desired->backends, &actual->backends))
		plan->chains |= 1u << NFT_SCHEMA_PREROUTING;
	size_t elements = 0;
	for (int s = 0; s < NFT_SCHEMA_SETS; s++) {
		plan_elems(plan, s, &desired->sets[s], &actual->sets[s]);
		elements += plan->removed[s].len + plan->added[s].len;
	}
	if (plan->chains != 0 || elements > 0)
		plan->kind = NFT_PLAN_DELTA;
}

void nft_plan_make(struct nft_plan *plan, const struct nft_desired *desired,
	const struct nft_image *const actual[NFT_MODEL_FAMILIES])
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		const struct nft_image *want = &desired->images[f];
		if (!want->has_table)
			continue; /* this kernel lacks the family: left alone */
		if (actual[f] == NULL || !actual[f]->has_table)
			plan_full(&plan->families[f], want, NFT_PLAN_FULL);
		else if (!actual[f]->is_schema_current)
			plan_full(&plan->families[f], want, NFT_PLAN_REBUILD);
		else
			plan_delta(&plan->families[f], want, actual[f]);
	}
}

void nft_plan_make_removal(
	struct nft_plan *plan, const struct nft_image *const actual[NFT_MODEL_FAMILIES])
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		if (actual[f] != NULL && actual[f]->has_table)
			plan->families[f].kind = NFT_PLAN_REMOVE;
	}
}

void nft_plan_make_new(
	struct nft_plan *plan, const struct nft_desired *desired, enum nft_model_family family)
{
	plan_full(&plan->families[family], &desired->images[family], NFT_PLAN_CREATE);
}

void nft_plan_escalate(struct nft_plan *plan)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		if (plan->families[f].kind == NFT_PLAN_FULL)
			plan->families[f].kind = NFT_PLAN_REBUILD;
	}
}

void nft_plan_fini(struct nft_plan *plan)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		for (int s = 0; s < NFT_SCHEMA_SETS; s++) {
			nft_elem_refs_fini(&plan->families[f].removed[s]);
			nft_elem_refs_fini(&plan->families[f].added[s]);
		}
	}
	*plan = (struct nft_plan){0};
}

bool nft_plan_is_empty(const struct nft_plan *plan)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		if (plan->families[f].kind != NFT_PLAN_NONE)
			return false;
	}
	return true;
}

bool nft_plan_is_structural(const struct nft_plan *plan)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		const struct nft_plan_family *family = &plan->families[f];
		if (family->kind == NFT_PLAN_FULL || family->kind == NFT_PLAN_REBUILD ||
			family->chains != 0)
			return true;
	}
	return false;
}

size_t nft_plan_elements(const struct nft_plan *plan)
{
	size_t sum = 0;
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		for (int s = 0; s < NFT_SCHEMA_SETS; s++)
			sum += plan->families[f].removed[s].len + plan->families[f].added[s].len;
	}
	return sum;
}
