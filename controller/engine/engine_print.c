#include "controller/engine/engine_plan.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine_step.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/secret.h"

static const char *const results[] = {
	[ENGINE_DONE] = "done",
	[ENGINE_AGAIN] = "again",
	[ENGINE_FAILED] = "failed",
	[ENGINE_STUCK] = "stuck",
};

/* The values of a Secret do not appear. */
static struct json *masked(const struct json *body)
{
	static const char *const hidden[] = {"data", "stringData"};
	struct json *copy = json_dup(body);
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
		const struct json *values = json_get(body, hidden[i]);
		if (values == NULL)
			continue;
		struct json *names = json_new_object();
		for (const struct json *m = json_first(values); m != NULL; m = json_next(m)) {
			if (json_key(m) != NULL)
				json_set_str(names, json_key(m), SECRET_SHOWN);
		}
		json_set(copy, hidden[i], names);
	}
	return copy;
}

static char *body_text(const struct engine_step *step)
{
	if (strcmp(step->op.target.resource->plural, "secrets") != 0)
		return json_print(step->body);
	/* A JSON patch has values anywhere. */
	if (json_type(step->body) != JSON_OBJECT)
		return xstrdup(SECRET_SHOWN);
	AUTO(json_freep) struct json *copy = masked(step->body);
	return json_print(copy);
}

/* What is behind the name of a step; caller frees. */
static char *details(const struct engine_step *step)
{
	if (step->kind == ENGINE_STEP_EVENT)
		return xasprintf(": %s", step->event.message);
	if (step->kind == ENGINE_STEP_CALL)
		return xasprintf(" \"%s\" %d", step->text != NULL ? step->text : "", step->number);
	AUTO(mem_free) char *body = step->body != NULL ? body_text(step) : NULL;
	const char *uid = step->op.uid;
	return xasprintf("%s%s%s%s", uid != NULL ? " uid=" : "", uid != NULL ? uid : "",
		body != NULL ? " " : "", body != NULL ? body : "");
}

static void print_ending(const struct engine_plan *plan, struct strv *lines)
{
	for (size_t i = 0; i + 2 < plan->also.len; i += 3)
		strv_pushf(lines, "also: %s %s/%s\n", plan->also.items[i], plan->also.items[i + 1],
			plan->also.items[i + 2]);
	strv_pushf(lines, "%s%s", results[plan->result], plan->is_partial ? ", partial" : "");
	if (plan->after_ms > 0)
		strv_pushf(lines, " after %llu ms", (unsigned long long)plan->after_ms);
	strv_push(lines, "\n");
}

char *engine_plan_print(const struct engine_plan *plan)
{
	AUTO(strv_fini) struct strv lines = {0};
	for (size_t i = 0; i < plan->count; i++) {
		const struct engine_step *step = plan->steps[i];
		AUTO(mem_free) char *name = engine_step_name(step);
		AUTO(mem_free) char *more = details(step);
		strv_pushf(&lines, "%d: %s%s\n", step->stage, name, more);
	}
	print_ending(plan, &lines);
	return strv_join(&lines, "");
}
