#include "lib/nft/nft_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "lib/base/mem.h"

#define FIRST_CAP 16

void nft_image_init(struct nft_image *image)
{
	*image = (struct nft_image){0};
}

void nft_image_fini(struct nft_image *image)
{
	for (int set = 0; set < NFT_SCHEMA_SETS; set++)
		nft_elems_fini(&image->sets[set]);
	nft_elems_fini(&image->backends);
	for (int chain = 0; chain < NFT_SCHEMA_CHAINS; chain++)
		strv_fini(&image->rules[chain]);
	free(image->owner);
	*image = (struct nft_image){0};
}

void nft_elems_add(struct nft_elems *elems, const struct nft_elem *elem)
{
	elems->items =
		xgrow(elems->items, elems->len, &elems->cap, FIRST_CAP, sizeof(*elems->items));
	elems->items[elems->len] = *elem;
	elems->items[elems->len++].comment = xstrdup(elem->comment);
}

static int compare_elems(const void *left, const void *right, void *first)
{
	const struct nft_elem *a = left;
	const struct nft_elem *b = right;
	(void)first;
	return memcmp(a->key, b->key, sizeof(a->key));
}

void nft_elems_sort(struct nft_elems *elems)
{
	/* glibc's qsort is a stable merge sort, and no two elements of a set have the same key
	 * anyway. */
	if (elems->len > 1)
		qsort_r(elems->items, elems->len, sizeof(*elems->items), compare_elems, NULL);
}

const struct nft_elem *nft_elems_find(const struct nft_elems *elems, const uint8_t *key)
{
	size_t low = 0;
	size_t high = elems->len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(elems->items[middle].key, key, NFT_SCHEMA_KEY_MAX);
		if (order == 0)
			return &elems->items[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void nft_elems_fini(struct nft_elems *elems)
{
	for (size_t i = 0; i < elems->len; i++)
		free(elems->items[i].comment);
	free(elems->items);
	*elems = (struct nft_elems){0};
}

void nft_elem_refs_add(struct nft_elem_refs *refs, const struct nft_elem *elem)
{
	refs->items = xgrow(
		refs->items, refs->len, &refs->cap, FIRST_CAP, sizeof(const struct nft_elem *));
	refs->items[refs->len++] = elem;
}

void nft_elem_refs_add_all(struct nft_elem_refs *refs, const struct nft_elems *elems)
{
	for (size_t i = 0; i < elems->len; i++)
		nft_elem_refs_add(refs, &elems->items[i]);
}

void nft_elem_refs_fini(struct nft_elem_refs *refs)
{
	free(refs->items);
	*refs = (struct nft_elem_refs){0};
}

bool nft_elem_is_same(const struct nft_elem *a, const struct nft_elem *b)
{
	const char *left = a->comment != NULL ? a->comment : "";
	const char *right = b->comment != NULL ? b->comment : "";
	return memcmp(a->key, b->key, sizeof(a->key)) == 0 &&
	       memcmp(a->data, b->data, sizeof(a->data)) == 0 && strcmp(left, right) == 0;
}

const char *nft_elem_format(enum nft_model_family family, enum nft_schema_set set,
	const uint8_t *key, char out[static NFT_ELEM_TEXT_MAX])
{
	if (set == NFT_SCHEMA_EGRESS_PM || set == NFT_SCHEMA_LOCAL_PORTS) {
		const char *proto = key[0] == IPPROTO_TCP ? "tcp" : "udp";
		if (key[0] != IPPROTO_TCP && key[0] != IPPROTO_UDP)
			proto = "protocol?";
		snprintf(out, NFT_ELEM_TEXT_MAX, "%s %d", proto, key[4] << 8 | key[5]);
	} else if (set == NFT_SCHEMA_BACKENDS) {
		uint32_t number;
		memcpy(&number, key, sizeof(number));
		snprintf(out, NFT_ELEM_TEXT_MAX, "%u", number);
	} else {
		int af = family == NFT_MODEL_V4 ? AF_INET : AF_INET6;
		if (inet_ntop(af, key, out, NFT_ELEM_TEXT_MAX) == NULL)
			snprintf(out, NFT_ELEM_TEXT_MAX, "?");
	}
	return out;
}

/* Both sorted: the first place where they part. */
static bool elems_differ(enum nft_model_family family, enum nft_schema_set set,
	const struct nft_elems *desired, const struct nft_elems *actual, char *why, size_t size)
{
	char key[NFT_ELEM_TEXT_MAX];
	const char *name = nft_schema_set(family, set).name;
	size_t i = 0;
	while (i < desired->len && i < actual->len &&
		nft_elem_is_same(&desired->items[i], &actual->items[i]))
		i++;
	if (i == desired->len && i == actual->len)
		return false;
	/* A side that is exhausted sorts after everything else. */
	int order = i == actual->len ? -1 : 1;
	if (i < desired->len && i < actual->len)
		order = memcmp(
			desired->items[i].key, actual->items[i].key, sizeof(desired->items[i].key));
	if (order < 0)
		snprintf(why, size, "%s lacks %s", name,
			nft_elem_format(family, set, desired->items[i].key, key));
	else if (order > 0)
		snprintf(why, size, "%s has %s, which is not ours", name,
			nft_elem_format(family, set, actual->items[i].key, key));
	else
		snprintf(why, size, "%s has other data for %s", name,
			nft_elem_format(family, set, actual->items[i].key, key));
	return true;
}

bool nft_image_differs(enum nft_model_family family, const struct nft_image *desired,
	const struct nft_image *actual, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s", "");
	if (!desired->has_table && !actual->has_table)
		return false;
	if (desired->has_table != actual->has_table) {
		snprintf(why, why_size, "the table is %s", actual->has_table ? "there" : "missing");
		return true;
	}
	if (!actual->is_schema_current) {
		snprintf(why, why_size, "sets or chains are not as they were made");
		return true;
	}
	for (int c = 0; c < NFT_SCHEMA_CHAINS; c++) {
		if (!strv_equal(&desired->rules[c], &actual->rules[c])) {
			snprintf(why, why_size, "the rules of %s are others",
				nft_schema_chain((enum nft_schema_chain)c)->name);
			return true;
		}
	}
	for (int s = 0; s < NFT_SCHEMA_SETS; s++) {
		if (elems_differ(family, (enum nft_schema_set)s, &desired->sets[s],
			    &actual->sets[s], why, why_size))
			return true;
	}
	return elems_differ(
		family, NFT_SCHEMA_BACKENDS, &desired->backends, &actual->backends, why, why_size);
}
