/*
 * Which targets have answered through the tunnel. Traffic is invited only to a target that has:
 * the peer of a node that replaces another one may look for it at its old place for some seconds.
 * A target that has not answered within a limit is not waited for any longer, so that one that is
 * gone holds up nothing. Pure: the owner pings the targets, and reports what comes of it.
 *
 *	egress_answers_want(&a, list, count, now)     the targets of the desired rules
 *	egress_answers_begin(&a, now)                 the node is Running: they are pinged
 *	egress_answers_answered(&a, &target)
 *	egress_answers_expire(&a, now)                at egress_answers_due
 *	egress_answers_allow(&a, targets)             may traffic be invited to all of these?
 *	egress_answers_lose(&a)                       no longer Running
 *
 * An answer counts for as long as the target is wanted, also when the daemon is restarted.
 */
#ifndef EGRESS_ANSWERS_H
#define EGRESS_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ipaddr.h"

struct nft_addresses;

enum egress_answer {
	EGRESS_ANSWER_UNASKED, /* the node is not Running */
	EGRESS_ANSWER_AWAITED,
	EGRESS_ANSWER_GIVEN,
	EGRESS_ANSWER_OVERDUE, /* not within the limit; no longer waited for */
	EGRESS_ANSWER_COUNT,
};

enum egress_answer_event {
	EGRESS_ANSWER_EVENT_ASKED,
	EGRESS_ANSWER_EVENT_ANSWERED,
	EGRESS_ANSWER_EVENT_LIMIT,
	EGRESS_ANSWER_EVENT_LOST,
	EGRESS_ANSWER_EVENT_COUNT,
};

enum egress_answer egress_answer_next(enum egress_answer now, enum egress_answer_event event);

struct egress_answers_target {
	struct ipaddr address;
	enum egress_answer answer;
	uint64_t due_ms; /* of EGRESS_ANSWER_AWAITED */
};

/* Valid when zeroed, with its limits: no targets. */
struct egress_answers {
	uint32_t limit_ms;
	size_t max; /* targets; further ones are not waited for */
	bool is_running;
	struct egress_answers_target *items; /* sorted by address */
	size_t count;
};

void egress_answers_fini(struct egress_answers *a);

/* Replaces the targets; those that are there already keep their answers. Order and duplicates do
 * not matter. */
void egress_answers_want(
	struct egress_answers *a, const struct ipaddr *list, size_t count, uint64_t now_ms);
void egress_answers_begin(struct egress_answers *a, uint64_t now_ms);
void egress_answers_lose(struct egress_answers *a);
/* True when the target was wanted and had not answered before. */
bool egress_answers_answered(struct egress_answers *a, const struct ipaddr *target);
/* True when the limit of a target has passed. */
bool egress_answers_expire(struct egress_answers *a, uint64_t now_ms);

/* When the next limit passes; UINT64_MAX without one. */
uint64_t egress_answers_due(const struct egress_answers *a);
/* Whether each of these has answered, or is not waited for any longer. */
bool egress_answers_allow(const struct egress_answers *a, const struct nft_addresses *targets);
/* The same for all targets. */
bool egress_answers_allow_all(const struct egress_answers *a);
/* The number of targets that are overdue; *first is the first of them, or NULL. */
size_t egress_answers_overdue(const struct egress_answers *a, const struct ipaddr **first);

#endif
