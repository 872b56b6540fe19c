#include "lib/kube/kube_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/keyed.h"
#include "lib/base/mem.h"

/* An entry under one of its values. */
struct place {
	char *value;
	const struct kube_entry *entry;
};

struct places {
	struct place *items;
	size_t len;
	size_t cap;
};

/* One complete content. */
struct content {
	struct keyed entries;
	struct places *indexes; /* one for each of the kind */
};

struct kube_cache {
	const struct kube_cache_kind *kind_ref;
	struct content content;
	struct keyed coming; /* of the list that is not complete */
	bool is_synced;
	kube_cache_fn fn;
	void *arg;
};

static void entry_free(const struct kube_cache *c, struct kube_entry *entry)
{
	if (entry == NULL)
		return;
	if (entry->data != NULL)
		c->kind_ref->free(entry->data);
	if (entry->text != NULL)
		explicit_bzero(entry->text, strlen(entry->text));
	free(entry->text);
	free(entry);
}

static void entries_free(const struct kube_cache *c, struct keyed *entries)
{
	for (size_t i = 0; i < entries->len; i++)
		entry_free(c, entries->items[i]);
	keyed_fini(entries, NULL);
}

static int place_compare(const void *a, const void *b)
{
	const struct place *left = a;
	const struct place *right = b;
	int order = strcmp(left->value, right->value);
	return order != 0 ? order : strcmp(left->entry->key, right->entry->key);
}

