#include "controller/cluster/cluster_kinds.h"

#include <string.h>

#include "controller/cluster/object_decode.h"
#include "controller/cluster/objects.h"

#define OUR_GROUP "gateway.tailscale.com"
#define OUR_VERSION "v1alpha1"

static bool is_managed(const void *data)
{
	const struct object *meta = data;
	return meta != NULL && object_label(meta, CLUSTER_LABEL_MANAGED) != NULL;
}

/* Its text is compared: a Service that leads to replicas, or the target of a group. */
static bool is_service_of_ours(const void *data)
{
	const struct object *meta = data;
	return is_managed(data) ||
	       (meta != NULL && strcmp(meta->owner_kind, CLUSTER_KEY_PROXY_GROUP) == 0);
}

#define CHILD object_child_decode, object_child_free, is_managed

/* clang-format off */
const struct cluster_kind_row cluster_kinds[CLUSTER_KINDS] = {
	[CLUSTER_TAILNETS] = {
		{OUR_GROUP, OUR_VERSION, "tailscaletailnets", CLUSTER_KEY_TAILNET, false},
		false, object_tailnet_decode, object_tailnet_free, NULL},
	[CLUSTER_PROXY_GROUPS] = {
		{OUR_GROUP, OUR_VERSION, "tailscaleproxygroups", CLUSTER_KEY_PROXY_GROUP, false},
		false, object_proxy_group_decode, object_proxy_group_free, NULL},
	[CLUSTER_SERVICES] = {
		{"", "v1", "services", CLUSTER_KEY_SERVICE, true},
		false, object_service_decode, object_service_free, is_service_of_ours},
	/* Texts of Secrets are not kept: the pods' own keys would be in them. */
	[CLUSTER_SECRETS] = {
		{"", "v1", "secrets", "Secret", true},
		true, object_secret_decode, object_secret_free, NULL},
	[CLUSTER_PODS] = {
		{"", "v1", "pods", "Pod", true},
		true, object_pod_decode, object_pod_free, NULL},
	[CLUSTER_STATEFUL_SETS] = {
		{"apps", "v1", "statefulsets", "StatefulSet", true},
		true, object_stateful_set_decode, object_stateful_set_free, is_managed},
	[CLUSTER_CONFIG_MAPS] = {
		{"", "v1", "configmaps", "ConfigMap", true},
		true, object_config_map_decode, object_config_map_free, is_managed},
	[CLUSTER_SERVICE_ACCOUNTS] = {
		{"", "v1", "serviceaccounts", "ServiceAccount", true}, true, CHILD},
	[CLUSTER_ROLES] = {
		{"rbac.authorization.k8s.io", "v1", "roles", "Role", true}, true, CHILD},
	[CLUSTER_ROLE_BINDINGS] = {
		{"rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true}, true, CHILD},
	[CLUSTER_SLICES] = {
		{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true},
		true, object_slice_decode, object_slice_free, is_managed},
	[CLUSTER_BUDGETS] = {
		{"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true}, true, CHILD},
};
/* clang-format on */

static void by_parent(void *arg, const struct kube_entry *entry, struct strv *out)
{
	const struct object *meta = entry->data;
	(void)arg;
	if (meta == NULL)
		return;
	const char *type = object_label(meta, CLUSTER_LABEL_PARENT_TYPE);
	const char *name = object_label(meta, CLUSTER_LABEL_PARENT);
	const char *ns = object_label(meta, CLUSTER_LABEL_PARENT_NS);
	if (type != NULL && name != NULL)
		strv_pushf(out, "%s/%s/%s", type, ns != NULL ? ns : "", name);
}

static void by_group(void *arg, const struct kube_entry *entry, struct strv *out)
{
	const struct object *meta = entry->data;
	(void)arg;
	if (meta == NULL)
		return;
	const char *group = object_user_annotation(meta, "proxy-group");
	const char *label = object_label(meta, CLUSTER_LABEL_GROUP);
	bool is_child = object_label(meta, CLUSTER_LABEL_MANAGED) != NULL;
	if (group != NULL)
		strv_push(out, group);
	else if (label != NULL && is_child)
		strv_push(out, label);
}

/* arg: the default. */
static void by_tailnet(void *arg, const struct kube_entry *entry, struct strv *out)
{
	const struct object_proxy_group *group = entry->data;
	strv_push(out, group->tailnet[0] != '\0' ? group->tailnet : arg);
}

static void by_nothing(void *arg, const struct kube_entry *entry, struct strv *out)
{
	(void)arg;
	(void)entry;
	(void)out;
}

void cluster_indexes(
	enum cluster_kind kind, char *default_tailnet, struct kube_index out[CLUSTER_INDEXES])
{
	bool is_group = kind == CLUSTER_PROXY_GROUPS;
	out[CLUSTER_BY_PARENT] = (struct kube_index){.values = by_parent};
	out[CLUSTER_BY_GROUP] = (struct kube_index){.values = by_group};
	out[CLUSTER_BY_TAILNET] = (struct kube_index){
		.values = is_group ? by_tailnet : by_nothing, .arg = default_tailnet};
}
