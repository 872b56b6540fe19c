/*
 * Differences that come back after each write: another program changes the object, or the server
 * does not store what is desired. Pure. Private to controller/engine.
 */
#ifndef CONTROLLER_ENGINE_ENGINE_REPEAT_H
#define CONTROLLER_ENGINE_ENGINE_REPEAT_H

#include "controller/engine/engine_plan.h"
#include "lib/base/keyed.h"

#define ENGINE_REPEAT_MOST 3

/* Valid when zeroed. Holds those keys alone whose last plan has applied a difference. */
struct engine_repeat {
	struct keyed keys;
};

/* A plan of the key has been carried out. Returns the step whose difference is now the same for the
 * third time, NULL when there is none. */
const struct engine_step *engine_repeat_note(
	struct engine_repeat *r, const char *key, const struct engine_plan *plan);
void engine_repeat_fini(struct engine_repeat *r);

#endif
