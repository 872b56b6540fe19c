/*
 * What the firewall shall do for the egress services, and the status that says so. Pure: rows,
 * network map and own addresses in; port maps, what has changed and a text out.
 *
 *	egress_plan_make(&rows, netmap, w);        where does each service lead?
 *	egress_plan_contribute(&rows, w);          as port maps
 *	... when the kernel holds them:
 *	text = egress_plan_status(&rows, &conflicts, pod_ipv4, pod_ipv6, &count);
 */
#ifndef EGRESS_SERVICES_PLAN_H
#define EGRESS_SERVICES_PLAN_H

#include <stddef.h>

#include "egress/resolve.h"

struct egress_conflicts;
struct egress_row;
struct egress_rows;

/* Settles each row, and tells in it what has changed. A row whose target may only be unknown yet
 * keeps what it has. Drops what is removed. w has families and own addresses. */
void egress_plan_make(
	struct egress_rows *rows, const struct egress_netmap *netmap, const struct nft_wanted *w);
/* Adds the port maps, and targets of before that still exist. A row whose port maps are refused
 * after all has it in its note. */
void egress_plan_contribute(struct egress_rows *rows, struct nft_wanted *w);

/* Adds what peers have to be asked for, each name once. */
void egress_plan_wants(const struct egress_rows *rows, const struct records *records,
	struct strv *names, struct nft_addresses *routes);

/* The status of what was contributed; *count receives how many services it has. Caller frees. */
char *egress_plan_status(const struct egress_rows *rows, const struct egress_conflicts *conflicts,
	const char *pod_ipv4, const char *pod_ipv6, size_t *count);

/* What is wrong with a row in one sentence, or NULL. Borrowed from the row. */
const char *egress_plan_failure(const struct egress_row *row);

#endif
