/*
 * Results of the firewall for users: conditions and log lines, each once.
 */
#ifndef BOOT_DATAPATH_DATAPATH_REPORT_H
#define BOOT_DATAPATH_DATAPATH_REPORT_H

#include <stdint.h>

#include "lib/base/err.h"

struct condition_set;
struct nft_result;

/* Zeroed except for the set, which is borrowed. */
struct datapath_report {
	struct condition_set *conditions_ref;
	struct err not_watched; /* as reported last */
	uint64_t repaired_ms;   /* reported last; 0 = never */
};

/* A run that failed. */
void datapath_report_failure(struct datapath_report *r, const struct err *why);
/* Applied rules were changed by another program and could not be restored. */
void datapath_report_lost(struct datapath_report *r, const struct err *why);
/* Requested rules are applied. */
void datapath_report_applied(struct datapath_report *r, const struct nft_result *result);
/* Rules are applied without a request: they were repaired, or flows were tried again. */
void datapath_report_repaired(struct datapath_report *r, const struct nft_result *result);
/* Foreign edits will not be noticed. */
void datapath_report_not_watched(struct datapath_report *r, const struct err *why);

#endif
