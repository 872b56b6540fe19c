/*
 * A watch stream into a cache: the first byte is the size of the pieces, the remaining ones are the
 * stream. In pieces it gives the same content as whole, and each index agrees with the entries.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_cache.h"
#include "lib/kube/kube_watch_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void *decode(const struct json *object)
{
	return json_print(object);
}

static bool always(const void *data)
{
	return data != NULL;
}

static void by_uid(void *arg, const struct kube_entry *entry, struct strv *out)
{
	(void)arg;
	strv_push(out, entry->uid);
}

static const struct kube_index indexes[] = {{.values = by_uid}};
static const struct kube_cache_kind kind = {
	.decode = decode, .free = free, .keeps_text = always, .indexes = indexes, .index_count = 1};

struct run {
	struct kube_cache *cache;
	struct kube_watch_sink sink;
	struct kube_frames *frames;
};

static void on_report(void *arg, const struct kube_entry *before, const struct kube_entry *after)
{
	(void)arg;
	require(before != NULL || after != NULL);
	require(before == NULL || after == NULL || strcmp(before->key, after->key) == 0);
}

static int on_frame(void *arg, enum kube_frame type, struct json *object, struct err *e)
{
	struct run *run = arg;
	if (type == KUBE_FRAME_BOOKMARK && kube_frame_ends_list(object))
		run->sink.on_complete(run->sink.arg);
	if (type == KUBE_FRAME_OTHER)
		return run->sink.on_item(run->sink.arg, object, e);
	if (type > KUBE_FRAME_DELETED)
		return 0;
	return run->sink.on_change(run->sink.arg, (enum kube_change)type, object, e);
}

static int feed(struct run *run, const char *text, size_t size, size_t piece)
{
	struct err e = {0};
	run->cache = kube_cache_new(&kind, on_report, run);
	kube_cache_sink(run->cache, &run->sink);
	run->frames = kube_frames_new(on_frame, run);
	for (size_t at = 0; at < size; at += piece) {
		size_t len = size - at < piece ? size - at : piece;
		int code = kube_frames_feed(run->frames, text + at, len, &e);
		if (code < 0) {
			require(e.msg[0] != '\0');
			return code;
		}
	}
	return 0;
}

static void check_index(const struct kube_cache *c)
{
	for (size_t i = 0; i < kube_cache_count(c); i++) {
		const struct kube_entry *entry = kube_cache_at(c, i);
		const struct kube_entry *found;
		size_t nth = 0;
		while ((found = kube_cache_indexed(c, 0, entry->uid, nth)) != NULL &&
			found != entry)
			nth++;
		require(found == entry);
		require(kube_cache_get(c, entry->ns, entry->name) == entry ||
			strchr(entry->name, '/') != NULL || strchr(entry->ns, '/') != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct run whole = {0};
	struct run pieces = {0};
	int code = feed(&whole, (const char *)data + 1, size - 1, size);
	require(feed(&pieces, (const char *)data + 1, size - 1, data[0] % 16 + 1) == code);
	require(kube_cache_count(whole.cache) == kube_cache_count(pieces.cache));
	for (size_t i = 0; i < kube_cache_count(whole.cache); i++) {
		const struct kube_entry *a = kube_cache_at(whole.cache, i);
		const struct kube_entry *b = kube_cache_at(pieces.cache, i);
		require(strcmp(a->key, b->key) == 0 && strcmp(a->text, b->text) == 0);
	}
	check_index(whole.cache);
	kube_frames_free(whole.frames);
	kube_frames_free(pieces.frames);
	kube_cache_free(whole.cache);
	kube_cache_free(pieces.cache);
	return 0;
}
