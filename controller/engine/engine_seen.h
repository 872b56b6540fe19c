/*
 * Writes that the caches have not seen yet: a key is not handled again before, since a plan from
 * former content would write once more, or run into a conflict. Pure. Private to controller/engine.
 */
#ifndef CONTROLLER_ENGINE_ENGINE_SEEN_H
#define CONTROLLER_ENGINE_ENGINE_SEEN_H

#include "controller/engine/engine_work.h"

/* Valid when zeroed. */
struct engine_unseen {
	struct engine_write *items; /* texts are owned */
	size_t len;
	size_t cap;
};

/* A request of a step has been answered well. */
void engine_unseen_add(
	struct engine_unseen *u, const struct engine_step *step, const struct json *answer);
/* Drops those that have been seen. Whether any is left. */
bool engine_unseen_check(struct engine_unseen *u,
	bool (*is_seen)(void *arg, const struct engine_write *write), void *arg);
void engine_unseen_fini(struct engine_unseen *u);

#endif
