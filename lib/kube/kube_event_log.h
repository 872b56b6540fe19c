/*
 * Which Events are written: pure. A repetition within KUBE_EVENT_REPEAT_MS counts up the Event that
 * is there; each object has a bucket, so that an object that fails again and again does not flood
 * the server. Private to kube_event.
 */
#ifndef LIB_KUBE_KUBE_EVENT_LOG_H
#define LIB_KUBE_KUBE_EVENT_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/keyed.h"
#include "lib/kube/kube_event.h"

/* Most Events, and most objects with a bucket, that are remembered. */
#define KUBE_EVENT_LOG_MAX 1024

struct kube_event_entry {
	char *key; /* of object, reason and text */
	char *ns;
	char *name; /* of the Event */
	int64_t count;
	time_t first, last;
	uint64_t last_ms;
	bool is_stored; /* the server has it */
	bool is_busy;   /* a request is under way */
};

/* Valid when zeroed. */
struct kube_event_log {
	struct keyed entries;
	struct keyed buckets;
	uint64_t made;
};

enum kube_event_step {
	KUBE_EVENT_DROP,
	KUBE_EVENT_CREATE,
	KUBE_EVENT_COUNT, /* the one that is there is patched */
};

void kube_event_log_fini(struct kube_event_log *log);
/* What to do; the entry is borrowed until the next call. It is NULL only with KUBE_EVENT_DROP. */
enum kube_event_step kube_event_note(struct kube_event_log *log, const struct kube_event *event,
	uint64_t now_ms, time_t wall, struct kube_event_entry **entry);
/* The end of a request about an entry, by its key: whether the server has it now. */
void kube_event_ended(struct kube_event_log *log, const char *key, bool is_stored);

/* Documents, owned by the caller. */
struct json *kube_event_document(const struct kube_event_entry *entry,
	const struct kube_event *event, const char *component);
struct json *kube_event_count_patch(const struct kube_event_entry *entry);

#endif
