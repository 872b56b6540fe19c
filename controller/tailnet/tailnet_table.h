/*
 * What the conditions of a TailscaleTailnet say in each situation: a table. Pure. (private)
 */
#ifndef CONTROLLER_TAILNET_TAILNET_TABLE_H
#define CONTROLLER_TAILNET_TAILNET_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "controller/tailnet/tailnet_result.h"

enum tailnet_situation {
	TAILNET_NEW,            /* nothing is known yet */
	TAILNET_UNCHANGED,      /* what was known before stays */
	TAILNET_SECRET_ABSENT,  /* no such Secret */
	TAILNET_SECRET_REFUSED, /* it must not be read */
	TAILNET_FAULTY,         /* the object or its Secret cannot be used */
	TAILNET_UNAUTHORIZED,   /* the credentials are not accepted */
	TAILNET_FORBIDDEN,      /* they lack a scope */
	TAILNET_REFUSED,        /* a tag is unknown or not owned, the tailnet is another one */
	TAILNET_UNSUPPORTED,    /* this server cannot do what is needed */
	TAILNET_UNAVAILABLE,    /* no answer for too long */
	TAILNET_FINE,
	TAILNET_SITUATIONS,
};

/* A status of NULL: the condition stays as it is, Unknown when there is none. */
struct tailnet_cell {
	const char *status;
	const char *reason;
};

struct tailnet_row {
	struct tailnet_cell authenticated, validated, ready;
};

const struct tailnet_row *tailnet_row(enum tailnet_situation situation);

/* After a sync. is_ready: it is Ready; age_ms: of the last success, INT64_MAX without one. */
enum tailnet_situation tailnet_situation_of(
	const struct tailnet_result *result, bool is_ready, int64_t age_ms, int64_t interval_ms);

/* Periods, so that tests need not wait. */
struct tailnet_periods {
	uint32_t refused_ms;  /* after what lasts until a change: 5 min */
	uint32_t secret_ms;   /* after a Secret that is absent: 1 min */
	uint32_t retry_ms;    /* of the back-off: 1 s */
	uint32_t release_ms;  /* a deletion waits for the users at most so long: 5 min */
	uint32_t interval_by; /* spec.syncInterval is divided by it: 1 */
};

#define TAILNET_PERIODS                                 \
	((struct tailnet_periods){.refused_ms = 300000, \
		.secret_ms = 60000,                     \
		.retry_ms = 1000,                       \
		.release_ms = 300000,                   \
		.interval_by = 1})
#define TAILNET_RETRY_MAX_MS 300000
#define TAILNET_KEY_EVERY 12 /* the first sync and each 12th create a key */

#define TAILNET_RANDOM_MAX 65536

/* Until the next sync. random: from 0 to TAILNET_RANDOM_MAX; failures: syncs without an answer, one
 * after the other. */
uint64_t tailnet_pause(const struct tailnet_result *result, const struct tailnet_periods *periods,
	int64_t interval_ms, uint32_t failures, uint32_t random);

#endif
