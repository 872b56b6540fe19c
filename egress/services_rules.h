/*
 * What a new plan changes for one service, rule by rule: a rule is a port that leads to an address.
 * Pure.
 */
#ifndef EGRESS_SERVICES_RULES_H
#define EGRESS_SERVICES_RULES_H

#include "egress/services_rows.h"

/* Counts in the row the rules added and deleted when its wanted version leads to `now`, and lists
 * the first of them in added and deleted. To be called before the row gets its new targets. */
void services_rules_compare(struct egress_row *row, const struct nft_addresses *now,
	struct egress_rules *added, struct egress_rules *deleted);

#endif
