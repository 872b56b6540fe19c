/*
 * What the cluster says about one kind: entries by namespace and name, and indexes. Fed by a watch
 * (kube_watch.h). A list replaces the content in one step when it is complete; until then the
 * former content is served. Pure: nothing here waits.
 *
 * An entry holds what the kind's decoder keeps of the object, and on request its text, without
 * metadata.managedFields and status. Entries are sorted by key, so that walks are the same in every
 * run. An entry is replaced, never changed: it is valid until the change that replaces it has been
 * reported.
 *
 *	struct kube_cache *c = kube_cache_new(&service_kind, on_change, me);
 *	kube_cache_sink(c, &sink);
 *	const struct kube_entry *web = kube_cache_get(c, "default", "web");
 *	for (i = 0; (entry = kube_cache_indexed(c, BY_GROUP, "egress", i)) != NULL; i++) …
 */
#ifndef LIB_KUBE_KUBE_CACHE_H
#define LIB_KUBE_KUBE_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"
#include "lib/kube/kube_watch.h"

struct kube_cache;

struct kube_entry {
	const char *key; /* "namespace/name", or the name */
	const char *ns;  /* "" for a kind without namespaces */
	const char *name;
	const char *uid;
	const char *version;
	void *data; /* of the decoder */
	char *text; /* compact JSON, NULL unless the kind keeps it */
};

struct kube_index {
	/* Adds the values under which the entry is found: none, one or more. The same entry always
	 * has the same values. */
	void (*values)(void *arg, const struct kube_entry *entry, struct strv *out);
	void *arg;
};

struct kube_cache_kind {
	/* What is kept of an object; faults in it are a part of that. */
	void *(*decode)(const struct json *object);
	void (*free)(void *data);
	/* Whether the text of an object is kept, by what was decoded of it; NULL = never. */
	bool (*keeps_text)(const void *data);
	const struct kube_index *indexes;
	size_t index_count;
};

/* before NULL: it is new; after NULL: it is gone. After a list it is called for each entry, changed
 * or not. The content is already that after the change. */
typedef void (*kube_cache_fn)(
	void *arg, const struct kube_entry *before, const struct kube_entry *after);

/* The kind is borrowed. */
struct kube_cache *kube_cache_new(const struct kube_cache_kind *kind, kube_cache_fn fn, void *arg);
void kube_cache_free(struct kube_cache *c); /* NULL is accepted */
/* The callbacks that feed it; on_trouble stays NULL and may be set. */
void kube_cache_sink(struct kube_cache *c, struct kube_watch_sink *sink);

/* A list has been complete at least once. */
bool kube_cache_is_synced(const struct kube_cache *c);
size_t kube_cache_count(const struct kube_cache *c);
/* By place in the order of keys. */
const struct kube_entry *kube_cache_at(const struct kube_cache *c, size_t place);
/* NULL when there is none. ns is NULL or "" for a kind without namespaces. */
const struct kube_entry *kube_cache_get(
	const struct kube_cache *c, const char *ns, const char *name);
/* The nth entry with the value in an index, in the order of keys; NULL after the last. */
const struct kube_entry *kube_cache_indexed(
	const struct kube_cache *c, size_t index, const char *value, size_t nth);

#endif
