#include "lib/kube/kube_watch_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/jscan.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_page.h"

#define LIST_END "k8s.io/initial-events-end"

enum member {
	MEMBER_TYPE,
	MEMBER_OBJECT,
};

static const struct jscan_rule rules[] = {
	{.id = MEMBER_TYPE, .path = {"type"}, .what = JSCAN_VALUE},
	{.id = MEMBER_OBJECT, .path = {"object"}, .what = JSCAN_VALUE},
};

static const char *const types[] = {
	[KUBE_FRAME_ADDED] = "\"ADDED\"",
	[KUBE_FRAME_MODIFIED] = "\"MODIFIED\"",
	[KUBE_FRAME_DELETED] = "\"DELETED\"",
	[KUBE_FRAME_BOOKMARK] = "\"BOOKMARK\"",
	[KUBE_FRAME_ERROR] = "\"ERROR\"",
};

struct kube_frames {
	struct jscan *scanner;
	enum kube_frame type;
	struct json *object; /* of the frame that is being read */
	kube_frame_fn fn;
	void *arg;
};

static enum kube_frame type_of(const char *text)
{
	for (size_t i = 0; text != NULL && i < ARRAY_LEN(types); i++) {
		if (strcmp(text, types[i]) == 0)
			return (enum kube_frame)i;
	}
	return KUBE_FRAME_OTHER;
}

static void forget(struct kube_frames *f)
{
	json_free(f->object);
	f->object = NULL;
	f->type = KUBE_FRAME_OTHER;
}

static int on_frame(struct kube_frames *f, struct err *e)
{
	AUTO(json_freep) struct json *object = STEAL(f->object);
	enum kube_frame type = f->type;
	forget(f);
	return object != NULL ? f->fn(f->arg, type, object, e) : 0;
}

static int on_member(void *arg, const struct jscan_event *event, struct err *e)
{
	struct kube_frames *f = arg;
	if (event->kind == JSCAN_GOT_DOCUMENT)
		return on_frame(f, e);
	if (event->id == MEMBER_TYPE) {
		f->type = type_of(event->text);
		return 0;
	}
	if (event->truncated)
		return err_set(
			e, -EMSGSIZE, "an object of the watch exceeds %u bytes", KUBE_OBJECT_MAX);
	json_free(f->object);
	f->object = json_parse(event->text, event->len, e);
	return f->object != NULL ? 0 : err_wrap(e, "object of the watch");
}

struct kube_frames *kube_frames_new(kube_frame_fn fn, void *arg)
{
	struct kube_frames *f = xcalloc(1, sizeof(*f));
	f->scanner = jscan_new(rules, ARRAY_LEN(rules), KUBE_OBJECT_MAX, on_member, f);
	f->type = KUBE_FRAME_OTHER;
	f->fn = fn;
	f->arg = arg;
	return f;
}

void kube_frames_free(struct kube_frames *f)
{
	if (f == NULL)
		return;
	forget(f);
	jscan_free(f->scanner);
	free(f);
}

void kube_frames_reset(struct kube_frames *f)
{
	forget(f);
	jscan_reset(f->scanner);
}

int kube_frames_feed(struct kube_frames *f, const char *data, size_t len, struct err *e)
{
	int code = jscan_feed(f->scanner, data, len, e);
	jscan_trim(f->scanner, KUBE_OBJECT_KEPT);
	return code;
}

bool kube_frames_is_inside(const struct kube_frames *f)
{
	return jscan_is_inside(f->scanner);
}

const char *kube_frame_version(const struct json *object)
{
	const char *version = json_str(json_path(object, "metadata", "resourceVersion", NULL));
	return version != NULL ? version : "";
}

bool kube_frame_ends_list(const struct json *object)
{
	const char *end = json_str(json_path(object, "metadata", "annotations", LIST_END, NULL));
	return end != NULL && strcmp(end, "true") == 0;
}
