/*
 * Capped exponential back-off with jitter. Pure but for the random factor.
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

/* base * 2^attempts, capped at max, times a random factor from 0.5 to 1.5, never above max. */
uint64_t backoff_next(struct backoff *b);
void backoff_reset(struct backoff *b);

/* Random number from 0 to 2^32-1; replaceable for tests (NULL restores getrandom). */
typedef uint32_t (*backoff_random_fn)(void);
void backoff_set_random(backoff_random_fn fn);

#endif
