/*
 * The desired firewall state of the egress services, and the status that describes it. Pure: rows,
 * network map and own addresses in; port maps, changes and a text out.
 *
 *	egress_plan_make(&rows, netmap, w);        resolves each service
 *	egress_plan_contribute(&rows, w);          as port maps
 *	... when the kernel holds them:
 *	egress_plan_release(&rows, &answers);
 *	text = egress_plan_status(&rows, &conflicts, pod_ipv4, pod_ipv6, &count);
 */
#ifndef EGRESS_SERVICES_PLAN_H
#define EGRESS_SERVICES_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "egress/resolve.h"

struct egress_answers;
struct egress_conflicts;
struct egress_row;
struct egress_rows;

/* Resolves each row and records in it what has changed. A row whose target may just not be known
 * yet keeps what it has. Drops removed rows. w has families and own addresses. */
void egress_plan_make(
	struct egress_rows *rows, const struct egress_netmap *netmap, const struct nft_wanted *w);
/* Adds the port maps, and former targets that still exist. When the port maps of a row are
 * refused, its note says so. */
void egress_plan_contribute(struct egress_rows *rows, struct nft_wanted *w);

/* Adds what to request from the peers, each name once. */
void egress_plan_wants(const struct egress_rows *rows, const struct records *records,
	struct strv *names, struct nft_addresses *routes);

/* Marks the services that may be published: all targets have answered, or are not waited for any
 * longer; answers NULL: none is waited for. A service stays published until it has another target.
 * True when services are withheld. */
bool egress_plan_release(struct egress_rows *rows, const struct egress_answers *answers);
/* The status of what was contributed, without services that are withheld; *count receives the
 * number of its services. Caller frees. */
char *egress_plan_status(const struct egress_rows *rows, const struct egress_conflicts *conflicts,
	const char *pod_ipv4, const char *pod_ipv6, size_t *count);

/* What is wrong with a row in one sentence, or NULL. Borrowed from the row. */
const char *egress_plan_failure(const struct egress_row *row);

#endif
