/*
 * Steps by name. Pure. Private to controller/engine.
 */
#ifndef CONTROLLER_ENGINE_ENGINE_STEP_H
#define CONTROLLER_ENGINE_ENGINE_STEP_H

#include "controller/engine/engine_plan.h"

/* "apply Service default/web", "patch Pod/status ns/a", "mint key": caller frees. */
char *engine_step_name(const struct engine_step *step);
/* The verb of a request in a rule of a role: "patch". */
const char *engine_step_rule(const struct engine_step *step);

#endif
