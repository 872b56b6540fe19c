/*
 * When is a health check endpoint drained? Pure: the state of one endpoint, and what each ping of
 * it has shown.
 *
 * Pings come in rounds, one after the other. An answer of this Pod ends the round at once: traffic
 * is still routed here. A round in which every ping was answered by others is the end: traffic is
 * no longer routed here. A round in which nothing was ours and something did not answer has failed;
 * after `unreachable_limit` such rounds in a row the endpoint counts as drained: it has no backend
 * any more, or cannot be seen from here. A name that cannot be looked up, because the DNS servers
 * fail, says nothing about who answers there: such a round does not count.
 */
#ifndef EGRESS_DRAIN_PLAN_H
#define EGRESS_DRAIN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* A round ends with this many pings without an answer, or with the first one at an endpoint that
 * has not answered in an earlier round either. */
#define DRAIN_ROUND_FAILURES 3

enum drain_state {
	DRAIN_STATE_UNKNOWN,     /* no round has ended */
	DRAIN_STATE_ROUTED,      /* still routed to this Pod */
	DRAIN_STATE_UNREACHABLE, /* the last round failed */
	DRAIN_STATE_GONE,        /* drained: the answers are others' */
	DRAIN_STATE_GIVEN_UP,    /* drained: no answers */
};

enum drain_sight {
	DRAIN_SIGHT_OURS,    /* answered by this Pod */
	DRAIN_SIGHT_OTHER,   /* answered by somebody else */
	DRAIN_SIGHT_NOTHING, /* no answer */
	DRAIN_SIGHT_NOWHERE, /* nothing to ping: no such name, no valid URL */
	DRAIN_SIGHT_UNKNOWN, /* the name could not be looked up: who is there cannot be seen */
};

enum drain_next {
	DRAIN_NEXT_PING, /* at once */
	DRAIN_NEXT_WAIT, /* a new round after the interval */
	DRAIN_NEXT_END,  /* drained */
};

struct drain_limits {
	uint32_t pings;             /* of a round */
	uint32_t unreachable_limit; /* failed rounds in a row; 0 = 1 */
};

/* All zero at first. */
struct drain_progress {
	enum drain_state state;
	uint32_t pings_left;
	uint32_t failures;      /* of this round */
	uint32_t failed_rounds; /* in a row */
	bool has_answered;      /* anybody, ever */
};

/* Begins a round. Never DRAIN_NEXT_WAIT; with no pings to send, DRAIN_NEXT_END. */
enum drain_next drain_plan_begin(struct drain_progress *p, const struct drain_limits *limits);
/* What a ping of the round has shown. */
enum drain_next drain_plan_see(
	struct drain_progress *p, const struct drain_limits *limits, enum drain_sight sight);
bool drain_plan_is_drained(const struct drain_progress *p);

/* Does the value of a Pod-IPv4 or Pod-IPv6 header name this address? NULL is no header. Case and
 * spelling of an IPv6 address do not matter. */
bool drain_plan_is_own(const char *header, const char *own);

#endif
