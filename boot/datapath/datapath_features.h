/*
 * The features that take part in the data path, as one: what the settings ask for is made, asked
 * for its share of a wish, and told what has become of it.
 */
#ifndef BOOT_DATAPATH_DATAPATH_FEATURES_H
#define BOOT_DATAPATH_DATAPATH_FEATURES_H

#include <stdbool.h>

#include "boot/datapath/datapath_partners.h"
#include "egress/resolve.h"

struct nft_addresses;
struct nft_result;
struct nft_wanted;
struct statestore;

/* How the single targets of the settings take part in a wish. */
enum datapath_share {
	DATAPATH_SHARE_WHOLE,      /* all that the settings ask for is in it */
	DATAPATH_SHARE_WAITING,    /* a target is not known yet */
	DATAPATH_SHARE_IMPOSSIBLE, /* a target cannot be reached as things are */
	DATAPATH_SHARE_HELD,       /* the kernel does not forward what it needs */
};

/* NULL = not asked for. */
struct datapath_features {
	struct condition_set *conditions_ref;
	struct egress_services *egress_services;
	struct egress_target *egress_target;
	struct ingress_services *ingress_services;
	struct ingress_target *ingress_target;
	struct dest_name *dest_name;
};

/* Fills a zeroed struct. fn: what one of them wants has changed. */
void datapath_features_start(struct datapath_features *f, const struct datapath_partners *with,
	struct statestore *store, void (*fn)(void *arg), void *arg);
/* A target of the settings, for which the node is made. */
bool datapath_features_has_single(const struct datapath_features *f);
void datapath_features_free(struct datapath_features *f);

/* Adds what peers and records have to be asked for. */
void datapath_features_wants(const struct datapath_features *f, const struct records *records,
	struct strv *names, struct nft_addresses *routes);
/* Addresses of the own node are known: what waits for them may begin. */
void datapath_features_go(struct datapath_features *f);
/* Adds all shares to w. DATAPATH_SHARE_IMPOSSIBLE comes with the error set. */
enum datapath_share datapath_features_contribute(struct datapath_features *f,
	const struct egress_netmap *netmap, struct nft_wanted *w, struct err *e);
void datapath_features_applied(
	struct datapath_features *f, const struct nft_result *result, const struct err *e);

#endif
