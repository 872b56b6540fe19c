#include "lib/kube/kube_event_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/kube_time.h"

/* Events of objects without a namespace belong there. */
#define CLUSTER_NAMESPACE "default"
/* The name of an Event is that of its object and a number, of 253 bytes at most. */
#define OBJECT_NAME_MAX 230

struct bucket {
	char *key;
	uint64_t full_ms; /* when it would be full again */
};

static void entry_free(void *item)
{
	struct kube_event_entry *entry = item;
	if (entry == NULL)
		return;
	free(entry->key);
	free(entry->ns);
	free(entry->name);
	free(entry);
}

static void bucket_free(void *item)
{
	struct bucket *bucket = item;
	if (bucket == NULL)
		return;
	free(bucket->key);
	free(bucket);
}

void kube_event_log_fini(struct kube_event_log *log)
{
	keyed_fini(&log->entries, entry_free);
	keyed_fini(&log->buckets, bucket_free);
}

static char *object_key(const struct kube_event *event)
{
	return xasprintf("%s/%s/%s/%s", event->kind, event->ns != NULL ? event->ns : "",
		event->name, event->uid);
}

/* The one that was of use longest ago makes room. */
static void make_room_for_entry(struct kube_event_log *log)
{
	if (log->entries.len < KUBE_EVENT_LOG_MAX)
		return;
	struct kube_event_entry *oldest = log->entries.items[0];
	for (size_t i = 1; i < log->entries.len; i++) {
		struct kube_event_entry *entry = log->entries.items[i];
		if (entry->last_ms < oldest->last_ms)
			oldest = entry;
	}
	entry_free(keyed_remove(&log->entries, oldest->key));
}

static void make_room_for_bucket(struct kube_event_log *log)
{
	if (log->buckets.len < KUBE_EVENT_LOG_MAX)
		return;
	struct bucket *fullest = log->buckets.items[0];
	for (size_t i = 1; i < log->buckets.len; i++) {
		struct bucket *bucket = log->buckets.items[i];
		if (bucket->full_ms < fullest->full_ms)
			fullest = bucket;
	}
	bucket_free(keyed_remove(&log->buckets, fullest->key));
}

/* Takes one out of the object's bucket; false when it is empty. */
static bool is_allowed(struct kube_event_log *log, const struct kube_event *event, uint64_t now_ms)
{
	AUTO(mem_free) char *key = object_key(event);
	struct bucket *bucket = keyed_find(&log->buckets, key);
	if (bucket == NULL) {
		make_room_for_bucket(log);
		bucket = xcalloc(1, sizeof(*bucket));
		bucket->key = STEAL(key);
		keyed_put(&log->buckets, bucket);
	}
	const uint64_t burst_ms = (uint64_t)(KUBE_EVENT_BURST - 1) * KUBE_EVENT_REFILL_MS;
	uint64_t full_ms = bucket->full_ms > now_ms ? bucket->full_ms : now_ms;
	if (full_ms - now_ms > burst_ms)
		return false;
	bucket->full_ms = full_ms + KUBE_EVENT_REFILL_MS;
	return true;
}

static struct kube_event_entry *entry_new(struct kube_event_log *log,
	const struct kube_event *event, char *key_take, uint64_t now_ms, time_t wall)
{
	bool has_ns = event->ns != NULL && event->ns[0] != '\0';
	struct kube_event_entry *entry = xcalloc(1, sizeof(*entry));
	size_t len = str_cut(event->name, strlen(event->name), OBJECT_NAME_MAX);
	uint64_t number = (uint64_t)wall << 20 | (log->made++ & 0xfffff);
	make_room_for_entry(log);
	entry->key = key_take;
	entry->ns = xstrdup(has_ns ? event->ns : CLUSTER_NAMESPACE);
	entry->name = xasprintf("%.*s.%016" PRIx64, (int)len, event->name, number);
	entry->count = 1;
	entry->first = entry->last = wall;
	entry->last_ms = now_ms;
	keyed_put(&log->entries, entry);
	return entry;
}

enum kube_event_step kube_event_note(struct kube_event_log *log, const struct kube_event *event,
	uint64_t now_ms, time_t wall, struct kube_event_entry **entry)
{
	AUTO(mem_free) char *object = object_key(event);
	AUTO(mem_free)
	char *key =
		xasprintf("%s/%d/%s/%s", object, event->is_warning, event->reason, event->message);
	struct kube_event_entry *known = keyed_find(&log->entries, key);
	if (known != NULL && now_ms - known->last_ms >= KUBE_EVENT_REPEAT_MS) {
		entry_free(keyed_remove(&log->entries, key));
		known = NULL;
	}
	*entry = known;
	if (known != NULL) {
		known->count++;
		known->last = wall;
		known->last_ms = now_ms;
		/* One request at a time: the next repetition has the count of all. */
		if (known->is_busy)
			return KUBE_EVENT_DROP;
	}
	if (!is_allowed(log, event, now_ms))
		return KUBE_EVENT_DROP;
	if (known == NULL)
		known = *entry = entry_new(log, event, STEAL(key), now_ms, wall);
	known->is_busy = true;
	return known->is_stored ? KUBE_EVENT_COUNT : KUBE_EVENT_CREATE;
}

void kube_event_ended(struct kube_event_log *log, const char *key, bool is_stored)
{
	struct kube_event_entry *entry = keyed_find(&log->entries, key);
	if (entry == NULL)
		return;
	entry->is_busy = false;
	entry->is_stored = is_stored;
	if (!is_stored)
		entry_free(keyed_remove(&log->entries, key));
}

static void set_time(struct json *doc, const char *key, time_t at)
{
	char text[KUBE_TIME_MAX];
	kube_time_format(at, text);
	json_set_str(doc, key, text);
}

static struct json *reference(const struct kube_event *event)
{
	struct json *object = json_new_object();
	json_set_str(object, "apiVersion", event->api_version);
	json_set_str(object, "kind", event->kind);
	if (event->ns != NULL && event->ns[0] != '\0')
		json_set_str(object, "namespace", event->ns);
	json_set_str(object, "name", event->name);
	json_set_str(object, "uid", event->uid);
	if (event->version != NULL)
		json_set_str(object, "resourceVersion", event->version);
	return object;
}

struct json *kube_event_document(
	const struct kube_event_entry *entry, const struct kube_event *event, const char *component)
{
	struct json *doc = json_new_object();
	struct json *metadata = json_new_object();
	struct json *source = json_new_object();
	size_t len = str_cut(event->message, strlen(event->message), KUBE_EVENT_MESSAGE_MAX);
	AUTO(mem_free) char *message = xstrndup(event->message, len);
	json_set_str(doc, "apiVersion", "v1");
	json_set_str(doc, "kind", "Event");
	json_set_str(metadata, "namespace", entry->ns);
	json_set_str(metadata, "name", entry->name);
	json_set(doc, "metadata", metadata);
	json_set(doc, "involvedObject", reference(event));
	json_set_str(doc, "type", event->is_warning ? "Warning" : "Normal");
	json_set_str(doc, "reason", event->reason);
	json_set_str(doc, "message", message);
	json_set_str(source, "component", component);
	json_set(doc, "source", source);
	set_time(doc, "firstTimestamp", entry->first);
	set_time(doc, "lastTimestamp", entry->last);
	json_set(doc, "count", json_new_i64(entry->count));
	return doc;
}

struct json *kube_event_count_patch(const struct kube_event_entry *entry)
{
	struct json *patch = json_new_object();
	set_time(patch, "lastTimestamp", entry->last);
	json_set(patch, "count", json_new_i64(entry->count));
	return patch;
}
