/*
 * Ports that two egress services claim: the first by name gets it, the other is listed here. As
 * reported by the firewall, without duplicates. Pure.
 */
#ifndef EGRESS_SERVICES_CONFLICTS_H
#define EGRESS_SERVICES_CONFLICTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nft_result;

struct egress_conflict {
	char *service; /* without the port */
	char *winner;
	uint8_t proto;
	uint16_t match;
};

struct egress_conflicts {
	struct egress_conflict *items; /* sorted by service, proto, match */
	size_t len;
};

/* Fills a zeroed struct. Conflicts about addresses are not ours. */
void egress_conflicts_read(struct egress_conflicts *c, const struct nft_result *result);
void egress_conflicts_fini(struct egress_conflicts *c);

/* The one about a port, or the first one of a service; NULL when there is none. */
const struct egress_conflict *egress_conflicts_find(
	const struct egress_conflicts *c, const char *service, uint8_t proto, uint16_t match);
const struct egress_conflict *egress_conflicts_first(
	const struct egress_conflicts *c, const char *service);
/* Whether the same port of the same service was lost to the same winner. */
bool egress_conflicts_contain(
	const struct egress_conflicts *c, const struct egress_conflict *conflict);
bool egress_conflicts_equal(const struct egress_conflicts *a, const struct egress_conflicts *b);
/* "tcp port 80 is served by web" */
#define EGRESS_CONFLICT_TEXT_MAX 320
const char *egress_conflict_format(
	const struct egress_conflict *conflict, char out[static EGRESS_CONFLICT_TEXT_MAX]);

#endif
