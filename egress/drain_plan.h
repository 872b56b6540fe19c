/*
 * When is a health check endpoint drained? Pure: the state of one endpoint, updated with the
 * result of each ping.
 *
 * Pings are sent in rounds, one after the other. An answer of this Pod ends the round at once:
 * traffic is still routed here. When every ping of a round was answered by others, traffic is no
 * longer routed here, and the endpoint is drained. A round without an answer of ours, but with
 * unanswered pings, has failed; after `unreachable_limit` such rounds in a row the endpoint counts
 * as drained: it has no backend any more, or cannot be reached from here. If a name cannot be
 * looked up because the DNS servers fail, we learn nothing about who answers there: such a round
 * does not count.
 */
#ifndef EGRESS_DRAIN_PLAN_H
#define EGRESS_DRAIN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* A round ends after this many unanswered pings, or after the first one for an endpoint that has
 * not answered in earlier rounds either. */
#define DRAIN_ROUND_FAILURES 3

enum drain_state {
	DRAIN_STATE_UNKNOWN,     /* no round has ended */
	DRAIN_STATE_ROUTED,      /* still routed to this Pod */
	DRAIN_STATE_UNREACHABLE, /* the last round failed */
	DRAIN_STATE_GONE,        /* drained: only others answer */
	DRAIN_STATE_GIVEN_UP,    /* drained: no answers */
};

enum drain_sight {
	DRAIN_SIGHT_OURS,    /* answered by this Pod */
	DRAIN_SIGHT_OTHER,   /* answered by another Pod */
	DRAIN_SIGHT_NOTHING, /* no answer */
	DRAIN_SIGHT_NOWHERE, /* nothing to ping: no such name, no valid URL */
	DRAIN_SIGHT_UNKNOWN, /* the name could not be looked up, so nothing is known */
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
	bool has_answered;      /* in any round */
};

/* Begins a round. Never DRAIN_NEXT_WAIT; with no pings to send, DRAIN_NEXT_END. */
enum drain_next drain_plan_begin(struct drain_progress *p, const struct drain_limits *limits);
/* The result of a ping of the round. */
enum drain_next drain_plan_see(
	struct drain_progress *p, const struct drain_limits *limits, enum drain_sight sight);
bool drain_plan_is_drained(const struct drain_progress *p);

/* Whether the value of a Pod-IPv4 or Pod-IPv6 header is this address; NULL: no header. Case and
 * spelling of an IPv6 address do not matter. */
bool drain_plan_is_own(const char *header, const char *own);

#endif
