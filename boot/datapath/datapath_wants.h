/*
 * The peers and records that were requested from the daemon, so that a new subscription is made
 * only for missing ones: it begins with a status of the whole tailnet. Pure.
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

/* Replaces the wants; both arguments are moved away. True when something was not wanted before. */
bool datapath_wants_adopt(
	struct datapath_wants *w, struct strv *names_take, struct nft_addresses *routes_take);
void datapath_wants_fini(struct datapath_wants *w);

#endif
