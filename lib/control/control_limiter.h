/*
 * How fast one tailnet may be asked: a bucket of requests that fills at a rate. A 429 empties it,
 * halves the rate and stops everything for as long as the server asks; afterwards the rate grows
 * again by one request a second each second. Pure but for the jitter of lib/base/backoff.h.
 *
 * Places are handed out in order: each request gets a delay, also one that is cancelled later.
 */
#ifndef LIB_CONTROL_CONTROL_LIMITER_H
#define LIB_CONTROL_CONTROL_LIMITER_H

#include <stdint.h>

#include "lib/base/backoff.h"

struct control_limiter {
	int64_t micros; /* millionths of requests in the bucket; below 0: promised */
	uint64_t rate;  /* thousandths of requests a second */
	uint64_t last_ms;
	uint64_t paused_until_ms;
	struct backoff pause; /* for a server that does not say how long */
};

void control_limiter_init(struct control_limiter *l, uint64_t now_ms);
/* Time left of a pause, 0 = none. */
uint64_t control_limiter_paused_ms(const struct control_limiter *l, uint64_t now_ms);
/* A place in the queue: how long to wait for it. UINT64_MAX: longer than max_ms, and no place. */
uint64_t control_limiter_place(struct control_limiter *l, uint64_t now_ms, uint64_t max_ms);
/* A 429 or its like. asked_ms 0 = the server does not say. Returns the pause. */
uint64_t control_limiter_refused(struct control_limiter *l, uint64_t now_ms, uint64_t asked_ms);
/* An answer that is none. */
void control_limiter_answered(struct control_limiter *l);

#endif
