#include "controller/proxygroup/group_template.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/proxygroup/group_clean.h"
#include "controller/proxygroup/group_env.h"
#include "lib/base/fnv.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/proxy_config.h"

#define CA_DIR "/etc/tailscale-ca"

enum profile {
	PROFILE_PRIVILEGED,
	PROFILE_NET_ADMIN,
	PROFILE_USERSPACE,
	PROFILE_UNKNOWN,
};

static enum profile profile_of(const struct object_proxy_group *group)
{
	const char *text = json_str(json_get(group->template, "securityProfile"));
	if (text == NULL || text[0] == '\0' || strcmp(text, "Privileged") == 0)
		return PROFILE_PRIVILEGED;
	if (strcmp(text, "NetAdmin") == 0)
		return PROFILE_NET_ADMIN;
	return strcmp(text, "Userspace") == 0 ? PROFILE_USERSPACE : PROFILE_UNKNOWN;
}

int group_template_slots(const struct group_view *v)
{
	int replicas = (int)v->group->replicas;
	int slots = (replicas + GROUP_SLOTS - 1) / GROUP_SLOTS * GROUP_SLOTS;
	return slots > 0 ? slots : GROUP_SLOTS;
}

static void check_profile(const struct object_proxy_group *group, struct strv *faults)
{
	enum profile profile = profile_of(group);
	if (profile == PROFILE_UNKNOWN)
		strv_push(faults, "spec.template.securityProfile: use Privileged or NetAdmin");
	if (profile == PROFILE_USERSPACE)
		strv_push(faults,
			"spec.template.securityProfile: Userspace carries no egress traffic; use "
			"NetAdmin or Privileged");
}

static void check_tag(const char *tag, struct strv *faults)
{
	size_t len = str_starts(tag, "tag:") ? strlen(tag + 4) : 0;
	bool is_tag = len > 0 && ((tag[4] | 0x20) >= 'a' && (tag[4] | 0x20) <= 'z');
	for (size_t i = 0; is_tag && i < len; i++) {
		char c = tag[4 + i];
		is_tag = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') ||
			 c == '-';
	}
	if (!is_tag)
		strv_pushf(faults, "spec.tags: %.80s is no tag; write tag:NAME", tag);
}

/* Labels that select the pods are ours. */
static void check_labels(const struct json *labels, struct strv *faults)
{
	static const char *const reserved[] = {
		CLUSTER_LABEL_MANAGED, CLUSTER_LABEL_PARENT_TYPE, CLUSTER_LABEL_PARENT};
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
		if (json_get(labels, reserved[i]) != NULL)
			strv_pushf(faults, "spec.template.labels: %s belongs to the controller",
				reserved[i]);
	}
}

void group_template_check(const struct group_view *v, struct strv *faults)
{
	const struct object_proxy_group *group = v->group;
	for (size_t i = 0; i < group->faults.len; i++)
		strv_push(faults, group->faults.items[i]);
	if (strcmp(group->type, "egress") != 0)
		strv_pushf(faults, "spec.type: %.40s is not known; use egress", group->type);
	if (strlen(v->entry->name) > GROUP_NAME_MAX)
		strv_pushf(faults, "metadata.name: longer than %d characters", GROUP_NAME_MAX);
	if (strlen(group->hostname_prefix) > GROUP_PREFIX_MAX)
		strv_pushf(
			faults, "spec.hostnamePrefix: longer than %d characters", GROUP_PREFIX_MAX);
	for (size_t i = 0; i < group->tags.len; i++)
		check_tag(group->tags.items[i], faults);
	check_profile(group, faults);
	check_labels(json_get(group->template, "labels"), faults);
	group_env_check(json_path(group->template, "container", "env", NULL), faults);
}

static void set_cleaned(struct json *values, const char *hole, const struct json *value)
{
	struct json *copy = group_clean(value);
	if (copy != NULL)
		json_set(values, hole, copy);
}

static struct json *parsed(const char *text)
{
	struct err e;
	struct json *value = json_parse(text, strlen(text), &e);
	return value != NULL ? value : json_new_object();
}

static void fill_security(const struct group_view *v, struct json *values)
{
	if (profile_of(v->group) != PROFILE_NET_ADMIN) {
		json_set(values, "security", parsed("{\"privileged\":true}"));
		return;
	}
	json_set(values, "security",
		parsed("{\"runAsUser\":0,\"runAsGroup\":0,\"allowPrivilegeEscalation\":false,"
		       "\"readOnlyRootFilesystem\":true,"
		       "\"capabilities\":{\"drop\":[\"ALL\"],\"add\":[\"NET_ADMIN\"]},"
		       "\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}"));
	json_set(values, "pod_security",
		parsed("{\"sysctls\":[{\"name\":\"net.ipv4.ip_forward\",\"value\":\"1\"},"
		       "{\"name\":\"net.ipv6.conf.all.forwarding\",\"value\":\"1\"}]}"));
}

static void push_volume(struct json *volumes, struct json *mounts, const char *name,
	const char *path, const char *source)
{
	struct json *volume = parsed(source);
	json_set_str(volume, "name", name);
	json_push(volumes, volume);
	struct json *mount = json_new_object();
	json_set_str(mount, "name", name);
	json_set_str(mount, "mountPath", path);
	if (strstr(source, "emptyDir") == NULL)
		json_set(mount, "readOnly", json_new_bool(true));
	json_push(mounts, mount);
}

