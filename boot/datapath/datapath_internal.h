/*
 * Shared by the files of the module datapath.
 *
 *	datapath.c          when rules are made, and what becomes of them
 *	datapath_collect.c  what the rules shall be
 */
#ifndef BOOT_DATAPATH_DATAPATH_INTERNAL_H
#define BOOT_DATAPATH_DATAPATH_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/datapath/datapath.h"
#include "boot/datapath/datapath_features.h"
#include "boot/datapath/datapath_forwarding.h"
#include "boot/datapath/datapath_host.h"
#include "boot/datapath/datapath_partners.h"
#include "boot/datapath/datapath_report.h"
#include "boot/datapath/datapath_wants.h"
#include "boot/datapath/introduce.h"
#include "lib/base/backoff.h"
#include "lib/io/timer.h"
#include "lib/localapi/selfnode.h"

struct nft;
struct nft_wanted;

struct datapath {
	struct datapath_partners with;
	struct datapath_events events;
	struct datapath_host host;
	struct nft *nft;
	char *owner;
	char *const *daemon_env_ref;

	struct datapath_features features;
	struct datapath_wants wants;

	/* what is known */
	struct selfnode self;
	bool has_netmap;
	uint64_t peers_seen, records_seen; /* generations that were made use of */
	bool is_introduction_due;          /* targets do not know this daemon */
	struct introduce introduce;

	/* the wish under way; the next is made when it has come to an end */
	bool is_started;
	bool is_applying;
	bool is_dirty;
	bool is_watching;
	enum datapath_share share;
	struct selfnode asked_for; /* own node of the wish under way */
	struct selfnode ready_for; /* own node of the last wish that stands and is whole */
	struct timer build;
	struct timer retry;
	struct timer impossible;
	struct datapath_forwarding forwarding;
	struct timer forwarding_look;
	struct err why_impossible;
	struct timer netmap_wait; /* wants are told, the peers are not here yet */
	struct backoff backoff;
	struct datapath_report report;
	uint64_t built_ms; /* the last wish */
	unsigned int burst;

	/* the end */
	bool is_removing;
	void (*on_removed)(void *arg);
	void *removed_arg;
};

/* Without services and own addresses. */
void datapath_init_wanted(const struct datapath *d, struct nft_wanted *w);
/* All that the features need and the kernel forwards. */
enum datapath_share datapath_collect(struct datapath *d, struct nft_wanted *w, struct err *why);

#endif
