/* The life of a group on the bench: plans, and who else acts in a cluster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/proxygroup/group_memory.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/proxy_config.h"
#include "tests/support/group_bench.h"

#define ROUNDS_MAX 60

static bool has_control(void *arg, const char *tailnet)
{
	const struct group_bench *b = arg;
	(void)tailnet;
	return b->has_control;
}

static void on_key(void *arg, const char *kind, const char *ns, const char *name)
{
	(void)arg;
	(void)kind;
	(void)ns;
	(void)name;
}

static struct cluster *new_cluster(void)
{
	const struct cluster_options options = {
		.ns = GROUP_BENCH_NS, .default_tailnet = "default", .on_key = on_key};
	return cluster_new(&options);
}

void group_bench_open(struct group_bench *b, int replicas)
{
	*b = (struct group_bench){.has_control = true};
	b->store = json_new_object();
	b->memory = group_memory_new();
	b->cluster = new_cluster();
	b->settings = (struct group_settings){
		.image = "tailboot:1",
		.firewall_mode = "",
		.cluster_domain = "cluster.local",
		.made_by = "v1",
		.finalizer_timeout_s = 300,
	};
	group_bench_put(b, CLUSTER_TAILNETS,
		"{\"metadata\":{\"name\":\"default\"},\"spec\":{\"controlPlane\":\"Headscale\","
		"\"serverURL\":\"https://headscale.example.net\",\"oauthSecretName\":\"s\"},"
		"\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\","
		"\"reason\":\"Ready\"}]}}");
	AUTO(mem_free)
	char *group = xasprintf("{\"metadata\":{\"name\":\"" GROUP_BENCH_NAME
				"\"},\"spec\":{\"type\":\"egress\",\"replicas\":%d}}",
		replicas);
	group_bench_put(b, CLUSTER_PROXY_GROUPS, group);
}

void group_bench_close(struct group_bench *b)
{
	cluster_free(b->cluster);
	group_memory_free(b->memory);
	json_free(b->store);
	strv_fini(&b->devices);
	strv_fini(&b->removed);
	strv_fini(&b->created);
}

/* The kind of an entry of the store, by the beginning of its key. */
static enum cluster_kind kind_of_key(const char *key)
{
	for (int k = 0; k < CLUSTER_KINDS; k++) {
		const char *plural = cluster_resource((enum cluster_kind)k)->plural;
		if (str_starts(key, plural) && key[strlen(plural)] == '/')
			return (enum cluster_kind)k;
	}
	return CLUSTER_KINDS;
}

void group_bench_restart(struct group_bench *b)
{
	struct err e;
	cluster_free(b->cluster);
	group_memory_free(b->memory);
	b->cluster = new_cluster();
	b->memory = group_memory_new();
	for (const struct json *o = json_first(b->store); o != NULL; o = json_next(o)) {
		AUTO(json_freep) struct json *copy = json_dup(o);
		if (cluster_feed(b->cluster, kind_of_key(json_key(o)), KUBE_ADDED, copy, &e) < 0)
			fail_msg("%s", e.msg);
	}
}

void group_bench_plan(struct group_bench *b, const char *name, const struct engine_failure *failure,
	struct engine_plan *out)
{
	AUTO(group_view_fini) struct group_view view = {0};
	const struct group_source source = {
		.cluster = b->cluster,
		.settings = &b->settings,
		.memory = b->memory,
		.has_control = has_control,
		.arg = b,
	};
	const struct group_calls calls = {&b->mint, &b->replace, &b->remove};
	*out = (struct engine_plan){0};
	if (group_view_read(&source, name, &view))
		group_plan(&view, &calls, failure, out);
	else
		group_memory_forget(b->memory, name);
}

static size_t count_steps(const struct engine_plan *plan)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++)
		count += plan->steps[i]->kind != ENGINE_STEP_EVENT;
	return count;
}

unsigned int group_bench_finish(struct group_bench *b)
{
	unsigned int before = b->writes;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		struct engine_plan plan;
		group_bench_plan(b, GROUP_BENCH_NAME, NULL, &plan);
		size_t count = count_steps(&plan);
		group_bench_perform(b, &plan, plan.count);
		engine_plan_fini(&plan);
		if (count == 0)
			return b->writes - before;
	}
	fail_msg("the group is not done after %d plans", ROUNDS_MAX);
	return 0;
}

/* -- who lives beside the controller -- */

static int64_t desired_pods(const struct group_bench *b)
{
	int64_t replicas = 0;
	const struct json *set = group_bench_get(b, CLUSTER_STATEFUL_SETS, GROUP_BENCH_NAME);
	json_i64(json_path(set, "spec", "replicas", NULL), &replicas);
	return replicas;
}

