#include "lib/base/backoff.h"

#include <stddef.h>
#include <sys/random.h>

#include "lib/base/clock.h"

static uint32_t kernel_random(void)
{
	uint32_t value;
	/* Early in the life of a machine the pool may not be ready; jitter needs no good secret. */
	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != (ssize_t)sizeof(value))
		value = (uint32_t)(clock_now_ns() * 2654435761u >> 8);
	return value;
}

static backoff_random_fn random_source = kernel_random;

uint64_t backoff_next(struct backoff *b)
{
	uint64_t delay = b->base_ms;
	for (uint32_t i = 0; i < b->attempts && delay < b->max_ms; i++)
		delay *= 2;
	if (delay > b->max_ms)
		delay = b->max_ms;
	if (b->attempts < UINT32_MAX)
		b->attempts++;
	/* delay is below 2^32, so the product fits. */
	uint64_t jittered = delay / 2 + ((delay * (uint64_t)random_source()) >> 32);
	return jittered < b->max_ms ? jittered : b->max_ms;
}

void backoff_reset(struct backoff *b)
{
	b->attempts = 0;
}

void backoff_set_random(backoff_random_fn fn)
{
	random_source = fn != NULL ? fn : kernel_random;
}
