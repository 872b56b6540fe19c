/*
 * A client of a real API server that does what it reads: kube_drive ACCOUNT_FOLDER HOST PORT, or
 * kube_drive KUBECONFIG.
 *
 *	{"do":"op","verb":"apply","plural":"services",…,"ns":"a","name":"b","body":{…}}
 *	{"do":"converge","plural":"services",…,"ns":"a","name":"b","body":{…}}
 *	{"do":"list","plural":"configmaps",…,"limit":500}
 *	{"do":"watch","id":"x","plural":"configmaps",…,"labels":"a=b"}, dump, stop
 */
#include "tests/drive/kube_drive.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/fetch_http2.h"
#include "lib/io/loop.h"
#include "lib/io/resolve.h"
#include "lib/io/signals.h"
#include "lib/kube/kube_op.h"
#include "lib/kube/kube_outcome.h"
#include "lib/kube/kube_page.h"

struct drive {
	struct loop *loop;
	struct kube *kube;
};

const struct kube_resource *drive_resource(const struct json *command)
{
	/* Kept until the end of the program, found by whoever looks for leaks. */
	static struct kube_resource *kinds[64];
	static size_t count;
	const char *plural = drive_text(command, "plural");
	drive_must(plural != NULL && count < ARRAY_LEN(kinds), "a kind");
	for (size_t i = 0; i < count; i++) {
		if (strcmp(kinds[i]->plural, plural) == 0)
			return kinds[i];
	}
	struct kube_resource *kind = xcalloc(1, sizeof(*kind));
	kind->plural = xstrdup(plural);
	kind->group = xstrdup(drive_text_or(command, "group", ""));
	kind->version = xstrdup(drive_text_or(command, "version", "v1"));
	kind->kind = xstrdup(drive_text_or(command, "kind", plural));
	kind->is_namespaced = json_bool(json_get(command, "namespaced"), true);
	kinds[count++] = kind;
	return kind;
}

struct request {
	char *tag;
	uint64_t begun_ms;
	size_t items;
	struct kube *kube;
	struct kube_selection selection;
	unsigned int limit, pages;
};

static struct json *event_of(struct request *request, const char *event, enum kube_outcome outcome,
	const struct err *err)
{
	struct json *j = json_new_object();
	json_set_str(j, "event", event);
	json_set_str(j, "tag", request->tag);
	json_set_str(j, "outcome", kube_outcome_name(outcome));
	json_set_str(j, "error", err != NULL ? err->msg : "");
	json_set(j, "ms", json_new_i64((int64_t)(clock_now_ms() - request->begun_ms)));
	return j;
}

static struct request *request_new(const struct json *command)
{
	struct request *request = xcalloc(1, sizeof(*request));
	request->tag = xstrdup(drive_text_or(command, "tag", ""));
	request->begun_ms = clock_now_ms();
	return request;
}

static void request_free(struct request *request)
{
	free(request->tag);
	free(request);
}

static void on_op(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct request *request = arg;
	struct json *event = event_of(request, "answer", kube_outcome(reply, err), err);
	if (reply->body != NULL)
		json_set(event, "body", json_dup(reply->body));
	drive_say(event);
	request_free(request);
}

static enum kube_verb verb_of(const char *name)
{
	static const char *const names[] = {
		[KUBE_GET] = "get",
		[KUBE_CREATE] = "create",
		[KUBE_UPDATE] = "update",
		[KUBE_PATCH] = "patch",
		[KUBE_APPLY] = "apply",
		[KUBE_DELETE] = "delete",
		[KUBE_DELETE_MANY] = "delete-many",
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i] != NULL && strcmp(names[i], name) == 0)
			return (enum kube_verb)i;
	}
	drive_must(false, name);
	return KUBE_OTHER;
}

static enum kube_patch patch_of(const char *name)
{
	if (strcmp(name, "json") == 0)
		return KUBE_PATCH_JSON;
	return strcmp(name, "strategic") == 0 ? KUBE_PATCH_STRATEGIC : KUBE_PATCH_MERGE;
}

