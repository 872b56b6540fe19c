#include "egress/drain_plan.h"

#include <stddef.h>

#include "lib/base/ipaddr.h"
#include "lib/base/str.h"

static enum drain_next end_round(struct drain_progress *p, const struct drain_limits *limits)
{
	if (p->failures == 0) {
		p->state = DRAIN_STATE_GONE;
		return DRAIN_NEXT_END;
	}
	p->failed_rounds++;
	if (p->failed_rounds >= limits->unreachable_limit) {
		p->state = DRAIN_STATE_GIVEN_UP;
		return DRAIN_NEXT_END;
	}
	p->state = DRAIN_STATE_UNREACHABLE;
	return DRAIN_NEXT_WAIT;
}

/* A dead backend beside living ones must not hide an answer of ours; an endpoint that never
 * answers need not be tried that often. */
static uint32_t failures_allowed(const struct drain_progress *p)
{
	return p->failed_rounds == 0 || p->has_answered ? DRAIN_ROUND_FAILURES : 1;
}

enum drain_next drain_plan_begin(struct drain_progress *p, const struct drain_limits *limits)
{
	p->failures = 0;
	p->pings_left = limits->pings;
	return limits->pings > 0 ? DRAIN_NEXT_PING : end_round(p, limits);
}

enum drain_next drain_plan_see(
	struct drain_progress *p, const struct drain_limits *limits, enum drain_sight sight)
{
	switch (sight) {
	case DRAIN_SIGHT_OURS:
		p->has_answered = true;
		p->failed_rounds = 0;
		p->state = DRAIN_STATE_ROUTED;
		return DRAIN_NEXT_WAIT;
	case DRAIN_SIGHT_OTHER:
		p->has_answered = true;
		break;
	case DRAIN_SIGHT_NOTHING:
		p->failures++;
		if (p->failures >= failures_allowed(p))
			return end_round(p, limits);
		break;
	case DRAIN_SIGHT_NOWHERE:
		p->failures++;
		return end_round(p, limits);
	case DRAIN_SIGHT_UNKNOWN:
		p->state = DRAIN_STATE_UNREACHABLE;
		return DRAIN_NEXT_WAIT;
	}
	p->pings_left--;
	return p->pings_left > 0 ? DRAIN_NEXT_PING : end_round(p, limits);
}

bool drain_plan_is_drained(const struct drain_progress *p)
{
	return p->state == DRAIN_STATE_GONE || p->state == DRAIN_STATE_GIVEN_UP;
}

bool drain_plan_is_own(const char *header, const char *own)
{
	struct ipaddr theirs, ours;
	struct err ignored;
	if (header == NULL || own[0] == '\0')
		return false;
	if (str_equal_fold(header, own))
		return true;
	return ipaddr_parse(header, &theirs, &ignored) == 0 &&
	       ipaddr_parse(own, &ours, &ignored) == 0 && ipaddr_equal(&theirs, &ours);
}