static void obey_set(struct group_bench *b)
{
	int64_t generation = 0;
	const struct json *set = group_bench_get(b, CLUSTER_STATEFUL_SETS, GROUP_BENCH_NAME);
	if (set == NULL)
		return;
	json_i64(json_path(set, "metadata", "generation", NULL), &generation);
	long long replicas = (long long)desired_pods(b);
	AUTO(mem_free)
	char *status = xasprintf(
		"{\"status\":{\"observedGeneration\":%lld,\"replicas\":%lld,\"readyReplicas\":%lld,"
		"\"updatedReplicas\":%lld,\"currentRevision\":\"r\",\"updateRevision\":\"r\"}}",
		(long long)generation, replicas, replicas, replicas);
	group_bench_patch(b, CLUSTER_STATEFUL_SETS, GROUP_BENCH_NAME, status);
}

static void obey_pod(struct group_bench *b, int ordinal, bool is_desired)
{
	AUTO(mem_free) char *name = xasprintf(GROUP_BENCH_NAME "-%d", ordinal);
	const struct json *pod = group_bench_get(b, CLUSTER_PODS, name);
	AUTO(mem_free)
	char *object = xasprintf(
		"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"" GROUP_BENCH_NS "\",\"labels\":{"
		"\"tailscale.com/managed\":\"true\","
		"\"tailscale.com/parent-resource-type\":\"proxygroup\","
		"\"tailscale.com/parent-resource\":\"" GROUP_BENCH_NAME "\"}},"
		"\"status\":{\"phase\":\"Running\",\"podIPs\":[{\"ip\":\"10.0.0.%d\"}]}}",
		name, ordinal + 1);
	if (is_desired && pod == NULL)
		group_bench_put(b, CLUSTER_PODS, object);
	else if (!is_desired)
		group_bench_remove(b, CLUSTER_PODS, name);
}

static bool has_device(const struct group_bench *b, const char *device)
{
	return device[0] != '\0' && strv_contains(&b->devices, device);
}

/* A device is registered with the key, which is single-use: a device is named by it. */
static void log_in(struct group_bench *b, const char *name, const struct secret *key)
{
	AUTO(mem_free) char *device = xasprintf("n-%s", secret_str(key));
	AUTO(mem_free) char *fqdn = xasprintf("%s.example.ts.net.", name);
	assert_false(strv_contains(&b->devices, device));
	strv_push(&b->devices, device);
	group_bench_set_secret(b, name, "reissue_authkey", NULL);
	group_bench_set_secret(b, name, "device_id", device);
	group_bench_set_secret(b, name, "device_fqdn", fqdn);
	group_bench_set_secret(b, name, "device_ips", "[\"100.64.0.1\"]");
}

static void run_proxy(struct group_bench *b, const char *name)
{
	struct err e;
	AUTO(mem_free) char *config = xasprintf("%s-config", name);
	AUTO(mem_free) char *text = group_bench_secret(b, config, PROXY_CONFIG_KEY);
	AUTO(mem_free) char *device = group_bench_secret(b, name, "device_id");
	AUTO(mem_free) char *asked = group_bench_secret(b, name, "reissue_authkey");
	AUTO(proxy_config_fini) struct proxy_config now = {0};
	const struct json *pod = group_bench_get(b, CLUSTER_PODS, name);
	if (pod == NULL || group_bench_get(b, CLUSTER_SECRETS, name) == NULL)
		return;
	group_bench_set_secret(
		b, name, "pod_uid", json_str(json_path(pod, "metadata", "uid", NULL)));
	if (has_device(b, device) || proxy_config_parse(text, strlen(text), &now, &e) < 0)
		return;
	AUTO(mem_free) char *used = xasprintf("n-%s", secret_str(&now.authkey));
	bool is_fresh = secret_is_set(&now.authkey) &&
			strcmp(asked, secret_str(&now.authkey)) != 0 && strcmp(used, device) != 0;
	if (is_fresh)
		log_in(b, name, &now.authkey);
	else
		group_bench_set_secret(b, name, "reissue_authkey", secret_str(&now.authkey));
}

void group_bench_beside(struct group_bench *b)
{
	int64_t replicas = desired_pods(b);
	obey_set(b);
	for (int i = 0; i < 16; i++) {
		AUTO(mem_free) char *name = xasprintf(GROUP_BENCH_NAME "-%d", i);
		obey_pod(b, i, i < replicas);
		run_proxy(b, name);
	}
}

void group_bench_expect(
	const struct group_bench *b, const char *type, const char *reason, const char *message)
{
	const struct json *group = group_bench_get(b, CLUSTER_PROXY_GROUPS, GROUP_BENCH_NAME);
	const struct json *conditions = json_path(group, "status", "conditions", NULL);
	for (const struct json *c = json_first(conditions); c != NULL; c = json_next(c)) {
		if (strcmp(json_str(json_get(c, "type")), type) != 0)
			continue;
		assert_string_equal(json_str(json_get(c, "reason")), reason);
		if (message != NULL)
			assert_string_equal(json_str(json_get(c, "message")), message);
		return;
	}
	fail_msg("no condition %s", type);
}
