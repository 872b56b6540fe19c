/*
 * Leadership by a Lease: a candidate that becomes leader when it can, and reports when it no longer
 * is. The decisions are those of lib/kube/kube_lease.h.
 *
 * engine_lease_may_write is to be asked before each write: a process that was stopped writes
 * nothing after it goes on, although nothing has been reported yet.
 *
 *	l = engine_lease_new(loop, kube, &options);
 *	in on_change(): engine_run_hold(run, !leads)
 */
#ifndef CONTROLLER_ENGINE_ENGINE_LEASE_H
#define CONTROLLER_ENGINE_ENGINE_LEASE_H

#include <stdbool.h>

#include "lib/base/err.h"

struct engine_lease;
struct kube;
struct loop;

struct engine_lease_options {
	const char *ns, *name; /* of the Lease */
	const char *self;      /* of this process alone: "pod_uuid" */
	bool takes_over;       /* from any other holder, which may write for KUBE_LEASE_RENEW_MS */
	/* It leads from now on, or no longer. */
	void (*on_change)(void *arg, bool leads);
	/* A try has failed; may be NULL. */
	void (*on_trouble)(void *arg, const struct err *err);
	/* The release has been tried: engine_lease_release. */
	void (*on_released)(void *arg);
	void *arg;
};

/* NULL with -EINVAL for a name of this process that is too long. The texts are copied. */
struct engine_lease *engine_lease_new(struct loop *loop, struct kube *k,
	const struct engine_lease_options *options, struct err *e) MUST_CHECK;
void engine_lease_free(struct engine_lease *l); /* NULL is accepted; releases nothing */
bool engine_lease_may_write(const struct engine_lease *l);
/* A request is under way. */
bool engine_lease_is_busy(const struct engine_lease *l);
/* For the end of the program: another candidate need not wait. on_released follows, at once or
 * within the time of one request; on_change is not called any more. */
void engine_lease_release(struct engine_lease *l);

#endif
