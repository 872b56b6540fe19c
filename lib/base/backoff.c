#include "lib/base/backoff.h"

#include <stddef.h>
#include <sys/random.h>

#include "lib/base/clock.h"

static uint32_t kernel_random(void)
{
	uint32_t value;
	/* Shortly after boot the entropy pool may not be ready; jitter needs no strong
	 * randomness. */
	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != (ssize_t)sizeof(value))
		value = (uint32_t)(clock_now_ns() * 2654435761u >> 8);
	return value;
}

static backoff_random_fn random_source = kernel_random;

/* Both ends included, uniform. The span is below 2^32, so the product fits. */
static uint64_t draw(uint64_t least, uint64_t most)
{
	return least + (((most - least + 1) * (uint64_t)random_source()) >> 32);
}

uint64_t backoff_step(const struct backoff *b)
{
	uint64_t step = b->base_ms;
	for (uint32_t i = 0; i < b->attempts && step < b->max_ms; i++)
		step *= 2;
	return step < b->max_ms ? step : b->max_ms;
}

uint64_t backoff_jitter(uint32_t delay_ms)
{
	return draw(delay_ms / 2, delay_ms);
}

uint64_t backoff_next(struct backoff *b)
{
	uint64_t step = backoff_step(b);
	if (b->attempts < UINT32_MAX)
		b->attempts++;
	return backoff_jitter((uint32_t)step);
}

uint64_t backoff_asked(uint64_t asked_ms, uint32_t max_ms)
{
	if (asked_ms == 0)
		return 0;
	if (asked_ms >= max_ms)
		return backoff_jitter(max_ms);
	uint64_t most = asked_ms + asked_ms / 2;
	return draw(asked_ms, most < max_ms ? most : max_ms);
}

void backoff_reset(struct backoff *b)
{
	b->attempts = 0;
}

void backoff_set_random(backoff_random_fn fn)
{
	random_source = fn != NULL ? fn : kernel_random;
}
