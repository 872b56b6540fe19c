/*
 * The pure part of the ingress services: which configuration is in force, which part of it is
 * passed to the firewall, and which part of that is applied.
 */
#ifndef INGRESS_SERVICES_PLAN_H
#define INGRESS_SERVICES_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/contract/ingress_config.h"

struct nft_conflict;
struct nft_wanted;

/* One contribution. */
struct ingress_share {
	struct ingress_config config; /* services with only those mappings that were added */
	struct strv refused;          /* "NAME: reason" of impossible mappings, sorted */
	size_t unserved;              /* mappings of a family that the firewall does not serve */
	char *first_unserved;         /* the first service with one */
	struct err why_unserved;
};
void ingress_share_fini(struct ingress_share *share);

/* Each service of the document, or its last good version while it is faulty. out is overwritten.
 */
void ingress_plan_merge(const struct ingress_config *before, const struct ingress_config *document,
	struct ingress_config *out);
bool ingress_plan_equal(const struct ingress_config *a, const struct ingress_config *b);
/* Adds "NAME: reason" of the faulty services to out, sorted. */
void ingress_plan_faults(const struct ingress_config *document, struct strv *out);

/* Adds the pairs to w. A service without any added mapping is not in the share. out is
 * overwritten. */
void ingress_plan_contribute(
	const struct ingress_config *config, struct nft_wanted *w, struct ingress_share *out);
/* Removes the mappings whose address was given to another service. */
void ingress_plan_drop_lost(
	struct ingress_share *share, const struct nft_conflict *conflicts, size_t count);

#endif
