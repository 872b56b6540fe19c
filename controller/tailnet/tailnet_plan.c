#include "controller/tailnet/tailnet_plan.h"

#include <stdio.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/objects.h"
#include "controller/tailnet/tailnet_status.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

enum {
	STAGE_STATUS,
	STAGE_EVENT,
	STAGE_SYNC
};

static void add_event(const struct tailnet_view *view, int stage, bool is_warning,
	const char *reason, const char *message, struct engine_plan *out)
{
	const struct kube_event event = {
		.api_version = "gateway.tailscale.com/v1alpha1",
		.kind = CLUSTER_KEY_TAILNET,
		.name = view->name,
		.uid = view->uid,
		.version = view->version,
		.is_warning = is_warning,
		.reason = reason,
		.message = message,
	};
	engine_plan_event(out, stage, &event);
}

static bool is_deleting(const struct tailnet_view *view)
{
	return object_is_deleting(&view->object->meta);
}

/* A deletion waits for the users, but not for ever. */
static bool has_to_stay(const struct tailnet_view *view)
{
	if (view->users.len == 0)
		return false;
	return !is_deleting(view) || view->deleting_for_ms < view->periods->release_ms;
}

static void list_users(const struct tailnet_view *view, struct engine_plan *out)
{
	AUTO(mem_free) char *users = strv_join(&view->users, ", ");
	if (has_to_stay(view)) {
		AUTO(mem_free)
		char *text = xasprintf(
			"the deletion waits up to %u s for the proxy groups that use the tailnet: "
			"%s",
			view->periods->release_ms / 1000, users);
		add_event(view, STAGE_EVENT, true, "TailnetInUse", text, out);
		return;
	}
	AUTO(mem_free)
	char *text = xasprintf(
		"deleted although proxy groups still use the tailnet: %s; without it their devices "
		"cannot be deleted",
		users);
	add_event(view, STAGE_EVENT, true, "TailnetReleased", text, out);
}

/* Whether the finalizer is to be changed: then nothing else is done, since the change brings a new
 * version of the object. */
static bool plan_finalizer(const struct tailnet_view *view, struct engine_plan *out)
{
	const struct kube_target target = {
		.resource = cluster_resource(CLUSTER_TAILNETS), .name = view->name};
	bool stays = has_to_stay(view);
	bool is_there = object_has_finalizer(&view->object->meta, CLUSTER_FINALIZER);
	/* The server lets nobody add one to an object that is being deleted. */
	if (stays == is_there || (stays && is_deleting(view)))
		return false;
	if (!stays && view->users.len > 0)
		list_users(view, out);
	engine_plan_finalizer(out, STAGE_STATUS, &target, view->version,
		&view->object->meta.finalizers, CLUSTER_FINALIZER, stays);
	return true;
}

static void plan_events(const struct tailnet_view *view, const struct tailnet_verdict *verdict,
	struct engine_plan *out)
{
	if (verdict->begins_authenticated) {
		AUTO(mem_free)
		char *text = xasprintf("the credentials in Secret %s/%s are accepted",
			view->secret_ns, view->object->secret_name);
		add_event(view, STAGE_EVENT, false, "AuthenticationSucceeded", text, out);
	}
	if (verdict->begins_refused)
		add_event(view, STAGE_EVENT, true, "AuthenticationFailed", verdict->sentence, out);
	if (is_deleting(view) && view->users.len > 0 && !view->has_listed_users)
		list_users(view, out);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When the object has to be looked at again, if nothing happens before. */
static void plan_end(const struct tailnet_view *view, struct engine_plan *out)
{
	uint64_t after = UINT64_MAX;
	switch (view->credentials->credentials) {
	case PLANES_PENDING:
		break;
	case PLANES_ABSENT:
	case PLANES_FAULTY:
	case PLANES_REFUSED:
		after = view->periods->secret_ms;
		break;
	case PLANES_PRESENT:
		after = view->next_in_ms;
		break;
	}
	if (is_deleting(view) && view->users.len > 0)
		after = least(after, (uint64_t)(view->periods->release_ms - view->deleting_for_ms));
	out->result = after == UINT64_MAX ? ENGINE_DONE : ENGINE_AGAIN;
	out->after_ms = after == UINT64_MAX ? 0 : after;
}

void tailnet_plan(
	const struct tailnet_view *view, const struct engine_call *sync, struct engine_plan *out)
{
	out->result = ENGINE_DONE;
	if (view->object == NULL || plan_finalizer(view, out))
		return;
	const struct kube_target target = {
		.resource = cluster_resource(CLUSTER_TAILNETS), .name = view->name};
	AUTO(tailnet_verdict_fini) struct tailnet_verdict verdict = {0};
	tailnet_decide(view, &verdict);
	engine_plan_status(out, STAGE_STATUS, &target, view->version,
		tailnet_status(view, &verdict), view->object->status);
	plan_events(view, &verdict, out);
	if (view->is_due) {
		engine_plan_call(out, STAGE_SYNC, "sync with the control plane", sync, view->name,
			view->with_key ? 1 : 0);
		out->is_partial = true;
		return;
	}
	for (size_t i = 0; view->queues_groups && i < view->users.len; i++)
		engine_plan_also(out, CLUSTER_KEY_PROXY_GROUP, "", view->users.items[i]);
	plan_end(view, out);
}
