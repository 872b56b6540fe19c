/*
 * When to request a certificate again: pure.
 */
#include "ingress/certs.h"

#define MINUTE_MS (60u * 1000)

uint64_t certs_next_try_ms(enum certs_outcome outcome, uint64_t retry_after_ms, uint32_t *failures)
{
	/* 1 min, 10 min, 100 min, then a day each time: well below the rate limits of public CAs.
	 */
	static const uint32_t steps_ms[] = {MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS};
	switch (outcome) {
	case CERTS_ISSUED:
		*failures = 0;
		return CERTS_PAUSE_MAX_MS;
	case CERTS_NOT_REACHED:
		return MINUTE_MS;
	case CERTS_RATE_LIMITED:
		++*failures;
		return retry_after_ms;
	case CERTS_FAILED:
		break;
	}
	uint32_t step = (*failures)++;
	return step < sizeof(steps_ms) / sizeof(steps_ms[0]) ? steps_ms[step] : CERTS_PAUSE_MAX_MS;
}
