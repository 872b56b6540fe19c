/*
 * Asks the targets of egress through the tunnel (lib/localapi/introduce.h), and decides from their
 * answers when traffic may be invited to them (egress/answers.h). A target that does not answer is
 * a condition, and is asked again from time to time.
 *
 *	datapath_answers_want(&a, &wanted);   the targets of a new ruleset
 *	datapath_answers_begin(&a);           the node is Running
 *	datapath_answers_lose(&a);            no longer, or the daemon has ended
 */
#ifndef BOOT_DATAPATH_DATAPATH_ANSWERS_H
#define BOOT_DATAPATH_DATAPATH_ANSWERS_H

#include "egress/answers.h"
#include "lib/base/backoff.h"
#include "lib/io/timer.h"
#include "lib/localapi/introduce.h"

struct condition_set;
struct datapath_partners;
struct nft_wanted;

struct datapath_answers {
	struct condition_set *conditions_ref;
	struct egress_answers targets;
	struct introduce introduce;
	bool is_running;
	bool is_begun;      /* no ruleset since */
	struct timer limit; /* of the next target */
	struct timer again; /* for those that did not answer */
	struct backoff pause;
	struct timer gathered; /* fn is due */
	void (*fn)(void *arg);
	void *arg;
};

/* Fills a zeroed struct. fn is called, from the loop, when more targets may get traffic. */
void datapath_answers_init(struct datapath_answers *a, const struct datapath_partners *with,
	void (*fn)(void *arg), void *arg);
void datapath_answers_fini(struct datapath_answers *a);

/* Those that were asked since the begin are not asked again. */
void datapath_answers_want(struct datapath_answers *a, const struct nft_wanted *w);
/* Targets are asked from the next datapath_answers_want on. */
void datapath_answers_begin(struct datapath_answers *a);
void datapath_answers_lose(struct datapath_answers *a);

#endif
