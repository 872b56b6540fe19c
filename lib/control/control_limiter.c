#include "lib/control/control_limiter.h"

#include "lib/control/control.h"

#define MILLI 1000
#define MICRO 1000000
#define RATE_MAX ((uint64_t)CONTROL_RATE * MILLI)
#define RATE_MIN ((uint64_t)MILLI)
#define PAUSE_BASE_MS 1000

static int64_t burst_of(const struct control_limiter *l)
{
	return (int64_t)(l->rate * (CONTROL_BURST / CONTROL_RATE) * MILLI);
}

void control_limiter_init(struct control_limiter *l, uint64_t now_ms)
{
	*l = (struct control_limiter){
		.rate = RATE_MAX,
		.last_ms = now_ms,
		.pause = BACKOFF_INIT(PAUSE_BASE_MS, CONTROL_RETRY_AFTER_MAX_MS),
	};
	l->micros = burst_of(l);
}

/* Fills the bucket for the time since the last look. */
static void advance(struct control_limiter *l, uint64_t now_ms)
{
	uint64_t passed = now_ms > l->last_ms ? now_ms - l->last_ms : 0;
	uint64_t most = (uint64_t)CONTROL_RETRY_AFTER_MAX_MS;
	l->last_ms = now_ms;
	passed = passed < most ? passed : most;
	l->micros += (int64_t)(passed * l->rate);
	l->rate = l->rate + passed < RATE_MAX ? l->rate + passed : RATE_MAX;
	if (l->micros > burst_of(l))
		l->micros = burst_of(l);
}

uint64_t control_limiter_paused_ms(const struct control_limiter *l, uint64_t now_ms)
{
	return l->paused_until_ms > now_ms ? l->paused_until_ms - now_ms : 0;
}

uint64_t control_limiter_place(struct control_limiter *l, uint64_t now_ms, uint64_t max_ms)
{
	advance(l, now_ms);
	int64_t left = l->micros - MICRO;
	uint64_t delay = left >= 0 ? 0 : ((uint64_t)-left + l->rate - 1) / l->rate;
	if (delay > max_ms)
		return UINT64_MAX;
	l->micros = left;
	return delay;
}

uint64_t control_limiter_refused(struct control_limiter *l, uint64_t now_ms, uint64_t asked_ms)
{
	advance(l, now_ms);
	/* Requests that were under way already are refused for the same reason. */
	if (control_limiter_paused_ms(l, now_ms) == 0)
		l->rate = l->rate / 2 > RATE_MIN ? l->rate / 2 : RATE_MIN;
	if (l->micros > 0)
		l->micros = 0;
	uint64_t pause = asked_ms > 0 ? backoff_asked(asked_ms, CONTROL_RETRY_AFTER_MAX_MS)
				      : backoff_next(&l->pause);
	uint64_t until = now_ms + pause;
	if (until > l->paused_until_ms)
		l->paused_until_ms = until;
	return pause;
}

void control_limiter_answered(struct control_limiter *l)
{
	backoff_reset(&l->pause);
}
