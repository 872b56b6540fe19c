/*
 * What is to be done for one TailscaleTailnet. Pure. (private)
 */
#ifndef CONTROLLER_TAILNET_TAILNET_PLAN_H
#define CONTROLLER_TAILNET_TAILNET_PLAN_H

#include "controller/engine/engine_plan.h"
#include "controller/tailnet/tailnet_view.h"

/* sync: the call of a sync; its step has the name of the tailnet as text, and number 1 for one that
 * creates a key. */
void tailnet_plan(
	const struct tailnet_view *view, const struct engine_call *sync, struct engine_plan *out);

#endif
