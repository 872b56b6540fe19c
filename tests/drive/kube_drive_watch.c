#include "tests/drive/kube_drive.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/kube/kube_cache.h"

#define WATCHES_MAX 64

struct watch {
	char *id;
	struct kube_cache *cache;
	struct kube_watch *watch;
	struct kube_watch_sink sink; /* of the cache */
	bool is_loud;                /* says each change */
};

static struct watch *watches[WATCHES_MAX];

static void *decode(const struct json *object)
{
	const char *value = json_str(json_path(object, "data", "value", NULL));
	return value != NULL ? xstrdup(value) : NULL;
}

static const struct kube_cache_kind kind = {.decode = decode, .free = free};

static struct json *event_of(const struct watch *w, const char *event)
{
	struct json *j = json_new_object();
	json_set_str(j, "event", event);
	json_set_str(j, "id", w->id);
	return j;
}

static void on_report(void *arg, const struct kube_entry *before, const struct kube_entry *after)
{
	struct watch *w = arg;
	if (!w->is_loud)
		return;
	const char *value = after != NULL ? after->data : NULL;
	struct json *event = event_of(w, after == NULL ? "gone" : "is");
	json_set_str(event, "key", after != NULL ? after->key : before->key);
	if (value != NULL)
		json_set_str(event, "value", value);
	drive_say(event);
}

static void on_begin(void *arg)
{
	struct watch *w = arg;
	drive_say(event_of(w, "begin"));
	w->sink.on_begin(w->sink.arg);
}

static int on_item(void *arg, struct json *object, struct err *e)
{
	struct watch *w = arg;
	return w->sink.on_item(w->sink.arg, object, e);
}

static int on_item_gone(void *arg, struct json *object, struct err *e)
{
	struct watch *w = arg;
	return w->sink.on_item_gone(w->sink.arg, object, e);
}

static void on_complete(void *arg)
{
	struct watch *w = arg;
	w->sink.on_complete(w->sink.arg);
	struct json *event = event_of(w, "synced");
	json_set(event, "count", json_new_i64((int64_t)kube_cache_count(w->cache)));
	drive_say(event);
}

static int on_change(void *arg, enum kube_change change, struct json *object, struct err *e)
{
	struct watch *w = arg;
	return w->sink.on_change(w->sink.arg, change, object, e);
}

static void on_trouble(void *arg, enum kube_outcome outcome, const struct err *err)
{
	struct json *event = event_of(arg, "trouble");
	json_set_str(event, "outcome", kube_outcome_name(outcome));
	json_set_str(event, "error", err->msg);
	drive_say(event);
}

static struct watch **find(const struct json *command)
{
	const char *id = drive_text(command, "id");
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		if (watches[i] != NULL && strcmp(watches[i]->id, id) == 0)
			return &watches[i];
	}
	return NULL;
}

void drive_watch(struct kube *k, const struct json *command)
{
	size_t i = 0;
	while (i < WATCHES_MAX - 1 && watches[i] != NULL)
		i++;
	struct watch *w = xcalloc(1, sizeof(*w));
	watches[i] = w;
	w->id = xstrdup(drive_text(command, "id"));
	w->is_loud = json_bool(json_get(command, "loud"), false);
	w->cache = kube_cache_new(&kind, on_report, w);
	kube_cache_sink(w->cache, &w->sink);
	const struct kube_selection selection = {
		.target = {drive_resource(command), drive_text(command, "ns"), NULL, NULL},
		.label_selector = drive_text(command, "labels"),
	};
	const struct kube_watch_options options = {
		.lists_by_watch = json_bool(json_get(command, "by_watch"), false)};
	const struct kube_watch_sink sink = {
		.on_begin = on_begin,
		.on_item = on_item,
		.on_item_gone = on_item_gone,
		.on_complete = on_complete,
		.on_change = on_change,
		.on_trouble = on_trouble,
		.arg = w,
	};
	w->watch = kube_watch_new(k, &selection, &options, &sink);
}

void drive_dump(const struct json *command)
{
	struct watch **at = find(command);
	struct json *event = json_new_object();
	struct json *entries = json_new_object();
	json_set_str(event, "event", "dump");
	if (at != NULL) {
		const struct watch *w = *at;
		json_set_str(event, "id", w->id);
		json_set_str(event, "state", kube_watch_state_name(kube_watch_state(w->watch)));
		json_set_str(event, "version", kube_watch_version(w->watch));
		json_set(event, "lists", json_new_i64((int64_t)kube_watch_lists(w->watch)));
		json_set(event, "opens", json_new_i64((int64_t)kube_watch_opens(w->watch)));
		json_set(event, "count", json_new_i64((int64_t)kube_cache_count(w->cache)));
		for (size_t i = 0; i < kube_cache_count(w->cache); i++) {
			const struct kube_entry *entry = kube_cache_at(w->cache, i);
			json_set_str(entries, entry->key, entry->version);
		}
	}
	json_set(event, "entries", entries);
	drive_say(event);
}

void drive_stop(const struct json *command)
{
	struct watch **at = find(command);
	if (at == NULL)
		return;
	kube_watch_free((*at)->watch);
	kube_cache_free((*at)->cache);
	free((*at)->id);
	free(*at);
	*at = NULL;
}
