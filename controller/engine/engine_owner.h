/*
 * An object that is there although the cache does not have it: is it ours? Pure. Private to
 * controller/engine.
 */
#ifndef CONTROLLER_ENGINE_ENGINE_OWNER_H
#define CONTROLLER_ENGINE_ENGINE_OWNER_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/kube/kube_outcome.h"

/* KUBE_OK: its controller is that of the desired document, or, without one, its labels are.
 * KUBE_CONFLICT: it is being deleted, or will be with a former incarnation of its owner.
 * KUBE_EXISTS: it is another one's; the sentence says whose. */
enum kube_outcome engine_owner_check(
	const struct json *desired, const struct json *live, struct err *e) MUST_CHECK;
/* It is as desired already. */
bool engine_owner_is_applied(const struct json *desired, const struct json *live);

#endif
