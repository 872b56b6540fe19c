/*
 * From keys to steps: one queue (engine_run.h) for all features. A key "KIND/NAMESPACE/NAME" is
 * given to the feature of its kind, which makes a plan; its steps are carried out.
 *
 * Before each write the lease is asked: without it a plan ends as failed and nothing is sent.
 *
 *	w = engine_work_new(loop, kube, features, count, &options);
 *	engine_work_add(w, "TailscaleProxyGroup", "", "egress");
 */
#ifndef CONTROLLER_ENGINE_ENGINE_WORK_H
#define CONTROLLER_ENGINE_ENGINE_WORK_H

#include "controller/engine/engine_plan.h"

struct engine_work;
struct kube_events;
struct loop;

/* Of the step of the plan before that failed. */
struct engine_failure {
	const struct engine_step *step;
	enum kube_outcome outcome; /* of a request; KUBE_OK for a call */
	const struct err *err;
};

struct engine_feature {
	const char *kind; /* of its keys, as in the API */
	/* Reads the caches and fills the plan; no I/O. failure is NULL but for a plan that is to
	 * show one: then only status and Events are to be added. */
	void (*plan)(void *arg, const char *ns, const char *name,
		const struct engine_failure *failure, struct engine_plan *out);
	void *arg;
};

/* A request that has changed an object. */
struct engine_write {
	const struct kube_resource *resource;
	const char *ns, *name; /* ns "" for a kind without namespaces */
	const char *uid;
	const char *version; /* after the write; NULL: it was deleted */
};

/* A key is handled again when its writes have been seen, or after this time. */
#define ENGINE_SEEN_MS 1000

struct engine_work_options {
	size_t at_once;
	/* Whether the caches have it; NULL = is not waited for. Asked again when the key of the
	 * object that was written is added. */
	bool (*is_seen)(void *arg, const struct engine_write *write);
	/* NULL = always. */
	bool (*may_write)(void *arg);
	/* A key was handled, for metrics and the log; err is NULL unless failed. */
	void (*on_handled)(void *arg, const char *kind, const char *ns, const char *name,
		enum engine_result result, uint64_t took_ms, const struct err *err);
	void *arg;
};

/* Features are borrowed, options copied. events may be NULL: Events are dropped then. */
struct engine_work *engine_work_new(struct loop *loop, struct kube *k, struct kube_events *events,
	const struct engine_feature *features, size_t feature_count,
	const struct engine_work_options *options);
void engine_work_free(struct engine_work *w); /* NULL is accepted; cancels what is under way */
void engine_work_add(struct engine_work *w, const char *kind, const char *ns, const char *name);
void engine_work_add_after(struct engine_work *w, const char *kind, const char *ns,
	const char *name, uint64_t delay_ms);
/* No key begins while it holds: caches not complete, no lease. */
void engine_work_hold(struct engine_work *w, bool holds);
size_t engine_work_ready(const struct engine_work *w);
size_t engine_work_running(const struct engine_work *w);

#endif
