/*
 * What is to be done for one object, as data: steps in stages. A planner fills it from what the
 * caches say, and does nothing else; the executor (engine_work.h) carries it out. Pure.
 *
 * Steps of one stage are independent and run at the same time, a stage begins when the one before
 * it is complete, and nothing follows a stage with a failure. What is already so is not added:
 * engine_plan_apply compares with the live object.
 *
 *	struct engine_plan plan = {0};
 *	engine_plan_apply(&plan, STAGE_SERVICE, &target, desired_take, live_text);
 *	plan.result = ENGINE_DONE;
 *	engine_plan_fini(&plan);
 */
#ifndef CONTROLLER_ENGINE_ENGINE_PLAN_H
#define CONTROLLER_ENGINE_ENGINE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/engine/engine_run.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/kube/kube_event.h"
#include "lib/kube/kube_op.h"
#include "lib/kube/kube_outcome.h"

#define ENGINE_FIELD_MANAGER "gateway.tailscale.com"
#define ENGINE_ACCEPTS(outcome) (1u << (outcome))

struct engine_step;
struct json;

/* A step that is no request to the API server, such as one to a control plane. */
struct engine_call {
	/* Begins it; done is called exactly once, in a later turn of the loop, unless it is
	 * cancelled. Returns a handle for cancel. */
	void *(*start)(void *arg, const struct engine_step *step,
		void (*done)(void *done_arg, enum engine_result result, uint64_t after_ms,
			const struct err *err),
		void *done_arg);
	void (*cancel)(void *arg, void *handle);
	void *arg; /* of the feature */
};

enum engine_step_kind {
	ENGINE_STEP_REQUEST, /* to the API server */
	ENGINE_STEP_EVENT,   /* never fails, is not waited for */
	ENGINE_STEP_CALL,
};

struct engine_step {
	enum engine_step_kind kind;
	int stage;
	/* ENGINE_STEP_REQUEST: texts are owned by the step. */
	struct kube_op op;
	struct json *body;
	/* KUBE_APPLY of an object that is not in the cache: looked for first, and left alone when
	 * it has another owner. */
	bool is_new;
	/* Why it is not as it should be: the path of the first difference; NULL without one. */
	char *difference;
	/* Outcomes that count as success, besides KUBE_OK: ENGINE_ACCEPTS of each. */
	unsigned int accepts;
	/* ENGINE_STEP_EVENT: texts are owned by the step. */
	struct kube_event event;
	/* ENGINE_STEP_CALL. */
	const struct engine_call *call;
	const char *name; /* static: "mint key", for logs */
	char *text;       /* argument of the call, e.g. a device's id; may be NULL */
	int number;       /* argument of the call, e.g. the ordinal of a replica */
};

/* Valid when zeroed. */
struct engine_plan {
	struct engine_step **steps;
	size_t count;
	size_t cap;
	/* When all steps are done. ENGINE_FAILED: with back-off. */
	enum engine_result result;
	uint64_t after_ms; /* of ENGINE_AGAIN */
	/* The plan is made anew at once when its steps are done, since one of them changes what it
	 * is made from (a key that was minted). */
	bool is_partial;
	/* Its steps have a failure that the object's status shall show: the planner is asked once
	 * more with the failure. */
	bool shows_failure;
	/* Objects whose keys are to be queued when the steps are done: kind, namespace, name in
	 * turns. */
	struct strv also;
};

/* Server-side apply with our field manager, unless the live text contains it (engine_diff.h).
 * live: text of the live object, NULL when there is none. Becomes the owner of desired. Whether the
 * live object is ours has been checked by the caller. Returns whether a step was added. */
bool engine_plan_apply(struct engine_plan *plan, int stage, const struct kube_target *target,
	struct json *desired_take, const char *live);
/* Any other request; the texts of op are copied, its body is body_take. */
struct engine_step *engine_plan_request(
	struct engine_plan *plan, int stage, const struct kube_op *op, struct json *body_take);
/* Deletes the incarnation that is meant; gone already is success. */
void engine_plan_delete(
	struct engine_plan *plan, int stage, const struct kube_target *target, const char *uid);
/* Merge patch of /status, unless it is so already: live_status may be NULL. version: of the object
 * that was read. */
bool engine_plan_status(struct engine_plan *plan, int stage, const struct kube_target *target,
	const char *version, struct json *status_take, const struct json *live_status);
/* Adds or removes our finalizer in one patch that fails when the object has changed meanwhile. */
void engine_plan_finalizer(struct engine_plan *plan, int stage, const struct kube_target *target,
	const char *version, const struct strv *finalizers, const char *finalizer, bool present);
/* Texts are copied. */
void engine_plan_event(struct engine_plan *plan, int stage, const struct kube_event *event);
struct engine_step *engine_plan_call(struct engine_plan *plan, int stage, const char *name,
	const struct engine_call *call, const char *text, int number);
void engine_plan_also(struct engine_plan *plan, const char *kind, const char *ns, const char *name);
void engine_plan_fini(struct engine_plan *plan);

/* A text of all steps, for tests and the log at debug level: one line each, bodies included,
 * values of Secrets not. Caller frees. */
char *engine_plan_print(const struct engine_plan *plan);

/* A condition of a status: lastTransitionTime is kept while the status is the same. */
struct engine_condition {
	const char *type, *status, *reason, *message;
	int64_t observed_generation; /* 0 = not written */
};

/* Into an array of conditions; live is the array of the live object, NULL when there is none.
 * now: RFC 3339 with whole seconds. */
void engine_condition_push(struct json *conditions, const struct engine_condition *condition,
	const struct json *live, const char *now);

#endif
