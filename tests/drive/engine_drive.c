/*
 * A controller with one small feature, on a real API server: engine_drive ACCOUNT_FOLDER HOST PORT
 * NAMESPACE.
 *
 * Each Service with the annotations proxy-group and tailnet-fqdn of tailscale.com has our
 * finalizer, a ConfigMap child-NS-NAME in the namespace of the controller that says the latter, and
 * a condition that says it too. All go with the annotation or the Service.
 *
 *	{"do":"count"}
 */
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/objects.h"
#include "controller/engine/engine_work.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/fetch_http2.h"
#include "lib/io/loop.h"
#include "lib/io/resolve.h"
#include "lib/io/signals.h"
#include "tests/drive/drive_line.h"

#define CONDITION "EngineDrive"

enum stage {
	STAGE_BEGIN,
	STAGE_CHILD,
	STAGE_END,
};

struct drive {
	struct loop *loop;
	struct kube *kube;
	struct cluster *cluster;
	struct engine_work *work;
	struct engine_feature feature;
	uint64_t handled, failed, longest_ms;
};

/* What the Service asks for, NULL when nothing. */
static const char *target_of(const struct kube_entry *entry)
{
	const struct object_service *s = entry != NULL ? entry->data : NULL;
	if (s == NULL || object_is_deleting(&s->meta) ||
		object_user_annotation(&s->meta, "proxy-group") == NULL)
		return NULL;
	return object_user_annotation(&s->meta, "tailnet-fqdn");
}

static void set_labels(struct json *metadata, const char *ns, const char *name)
{
	struct json *labels = json_new_object();
	json_set_str(labels, CLUSTER_LABEL_MANAGED, "true");
	json_set_str(labels, CLUSTER_LABEL_PARENT_TYPE, "svc");
	json_set_str(labels, CLUSTER_LABEL_PARENT, name);
	json_set_str(labels, CLUSTER_LABEL_PARENT_NS, ns);
	json_set(metadata, "labels", labels);
}

static void plan_child(struct engine_plan *out, const struct kube_target *child,
	const struct kube_entry *live, const struct kube_entry *service)
{
	struct json *data = json_new_object();
	struct json *metadata = json_new_object();
	struct json *doc = json_new_object();
	json_set_str(data, "target", target_of(service));
	json_set_str(metadata, "name", child->name);
	json_set_str(metadata, "namespace", child->ns);
	set_labels(metadata, service->ns, service->name);
	json_set_str(doc, "apiVersion", "v1");
	json_set_str(doc, "kind", "ConfigMap");
	json_set(doc, "metadata", metadata);
	json_set(doc, "data", data);
	engine_plan_apply(out, STAGE_CHILD, child, doc, live != NULL ? live->text : NULL);
}

static bool says(const struct json *conditions, const char *message)
{
	for (const struct json *c = json_first(conditions); c != NULL; c = json_next(c)) {
		const char *type = json_str(json_get(c, "type"));
		const char *is = json_str(json_get(c, "message"));
		if (type != NULL && strcmp(type, CONDITION) == 0)
			return is != NULL && strcmp(is, message) == 0;
	}
	return false;
}

static void plan_condition(struct engine_plan *out, const struct kube_entry *entry)
{
	const struct object_service *s = entry->data;
	if (says(s->conditions, target_of(entry)))
		return;
	const struct engine_condition condition = {
		CONDITION, "True", "Converged", target_of(entry), 0};
	const struct kube_op op = {
		.verb = KUBE_PATCH,
		.patch = KUBE_PATCH_STRATEGIC,
		.target = {cluster_resource(CLUSTER_SERVICES), entry->ns, entry->name, "status"},
	};
	struct json *list = json_new_array();
	struct json *status = json_new_object();
	struct json *patch = json_new_object();
	engine_condition_push(list, &condition, s->conditions, "2026-01-01T00:00:00Z");
	json_set(status, "conditions", list);
	json_set(patch, "status", status);
	engine_plan_request(out, STAGE_END, &op, patch);
}

