#include "lib/base/clock.h"

#include <stddef.h>

static clock_source_fn source;

uint64_t clock_now_ns(void)
{
	if (source != NULL)
		return source();
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * CLOCK_MS_PER_S * CLOCK_NS_PER_MS + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_ms(void)
{
	return clock_now_ns() / CLOCK_NS_PER_MS;
}

uint64_t clock_boot_ms(void)
{
	if (source != NULL)
		return source() / CLOCK_NS_PER_MS;
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * CLOCK_MS_PER_S + (uint64_t)now.tv_nsec / CLOCK_NS_PER_MS;
}

time_t clock_wall(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

void clock_set_source(clock_source_fn fn)
{
	source = fn;
}
