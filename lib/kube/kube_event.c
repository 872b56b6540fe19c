#include "lib/kube/kube_event.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_event_log.h"
#include "lib/kube/kube_op.h"
#include "lib/kube/kube_outcome.h"

struct write {
	struct kube_events *events;
	struct write *next, **link;
	struct kube_call *call;
	char *key; /* of the entry */
};

struct kube_events {
	struct kube *kube_ref;
	char *component;
	struct kube_event_log log;
	struct write *writes;
};

static const struct kube_resource resource = {"", "v1", "events", "Event", true};

static void write_free(struct write *write)
{
	*write->link = write->next;
	if (write->next != NULL)
		write->next->link = write->link;
	free(write->key);
	free(write);
}

struct kube_events *kube_events_new(struct kube *k, const char *component)
{
	struct kube_events *events = xcalloc(1, sizeof(*events));
	events->kube_ref = k;
	events->component = xstrdup(component);
	return events;
}

void kube_events_free(struct kube_events *events)
{
	if (events == NULL)
		return;
	while (events->writes != NULL) {
		kube_cancel(events->writes->call);
		write_free(events->writes);
	}
	kube_event_log_fini(&events->log);
	free(events->component);
	free(events);
}

static void on_written(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct write *write = arg;
	(void)reply;
	kube_event_ended(&write->events->log, write->key, err == NULL);
	write_free(write);
}

static void send_write(struct kube_events *events, const struct kube_op *op, const char *key)
{
	struct err e;
	struct write *write = xcalloc(1, sizeof(*write));
	write->events = events;
	write->key = xstrdup(key);
	write->next = events->writes;
	write->link = &events->writes;
	if (write->next != NULL)
		write->next->link = &write->next;
	events->writes = write;
	write->call = kube_op_start(events->kube_ref, op, on_written, write, &e);
	if (write->call != NULL)
		return;
	kube_event_ended(&events->log, key, false);
	write_free(write);
}

void kube_event_emit(struct kube_events *events, const struct kube_event *event)
{
	struct kube_event_entry *entry;
	enum kube_event_step step =
		kube_event_note(&events->log, event, clock_now_ms(), clock_wall(), &entry);
	if (step == KUBE_EVENT_DROP)
		return;
	bool is_new = step == KUBE_EVENT_CREATE;
	AUTO(json_freep)
	struct json *body = is_new ? kube_event_document(entry, event, events->component)
				   : kube_event_count_patch(entry);
	const struct kube_op op = {
		.verb = is_new ? KUBE_CREATE : KUBE_PATCH,
		.target = {&resource, entry->ns, is_new ? NULL : entry->name, NULL},
		.body = body,
		.patch = KUBE_PATCH_MERGE,
	};
	send_write(events, &op, entry->key);
}

bool kube_events_are_busy(const struct kube_events *events)
{
	return events->writes != NULL;
}
