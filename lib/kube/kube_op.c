#include "lib/kube/kube_op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

#define TYPE_MERGE "application/merge-patch+json"
#define TYPE_JSON_PATCH "application/json-patch+json"
/* JSON is YAML. */
#define TYPE_APPLY "application/apply-patch+yaml"

static const char *const methods[] = {
	[KUBE_OTHER] = "GET",
	[KUBE_GET] = "GET",
	[KUBE_LIST] = "GET",
	[KUBE_WATCH] = "GET",
	[KUBE_CREATE] = "POST",
	[KUBE_UPDATE] = "PUT",
	[KUBE_PATCH] = "PATCH",
	[KUBE_APPLY] = "PATCH",
	[KUBE_DELETE] = "DELETE",
	[KUBE_DELETE_MANY] = "DELETE",
};

static const char *const patch_types[] = {
	[KUBE_PATCH_MERGE] = TYPE_MERGE,
	[KUBE_PATCH_JSON] = TYPE_JSON_PATCH,
	[KUBE_PATCH_STRATEGIC] = KUBE_TYPE_STRATEGIC_MERGE,
};

const char *kube_op_method(enum kube_verb verb)
{
	return methods[verb];
}

static bool is_deletion(const struct kube_op *op)
{
	return op->verb == KUBE_DELETE || op->verb == KUBE_DELETE_MANY;
}

static bool is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* What the request lacks, NULL when nothing. */
static const char *missing(const struct kube_op *op)
{
	bool is_many = op->verb == KUBE_DELETE_MANY;
	bool has_name = op->verb != KUBE_CREATE && !is_many;
	if (has_name != (op->target.name != NULL))
		return has_name ? "name" : "request without a name";
	if (op->verb >= KUBE_CREATE && op->target.resource->is_namespaced && op->target.ns == NULL)
		return "namespace";
	if (op->verb >= KUBE_CREATE && !is_deletion(op) && op->body == NULL)
		return "body";
	if (op->verb == KUBE_UPDATE &&
		!is_given(json_str(json_path(op->body, "metadata", "resourceVersion", NULL))))
		return "resourceVersion";
	if (op->verb == KUBE_APPLY && !is_given(op->field_manager))
		return "field manager";
	if (op->verb == KUBE_DELETE && !is_given(op->uid))
		return "uid";
	return is_many && !is_given(op->label_selector) ? "label selector" : NULL;
}

int kube_op_check(const struct kube_op *op, struct err *e)
{
	const char *what = missing(op);
	if (what == NULL)
		return 0;
	return err_set(e, -EINVAL, "%s of %s %s: no %s", methods[op->verb],
		op->target.resource->kind, op->target.name != NULL ? op->target.name : "", what);
}

int kube_op_path(const struct kube_op *op, struct buf *out, struct err *e)
{
	bool is_apply = op->verb == KUBE_APPLY;
	if (kube_path_append(out, &op->target, e) < 0 ||
		kube_path_query(out, "fieldManager", op->field_manager, e) < 0 ||
		kube_path_query(out, "force", is_apply && op->is_forced ? "true" : NULL, e) < 0 ||
		kube_path_query(out, "dryRun", op->is_dry_run ? "All" : NULL, e) < 0)
		return e->code;
	return kube_path_query(
		out, "labelSelector", op->verb == KUBE_DELETE_MANY ? op->label_selector : NULL, e);
}

static char *delete_options(const struct kube_op *op)
{
	AUTO(json_freep) struct json *options = json_new_object();
	json_set_str(options, "apiVersion", "v1");
	json_set_str(options, "kind", "DeleteOptions");
	if (op->uid != NULL || op->resource_version != NULL) {
		struct json *preconditions = json_new_object();
		if (op->uid != NULL)
			json_set_str(preconditions, "uid", op->uid);
		if (op->resource_version != NULL)
			json_set_str(preconditions, "resourceVersion", op->resource_version);
		json_set(options, "preconditions", preconditions);
	}
	if (op->propagation != NULL)
		json_set_str(options, "propagationPolicy", op->propagation);
	return json_print(options);
}

char *kube_op_body(const struct kube_op *op)
{
	if (is_deletion(op))
		return delete_options(op);
	return op->body != NULL ? json_print(op->body) : NULL;
}

static const char *content_type(const struct kube_op *op)
{
	if (op->verb == KUBE_APPLY)
		return TYPE_APPLY;
	return op->verb == KUBE_PATCH ? patch_types[op->patch] : KUBE_TYPE_JSON;
}

static void wipe_and_free(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

struct kube_call *kube_op_start(
	struct kube *k, const struct kube_op *op, kube_fn fn, void *arg, struct err *e)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(KUBE_PATH_MAX);
	if (kube_op_check(op, e) < 0 || kube_op_path(op, &path, e) < 0)
		return NULL;
	AUTO(wipe_and_free) char *body = kube_op_body(op);
	const struct kube_request request = {
		.verb = op->verb,
		.method = methods[op->verb],
		.path = buf_cstr(&path),
		.content_type = content_type(op),
		.body = body,
		.timeout_ms = op->timeout_ms > 0 ? op->timeout_ms : KUBE_OP_TIMEOUT_MS,
	};
	return kube_start(k, &request, fn, arg);
}
