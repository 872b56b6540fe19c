#include "controller/engine/engine_plan.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine_diff.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

static char *copy_of(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static void free_text(const char **text)
{
	mem_free((char **)text);
}

static struct engine_step *add_step(struct engine_plan *plan, int stage, enum engine_step_kind kind)
{
	struct engine_step *step = xcalloc(1, sizeof(*step));
	step->kind = kind;
	step->stage = stage;
	plan->steps = xgrow(plan->steps, plan->count, &plan->cap, 16, sizeof(struct engine_step *));
	plan->steps[plan->count++] = step;
	return step;
}

struct engine_step *engine_plan_request(
	struct engine_plan *plan, int stage, const struct kube_op *op, struct json *body_take)
{
	struct engine_step *step = add_step(plan, stage, ENGINE_STEP_REQUEST);
	step->op = *op;
	step->op.target.ns = copy_of(op->target.ns);
	step->op.target.name = copy_of(op->target.name);
	step->op.target.subresource = copy_of(op->target.subresource);
	step->op.field_manager = copy_of(op->field_manager);
	step->op.uid = copy_of(op->uid);
	step->op.resource_version = copy_of(op->resource_version);
	step->op.propagation = copy_of(op->propagation);
	step->op.label_selector = copy_of(op->label_selector);
	step->op.body = body_take;
	step->body = body_take;
	return step;
}

/* Objects in a list say neither their kind nor its version: both are those of the list. */
static void complete(struct json *live, const struct json *desired)
{
	static const char *const members[] = {"apiVersion", "kind"};
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const struct json *wanted = json_get(desired, members[i]);
		if (wanted != NULL && json_type(live) == JSON_OBJECT &&
			json_get(live, members[i]) == NULL)
			json_set(live, members[i], json_dup(wanted));
	}
}

/* Whether the live object is as desired; else difference receives the path. */
static bool is_applied(
	const struct json *desired, const char *live, char difference[ENGINE_PATH_MAX])
{
	struct err unreadable;
	difference[0] = '\0';
	if (live == NULL)
		return false;
	AUTO(json_freep) struct json *now = json_parse(live, strlen(live), &unreadable);
	complete(now, desired);
	return now != NULL && engine_diff_is_contained(desired, now, engine_rules,
				      engine_rules_count, difference, ENGINE_PATH_MAX);
}

bool engine_plan_apply(struct engine_plan *plan, int stage, const struct kube_target *target,
	struct json *desired_take, const char *live)
{
	char difference[ENGINE_PATH_MAX];
	engine_diff_seal(desired_take);
	if (is_applied(desired_take, live, difference)) {
		json_free(desired_take);
		return false;
	}
	const struct kube_op op = {
		.verb = KUBE_APPLY,
		.target = *target,
		.field_manager = ENGINE_FIELD_MANAGER,
		.is_forced = true,
	};
	struct engine_step *step = engine_plan_request(plan, stage, &op, desired_take);
	step->is_new = live == NULL;
	if (live != NULL)
		step->difference = xstrdup(difference);
	return true;
}

void engine_plan_delete(
	struct engine_plan *plan, int stage, const struct kube_target *target, const char *uid)
{
	const struct kube_op op = {.verb = KUBE_DELETE, .target = *target, .uid = uid};
	engine_plan_request(plan, stage, &op, NULL);
}

/* One member of a merge patch: null means that it is not there. */
static bool is_member_so(
	const struct json *wanted, const struct json *live, char difference[ENGINE_PATH_MAX])
{
	if (json_type(wanted) == JSON_NULL)
		return live == NULL;
	if (json_type(wanted) == JSON_OBJECT)
		return engine_diff_is_contained(wanted, live, NULL, 0, difference, ENGINE_PATH_MAX);
	return json_equal(wanted, live);
}

/* The member that differs, NULL when none does. */
static const char *status_difference(const struct json *status, const struct json *live)
{
	char inside[ENGINE_PATH_MAX];
	for (const struct json *m = json_first(status); m != NULL; m = json_next(m)) {
		if (!is_member_so(m, json_get(live, json_key(m)), inside))
			return json_key(m);
	}
	return NULL;
}

