/*
 * Whether the node is ready for traffic, and if not, why. Pure: facts about it and the raised
 * conditions in; a list of reasons out. A node without a reason is ready.
 *
 * A condition is a reason according to its kind: always, after a grace period, or only as the
 * explanation of a node that is not ready for another reason. Facts without a condition have their
 * own codes:
 *
 *	Stopping         a stop is under way
 *	Starting         not Running yet, or again, and nothing is known to be wrong
 *	NoAddresses      the node has no tailnet address
 *	DataPathPending  its rules have not been in force yet
 *	TargetsPending   a target of egress has not answered through the tunnel yet
 */
#ifndef HEALTH_READINESS_H
#define HEALTH_READINESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct condition_set;

/* Times are those of clock_now_ms. */
struct readiness_facts {
	uint64_t now_ms;
	uint64_t start_ms; /* of this process */
	bool is_stopping;
	uint64_t stopping_ms; /* since when */
	bool is_running;      /* daemon up, node Running */
	bool was_running;     /* ever */
	uint64_t not_running_ms;
	bool has_addresses;
	uint64_t addresses_ms; /* since when this is so */
	bool path_has_stood;   /* true without a data path */
	/* Every target of egress has answered once, or was waited for long enough; true without. */
	bool targets_answered;
};

/* Texts are borrowed from the conditions, or static. */
struct readiness_reason {
	const char *code;
	const char *message;
	const char *hint;
	uint64_t since_ms;
};

/* Valid when zeroed: ready. */
struct readiness {
	struct readiness_reason *items;
	size_t count;
};

/* Within this grace period a node whose daemon is restarted counts as running. */
bool readiness_is_running(const struct readiness_facts *facts);

/* The most important reason comes first. out is replaced. */
void readiness_find(const struct readiness_facts *facts, const struct condition_set *conditions,
	struct readiness *out);
void readiness_fini(struct readiness *r);

/* The document: {"ready":true}, or {"ready":false,"reasons":[{"code","message","since","hint"}]}
 * with wall time in RFC 3339, UTC; wall is the time at now_ms. Caller frees. */
char *readiness_format(const struct readiness *r, uint64_t now_ms, time_t wall)
	__attribute__((warn_unused_result));

#endif
