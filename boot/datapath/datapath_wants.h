/*
 * What the daemon was asked to tell of peers and records, so that it is asked anew only for what it
 * has not told yet: a subscription begins with a status of the whole tailnet. Pure.
 */
#ifndef BOOT_DATAPATH_DATAPATH_WANTS_H
#define BOOT_DATAPATH_DATAPATH_WANTS_H

#include <stdbool.h>

#include "lib/base/str.h"
#include "lib/nft/nft_model.h"

/* Zeroed = nothing. */
struct datapath_wants {
	struct strv names;           /* sorted */
	struct nft_addresses routes; /* sorted */
};

/* Replaces what is wanted; both are moved out of. True when something was not wanted before. */
bool datapath_wants_take(
	struct datapath_wants *w, struct strv *names_take, struct nft_addresses *routes_take);
void datapath_wants_fini(struct datapath_wants *w);

#endif
