#include "controller/engine/engine_owner.h"

#include <errno.h>
#include <string.h>

#include "controller/engine/engine_diff.h"
#include "lib/base/json.h"

static const char *text_of(const struct json *obj, const char *key)
{
	const char *text = json_str(json_get(obj, key));
	return text != NULL ? text : "";
}

/* The owner that manages it, NULL when there is none. */
static const struct json *controller_of(const struct json *object)
{
	const struct json *owners = json_path(object, "metadata", "ownerReferences", NULL);
	for (const struct json *o = json_first(owners); o != NULL; o = json_next(o)) {
		if (json_bool(json_get(o, "controller"), false))
			return o;
	}
	return NULL;
}

static bool is_same(const struct json *a, const struct json *b, const char *key)
{
	return strcmp(text_of(a, key), text_of(b, key)) == 0;
}

static bool has_labels_of(const struct json *desired, const struct json *live)
{
	const struct json *wanted = json_path(desired, "metadata", "labels", NULL);
	const struct json *labels = json_path(live, "metadata", "labels", NULL);
	for (const struct json *l = json_first(wanted); l != NULL; l = json_next(l)) {
		if (!json_equal(l, json_get(labels, json_key(l))))
			return false;
	}
	return json_len(wanted) > 0;
}

enum kube_outcome engine_owner_check(
	const struct json *desired, const struct json *live, struct err *e)
{
	const struct json *wanted = controller_of(desired);
	const struct json *owner = controller_of(live);
	bool is_ours = wanted != NULL ? owner != NULL && is_same(wanted, owner, "uid")
				      : has_labels_of(desired, live);
	bool is_former = wanted != NULL && owner != NULL && !is_ours &&
			 is_same(wanted, owner, "kind") && is_same(wanted, owner, "name");
	bool is_deleted = json_path(live, "metadata", "deletionTimestamp", NULL) != NULL;
	if (is_former || (is_ours && is_deleted)) {
		err_set(e, -ESTALE, "the former one is being deleted");
		return KUBE_CONFLICT;
	}
	if (is_ours)
		return KUBE_OK;
	if (owner != NULL)
		err_set(e, -EEXIST, "it exists and belongs to %s %s: choose another name",
			text_of(owner, "kind"), text_of(owner, "name"));
	else
		err_set(e, -EEXIST,
			"it exists and was not made by this controller: choose another name, or "
			"delete it");
	return KUBE_EXISTS;
}

bool engine_owner_is_applied(const struct json *desired, const struct json *live)
{
	char path[ENGINE_PATH_MAX];
	return engine_diff_is_contained(
		desired, live, engine_rules, engine_rules_count, path, sizeof(path));
}
