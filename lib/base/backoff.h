/*
 * Capped exponential back-off with jitter. Pure except for the random factor.
 *
 *	struct backoff b = BACKOFF_INIT(250, 30000);
 *	timer_start(t, backoff_next(&b));
 *	... on success: backoff_reset(&b);
 */
#ifndef LIB_BASE_BACKOFF_H
#define LIB_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
	uint32_t base_ms;
	uint32_t max_ms;
	uint32_t attempts; /* delays handed out since the last reset */
};

#define BACKOFF_INIT(base, max) ((struct backoff){.base_ms = (base), .max_ms = (max)})

/* base * 2^attempts, capped at max: the longest that the next delay can be. */
uint64_t backoff_step(const struct backoff *b);
/* Uniform from half a step to a whole one, also at the cap: clients that wait for the same event
 * must not retry in step. */
uint64_t backoff_next(struct backoff *b);
void backoff_reset(struct backoff *b);

/* The same for a pause between tries that is not doubled. */
uint64_t backoff_jitter(uint32_t delay_ms);
/* A pause that a server requests from many clients at once: never shorter, up to half as long
 * again, and never above max; for a request of max or more, any delay from half of max on. 0 stays
 * 0. */
uint64_t backoff_asked(uint64_t asked_ms, uint32_t max_ms);

/* Random number from 0 to 2^32-1; replaceable for tests (NULL restores getrandom). */
typedef uint32_t (*backoff_random_fn)(void);
void backoff_set_random(backoff_random_fn fn);

#endif
