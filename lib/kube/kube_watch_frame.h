/*
 * The frames of a watch: one JSON object after the other, of any length, each with a type and an
 * object. Private to kube_watch.
 */
#ifndef LIB_KUBE_KUBE_WATCH_FRAME_H
#define LIB_KUBE_KUBE_WATCH_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct json;
struct kube_frames;

enum kube_frame {
	KUBE_FRAME_ADDED,
	KUBE_FRAME_MODIFIED,
	KUBE_FRAME_DELETED,
	KUBE_FRAME_BOOKMARK,
	KUBE_FRAME_ERROR,
	KUBE_FRAME_OTHER,
};

/* A frame with an object. A negative errno ends the stream. */
typedef int (*kube_frame_fn)(void *arg, enum kube_frame type, struct json *object, struct err *e);

struct kube_frames *kube_frames_new(kube_frame_fn fn, void *arg);
void kube_frames_free(struct kube_frames *f); /* NULL is accepted */
/* Begins a new stream. */
void kube_frames_reset(struct kube_frames *f);
/* -EINVAL for bytes that are no frames, -EMSGSIZE for an object of more than KUBE_OBJECT_MAX. */
int kube_frames_feed(struct kube_frames *f, const char *data, size_t len, struct err *e) MUST_CHECK;
bool kube_frames_is_inside(const struct kube_frames *f);

/* metadata.resourceVersion, "" when there is none. */
const char *kube_frame_version(const struct json *object);
/* A bookmark that says: all objects have come. */
bool kube_frame_ends_list(const struct json *object);

#endif
