#include "controller/engine/engine_repeat.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine_diff.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

/* A difference: of which object, where, towards what. */
struct mark {
	char *what;
	unsigned int times;
};

struct marks {
	char *key;
	struct mark *items;
	size_t len;
	size_t cap;
};

static void marks_free(void *item)
{
	struct marks *m = item;
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->len; i++)
		free(m->items[i].what);
	free(m->items);
	free(m->key);
	free(m);
}

static unsigned int times_of(const struct marks *m, const char *what)
{
	for (size_t i = 0; m != NULL && i < m->len; i++) {
		if (strcmp(m->items[i].what, what) == 0)
			return m->items[i].times;
	}
	return 0;
}

static char *what_of(const struct engine_step *step)
{
	const struct kube_target *target = &step->op.target;
	const char *hash = json_str(
		json_path(step->body, "metadata", "annotations", ENGINE_HASH_ANNOTATION, NULL));
	return xasprintf("%s %s/%s %s %s", target->resource->plural,
		target->ns != NULL ? target->ns : "", target->name, step->difference,
		hash != NULL ? hash : "");
}

const struct engine_step *engine_repeat_note(
	struct engine_repeat *r, const char *key, const struct engine_plan *plan)
{
	const struct engine_step *repeated = NULL;
	struct marks *before = keyed_remove(&r->keys, key);
	struct marks *after = xcalloc(1, sizeof(*after));
	after->key = xstrdup(key);
	for (size_t i = 0; i < plan->count; i++) {
		const struct engine_step *step = plan->steps[i];
		if (step->op.verb != KUBE_APPLY || step->difference == NULL)
			continue;
		char *what = what_of(step);
		unsigned int times = times_of(before, what) + 1;
		after->items =
			xgrow(after->items, after->len, &after->cap, 4, sizeof(*after->items));
		after->items[after->len++] = (struct mark){what, times};
		if (times == ENGINE_REPEAT_MOST)
			repeated = step;
	}
	marks_free(before);
	if (after->len > 0)
		keyed_put(&r->keys, after);
	else
		marks_free(after);
	return repeated;
}

void engine_repeat_fini(struct engine_repeat *r)
{
	keyed_fini(&r->keys, marks_free);
}
