/*
 * Forwarding by the kernel, for the families that the rules need: switched on, checked regularly,
 * and a condition while it is off. Without it, traffic that a published status or name attracts
 * ends here.
 */
#ifndef BOOT_DATAPATH_DATAPATH_FORWARDING_H
#define BOOT_DATAPATH_DATAPATH_FORWARDING_H

#include <stdbool.h>

#include "lib/nft/nft_model.h"

struct condition_set;
struct settings;

struct datapath_forwarding {
	const struct settings *settings_ref;
	struct condition_set *conditions_ref;
	bool is_needed[NFT_MODEL_FAMILIES];
	bool is_off[NFT_MODEL_FAMILIES]; /* needed, and cannot be switched on */
};

/* Both are borrowed. */
void datapath_forwarding_init(struct datapath_forwarding *f, const struct settings *settings,
	struct condition_set *conditions);
/* Switches on what these rules need. True when everything is on. */
bool datapath_forwarding_enable(struct datapath_forwarding *f, const struct nft_wanted *w);
/* Switches on what was last needed and is off now. True when the state of a family has changed: the
 * rules must be built again. */
bool datapath_forwarding_has_changed(struct datapath_forwarding *f);

#endif
