#include "controller/engine/engine_seen.h"

#include <stdlib.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

static char *metadata_text(const struct json *object, const char *key)
{
	const char *text = json_str(json_path(object, "metadata", key, NULL));
	return xstrdup(text != NULL ? text : "");
}

static void write_fini(struct engine_write *write)
{
	mem_free(&write->ns);
	mem_free(&write->name);
	mem_free(&write->uid);
	mem_free(&write->version);
}

/* The answer is that of an object that is gone with it: its last finalizer was removed. */
static bool is_last(const struct json *answer)
{
	return json_path(answer, "metadata", "deletionTimestamp", NULL) != NULL &&
	       json_len(json_path(answer, "metadata", "finalizers", NULL)) == 0;
}

void engine_unseen_add(
	struct engine_unseen *u, const struct engine_step *step, const struct json *answer)
{
	const struct kube_op *op = &step->op;
	bool is_deletion = op->verb == KUBE_DELETE;
	bool is_gone = is_deletion || is_last(answer);
	/* Of a collection there is no answer about one object. */
	if (op->verb < KUBE_CREATE || op->verb == KUBE_DELETE_MANY)
		return;
	const struct engine_write write = {
		.resource = op->target.resource,
		.ns = xstrdup(op->target.ns != NULL ? op->target.ns : ""),
		.name = op->target.name != NULL ? xstrdup(op->target.name)
						: metadata_text(answer, "name"),
		.uid = is_deletion ? xstrdup(op->uid) : metadata_text(answer, "uid"),
		.version = is_gone ? NULL : metadata_text(answer, "resourceVersion"),
	};
	u->items = xgrow(u->items, u->len, &u->cap, 8, sizeof(*u->items));
	u->items[u->len++] = write;
}

bool engine_unseen_check(struct engine_unseen *u,
	bool (*is_seen)(void *arg, const struct engine_write *write), void *arg)
{
	size_t kept = 0;
	for (size_t i = 0; i < u->len; i++) {
		if (is_seen == NULL || is_seen(arg, &u->items[i]))
			write_fini(&u->items[i]);
		else
			u->items[kept++] = u->items[i];
	}
	u->len = kept;
	return kept > 0;
}

void engine_unseen_fini(struct engine_unseen *u)
{
	for (size_t i = 0; i < u->len; i++)
		write_fini(&u->items[i]);
	free(u->items);
}