static void fill_volumes(const struct group_view *v, struct json *values)
{
	const char *name = v->entry->name;
	struct json *volumes = json_new_array();
	struct json *mounts = json_new_array();
	for (int i = 0; i < group_template_slots(v); i++) {
		AUTO(mem_free) char *volume = xasprintf("tailscaledconfig-%d", i);
		AUTO(mem_free) char *path = xasprintf(PROXY_CONFIG_DIR "/%s-%d", name, i);
		AUTO(mem_free)
		char *source = xasprintf(
			"{\"secret\":{\"secretName\":\"%s-%d-config\",\"optional\":true}}", name,
			i);
		push_volume(volumes, mounts, volume, path, source);
	}
	if (v->tailnet->ca_secret_name[0] != '\0') {
		struct json *secret = json_new_object();
		json_set_str(secret, "secretName", v->tailnet->ca_secret_name);
		AUTO(json_freep) struct json *source = json_new_object();
		json_set(secret, "items", parsed("[{\"key\":\"ca.crt\",\"path\":\"ca.crt\"}]"));
		json_set(source, "secret", secret);
		AUTO(mem_free) char *text = json_print(source);
		push_volume(volumes, mounts, "ca", CA_DIR, text);
	}
	if (profile_of(v->group) == PROFILE_NET_ADMIN)
		push_volume(volumes, mounts, "tmp", "/tmp", "{\"emptyDir\":{}}");
	json_set(values, "volumes", volumes);
	json_set(values, "mounts", mounts);
}

static void fill_env(const struct group_view *v, struct json *values)
{
	struct json *env = json_new_array();
	const char *mode = v->settings->firewall_mode;
	if (mode[0] == '\0' && profile_of(v->group) == PROFILE_NET_ADMIN)
		mode = "nftables";
	if (mode[0] != '\0')
		group_env_push(env, "TS_DEBUG_FIREWALL_MODE", mode);
	group_env_merge(env, json_path(v->group->template, "container", "env", NULL));
	if (v->tailnet->ca_secret_name[0] != '\0')
		group_env_push(env, "SSL_CERT_FILE", CA_DIR "/ca.crt");
	json_set(values, "env", env);
}

/* Probes and limits; the liveness probe only with the image that is known to answer it. */
static void fill_container(const struct group_view *v, struct json *values)
{
	const struct json *container = json_get(v->group->template, "container");
	const char *image = json_str(json_get(container, "image"));
	bool is_own = image != NULL && image[0] != '\0';
	json_set_str(values, "image", is_own ? image : v->settings->image);
	set_cleaned(values, "image_pull_policy", json_get(container, "imagePullPolicy"));
	if (!is_own)
		json_set(values, "liveness",
			parsed("{\"httpGet\":{\"path\":\"/livez\",\"port\":9002},"
			       "\"periodSeconds\":10,\"failureThreshold\":6}"));
	json_set(values, "resources",
		parsed("{\"requests\":{\"cpu\":\"10m\",\"memory\":\"32Mi\"}}"));
	set_cleaned(values, "resources", json_get(container, "resources"));
}

static void fill_pod(const struct group_view *v, struct json *values)
{
	static const char *const fields[][2] = {
		{"affinity", "affinity"},
		{"nodeSelector", "node_selector"},
		{"tolerations", "tolerations"},
		{"topologySpreadConstraints", "topology_spread_constraints"},
		{"priorityClassName", "priority_class_name"},
		{"imagePullSecrets", "image_pull_secrets"},
		{"annotations", "annotations"},
	};
	struct json *labels = group_clean(json_get(v->group->template, "labels"));
	if (labels == NULL)
		labels = json_new_object();
	json_set_str(labels, CLUSTER_LABEL_MANAGED, "true");
	json_set_str(labels, CLUSTER_LABEL_PARENT_TYPE, "proxygroup");
	json_set_str(labels, CLUSTER_LABEL_PARENT, v->entry->name);
	AUTO(mem_free)
	char *apart = xasprintf(
		"{\"podAntiAffinity\":{\"preferredDuringSchedulingIgnoredDuringExecution\":["
		"{\"weight\":100,\"podAffinityTerm\":{\"topologyKey\":\"kubernetes.io/hostname\","
		"\"labelSelector\":{\"matchLabels\":{\"" CLUSTER_LABEL_MANAGED "\":\"true\","
		"\"" CLUSTER_LABEL_PARENT_TYPE "\":\"proxygroup\",\"" CLUSTER_LABEL_PARENT
		"\":\"%s\"}}}}]}}",
		v->entry->name);
	json_set(values, "labels", labels);
	json_set(values, "affinity", parsed(apart));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		set_cleaned(values, fields[i][1], json_get(v->group->template, fields[i][0]));
}

void group_template_fill(const struct group_view *v, struct json *values)
{
	fill_pod(v, values);
	fill_container(v, values);
	fill_security(v, values);
	fill_env(v, values);
	fill_volumes(v, values);
}

char *group_template_origin(const struct group_view *v)
{
	AUTO(mem_free)
	char *template = v->group->template != NULL ? json_print(v->group->template) : xstrdup("");
	AUTO(mem_free)
	char *text = xasprintf(
		"%s %d %s", template, group_template_slots(v), v->tailnet->ca_secret_name);
	return xasprintf("%016" PRIx64, fnv_add(FNV_INIT, text, strlen(text)));
}
