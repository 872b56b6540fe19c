#include <string.h>

#include "controller/proxygroup/group_plan_internal.h"

#define WAIT_MS 30000

static const struct object *live_set(const struct group_view *v)
{
	return v->stateful_set != NULL ? v->stateful_set->data : NULL;
}

static bool is_current(const struct group_view *v)
{
	const struct object *set = live_set(v);
	const char *made_by = set != NULL ? object_annotation(set, GROUP_MADE_BY) : NULL;
	return made_by != NULL && strcmp(made_by, v->settings->made_by) == 0;
}

/* Whether the neighbour has to be through before the group. */
static bool is_before(const struct group_view *v, const struct group_neighbour *n)
{
	/* One that has the new template and is not ready with it stops all others. */
	if (n->is_current)
		return !n->is_ready || !n->is_rolled;
	/* One at a time, by name. One that was not ready before is the last one. */
	return n->is_ready && strcmp(n->name, v->entry->name) < 0;
}

bool group_rollout_waits(const struct group_view *v, const char *origin)
{
	const struct object *set = live_set(v);
	const char *made_from = set != NULL ? object_annotation(set, GROUP_MADE_FROM) : NULL;
	/* What a user changes is done at once, and what others have changed is set right. */
	if (made_from == NULL || is_current(v) || strcmp(made_from, origin) != 0)
		return false;
	for (size_t i = 0; i < v->neighbour_count; i++) {
		if (is_before(v, &v->neighbours[i]))
			return true;
	}
	return false;
}

void group_rollout_pass_on(const struct group_view *v, struct engine_plan *plan)
{
	if (!is_current(v)) {
		if (live_set(v) != NULL && v->neighbour_count > 0)
			group_again(plan, WAIT_MS);
		return;
	}
	for (size_t i = 0; i < v->neighbour_count; i++) {
		if (!v->neighbours[i].is_current)
			engine_plan_also(plan, CLUSTER_KEY_PROXY_GROUP, "", v->neighbours[i].name);
	}
}
