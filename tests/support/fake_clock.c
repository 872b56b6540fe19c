#include "tests/support/fake_clock.h"

#include <stddef.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"

static uint64_t now_ns;

static uint64_t read_fake(void)
{
	return now_ns;
}

static uint32_t longest(void)
{
	return UINT32_MAX;
}

void fake_clock_install(uint64_t now_ms)
{
	backoff_set_random(longest);
	now_ns = now_ms * CLOCK_NS_PER_MS;
	clock_set_source(read_fake);
}

void fake_clock_advance_ms(uint64_t ms)
{
	now_ns += ms * CLOCK_NS_PER_MS;
}

void fake_clock_remove(void)
{
	clock_set_source(NULL);
	backoff_set_random(NULL);
}
