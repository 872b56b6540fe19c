#include "ingress/serve_watch.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/timer.h"
#include "lib/localapi/localapi.h"

struct serve_watch {
	struct localapi *api_ref;
	uint32_t interval_ms;
	serve_watch_fn fn;
	void *arg;
	struct json *document; /* NULL while nothing is watched */
	bool is_confirmed;     /* the daemon was seen to have all of it */
	bool was_empty;        /* the daemon had nothing at the first look */
	char *etag;            /* of its serve config at that time; NULL when it has none */
	struct localapi_call *call;
	struct timer look;
};

/* The parts of a serve config object that are watched: keys of these members, recursively. */
struct part {
	const char *member;
	const struct part *inner; /* ends with a member of NULL; itself NULL for no more */
};

static const struct part of_web_server[] = {{"Handlers", NULL}, {0}};
static const struct part of_service[] = {{"TCP", NULL}, {"Web", of_web_server}, {0}};
static const struct part of_config[] = {
	{"TCP", NULL}, {"Web", of_web_server}, {"Services", of_service}, {0}};

static bool has_keys(const struct json *ours, const struct json *theirs, const struct part *inner);

static bool has_parts(const struct json *ours, const struct json *theirs, const struct part *parts)
{
	for (const struct part *p = parts; p != NULL && p->member != NULL; p++) {
		if (!has_keys(json_get_fold(ours, p->member), json_get_fold(theirs, p->member),
			    p->inner))
			return false;
	}
	return true;
}

static bool has_keys(const struct json *ours, const struct json *theirs, const struct part *inner)
{
	if (json_type(ours) != JSON_OBJECT)
		return true;
	for (const struct json *m = json_first(ours); m != NULL; m = json_next(m)) {
		const struct json *same = json_get(theirs, json_key(m));
		if (same == NULL || !has_parts(m, same, inner))
			return false;
	}
	return true;
}

bool serve_watch_is_served(const struct json *ours, const struct json *theirs)
{
	return has_parts(ours, theirs, of_config);
}

static void forget(struct serve_watch *w)
{
	localapi_cancel(w->call);
	w->call = NULL;
	timer_stop(&w->look);
	json_free(w->document);
	w->document = NULL;
	free(w->etag);
	w->etag = NULL;
	w->is_confirmed = false;
}

static bool is_as_before(const struct serve_watch *w, const struct localapi_reply *reply)
{
	return w->etag != NULL && reply->etag != NULL && strcmp(w->etag, reply->etag) == 0;
}

static void confirm(struct serve_watch *w, const struct localapi_reply *reply)
{
	w->is_confirmed = true;
	w->was_empty = false;
	free(w->etag);
	w->etag = xstrdup(reply->etag);
	timer_start(&w->look, w->interval_ms);
}

/* Cleared before the first look: nothing is left, not even in another form. Twice in a row means
 * that the daemon keeps nothing, and so does an answer without a version. */
static bool is_newly_empty(
	struct serve_watch *w, const struct localapi_reply *reply, const struct json *theirs)
{
	bool is_empty = reply->etag != NULL && serve_watch_is_served(theirs, NULL);
	bool is_new = is_empty && !w->was_empty;
	w->was_empty = is_empty;
	return is_new;
}

static void on_serve_config(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct serve_watch *w = arg;
	struct err ignored;
	w->call = NULL;
	/* Without an answer nothing is known; others report a daemon that does not answer. */
	if (err != NULL || is_as_before(w, reply)) {
		timer_start(&w->look, w->interval_ms);
		return;
	}
	AUTO(json_freep) struct json *theirs = json_parse(reply->body, reply->len, &ignored);
	if (theirs != NULL && serve_watch_is_served(w->document, theirs)) {
		confirm(w, reply);
		return;
	}
	bool is_cleared = theirs != NULL && (w->is_confirmed || is_newly_empty(w, reply, theirs));
	forget(w);
	if (is_cleared)
		w->fn(w->arg);
}

static void look(void *arg)
{
	struct serve_watch *w = arg;
	w->call = localapi_serve_get(w->api_ref, on_serve_config, w);
}

struct serve_watch *serve_watch_new(
	struct loop *loop, struct localapi *api, uint32_t interval_ms, serve_watch_fn fn, void *arg)
{
	struct serve_watch *w = xcalloc(1, sizeof(*w));
	w->api_ref = api;
	w->interval_ms = interval_ms;
	w->fn = fn;
	w->arg = arg;
	timer_init(&w->look, loop, look, w);
	return w;
}

void serve_watch_free(struct serve_watch *w)
{
	if (w == NULL)
		return;
	forget(w);
	free(w);
}

void serve_watch_start(struct serve_watch *w, const char *document)
{
	struct err ignored;
	forget(w);
	w->document = json_parse(document, strlen(document), &ignored);
	/* An empty document is always served. */
	if (w->document != NULL && !serve_watch_is_served(w->document, NULL))
		timer_start(&w->look, 0);
}

void serve_watch_stop(struct serve_watch *w)
{
	forget(w);
}