static void do_op(struct drive *d, const struct json *command)
{
	struct err e;
	struct request *request = request_new(command);
	const struct kube_op op = {
		.verb = verb_of(drive_text_or(command, "verb", "")),
		.target = {drive_resource(command), drive_text(command, "ns"),
			drive_text(command, "name"), drive_text(command, "subresource")},
		.body = json_get(command, "body"),
		.patch = patch_of(drive_text_or(command, "patch", "merge")),
		.field_manager = drive_text(command, "manager"),
		.is_forced = json_bool(json_get(command, "force"), false),
		.uid = drive_text(command, "uid"),
		.propagation = drive_text(command, "propagation"),
		.label_selector = drive_text(command, "labels"),
	};
	if (kube_op_start(d->kube, &op, on_op, request, &e) != NULL)
		return;
	drive_say(event_of(request, "answer", KUBE_REFUSED, &e));
	request_free(request);
}

static int on_item(void *arg, struct json *object, struct err *e)
{
	struct request *request = arg;
	(void)object;
	(void)e;
	request->items++;
	return 0;
}

static void start_page(struct request *request, const char *next);

static void on_page(void *arg, const struct kube_page_end *end, const struct err *err)
{
	struct request *request = arg;
	request->pages++;
	if (end->outcome == KUBE_OK && end->next[0] != '\0') {
		start_page(request, end->next);
		return;
	}
	struct json *event = event_of(request, "listed", end->outcome, err);
	json_set(event, "items", json_new_i64((int64_t)request->items));
	json_set(event, "pages", json_new_i64(request->pages));
	drive_say(event);
	request_free(request);
}

static void start_page(struct request *request, const char *next)
{
	struct err e = {0};
	const struct kube_page_sink sink = {.on_item = on_item, .on_end = on_page, .arg = request};
	drive_must(kube_page_start(request->kube, &request->selection, request->limit, next, &sink,
			   &e) != NULL,
		e.msg);
}

static void do_list(struct drive *d, const struct json *command)
{
	struct request *request = request_new(command);
	int64_t limit = 0;
	(void)json_i64(json_get(command, "limit"), &limit);
	request->kube = d->kube;
	request->limit = (unsigned int)limit;
	request->selection.target.resource = drive_resource(command);
	start_page(request, NULL);
}

static void on_command(void *arg, const struct json *command)
{
	struct drive *d = arg;
	const char *what = drive_text_or(command, "do", "");
	if (strcmp(what, "op") == 0)
		do_op(d, command);
	else if (strcmp(what, "list") == 0)
		do_list(d, command);
	else if (strcmp(what, "converge") == 0)
		drive_converge(d->kube, command);
	else if (strcmp(what, "watch") == 0)
		drive_watch(d->kube, command);
	else if (strcmp(what, "dump") == 0)
		drive_dump(command);
	else if (strcmp(what, "stop") == 0)
		drive_stop(command);
	else
		drive_must(false, what);
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct drive d = {0};
	drive_must(argc == 4 || argc == 2, "kube_drive ACCOUNT_FOLDER HOST PORT, or KUBECONFIG");
	signals_block();
	d.loop = loop_new(&e);
	struct fetcher *rest = fetch_http2_new(d.loop, &e);
	struct fetcher *watches = fetch_http2_new(d.loop, &e);
	struct resolver *resolver = resolver_new(d.loop, &e);
	drive_must(watches != NULL && rest != NULL && resolver != NULL, e.msg);
	struct kube_options options = {.account_dir = argv[1], .host = argv[2]};
	if (argc == 4)
		options.port = argv[3];
	else
		drive_must(drive_kubeconfig(d.loop, argv[1], &options, &e) == 0, e.msg);
	d.kube = kube_new(d.loop, rest, resolver, &options, &e);
	drive_must(d.kube != NULL, e.msg);
	kube_use_for_watches(d.kube, watches);
	drive_run(d.loop, on_command, &d);
	/* The rest is the kernel's: watches and requests are under way. */
	return 0;
}
