#include <stdio.h>
#include <string.h>

#include "controller/proxygroup/group_plan_internal.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

#define READY "ProxyGroupReady"
#define AVAILABLE "ProxyGroupAvailable"

static int64_t count_running(const struct group_view *v)
{
	int64_t count = 0;
	for (size_t i = 0; i < v->count; i++)
		count += group_is_running(&v->replicas[i]);
	return count;
}

static int64_t count_pods(const struct group_view *v)
{
	int64_t count = 0;
	for (size_t i = 0; i < v->count; i++)
		count += v->replicas[i].pod != NULL;
	return count;
}

/* The full name without its dot at the end; else what the device is going to be called. */
static char *hostname_of(const struct group_view *v, const struct group_replica *r)
{
	const struct object_secret *state = group_state(r);
	const char *prefix = v->group->hostname_prefix;
	size_t len = strlen(state->device_fqdn);
	if (strchr(state->device_fqdn, '.') == NULL)
		return xasprintf("%s-%d", prefix[0] != '\0' ? prefix : v->entry->name, r->ordinal);
	return xstrndup(state->device_fqdn, state->device_fqdn[len - 1] == '.' ? len - 1 : len);
}

static struct json *device_of(const struct group_view *v, const struct group_replica *r)
{
	const struct object_secret *state = group_state(r);
	/* A state that is lost or cleared does not end the device: the ledger knows it. */
	if (state == NULL || state->device_id[0] == '\0')
		return r->ledger != NULL ? json_dup(r->ledger) : NULL;
	AUTO(mem_free) char *hostname = hostname_of(v, r);
	AUTO(mem_free) char *pod = xasprintf("%s-%d", v->entry->name, r->ordinal);
	struct json *device = json_new_object();
	json_set_str(device, "hostname", hostname);
	json_set_str(device, "nodeID", state->device_id);
	json_set_str(device, "podName", pod);
	struct json *ips = json_new_array();
	for (size_t i = 0; i < state->device_ips.len; i++)
		json_push(ips, json_new_str(state->device_ips.items[i]));
	json_set(device, "tailnetIPs", ips);
	return device;
}

/* The list is a map by hostname: two devices of one name would be refused. */
static bool has_hostname(const struct json *devices, const char *hostname)
{
	for (const struct json *d = json_first(devices); d != NULL; d = json_next(d)) {
		const char *other = json_str(json_get(d, "hostname"));
		if (other != NULL && strcmp(other, hostname) == 0)
			return true;
	}
	return false;
}

static struct json *devices_of(const struct group_view *v, const struct group_fault *fault)
{
	struct json *devices = json_new_array();
	for (size_t i = 0; i < v->count; i++) {
		const struct group_replica *r = &v->replicas[i];
		/* What this plan removes, unless it does nothing but show a fault. */
		if (fault->reason == NULL && group_is_removable(v, r))
			continue;
		struct json *device = device_of(v, r);
		if (device == NULL)
			continue;
		if (has_hostname(devices, json_str(json_get(device, "hostname")))) {
			AUTO(mem_free) char *pod = xasprintf("%s-%d", v->entry->name, r->ordinal);
			json_set_str(device, "hostname", pod);
		}
		json_push(devices, device);
	}
	return devices;
}

/* Whether the group is ready, by what runs. */
static struct engine_condition ready_of(
	const struct group_view *v, const struct group_fault *fault, char *message, size_t size)
{
	int64_t running = count_running(v);
	int64_t replicas = v->group->replicas;
	struct engine_condition ready = {.type = READY,
		.status = "False",
		.reason = GROUP_REASON_CREATING,
		.message = message,
		.observed_generation = v->group->meta.generation};
	if (fault->reason != NULL) {
		ready.reason = fault->reason;
		ready.message = fault->message;
	} else if (running > replicas) {
		snprintf(message, size, "waiting for %lld ProxyGroup pods to shut down",
			(long long)(running - replicas));
	} else if (running == replicas) {
		ready.status = "True";
		ready.reason = GROUP_REASON_READY;
		ready.message = GROUP_REASON_READY;
	} else {
		snprintf(message, size, "%lld/%lld ProxyGroup pods running", (long long)running,
			(long long)replicas);
	}
	return ready;
}

static struct json *conditions_of(const struct group_view *v, const struct group_fault *fault)
{
	const struct json *live = json_get(v->group->status, "conditions");
	struct json *conditions = json_new_array();
	int64_t running = count_running(v);
	char count[80];
	char message[80];
	snprintf(count, sizeof(count), "%lld/%lld ProxyGroup pods running", (long long)running,
		(long long)v->group->replicas);
	const struct engine_condition ready = ready_of(v, fault, message, sizeof(message));
	const struct engine_condition available = {.type = AVAILABLE,
		.status = running > 0 ? "True" : "False",
		.reason = running > 0 && running == v->group->replicas ? GROUP_REASON_AVAILABLE
								       : GROUP_REASON_CREATING,
		.message = count};
	engine_condition_push(conditions, &available, live, v->now);
	engine_condition_push(conditions, &ready, live, v->now);
	return conditions;
}

/* An Event for what the condition says, when it says something else than before. */
static void warn_of_change(
	const struct group_view *v, const struct group_fault *fault, struct engine_plan *plan)
{
	const struct json *live = json_get(v->group->status, "conditions");
	if (fault->reason == NULL || strcmp(fault->reason, GROUP_REASON_CREATING) == 0)
		return;
	for (const struct json *c = json_first(live); c != NULL; c = json_next(c)) {
		const char *type = json_str(json_get(c, "type"));
		const char *reason = json_str(json_get(c, "reason"));
		const char *message = json_str(json_get(c, "message"));
		if (type != NULL && reason != NULL && message != NULL && strcmp(type, READY) == 0 &&
			strcmp(reason, fault->reason) == 0 && strcmp(message, fault->message) == 0)
			return;
	}
	group_warn(v, GROUP_STAGE_STATUS, fault->reason, fault->message, plan);
}

void group_plan_status(
	const struct group_view *v, const struct group_fault *fault, struct engine_plan *plan)
{
	AUTO(mem_free)
	char *selector = xasprintf(CLUSTER_LABEL_MANAGED "=true," CLUSTER_LABEL_PARENT_TYPE
							 "=proxygroup," CLUSTER_LABEL_PARENT "=%s",
		v->entry->name);
	struct json *status = json_new_object();
	json_set(status, "observedGeneration", json_new_i64(v->group->meta.generation));
	json_set(status, "replicas", json_new_i64(count_pods(v)));
	json_set(status, "readyReplicas", json_new_i64(count_running(v)));
	json_set_str(status, "selector", selector);
	json_set(status, "devices", devices_of(v, fault));
	json_set(status, "conditions", conditions_of(v, fault));
	const struct kube_target self = group_self(v);
	if (engine_plan_status(
		    plan, GROUP_STAGE_STATUS, &self, v->entry->version, status, v->group->status))
		warn_of_change(v, fault, plan);
}
