/*
 * The desired egress services: the newest version of each without a fault, the version in force
 * while the newest cannot be applied, and where its traffic goes. Pure data, and its update from a
 * document.
 *
 * A new version is `wanted` at once; the previous one stays in `held` until the targets of the new
 * one are known (egress/services_plan.h). A removed service stays as `is_removed` until the next
 * plan, so that the rows always show what the firewall was asked for last.
 */
#ifndef EGRESS_SERVICES_ROWS_H
#define EGRESS_SERVICES_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/log.h"
#include "lib/contract/egress_config.h"
#include "lib/nft/nft_model.h"

/* A previous target of a service: connections to it are not cut for as long as it exists. */
struct egress_former {
	char *fqdn; /* "" when it was an address */
	struct nft_addresses addresses;
};

struct egress_row {
	char *name;
	char *fault;      /* what is wrong with the newest version, NULL = nothing */
	bool has_version; /* wanted is set; false for a service that is faulty from the start */
	struct egress_service wanted;
	bool is_held;
	struct egress_service held;
	bool is_resolved; /* its target was looked up, perhaps without a result */
	bool is_removed;
	bool is_released; /* to be published: its target has answered, or was waited for */
	struct nft_addresses targets; /* of held, else of wanted; at most one of each family */
	char *note;                   /* why the target cannot be found or reached, or NULL */
	struct egress_former *formers;
	size_t former_count;

	/* What the last document and the last plan have changed, to be logged. */
	bool is_new_fault;
	bool is_new_note;
	bool is_moved;               /* its targets have changed, and not by a new version */
	struct nft_addresses before; /* targets before the plan */
	size_t added, deleted;       /* rules */
};

struct egress_rule {
	const char *service; /* borrowed from the row */
	struct ipaddr target;
	struct egress_port port;
};

/* The first rules of a possibly long list. */
struct egress_rules {
	struct egress_rule items[LOG_FEW_LINES];
	size_t len;
	size_t more; /* number of rules not in items */
};

struct egress_rows {
	struct egress_row *items; /* sorted by name */
	size_t len;
	uint64_t generation; /* of the desired services */
	/* What the last plan changed, to be logged before the next document is read. */
	struct egress_rules added, deleted;
};

/* Moves the services out of the document. True when the desired firewall has changed. */
bool egress_rows_update(struct egress_rows *rows, struct egress_config *config_take);
/* Whether there are services other than removed ones. */
bool egress_rows_any(const struct egress_rows *rows);
/* Drops removed services. */
void egress_rows_purge(struct egress_rows *rows);
void egress_rows_fini(struct egress_rows *rows);

/* The version that the firewall applies; the row must be resolved. */
const struct egress_service *egress_row_version(const struct egress_row *row);
void egress_row_drop_held(struct egress_row *row);
/* The newest version comes into force, as its target is known; another target has to answer. */
void egress_row_adopt(struct egress_row *row);
void egress_row_drop_former(struct egress_row *row, size_t i);

#endif