/* The first place that is not before the value and the key. */
static size_t places_find(const struct places *p, const char *value, const char *key)
{
	size_t low = 0;
	size_t high = p->len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct place *at = &p->items[middle];
		int order = strcmp(at->value, value);
		if (order == 0)
			order = strcmp(at->entry->key, key);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_place(
	const struct places *p, size_t at, const char *value, const struct kube_entry *entry)
{
	return at < p->len && strcmp(p->items[at].value, value) == 0 &&
	       strcmp(p->items[at].entry->key, entry->key) == 0;
}

static void places_add(struct places *p, const char *value, const struct kube_entry *entry)
{
	size_t at = places_find(p, value, entry->key);
	if (is_place(p, at, value, entry))
		return;
	p->items = xgrow(p->items, p->len, &p->cap, 8, sizeof(*p->items));
	memmove(p->items + at + 1, p->items + at, (p->len - at) * sizeof(*p->items));
	p->items[at] = (struct place){.value = xstrdup(value), .entry = entry};
	p->len++;
}

static void places_drop(struct places *p, const char *value, const struct kube_entry *entry)
{
	size_t at = places_find(p, value, entry->key);
	if (!is_place(p, at, value, entry))
		return;
	free(p->items[at].value);
	p->len--;
	memmove(p->items + at, p->items + at + 1, (p->len - at) * sizeof(*p->items));
}

static void places_fini(struct places *p)
{
	for (size_t i = 0; i < p->len; i++)
		free(p->items[i].value);
	free(p->items);
}

/* Adds the entry to all indexes, or removes it. */
static void index_entry(struct kube_cache *c, const struct kube_entry *entry,
	void (*change)(struct places *p, const char *value, const struct kube_entry *entry))
{
	for (size_t i = 0; i < c->kind_ref->index_count; i++) {
		AUTO(strv_fini) struct strv values = {0};
		const struct kube_index *index = &c->kind_ref->indexes[i];
		index->values(index->arg, entry, &values);
		for (size_t j = 0; j < values.len; j++)
			change(&c->content.indexes[i], values.items[j], entry);
	}
}

/* All at once, since one by one would take the square of the time. */
static void index_all(
	const struct kube_cache *c, size_t index, const struct keyed *entries, struct places *p)
{
	for (size_t i = 0; i < entries->len; i++) {
		AUTO(strv_fini) struct strv values = {0};
		const struct kube_index *by = &c->kind_ref->indexes[index];
		by->values(by->arg, entries->items[i], &values);
		for (size_t j = 0; j < values.len; j++) {
			p->items = xgrow(p->items, p->len, &p->cap, 64, sizeof(*p->items));
			struct place *place = &p->items[p->len++];
			place->value = STEAL(values.items[j]);
			place->entry = entries->items[i];
		}
		values.len = 0;
	}
	if (p->len > 1)
		qsort(p->items, p->len, sizeof(*p->items), place_compare);
	/* The same value twice. */
	size_t kept = 0;
	for (size_t i = 0; i < p->len; i++) {
		if (kept > 0 && place_compare(&p->items[kept - 1], &p->items[i]) == 0)
			free(p->items[i].value);
		else
			p->items[kept++] = p->items[i];
	}
	p->len = kept;
}

static void content_fini(const struct kube_cache *c, struct content *content)
{
	for (size_t i = 0; content->indexes != NULL && i < c->kind_ref->index_count; i++)
		places_fini(&content->indexes[i]);
	free(content->indexes);
	entries_free(c, &content->entries);
}

static struct places *new_indexes(const struct kube_cache *c)
{
	return xcalloc(c->kind_ref->index_count + 1, sizeof(struct places));
}

struct kube_cache *kube_cache_new(const struct kube_cache_kind *kind, kube_cache_fn fn, void *arg)
{
	struct kube_cache *c = xcalloc(1, sizeof(*c));
	c->kind_ref = kind;
	c->fn = fn;
	c->arg = arg;
	c->content.indexes = new_indexes(c);
	return c;
}

void kube_cache_free(struct kube_cache *c)
{
	if (c == NULL)
		return;
	content_fini(c, &c->content);
	entries_free(c, &c->coming);
	free(c);
}

static const char *text_of(const struct json *metadata, const char *key)
{
	const char *text = json_str(json_get(metadata, key));
	return text != NULL ? text : "";
}

/* What of an object changes by itself, or is never compared. */
static char *kept_text(struct json *object)
{
	AUTO(json_freep) struct json *metadata = json_dup(json_get(object, "metadata"));
	if (json_type(metadata) == JSON_OBJECT) {
		json_remove(metadata, "managedFields");
		json_set(object, "metadata", STEAL(metadata));
	}
	json_remove(object, "status");
	return json_print(object);
}

/* The struct and its texts are one piece of memory. NULL for an object without a name. */
static struct kube_entry *entry_new(const struct kube_cache *c, struct json *object, struct err *e)
{
	const struct json *metadata = json_get(object, "metadata");
	const char *ns = text_of(metadata, "namespace");
	const char *name = text_of(metadata, "name");
	const char *uid = text_of(metadata, "uid");
	const char *version = text_of(metadata, "resourceVersion");
	if (name[0] == '\0') {
		err_set(e, -EINVAL, "an object has no metadata.name");
		return NULL;
	}
	size_t ns_len = strlen(ns);
	size_t name_len = strlen(name);
	size_t texts = 2 * ns_len + name_len + strlen(uid) + strlen(version) + 5;
	struct kube_entry *entry = xcalloc(1, sizeof(*entry) + texts);
	char *to = (char *)(entry + 1);
	entry->key = to;
	if (ns_len > 0) {
		to = mempcpy(to, ns, ns_len);
		*to++ = '/';
	}
	entry->name = to;
	to = mempcpy(to, name, name_len + 1);
	entry->ns = to;
	to = mempcpy(to, ns, ns_len + 1);
	entry->uid = to;
	to = mempcpy(to, uid, strlen(uid) + 1);
	entry->version = to;
	memcpy(to, version, strlen(version) + 1);
	entry->data = c->kind_ref->decode(object);
	if (c->kind_ref->keeps_text != NULL && c->kind_ref->keeps_text(entry->data))
		entry->text = kept_text(object);
	return entry;
}

static void on_begin(void *arg)
{
	struct kube_cache *c = arg;
	entries_free(c, &c->coming);
}

static int on_item(void *arg, struct json *object, struct err *e)
{
	struct kube_cache *c = arg;
	struct kube_entry *entry = entry_new(c, object, e);
	if (entry == NULL)
		return e->code;
	entry_free(c, keyed_put(&c->coming, entry));
	return 0;
}

static int on_item_gone(void *arg, struct json *object, struct err *e)
{
	struct kube_cache *c = arg;
	struct kube_entry *entry = entry_new(c, object, e);
	if (entry == NULL)
		return e->code;
	entry_free(c, keyed_remove(&c->coming, entry->key));
	entry_free(c, entry);
	return 0;
}

/* Each entry of either content, in the order of keys. */
static void report_all(struct kube_cache *c, const struct keyed *before, const struct keyed *after)
{
	size_t old = 0;
	size_t new = 0;
	while (old < before->len || new < after->len) {
		const struct kube_entry *left = old < before->len ? before->items[old] : NULL;
		const struct kube_entry *right = new < after->len ? after->items[new] : NULL;
		int order = left == NULL ? 1 : right == NULL ? -1 : strcmp(left->key, right->key);
		c->fn(c->arg, order <= 0 ? left : NULL, order >= 0 ? right : NULL);
		old += order <= 0;
		new += order >= 0;
	}
}

static void on_complete(void *arg)
{
	struct kube_cache *c = arg;
	struct content before = c->content;
	c->content.entries = c->coming;
	c->content.indexes = new_indexes(c);
	c->coming = (struct keyed){0};
	for (size_t i = 0; i < c->kind_ref->index_count; i++)
		index_all(c, i, &c->content.entries, &c->content.indexes[i]);
	c->is_synced = true;
	report_all(c, &before.entries, &c->content.entries);
	content_fini(c, &before);
}

static int on_change(void *arg, enum kube_change change, struct json *object, struct err *e)
{
	struct kube_cache *c = arg;
	struct kube_entry *entry = entry_new(c, object, e);
	if (entry == NULL)
		return e->code;
	if (change == KUBE_DELETED) {
		struct kube_entry *gone = keyed_remove(&c->content.entries, entry->key);
		entry_free(c, entry);
		if (gone == NULL)
			return 0;
		index_entry(c, gone, places_drop);
		c->fn(c->arg, gone, NULL);
		entry_free(c, gone);
		return 0;
	}
	struct kube_entry *before = keyed_put(&c->content.entries, entry);
	if (before != NULL)
		index_entry(c, before, places_drop);
	index_entry(c, entry, places_add);
	c->fn(c->arg, before, entry);
	entry_free(c, before);
	return 0;
}

void kube_cache_sink(struct kube_cache *c, struct kube_watch_sink *sink)
{
	*sink = (struct kube_watch_sink){
		.on_begin = on_begin,
		.on_item = on_item,
		.on_item_gone = on_item_gone,
		.on_complete = on_complete,
		.on_change = on_change,
		.arg = c,
	};
}

bool kube_cache_is_synced(const struct kube_cache *c)
{
	return c->is_synced;
}

size_t kube_cache_count(const struct kube_cache *c)
{
	return c->content.entries.len;
}

const struct kube_entry *kube_cache_at(const struct kube_cache *c, size_t place)
{
	return place < c->content.entries.len ? c->content.entries.items[place] : NULL;
}

const struct kube_entry *kube_cache_get(
	const struct kube_cache *c, const char *ns, const char *name)
{
	bool has_ns = ns != NULL && ns[0] != '\0';
	AUTO(mem_free) char *key = has_ns ? xasprintf("%s/%s", ns, name) : xstrdup(name);
	return keyed_find(&c->content.entries, key);
}

const struct kube_entry *kube_cache_indexed(
	const struct kube_cache *c, size_t index, const char *value, size_t nth)
{
	const struct places *p = &c->content.indexes[index];
	size_t at = places_find(p, value, "") + nth;
	bool is_one = at < p->len && strcmp(p->items[at].value, value) == 0;
	return is_one ? p->items[at].entry : NULL;
}
