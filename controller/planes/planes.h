/*
 * The control planes of the cluster's tailnets: one struct control for each TailscaleTailnet whose
 * Secret has credentials. A change of the object's spec or of its Secret makes a new one at once;
 * calls of the old one are cancelled. Secrets are watched one by one, in any namespace.
 *
 *	c = planes_begin(planes, "default", &use);
 *	if (c == NULL)  planes_state(planes, "default")->… says why
 *	call = control_create_key(c, …);
 *	in its callback:  planes_end(&use);
 *	in use.on_retired():  control_cancel(call), and finish
 */
#ifndef CONTROLLER_PLANES_PLANES_H
#define CONTROLLER_PLANES_PLANES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/control/control.h"

struct cluster;
struct fetcher;
struct kube;
struct loop;
struct planes;
struct resolver;

enum planes_credentials {
	PLANES_PENDING, /* the Secret has not been read yet */
	PLANES_ABSENT,  /* no such Secret */
	PLANES_FAULTY,  /* keys missing, or both forms */
	PLANES_REFUSED, /* the Secret must not be read: a permission is missing */
	PLANES_PRESENT,
};

struct planes_state {
	enum planes_credentials credentials;
	const char *sentence; /* what is wrong, "" when nothing is; names the Secret and its keys */
	uint64_t generation;  /* counts each new struct control: a probe of an older one is void */
};

struct planes_options {
	struct cluster *cluster;
	struct fetcher *fetcher;
	struct resolver *resolver;
	const char *proxy, *no_proxy;
	control_trace_fn on_answer; /* for metrics, may be NULL */
	/* The state of a tailnet has changed: queue its key. */
	void (*on_change)(void *arg, const char *tailnet);
	void *arg;
};

struct planes *planes_new(struct loop *loop, struct kube *k, const struct planes_options *options);
void planes_free(struct planes *p); /* NULL is accepted */
/* The object TailscaleTailnet is there, or has changed, or is gone: read it from the cluster. */
void planes_refresh(struct planes *p, const char *tailnet);
/* NULL when there is none. Valid until the next turn of the loop: to look at. */
const struct control *planes_get(struct planes *p, const char *tailnet);
/* Never NULL. */
const struct planes_state *planes_state(struct planes *p, const char *tailnet);

/* Calls under way, one struct for each, owned by the caller and zeroed but for what is set here. */
struct planes_use {
	/* The credentials have changed or are gone: the call has to be cancelled now, since the
	 * struct control is freed when this returns. The use has ended. */
	void (*on_retired)(void *arg);
	void *arg;
	/* private */
	struct planes_use *next, **place;
};

/* NULL when there is no struct control; then nothing has begun. */
struct control *planes_begin(struct planes *p, const char *tailnet, struct planes_use *use);
/* One that has ended or never begun is accepted. */
void planes_end(struct planes_use *use);

#endif
