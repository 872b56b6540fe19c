/*
 * The plan of a proxy group as a program; keys are made at once, requests are written out:
 *
 *	{"do":"group","spec":{…}}                     the group that is planned
 *	{"do":"put","plural":"roles","object":{…}}    what the API server has
 *	{"do":"plan"}  →  {"event":"plan","steps":[{"plural":…,"name":…,"body":{…},…}]}
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "tests/drive/drive_line.h"
#include "tests/support/group_bench.h"

static enum cluster_kind kind_of(const char *plural)
{
	for (int k = 0; k < CLUSTER_KINDS; k++) {
		if (strcmp(cluster_resource((enum cluster_kind)k)->plural, plural) == 0)
			return (enum cluster_kind)k;
	}
	drive_must(false, plural);
	return CLUSTER_KINDS;
}

static void put_group(struct group_bench *b, const struct json *command)
{
	AUTO(mem_free) char *spec = json_print(json_get(command, "spec"));
	AUTO(mem_free)
	char *object = xasprintf("{\"metadata\":{\"name\":\"" GROUP_BENCH_NAME
				 "\",\"finalizers\":[\"" CLUSTER_FINALIZER "\"]},\"spec\":%s}",
		spec);
	group_bench_put(b, CLUSTER_PROXY_GROUPS, object);
}

/* One that is created is named by its document alone. */
static const char *name_of(const struct engine_step *step)
{
	const char *name = step->op.target.name;
	return name != NULL ? name : json_str(json_path(step->body, "metadata", "name", NULL));
}

static struct json *step_event(const struct engine_step *step)
{
	const struct kube_resource *resource = step->op.target.resource;
	const char *difference = step->difference != NULL ? step->difference : "";
	struct json *event = json_new_object();
	json_set_str(event, "group", resource->group);
	json_set_str(event, "version", resource->version);
	json_set_str(event, "plural", resource->plural);
	json_set_str(event, "kind", resource->kind);
	json_set_str(event, "name", name_of(step));
	json_set_str(event, "difference", difference);
	json_set(event, "stage", json_new_i64(step->stage));
	json_set(event, "body", step->body != NULL ? json_dup(step->body) : json_new_null());
	return event;
}

/* Whether keys had to be made first. */
static bool make_keys(struct group_bench *b, const struct engine_plan *plan)
{
	if (plan->is_partial)
		group_bench_perform(b, plan, plan->count);
	return plan->is_partial;
}

static void say_plan(struct group_bench *b)
{
	struct engine_plan plan;
	group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
	while (make_keys(b, &plan)) {
		engine_plan_fini(&plan);
		group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
	}
	struct json *steps = json_new_array();
	for (size_t i = 0; i < plan.count; i++) {
		if (plan.steps[i]->kind == ENGINE_STEP_REQUEST)
			json_push(steps, step_event(plan.steps[i]));
	}
	struct json *event = json_new_object();
	json_set_str(event, "event", "plan");
	json_set(event, "steps", steps);
	drive_say(event);
	engine_plan_fini(&plan);
}

static void on_line(void *arg, const struct json *command)
{
	struct group_bench *b = arg;
	const char *what = drive_text_or(command, "do", "");
	if (strcmp(what, "group") == 0) {
		put_group(b, command);
	} else if (strcmp(what, "put") == 0) {
		AUTO(mem_free) char *object = json_print(json_get(command, "object"));
		group_bench_put(b, kind_of(drive_text_or(command, "plural", "")), object);
	} else {
		say_plan(b);
	}
}

int main(void)
{
	struct err e;
	struct group_bench bench;
	struct loop *loop = loop_new(&e);
	drive_must(loop != NULL, "a loop");
	group_bench_open(&bench, 2);
	drive_run(loop, on_line, &bench);
	group_bench_close(&bench);
	loop_free(loop);
	return 0;
}
