#include "controller/engine/engine_step.h"

#include "lib/base/mem.h"

struct verb {
	const char *name;
	const char *rule;
};

static const struct verb verbs[] = {
	[KUBE_OTHER] = {"read", "get"},
	[KUBE_GET] = {"get", "get"},
	[KUBE_LIST] = {"list", "list"},
	[KUBE_WATCH] = {"watch", "watch"},
	[KUBE_CREATE] = {"create", "create"},
	[KUBE_UPDATE] = {"update", "update"},
	[KUBE_PATCH] = {"patch", "patch"},
	/* The server asks for create as well when there is no such object. */
	[KUBE_APPLY] = {"apply", "create, patch"},
	[KUBE_DELETE] = {"delete", "delete"},
	[KUBE_DELETE_MANY] = {"delete-many", "deletecollection"},
};

static const char *or_none(const char *text)
{
	return text != NULL ? text : "";
}

static char *named(const char *what, const char *ns, const char *name)
{
	bool has_ns = ns != NULL && ns[0] != '\0';
	return xasprintf("%s %s%s%s", what, or_none(ns), has_ns ? "/" : "", or_none(name));
}

static char *request_name(const struct engine_step *step)
{
	const struct kube_target *target = &step->op.target;
	bool has_sub = target->subresource != NULL;
	AUTO(mem_free)
	char *what = xasprintf("%s %s%s%s", verbs[step->op.verb].name, target->resource->kind,
		has_sub ? "/" : "", or_none(target->subresource));
	return named(what, target->ns, target->name);
}

char *engine_step_name(const struct engine_step *step)
{
	if (step->kind == ENGINE_STEP_REQUEST)
		return request_name(step);
	if (step->kind == ENGINE_STEP_CALL)
		return xstrdup(step->name);
	const struct kube_event *event = &step->event;
	AUTO(mem_free)
	char *what = xasprintf("event %s %s on %s", event->is_warning ? "Warning" : "Normal",
		event->reason, event->kind);
	return named(what, event->ns, event->name);
}

const char *engine_step_rule(const struct engine_step *step)
{
	return verbs[step->op.verb].rule;
}
