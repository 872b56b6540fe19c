#include "tests/drive/kube_drive.h"

#include <stdlib.h>

#include "controller/engine/engine_diff.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_op.h"
#include "lib/kube/kube_outcome.h"

#define MANAGER "driver"

/* One object on its way to what is desired. */
struct converge {
	struct kube *kube;
	const struct kube_resource *resource;
	char *tag, *ns, *name;
	struct json *desired;
	char path[ENGINE_PATH_MAX]; /* of the difference that was there */
};

static void converge_free(struct converge *c)
{
	json_free(c->desired);
	free(c->tag);
	free(c->ns);
	free(c->name);
	free(c);
}

static bool is_contained(struct converge *c, const struct json *live, char *path)
{
	return engine_diff_is_contained(
		c->desired, live, engine_rules, engine_rules_count, path, ENGINE_PATH_MAX);
}

static void end(struct converge *c, bool wrote, enum kube_outcome outcome, const struct err *err)
{
	struct json *event = json_new_object();
	json_set_str(event, "event", "converged");
	json_set_str(event, "tag", c->tag);
	json_set(event, "wrote", json_new_bool(wrote));
	json_set_str(event, "path", c->path);
	json_set_str(event, "outcome", kube_outcome_name(outcome));
	json_set_str(event, "error", err != NULL ? err->msg : "");
	drive_say(event);
	converge_free(c);
}

static void request(struct converge *c, enum kube_verb verb, kube_fn fn)
{
	struct err e;
	const struct kube_op op = {
		.verb = verb,
		.target = {c->resource, c->ns, c->name, NULL},
		.body = verb == KUBE_APPLY ? c->desired : NULL,
		.field_manager = verb == KUBE_APPLY ? MANAGER : NULL,
		.is_forced = true,
	};
	if (kube_op_start(c->kube, &op, fn, c, &e) == NULL)
		end(c, false, KUBE_REFUSED, &e);
}

static void on_applied(void *arg, const struct kube_reply *reply, const struct err *err)
{
	end(arg, true, kube_outcome(reply, err), err);
}

static void on_got(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct converge *c = arg;
	enum kube_outcome outcome = kube_outcome(reply, err);
	if (outcome == KUBE_OK && is_contained(c, reply->body, c->path))
		end(c, false, outcome, NULL);
	else if (outcome == KUBE_OK || outcome == KUBE_NOT_FOUND)
		request(c, KUBE_APPLY, on_applied);
	else
		end(c, false, outcome, err);
}

void drive_converge(struct kube *k, const struct json *command)
{
	struct converge *c = xcalloc(1, sizeof(*c));
	c->kube = k;
	c->resource = drive_resource(command);
	c->tag = xstrdup(drive_text(command, "tag"));
	c->ns = xstrdup(drive_text(command, "ns"));
	c->name = xstrdup(drive_text(command, "name"));
	c->desired = json_dup(json_get(command, "body"));
	engine_diff_seal(c->desired);
	request(c, KUBE_GET, on_got);
}
