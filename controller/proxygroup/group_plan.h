/*
 * What is to be done for a proxy group: pure, from what group_view.h has gathered. The order is
 * that of the stages below; the finalizer is a plan of its own.
 *
 *	group_plan(&view, &calls, NULL, &plan);
 */
#ifndef CONTROLLER_PROXYGROUP_GROUP_PLAN_H
#define CONTROLLER_PROXYGROUP_GROUP_PLAN_H

#include "controller/engine/engine_plan.h"
#include "controller/engine/engine_work.h"
#include "controller/proxygroup/group_view.h"

enum group_stage {
	GROUP_STAGE_FINALIZER,
	GROUP_STAGE_STATE, /* Secrets of the pods */
	GROUP_STAGE_KEYS,  /* keys, and the Secrets that they are written to */
	GROUP_STAGE_ACCOUNT,
	GROUP_STAGE_EGRESS, /* what the pods forward */
	GROUP_STAGE_PODS,   /* … is made known to them */
	GROUP_STAGE_SERVICE,
	GROUP_STAGE_WORKLOAD,
	GROUP_STAGE_DEVICES, /* of pods that are gone */
	GROUP_STAGE_SURPLUS_CONFIG,
	GROUP_STAGE_SURPLUS_STATE,
	GROUP_STAGE_STATUS,
	GROUP_STAGE_RELEASE,
};

/* Steps that ask the control plane. Their text is "GROUP/DEVICE", their number the ordinal. */
struct group_calls {
	const struct engine_call *mint; /* makes a key */
	const struct engine_call
		*replace; /* the same, at most so often; deletes the device before */
	const struct engine_call *remove; /* deletes the device */
};

/* failure: of the plan before, NULL when there is none. */
void group_plan(const struct group_view *v, const struct group_calls *calls,
	const struct engine_failure *failure, struct engine_plan *out);

#endif
