/*
 * Is the node fit to take traffic, and if not, why? Pure: what is known of it and the conditions
 * that stand, in; a list of reasons, out. A node without a reason is ready.
 *
 * A condition is a reason as its kind says: always, after a grace, or only as the explanation of
 * a node that is not ready for something else. What has no condition is a fact with a code of its
 * own:
 *
 *	Stopping         a stop is under way
 *	Starting         not Running yet, or again, and nothing is known to be wrong
 *	NoAddresses      the node has no tailnet address
 *	DataPathPending  its rules have not stood yet
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
	uint64_t addresses_ms; /* since when it is so */
	bool path_has_stood;   /* true without a data path */
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

/* Within the grace a node whose daemon is brought back counts as running. */
bool readiness_is_running(const struct readiness_facts *facts);

/* The first reason is the one to look at. out is replaced. */
void readiness_find(const struct readiness_facts *facts, const struct condition_set *conditions,
	struct readiness *out);
void readiness_fini(struct readiness *r);

/* The document: {"ready":true}, or {"ready":false,"reasons":[{"code","message","since","hint"}]}
 * with wall time in RFC 3339, UTC; wall is the time at now_ms. Caller frees. */
char *readiness_format(const struct readiness *r, uint64_t now_ms, time_t wall)
	__attribute__((warn_unused_result));

#endif
