/*
 * Events about objects, for people. Repetitions are counted in the Event that is there, an object
 * has a bucket of KUBE_EVENT_BURST that is refilled by one every KUBE_EVENT_REFILL_MS, and a write
 * that fails is forgotten: an Event is never worth a retry.
 *
 *	kube_event_emit(events, &(struct kube_event){.api_version = "v1", .kind = "Service", …});
 */
#ifndef LIB_KUBE_KUBE_EVENT_H
#define LIB_KUBE_KUBE_EVENT_H

#include <stdbool.h>

#include "lib/kube/kube.h"

#define KUBE_EVENT_REPEAT_MS 600000
#define KUBE_EVENT_BURST 25
#define KUBE_EVENT_REFILL_MS 300000
#define KUBE_EVENT_MESSAGE_MAX 1024

struct kube_events;

struct kube_event {
	/* The object. */
	const char *api_version, *kind;
	const char *ns; /* NULL or "" = none: its Events are in "default" */
	const char *name, *uid;
	const char *version; /* NULL = none */
	bool is_warning;
	const char *reason;  /* "CamelCase" */
	const char *message; /* cut to KUBE_EVENT_MESSAGE_MAX; never a secret */
};

/* component: the name of the program, copied. */
struct kube_events *kube_events_new(struct kube *k, const char *component);
void kube_events_free(struct kube_events *events); /* NULL is accepted; cancels what is under way */
/* All is copied. */
void kube_event_emit(struct kube_events *events, const struct kube_event *event);
/* Writes are under way. */
bool kube_events_are_busy(const struct kube_events *events);

#endif
