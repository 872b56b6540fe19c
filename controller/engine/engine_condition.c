#include "controller/engine/engine_plan.h"

#include <string.h>

#include "lib/base/json.h"

static bool is_text(const struct json *obj, const char *key, const char *text)
{
	const char *is = json_str(json_get(obj, key));
	return is != NULL && strcmp(is, text) == 0;
}

/* Since when the live object has this status, NULL when it has another one. */
static const char *since(const struct engine_condition *condition, const struct json *live)
{
	for (const struct json *c = json_first(live); c != NULL; c = json_next(c)) {
		if (is_text(c, "type", condition->type))
			return is_text(c, "status", condition->status)
				       ? json_str(json_get(c, "lastTransitionTime"))
				       : NULL;
	}
	return NULL;
}

void engine_condition_push(struct json *conditions, const struct engine_condition *condition,
	const struct json *live, const char *now)
{
	const char *kept = since(condition, live);
	struct json *out = json_new_object();
	json_set_str(out, "type", condition->type);
	json_set_str(out, "status", condition->status);
	json_set_str(out, "reason", condition->reason);
	json_set_str(out, "message", condition->message);
	json_set_str(out, "lastTransitionTime", kept != NULL ? kept : now);
	if (condition->observed_generation > 0)
		json_set(out, "observedGeneration", json_new_i64(condition->observed_generation));
	json_push(conditions, out);
}
