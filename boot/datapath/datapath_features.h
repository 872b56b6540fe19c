/*
 * The features of the data path as one: makes those that the settings need, collects their shares
 * of the desired state, and reports the result to them.
 */
#ifndef BOOT_DATAPATH_DATAPATH_FEATURES_H
#define BOOT_DATAPATH_DATAPATH_FEATURES_H

#include <stdbool.h>

#include "boot/datapath/datapath_partners.h"
#include "egress/resolve.h"

struct egress_answers;
struct nft_addresses;
struct nft_result;
struct nft_wanted;
struct statestore;

/* How the single targets of the settings take part in the desired state. */
enum datapath_share {
	DATAPATH_SHARE_WHOLE,      /* everything that the settings need is in it */
	DATAPATH_SHARE_WAITING,    /* a target is not known yet */
	DATAPATH_SHARE_IMPOSSIBLE, /* a target cannot be reached in the present situation */
	DATAPATH_SHARE_HELD,       /* the kernel does not forward what it needs */
};

/* NULL = not needed. */
struct datapath_features {
	struct condition_set *conditions_ref;
	const struct egress_answers *answers_ref;
	struct egress_services *egress_services;
	struct egress_target *egress_target;
	struct ingress_services *ingress_services;
	struct ingress_target *ingress_target;
	struct dest_name *dest_name;
};

/* Fills a struct that is zeroed but for its answers. fn: the wants of one of them have changed. */
void datapath_features_start(struct datapath_features *f, const struct datapath_partners *with,
	struct statestore *store, void (*fn)(void *arg), void *arg);
/* Whether the node exists for a target of the settings. */
bool datapath_features_has_single(const struct datapath_features *f);
void datapath_features_free(struct datapath_features *f);

/* Adds the wanted peers and records. */
void datapath_features_wants(const struct datapath_features *f, const struct records *records,
	struct strv *names, struct nft_addresses *routes);
/* Addresses of the own node are known: features that wait for them may begin. */
void datapath_features_go(struct datapath_features *f);
/* Adds all shares to w. With DATAPATH_SHARE_IMPOSSIBLE the error is set. */
enum datapath_share datapath_features_contribute(struct datapath_features *f,
	const struct egress_netmap *netmap, struct nft_wanted *w, struct err *e);
void datapath_features_applied(
	struct datapath_features *f, const struct nft_result *result, const struct err *e);
/* More targets have answered, or are not waited for any longer. */
void datapath_features_answered(struct datapath_features *f);

#endif