static void plan(void *arg, const char *ns, const char *name, const struct engine_failure *failure,
	struct engine_plan *out)
{
	const struct drive *d = arg;
	(void)failure;
	AUTO(mem_free) char *child_name = xasprintf("child-%s-%s", ns, name);
	const struct kube_target target = {cluster_resource(CLUSTER_SERVICES), ns, name, NULL};
	const struct kube_target child_target = {cluster_resource(CLUSTER_CONFIG_MAPS),
		cluster_namespace(d->cluster), child_name, NULL};
	const struct kube_entry *service =
		kube_cache_get(cluster_cache(d->cluster, CLUSTER_SERVICES), ns, name);
	const struct kube_entry *child = kube_cache_get(
		cluster_cache(d->cluster, CLUSTER_CONFIG_MAPS), child_target.ns, child_name);
	const struct object *meta = service != NULL ? service->data : NULL;
	bool is_wanted = target_of(service) != NULL;
	if (is_wanted) {
		plan_child(out, &child_target, child, service);
		plan_condition(out, service);
	} else if (child != NULL) {
		engine_plan_delete(out, STAGE_CHILD, &child_target, child->uid);
	}
	if (meta != NULL)
		engine_plan_finalizer(out, is_wanted ? STAGE_BEGIN : STAGE_END, &target,
			service->version, &meta->finalizers, CLUSTER_FINALIZER, is_wanted);
}

static bool is_seen(void *arg, const struct engine_write *write)
{
	const struct drive *d = arg;
	const struct kube_target target = {write->resource, write->ns, write->name, NULL};
	return cluster_has_seen(d->cluster, &target, write->uid, write->version);
}

static void on_handled(void *arg, const char *kind, const char *ns, const char *name,
	enum engine_result result, uint64_t took_ms, const struct err *err)
{
	struct drive *d = arg;
	(void)kind;
	(void)ns;
	(void)name;
	(void)err;
	d->handled++;
	d->failed += result == ENGINE_FAILED || result == ENGINE_STUCK;
	if (took_ms > d->longest_ms)
		d->longest_ms = took_ms;
}

static void on_key(void *arg, const char *kind, const char *ns, const char *name)
{
	struct drive *d = arg;
	engine_work_add(d->work, kind, ns, name);
}

static void on_synced(void *arg)
{
	struct drive *d = arg;
	struct json *event = json_new_object();
	json_set_str(event, "event", "synced");
	json_set(event, "requests", json_new_i64((int64_t)kube_request_count(d->kube)));
	drive_say(event);
	engine_work_hold(d->work, false);
}

static void on_command(void *arg, const struct json *command)
{
	struct drive *d = arg;
	struct json *event = json_new_object();
	drive_must(strcmp(drive_text_or(command, "do", ""), "count") == 0, "a command");
	json_set_str(event, "event", "count");
	json_set(event, "requests", json_new_i64((int64_t)kube_request_count(d->kube)));
	json_set(event, "handled", json_new_i64((int64_t)d->handled));
	json_set(event, "failed", json_new_i64((int64_t)d->failed));
	json_set(event, "longest_ms", json_new_i64((int64_t)d->longest_ms));
	json_set(event, "pending",
		json_new_i64((int64_t)(engine_work_ready(d->work) + engine_work_running(d->work))));
	drive_say(event);
}

static void open_rooms(struct drive *d, const char *ns)
{
	const struct cluster_options cluster = {
		.ns = ns,
		.default_tailnet = "default",
		.on_key = on_key,
		.on_synced = on_synced,
		.arg = d,
	};
	const struct engine_work_options work = {
		.at_once = 16,
		.is_seen = is_seen,
		.on_handled = on_handled,
		.arg = d,
	};
	d->cluster = cluster_new(&cluster);
	d->feature = (struct engine_feature){.kind = CLUSTER_KEY_SERVICE, .plan = plan, .arg = d};
	d->work = engine_work_new(d->loop, d->kube, NULL, &d->feature, 1, &work);
	engine_work_hold(d->work, true);
	cluster_watch(d->cluster, d->loop, d->kube);
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct drive d = {0};
	drive_must(argc == 5, "engine_drive ACCOUNT_FOLDER HOST PORT NAMESPACE");
	signals_block();
	log_init("engine_drive: ");
	log_set_level(LOG_LEVEL_DEBUG);
	d.loop = loop_new(&e);
	struct fetcher *rest = fetch_http2_new(d.loop, &e);
	struct fetcher *watches = fetch_http2_new(d.loop, &e);
	struct resolver *resolver = resolver_new(d.loop, &e);
	drive_must(watches != NULL && rest != NULL && resolver != NULL, e.msg);
	const struct kube_options options = {
		.account_dir = argv[1], .host = argv[2], .port = argv[3]};
	d.kube = kube_new(d.loop, rest, resolver, &options, &e);
	drive_must(d.kube != NULL, e.msg);
	kube_use_for_watches(d.kube, watches);
	open_rooms(&d, argv[4]);
	drive_run(d.loop, on_command, &d);
	/* The rest is the kernel's: watches and requests are under way. */
	return 0;
}
