/*
 * The egress services as they are wanted: the newest version of each that has no fault, the version
 * the firewall carries out while the newest cannot be, and where its traffic goes. Pure data, and
 * how a document as it was read is taken into it.
 *
 * A version that is new is `wanted` at once; the one before stays in `held` until the targets of
 * the new one are known (egress/services_plan.h). A service that is gone stays as `is_removed`
 * until the next plan, so that the rows tell at any time what the firewall was asked for last.
 */
#ifndef EGRESS_SERVICES_ROWS_H
#define EGRESS_SERVICES_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/log.h"
#include "lib/contract/egress_config.h"
#include "lib/nft/nft_model.h"

/* Where a service led before: connections to it are not cut for as long as it exists. */
struct egress_former {
	char *fqdn; /* "" when it was an address */
	struct nft_addresses addresses;
};

struct egress_row {
	char *name;
	char *fault;      /* what is wrong with the newest version, NULL = nothing */
	bool has_version; /* wanted is there; false for a fault from the begin */
	struct egress_service wanted;
	bool is_held;
	struct egress_service held;
	bool is_settled; /* it was carried out, be it without targets */
	bool is_removed;
	struct nft_addresses targets; /* of held, else of wanted; one of each family at most */
	char *note;                   /* what of the target cannot be found or reached, or NULL */
	struct egress_former *formers;
	size_t former_count;

	/* What the last document and the last plan changed, to be told. */
	bool is_new_fault;
	bool is_new_note;
	bool is_moved;               /* other targets, and not by a new version */
	struct nft_addresses before; /* targets before the plan */
	size_t added, deleted;       /* rules */
};

struct egress_rule {
	const char *service; /* borrowed from the row */
	struct ipaddr target;
	struct egress_port port;
};

/* The first of many. */
struct egress_rules {
	struct egress_rule items[LOG_FEW_LINES];
	size_t len;
	size_t more; /* that are not in items */
};

struct egress_rows {
	struct egress_row *items; /* sorted by name */
	size_t len;
	uint64_t generation; /* of what is wanted */
	/* What the last plan changed, to be logged before the next document is read. */
	struct egress_rules added, deleted;
};

/* Takes the services out of the document. True when another firewall is wanted than before. */
bool egress_rows_take(struct egress_rows *rows, struct egress_config *config_take);
/* Whether there are services that were not removed. */
bool egress_rows_any(const struct egress_rows *rows);
/* Drops what is removed. */
void egress_rows_purge(struct egress_rows *rows);
void egress_rows_fini(struct egress_rows *rows);

/* The version the firewall carries out; the row must be settled. */
const struct egress_service *egress_row_version(const struct egress_row *row);
void egress_row_drop_held(struct egress_row *row);
void egress_row_drop_former(struct egress_row *row, size_t i);

#endif
