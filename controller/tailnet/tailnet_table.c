#include "controller/tailnet/tailnet_table.h"

#include "lib/base/mem.h"

/* clang-format off */

#define KEPT {0}
#define IS(status, reason) {status, reason}
#define PENDING IS("Unknown", "Pending")
#define READY IS("True", "Ready")
#define NOT(reason) IS("False", reason)

static const struct tailnet_row rows[TAILNET_SITUATIONS] = {
	/* Authenticated, Validated, Ready */
	[TAILNET_NEW] = {PENDING, PENDING, PENDING},
	[TAILNET_UNCHANGED] = {KEPT, KEPT, KEPT},
	[TAILNET_SECRET_ABSENT] = {NOT("SecretNotFound"), PENDING, NOT("SecretNotFound")},
	[TAILNET_SECRET_REFUSED] = {NOT("SecretForbidden"), PENDING, NOT("SecretForbidden")},
	[TAILNET_FAULTY] = {NOT("InvalidConfiguration"), PENDING, NOT("InvalidConfiguration")},
	[TAILNET_UNAUTHORIZED] = {NOT("AuthenticationFailed"), PENDING, NOT("AuthenticationFailed")},
	[TAILNET_FORBIDDEN] = {READY, NOT("InsufficientPermissions"), NOT("InsufficientPermissions")},
	[TAILNET_REFUSED] = {READY, NOT("InvalidConfiguration"), NOT("InvalidConfiguration")},
	[TAILNET_UNSUPPORTED] = {KEPT, NOT("Unsupported"), NOT("Unsupported")},
	[TAILNET_UNAVAILABLE] = {KEPT, KEPT, IS("Unknown", "APIError")},
	[TAILNET_FINE] = {READY, READY, READY},
};

/* clang-format on */

const struct tailnet_row *tailnet_row(enum tailnet_situation situation)
{
	return &rows[situation];
}

enum tailnet_situation tailnet_situation_of(
	const struct tailnet_result *result, bool is_ready, int64_t age_ms, int64_t interval_ms)
{
	switch (result->outcome) {
	case CONTROL_OK:
		return TAILNET_FINE;
	case CONTROL_UNAUTHORIZED:
		return TAILNET_UNAUTHORIZED;
	case CONTROL_FORBIDDEN:
		return TAILNET_FORBIDDEN;
	case CONTROL_INVALID:
	case CONTROL_NOT_FOUND:
		return TAILNET_REFUSED;
	case CONTROL_UNSUPPORTED:
		return TAILNET_UNSUPPORTED;
	case CONTROL_LIMITED:
	case CONTROL_UNAVAILABLE:
		break;
	}
	return is_ready && age_ms < 3 * interval_ms ? TAILNET_UNCHANGED : TAILNET_UNAVAILABLE;
}

/* From base to base and a share of it. */
static uint64_t spread(uint64_t base, uint64_t share, uint32_t random)
{
	return base + share * random / TAILNET_RANDOM_MAX;
}

uint64_t tailnet_pause(const struct tailnet_result *result, const struct tailnet_periods *periods,
	int64_t interval_ms, uint32_t failures, uint32_t random)
{
	uint64_t interval = (uint64_t)interval_ms;
	uint64_t step = periods->retry_ms;
	switch (result->outcome) {
	case CONTROL_OK:
		return spread(interval - interval / 10, interval / 5, random);
	case CONTROL_UNAUTHORIZED:
	case CONTROL_FORBIDDEN:
	case CONTROL_INVALID:
	case CONTROL_NOT_FOUND:
	case CONTROL_UNSUPPORTED:
		/* Never earlier. */
		return spread(periods->refused_ms, periods->refused_ms / 10, random);
	case CONTROL_LIMITED:
		if (result->retry_after_ms > 0)
			return spread(result->retry_after_ms, result->retry_after_ms / 10, random);
		break;
	case CONTROL_UNAVAILABLE:
		break;
	}
	for (uint32_t i = 0; i < failures && step < TAILNET_RETRY_MAX_MS; i++)
		step *= 2;
	if (step > TAILNET_RETRY_MAX_MS)
		step = TAILNET_RETRY_MAX_MS;
	/* Not nothing: a server that is down is not asked in a circle. */
	return spread(step / 8, step - step / 8, random);
}
