#include "lib/io/retry_after.h"

#include <stddef.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

#define SECONDS_MAX (24 * 60 * 60)

uint64_t retry_after_ms(const char *value)
{
	struct err e;
	struct tm tm = {0};
	uint64_t seconds;
	if (value == NULL)
		return 0;
	if (str_to_u64(value, UINT64_MAX, &seconds, &e) == 0)
		return (seconds < SECONDS_MAX ? seconds : SECONDS_MAX) * CLOCK_MS_PER_S;
	/* IMF-fixdate, the form that servers must send. */
	const char *end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (end == NULL || *end != '\0')
		return 0;
	time_t delay = timegm(&tm) - clock_wall();
	if (delay <= 0)
		return 0;
	return (uint64_t)(delay < SECONDS_MAX ? delay : SECONDS_MAX) * CLOCK_MS_PER_S;
}