/* A merge patch that fails when the object is not the one that was read. */
static struct json *guarded_patch(const char *version)
{
	struct json *metadata = json_new_object();
	json_set_str(metadata, "resourceVersion", version);
	struct json *patch = json_new_object();
	json_set(patch, "metadata", metadata);
	return patch;
}

bool engine_plan_status(struct engine_plan *plan, int stage, const struct kube_target *target,
	const char *version, struct json *status_take, const struct json *live_status)
{
	const char *member = status_difference(status_take, live_status);
	if (member == NULL) {
		json_free(status_take);
		return false;
	}
	const struct kube_op op = {
		.verb = KUBE_PATCH,
		.patch = KUBE_PATCH_MERGE,
		.target = {target->resource, target->ns, target->name, "status"},
		.field_manager = ENGINE_FIELD_MANAGER,
	};
	struct json *patch = guarded_patch(version);
	AUTO(mem_free) char *difference = xasprintf("status.%s", member);
	json_set(patch, "status", status_take);
	engine_plan_request(plan, stage, &op, patch)->difference = STEAL(difference);
	return true;
}

void engine_plan_finalizer(struct engine_plan *plan, int stage, const struct kube_target *target,
	const char *version, const struct strv *finalizers, const char *finalizer, bool present)
{
	if (strv_contains(finalizers, finalizer) == present)
		return;
	struct json *list = json_new_array();
	for (size_t i = 0; i < finalizers->len; i++) {
		if (strcmp(finalizers->items[i], finalizer) != 0)
			json_push(list, json_new_str(finalizers->items[i]));
	}
	if (present)
		json_push(list, json_new_str(finalizer));
	AUTO(json_freep) struct json *patch = guarded_patch(version);
	struct json *metadata = json_dup(json_get(patch, "metadata"));
	json_set(metadata, "finalizers", list);
	json_set(patch, "metadata", metadata);
	const struct kube_op op = {
		.verb = KUBE_PATCH,
		.patch = KUBE_PATCH_MERGE,
		.target = *target,
		.field_manager = ENGINE_FIELD_MANAGER,
	};
	struct engine_step *step = engine_plan_request(plan, stage, &op, STEAL(patch));
	/* An object that is gone needs none. */
	if (!present)
		step->accepts = ENGINE_ACCEPTS(KUBE_NOT_FOUND);
}

void engine_plan_event(struct engine_plan *plan, int stage, const struct kube_event *event)
{
	struct engine_step *step = add_step(plan, stage, ENGINE_STEP_EVENT);
	step->event = (struct kube_event){
		.api_version = copy_of(event->api_version),
		.kind = copy_of(event->kind),
		.ns = copy_of(event->ns),
		.name = copy_of(event->name),
		.uid = copy_of(event->uid),
		.version = copy_of(event->version),
		.is_warning = event->is_warning,
		.reason = copy_of(event->reason),
		.message = copy_of(event->message),
	};
}

struct engine_step *engine_plan_call(struct engine_plan *plan, int stage, const char *name,
	const struct engine_call *call, const char *text, int number)
{
	struct engine_step *step = add_step(plan, stage, ENGINE_STEP_CALL);
	step->call = call;
	step->name = name;
	step->text = copy_of(text);
	step->number = number;
	return step;
}

void engine_plan_also(struct engine_plan *plan, const char *kind, const char *ns, const char *name)
{
	strv_push(&plan->also, kind);
	strv_push(&plan->also, ns != NULL ? ns : "");
	strv_push(&plan->also, name);
}

static void step_free(struct engine_step *step)
{
	free_text(&step->op.target.ns);
	free_text(&step->op.target.name);
	free_text(&step->op.target.subresource);
	free_text(&step->op.field_manager);
	free_text(&step->op.uid);
	free_text(&step->op.resource_version);
	free_text(&step->op.propagation);
	free_text(&step->op.label_selector);
	free_text(&step->event.api_version);
	free_text(&step->event.kind);
	free_text(&step->event.ns);
	free_text(&step->event.name);
	free_text(&step->event.uid);
	free_text(&step->event.version);
	free_text(&step->event.reason);
	free_text(&step->event.message);
	json_free(step->body);
	free(step->difference);
	free(step->text);
	free(step);
}

void engine_plan_fini(struct engine_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		step_free(plan->steps[i]);
	free(plan->steps);
	strv_fini(&plan->also);
	*plan = (struct engine_plan){0};
}
