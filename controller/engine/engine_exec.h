/*
 * Carries out the steps of one plan, stage by stage. Private to controller/engine.
 *
 * All steps of a stage are tried, also when one of them fails; nothing follows such a stage. An
 * object that is new is looked for first: one that is there already and has another owner is
 * left alone (KUBE_EXISTS), one that is as desired is not written.
 */
#ifndef CONTROLLER_ENGINE_ENGINE_EXEC_H
#define CONTROLLER_ENGINE_ENGINE_EXEC_H

#include "controller/engine/engine_work.h"

struct engine_exec;

struct engine_ending {
	enum engine_result result; /* ENGINE_DONE: all steps are done */
	uint64_t after_ms;
	const struct engine_step *step; /* that failed, NULL when none did */
	enum kube_outcome outcome;
	bool is_shown; /* a person can do something about it */
	struct err err;
};

struct engine_exec_options {
	struct kube *kube;
	struct kube_events *events;   /* NULL: Events are dropped */
	bool (*may_write)(void *arg); /* NULL: always */
	void *may_write_arg;
	/* A request has been answered well; may be NULL. */
	void (*on_written)(void *arg, const struct engine_step *step, const struct json *answer);
	void *on_written_arg;
	const char *key; /* for the log */
};

typedef void (*engine_exec_fn)(void *arg, const struct engine_ending *ending);

/* The plan is borrowed until the end. done is called exactly once unless cancelled, also from
 * within this call. Options are copied, the key is borrowed. slot has the handle as long as it is
 * valid, else NULL. */
void engine_exec_start(const struct engine_exec_options *options, const struct engine_plan *plan,
	struct engine_exec **slot, engine_exec_fn done, void *arg);
void engine_exec_cancel(struct engine_exec *x); /* NULL is accepted */

#endif
