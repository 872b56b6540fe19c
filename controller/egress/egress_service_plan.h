/*
 * What is to be done for one Service that asks for egress, or did: its finalizer, its name, its
 * objects in the controller's namespace, its conditions. Pure. (private)
 *
 * One pass does what the caches allow; what it writes comes back as a change, and the next pass
 * goes on. What belongs to the group is written by the group's key.
 */
#ifndef CONTROLLER_EGRESS_EGRESS_SERVICE_PLAN_H
#define CONTROLLER_EGRESS_EGRESS_SERVICE_PLAN_H

#include "controller/egress/egress_service_view.h"
#include "controller/engine/engine_work.h"

void egress_service_plan(const struct egress_service_view *view,
	const struct engine_failure *failure, struct engine_plan *out);

#endif
