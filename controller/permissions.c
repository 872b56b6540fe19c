#include "controller/permissions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_op.h"

#define OURS "gateway.tailscale.com"
#define ALL "get list watch create update patch delete"

/* clang-format off */
const struct permission permissions[] = {
	{true, OURS, "tailscaletailnets", "get list watch update patch"},
	{true, OURS, "tailscaletailnets/status", "get update patch"},
	{true, OURS, "tailscaletailnets/finalizers", "update"},
	{true, OURS, "tailscaleproxygroups", "get list watch update patch delete"},
	{true, OURS, "tailscaleproxygroups/status", "get update patch"},
	{true, OURS, "tailscaleproxygroups/finalizers", "update"},
	{true, "", "services", "get list watch update patch"},
	{true, "", "services/status", "get update patch"},
	{true, "", "events", "get create patch"},
	{false, "", "secrets", ALL},
	{false, "", "configmaps", ALL},
	{false, "", "serviceaccounts", ALL},
	{false, "", "services", ALL},
	{false, "", "pods", "get list watch patch"},
	{false, "", "pods/status", "get patch"},
	{false, "apps", "statefulsets", ALL},
	{false, "policy", "poddisruptionbudgets", ALL},
	{false, "discovery.k8s.io", "endpointslices", ALL},
	{false, "rbac.authorization.k8s.io", "roles", ALL},
	{false, "rbac.authorization.k8s.io", "rolebindings", ALL},
	{false, "coordination.k8s.io", "leases", "get create update patch"},
};
/* clang-format on */

const size_t permissions_len = ARRAY_LEN(permissions);

static bool list_has(const struct json *list, const char *text)
{
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		const char *value = json_str(item);
		if (value != NULL && (strcmp(value, text) == 0 || strcmp(value, "*") == 0))
			return true;
	}
	return false;
}

static bool allows(const struct json *rule, const struct permission *row, const char *verb)
{
	/* A rule for single names does not cover the kind. */
	return json_len(json_get(rule, "resourceNames")) == 0 &&
	       list_has(json_get(rule, "apiGroups"), row->group) &&
	       list_has(json_get(rule, "resources"), row->resource) &&
	       list_has(json_get(rule, "verbs"), verb);
}

static bool is_allowed(const struct json *rules, const struct permission *row, const char *verb)
{
	for (const struct json *rule = json_first(rules); rule != NULL; rule = json_next(rule)) {
		if (allows(rule, row, verb))
			return true;
	}
	return false;
}

static void push_missing(
	const struct json *rules, const struct permission *row, struct strv *missing)
{
	AUTO(strv_fini) struct strv verbs = {0};
	AUTO(strv_fini) struct strv lacking = {0};
	str_words(row->verbs, &verbs);
	for (size_t i = 0; i < verbs.len; i++) {
		if (!is_allowed(rules, row, verbs.items[i]))
			strv_push(&lacking, verbs.items[i]);
	}
	if (lacking.len == 0)
		return;
	AUTO(mem_free) char *words = strv_join(&lacking, ", ");
	strv_pushf(missing, "- {apiGroups: [\"%s\"], resources: [\"%s\"], verbs: [%s]}", row->group,
		row->resource, words);
}

void permissions_missing(
	const struct json *resource_rules, bool is_cluster_wide, struct strv *missing)
{
	for (size_t i = 0; i < permissions_len; i++) {
		if (permissions[i].is_cluster_wide == is_cluster_wide)
			push_missing(resource_rules, &permissions[i], missing);
	}
}

int permissions_describe(struct buf *out, struct err *e)
{
	static const char *const titles[] = {
		"# Role in the controller's namespace\n", "# ClusterRole\n"};
	int code = 0;
	for (int wide = 1; code == 0 && wide >= 0; wide--) {
		AUTO(strv_fini) struct strv rules = {0};
		permissions_missing(NULL, wide == 1, &rules);
		code = buf_append_str(out, titles[wide], e);
		for (size_t i = 0; code == 0 && i < rules.len; i++)
			code = buf_printf(out, e, "%s\n", rules.items[i]);
	}
	return code;
}

/* The check. */

struct review {
	struct permissions_check *check;
	struct kube_call *call;
	bool is_cluster_wide;
};

struct permissions_check {
	struct review reviews[2];
	permissions_fn fn;
	void *arg;
};

static void on_rules(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct review *review = arg;
	const struct permissions_check *check = review->check;
	const struct json *status = json_get(reply->body, "status");
	AUTO(strv_fini) struct strv missing = {0};
	struct err incomplete;
	review->call = NULL;
	if (err == NULL && json_bool(json_get(status, "incomplete"), false)) {
		const char *said = json_str(json_get(status, "evaluationError"));
		err_set(&incomplete, -EPROTO, "%s",
			said != NULL ? said : "the authorizer of this cluster does not say all");
		err = &incomplete;
	}
	if (err == NULL)
		permissions_missing(
			json_get(status, "resourceRules"), review->is_cluster_wide, &missing);
	check->fn(check->arg, review->is_cluster_wide, &missing, err);
}

/* The rules of a namespace where no Role of ours is are those of ClusterRoles. */
static void start(struct kube *k, struct review *review, const char *ns)
{
	static const struct kube_resource reviews = {"authorization.k8s.io", "v1",
		"selfsubjectrulesreviews", "SelfSubjectRulesReview", false};
	struct err e;
	AUTO(json_freep) struct json *body = json_new_object();
	struct json *spec = json_new_object();
	json_set_str(spec, "namespace", ns);
	json_set_str(body, "apiVersion", "authorization.k8s.io/v1");
	json_set_str(body, "kind", reviews.kind);
	json_set(body, "spec", spec);
	struct kube_op op = {.verb = KUBE_CREATE, .target = {.resource = &reviews}, .body = body};
	review->call = kube_op_start(k, &op, on_rules, review, &e);
	if (review->call == NULL)
		abort(); /* the path is constant */
}

struct permissions_check *permissions_check_new(
	struct kube *k, const char *ns, permissions_fn fn, void *arg)
{
	struct permissions_check *check = xcalloc(1, sizeof(*check));
	check->fn = fn;
	check->arg = arg;
	const char *other = strcmp(ns, "default") == 0 ? "kube-public" : "default";
	check->reviews[0] = (struct review){.check = check, .is_cluster_wide = false};
	check->reviews[1] = (struct review){.check = check, .is_cluster_wide = true};
	start(k, &check->reviews[0], ns);
	start(k, &check->reviews[1], other);
	return check;
}

void permissions_check_free(struct permissions_check *check)
{
	if (check == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(check->reviews); i++)
		kube_cancel(check->reviews[i].call);
	free(check);
}
