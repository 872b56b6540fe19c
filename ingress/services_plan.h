/*
 * The pure part of the ingress services: which configuration is in force, what of it goes to the
 * firewall, and what of that stands.
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

/* What was contributed once. */
struct ingress_share {
	struct ingress_config config; /* services with those mappings only that were added */
	struct strv refused;          /* "NAME: reason" of mappings that cannot be, sorted */
	size_t unserved;              /* mappings of a family that the firewall does not serve */
	char *first_unserved;         /* name of the first service with one */
	struct err why_unserved;
};
void ingress_share_fini(struct ingress_share *share);

/* Of each service of the document: itself, or while it is at fault what it was before. out is
 * overwritten. */
void ingress_plan_merge(const struct ingress_config *before, const struct ingress_config *document,
	struct ingress_config *out);
bool ingress_plan_equal(const struct ingress_config *a, const struct ingress_config *b);
/* "NAME: reason" of the services at fault, sorted. Added to out. */
void ingress_plan_faults(const struct ingress_config *document, struct strv *out);

/* Adds the pairs to w. A service of which nothing could be added is not in the share. out is
 * overwritten. */
void ingress_plan_contribute(
	const struct ingress_config *config, struct nft_wanted *w, struct ingress_share *out);
/* Takes out the mappings whose address went to another service. */
void ingress_plan_settle(
	struct ingress_share *share, const struct nft_conflict *conflicts, size_t count);

#endif
