/*
 * The steps of a group's plan that ask the control plane of its tailnet: a key is made, or a device
 * deleted, and the outcome is remembered (group_memory.h). Private to this folder.
 */
#ifndef CONTROLLER_PROXYGROUP_GROUP_CALLS_H
#define CONTROLLER_PROXYGROUP_GROUP_CALLS_H

#include "controller/engine/engine_plan.h"
#include "controller/proxygroup/group_memory.h"
#include "controller/proxygroup/group_settings.h"

struct cluster;
struct loop;
struct planes;

struct group_partners {
	struct loop *loop;
	const struct cluster *cluster;
	struct planes *planes;
	struct group_memory *memory;
	const struct group_settings *settings;
	/* For metrics. */
	uint64_t replaced, deleted;
};

/* arg of them is a struct group_partners. */
struct engine_call group_call_mint(struct group_partners *partners);
struct engine_call group_call_replace(struct group_partners *partners);
struct engine_call group_call_remove(struct group_partners *partners);

#endif
