/*
 * Shared by the files of the module datapath.
 *
 *	datapath.c          when rules are built, and their results
 *	datapath_collect.c  the content of the rules
 */
#ifndef BOOT_DATAPATH_DATAPATH_INTERNAL_H
#define BOOT_DATAPATH_DATAPATH_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/datapath/datapath.h"
#include "boot/datapath/datapath_answers.h"
#include "boot/datapath/datapath_features.h"
#include "boot/datapath/datapath_forwarding.h"
#include "boot/datapath/datapath_host.h"
#include "boot/datapath/datapath_partners.h"
#include "boot/datapath/datapath_report.h"
#include "boot/datapath/datapath_wants.h"
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

	/* known facts */
	struct selfnode self;
	bool has_netmap;
	uint64_t peers_seen, records_seen; /* generations that were used */
	struct datapath_answers answers;
	bool targets_answered; /* once, since the start */

	/* the run under way; the next is built when it has ended */
	bool is_started;
	bool is_applying;
	bool is_build_pending;
	bool is_watching;
	enum datapath_share share;
	struct selfnode asked_for; /* own node of the run under way */
	struct selfnode ready_for; /* own node of the last applied and complete ruleset */
	struct timer build;
	struct timer retry;
	struct timer impossible;
	struct datapath_forwarding forwarding;
	struct timer forwarding_look;
	struct err why_impossible;
	struct timer netmap_wait; /* wants are sent, the peers are not received yet */
	struct backoff backoff;
	struct datapath_report report;
	uint64_t built_ms; /* the last build */
	unsigned int burst;

	/* the end */
	bool is_removing;
	void (*on_removed)(void *arg);
	void *removed_arg;
};

/* Without services and own addresses. */
void datapath_init_wanted(const struct datapath *d, struct nft_wanted *w);
/* Everything that the features need and the kernel forwards. */
enum datapath_share datapath_collect(struct datapath *d, struct nft_wanted *w, struct err *why);

#endif
