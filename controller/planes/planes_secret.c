#include "controller/planes/planes_secret.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_watch.h"

static const char *const keys[] = {"client_id", "client_secret", "api_key", "ca.crt"};

struct planes_secret {
	struct kube_watch *watch;
	char *ns, *name;
	enum planes_secret_state state;
	struct json *document;
	/* Of a list that is under way. */
	struct json *listed;
	void (*on_change)(void *arg);
	void *arg;
};

/* What is kept of it; the rest may be large. */
static struct json *reduce(const struct json *object)
{
	struct json *data = json_new_object();
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct json *value = json_path(object, "data", keys[i], NULL);
		if (value != NULL)
			json_set(data, keys[i], json_dup(value));
	}
	struct json *out = json_new_object();
	json_set(out, "data", data);
	return out;
}

/* take is NULL unless present. */
static void become(struct planes_secret *s, enum planes_secret_state state, struct json *take)
{
	bool is_same = s->state == state && (take == NULL || json_equal(s->document, take));
	json_free(s->document);
	s->document = take;
	s->state = state;
	if (!is_same)
		s->on_change(s->arg);
}

/* A server that ignores the selector must not make us use another Secret. */
static bool is_meant(const struct planes_secret *s, const struct json *object)
{
	const char *name = json_str(json_path(object, "metadata", "name", NULL));
	return name != NULL && strcmp(name, s->name) == 0;
}

static void on_begin(void *arg)
{
	struct planes_secret *s = arg;
	json_free(s->listed);
	s->listed = NULL;
}

static int on_item(void *arg, struct json *object, struct err *e)
{
	struct planes_secret *s = arg;
	(void)e;
	if (is_meant(s, object)) {
		json_free(s->listed);
		s->listed = reduce(object);
	}
	return 0;
}

static int on_item_gone(void *arg, struct json *object, struct err *e)
{
	(void)object;
	(void)e;
	on_begin(arg);
	return 0;
}

static void on_complete(void *arg)
{
	struct planes_secret *s = arg;
	struct json *listed = STEAL(s->listed);
	become(s, listed != NULL ? PLANES_SECRET_PRESENT : PLANES_SECRET_ABSENT, listed);
}

static int on_change(void *arg, enum kube_change change, struct json *object, struct err *e)
{
	struct planes_secret *s = arg;
	(void)e;
	if (!is_meant(s, object))
		return 0;
	if (change == KUBE_DELETED)
		become(s, PLANES_SECRET_ABSENT, NULL);
	else
		become(s, PLANES_SECRET_PRESENT, reduce(object));
	return 0;
}

/* What has been read before goes on to be used. */
static void on_trouble(void *arg, enum kube_outcome outcome, const struct err *err)
{
	struct planes_secret *s = arg;
	(void)err;
	if (outcome == KUBE_FORBIDDEN && s->state != PLANES_SECRET_PRESENT)
		become(s, PLANES_SECRET_REFUSED, NULL);
}

struct planes_secret *planes_secret_new(
	struct kube *k, const char *ns, const char *name, void (*changed)(void *arg), void *arg)
{
	struct planes_secret *s = xcalloc(1, sizeof(*s));
	s->ns = xstrdup(ns);
	s->name = xstrdup(name);
	s->on_change = changed;
	s->arg = arg;
	AUTO(mem_free) char *field = xasprintf("metadata.name=%s", name);
	const struct kube_selection selection = {
		.target = {.resource = cluster_resource(CLUSTER_SECRETS), .ns = ns},
		.field_selector = field,
	};
	const struct kube_watch_sink sink = {
		.on_begin = on_begin,
		.on_item = on_item,
		.on_item_gone = on_item_gone,
		.on_complete = on_complete,
		.on_change = on_change,
		.on_trouble = on_trouble,
		.arg = s,
	};
	s->watch = kube_watch_new(k, &selection, NULL, &sink);
	return s;
}

void planes_secret_free(struct planes_secret *s)
{
	if (s == NULL)
		return;
	kube_watch_free(s->watch);
	json_free(s->document);
	json_free(s->listed);
	free(s->ns);
	free(s->name);
	free(s);
}

enum planes_secret_state planes_secret_state(const struct planes_secret *s)
{
	return s->state;
}

const char *planes_secret_ns(const struct planes_secret *s)
{
	return s->ns;
}

const char *planes_secret_name(const struct planes_secret *s)
{
	return s->name;
}

const struct json *planes_secret_document(const struct planes_secret *s)
{
	return s->document;
}
