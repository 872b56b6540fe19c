/* The log events of controller/engine. How a row reads: lib/base/log_events.h. */
#ifndef CONTROLLER_ENGINE_ENGINE_EVENTS_H
#define CONTROLLER_ENGINE_ENGINE_EVENTS_H

#include "lib/base/log.h"

/* clang-format off */

/* engine: keys and their steps */
#define EV_ENGINE_STEP "engine.step", LOG_LEVEL_DEBUG, "key,step", "%s: %s"
#define EV_ENGINE_DIFFERENCE "engine.difference", LOG_LEVEL_DEBUG, "key,step,path", "%s: %s, since %s is not as desired"
#define EV_ENGINE_REPEATED "engine.repeated", LOG_LEVEL_ERROR, "key,object,path", "%s: %s has been written three times and %s is still not as desired: another program changes it, or this is a bug"
#define EV_ENGINE_CONFLICT "engine.conflict", LOG_LEVEL_DEBUG, "key,reason", "%s: changed meanwhile, again soon: %s"
#define EV_ENGINE_FAILED "engine.failed", LOG_LEVEL_WARNING, "key,reason", "%s: again later: %s"
#define EV_ENGINE_STUCK "engine.stuck", LOG_LEVEL_WARNING, "key,reason", "%s: not before something changes: %s"
#define EV_ENGINE_EXPIRED "engine.expired", LOG_LEVEL_WARNING, "key,seconds", "%s: not done after %u s, again later"
#define EV_ENGINE_FORBIDDEN "engine.forbidden", LOG_LEVEL_ERROR, "verb,resource,group,reason", "a permission is missing: add verbs [%s] on resources [%s] of apiGroups [\"%s\"] to the role of this controller: %s"

/* clang-format on */

#endif
