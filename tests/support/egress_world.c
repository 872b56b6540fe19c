#include "tests/support/egress_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cluster/egress_group_plan.h"
#include "controller/cluster/egress_request.h"
#include "lib/base/b64.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_status.h"
#include "tests/support/address.h"

#define DOCUMENT_MAX (1u << 20)

static bool has_upstream(void *arg)
{
	const struct egress_world *w = arg;
	return w->has_upstream;
}

void egress_world_init(struct egress_world *w)
{
	*w = (struct egress_world){.api = api_world_new(EGRESS_WORLD_NS)};
}

void egress_world_fini(struct egress_world *w)
{
	api_world_free(w->api);
}

static void plan_group(void *arg, const char *ns, const char *name,
	const struct engine_failure *failure, struct engine_plan *out)
{
	struct egress_world *w = arg;
	struct cluster *c = api_world_cluster(w->api);
	const struct kube_entry *group =
		kube_cache_get(cluster_cache(c, CLUSTER_PROXY_GROUPS), NULL, name);
	(void)ns;
	assert_null(failure);
	if (group == NULL)
		return;
	const struct egress_group_options options = {"cluster.local", "2026-01-02T00:00:00Z"};
	struct egress_group_view view;
	egress_group_view_gather(c, group, &options, &view);
	egress_group_plan(&view, 0, out);
	egress_group_view_fini(&view);
}

/* The caches are others after a kill, so the feature finds them by the world. */
static void plan_service(void *arg, const char *ns, const char *name,
	const struct engine_failure *failure, struct engine_plan *out)
{
	struct egress_world *w = arg;
	const struct egress_options options = {
		.domain = "cluster.local",
		.leaves_external_name = w->leaves_name,
		.has_upstream = has_upstream,
		.arg = w,
	};
	struct egress *egress = egress_new(api_world_cluster(w->api), &options);
	struct engine_feature feature;
	egress_feature(egress, &feature);
	feature.plan(feature.arg, ns, name, failure, out);
	egress_free(egress);
}

static void plan_sweep(void *arg, const char *ns, const char *name,
	const struct engine_failure *failure, struct engine_plan *out)
{
	struct egress_world *w = arg;
	const struct egress_options options = {.domain = "cluster.local"};
	struct egress *egress = egress_new(api_world_cluster(w->api), &options);
	struct engine_feature feature;
	egress_sweep_feature(egress, &feature);
	feature.plan(feature.arg, ns, name, failure, out);
	egress_free(egress);
}

void egress_world_run(struct egress_world *w)
{
	const struct engine_feature features[] = {
		{.kind = CLUSTER_KEY_SERVICE, .plan = plan_service, .arg = w},
		{.kind = CLUSTER_KEY_PROXY_GROUP, .plan = plan_group, .arg = w},
		{.kind = EGRESS_KEY_SWEEP, .plan = plan_sweep, .arg = w},
	};
	api_world_run(w->api, features, ARRAY_LEN(features));
}

void egress_world_group_with(
	struct egress_world *w, const char *name, int replicas, const char *members)
{
	AUTO(mem_free)
	char *text = xasprintf("{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"type\":\"egress\","
			       "\"replicas\":%d%s%s}}",
		name, replicas, members[0] != '\0' ? "," : "", members);
	api_world_put(w->api, CLUSTER_PROXY_GROUPS, text);
}

void egress_world_group(struct egress_world *w, const char *name, int replicas)
{
	egress_world_group_with(w, name, replicas, "");
}

void egress_world_service(struct egress_world *w, const char *ns, const char *name,
	const char *annotations, const char *ports)
{
	AUTO(mem_free)
	char *text = xasprintf("{\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s\","
			       "\"annotations\":{%s}},\"spec\":{\"type\":\"ExternalName\","
			       "\"externalName\":\"placeholder\",\"ports\":[%s]}}",
		ns, name, annotations, ports);
	api_world_put(w->api, CLUSTER_SERVICES, text);
}

void egress_world_web(struct egress_world *w, const char *fqdn, const char *ports)
{
	AUTO(mem_free)
	char *annotations = xasprintf("\"tailscale.com/proxy-group\":\"egress\","
				      "\"tailscale.com/tailnet-fqdn\":\"%s\"",
		fqdn);
	egress_world_service(w, "default", "web", annotations, ports);
}

/* The address of a pod depends on its uid, as that of its successor is another one. */
static unsigned int address_of_uid(const char *uid)
{
	unsigned int sum = 7;
	for (; *uid != '\0'; uid++)
		sum = sum * 31 + (unsigned char)*uid;
	return sum % 250 + 1;
}

void egress_world_pod(struct egress_world *w, const char *group, int ordinal, const char *uid)
{
	unsigned int last = address_of_uid(uid);
	AUTO(mem_free)
	char *text = xasprintf(
		"{\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s-%d\",\"uid\":\"%s\",\"labels\":"
		"{\"tailscale.com/managed\":\"true\",\"tailscale.com/parent-resource-type\":"
		"\"proxygroup\",\"tailscale.com/parent-resource\":\"%s\"}},\"status\":{\"podIPs\":["
		"{\"ip\":\"10.1.%d.%u\"},{\"ip\":\"fd00::%d:%u\"}]}}",
		EGRESS_WORLD_NS, group, ordinal, uid, group, ordinal, last, ordinal, last);
	api_world_put(w->api, CLUSTER_PODS, text);
}

char *egress_world_document(struct egress_world *w, const char *group)
{
	AUTO(mem_free) char *name = xasprintf("%s-egress-config", group);
	const struct json *map = api_world_get(w->api, CLUSTER_CONFIG_MAPS, EGRESS_WORLD_NS, name);
	const char *coded = json_str(json_path(map, "binaryData", "egress-services", NULL));
	struct buf text = BUF_INIT(DOCUMENT_MAX);
	struct err e;
	if (coded == NULL)
		return NULL;
	assert_int_equal(b64_decode(coded, strlen(coded), &text, &e), 0);
	return buf_take(&text);
}

static char *status_text(const char *document, int ordinal, const char *uid, bool loses_targets)
{
	AUTO(egress_config_fini) struct egress_config config = {0};
	AUTO(mem_free) char *ipv4 = xasprintf("10.1.%d.%u", ordinal, address_of_uid(uid));
	AUTO(mem_free) char *ipv6 = xasprintf("fd00::%d:%u", ordinal, address_of_uid(uid));
	struct err e;
	size_t count = 0;
	const struct ipaddr target = address_of("100.64.0.9");
	if (document != NULL)
		assert_int_equal(egress_config_parse(document, strlen(document), &config, &e), 0);
	AUTO(mem_free)
	struct egress_status_service *list = xcalloc(config.count + 1, sizeof(*list));
	for (size_t i = 0; i < config.count; i++) {
		const struct egress_service *s = &config.services[i];
		bool is_dead = loses_targets || str_starts(s->target_fqdn, "dead");
		list[count++] = (struct egress_status_service){s->name, s->ports, s->port_count,
			&target, !is_dead, s->target_ip, s->target_fqdn};
	}
	return egress_status_print(ipv4, ipv6, list, count);
}

static void add_coded(struct json *data, const char *key, const char *text)
{
	AUTO(buf_fini) struct buf coded = BUF_INIT(2 * DOCUMENT_MAX);
	struct err e;
	assert_int_equal(b64_encode(text, strlen(text), &coded, &e), 0);
	json_set_str(data, key, buf_cstr(&coded));
}

void egress_world_confirm(struct egress_world *w, const char *group, int ordinal, const char *uid)
{
	AUTO(mem_free) char *document = egress_world_document(w, group);
	AUTO(mem_free) char *status = status_text(document, ordinal, uid, w->loses_targets);
	AUTO(json_freep) struct json *data = json_new_object();
	add_coded(data, "pod_uid", uid);
	add_coded(data, "egress-services", status);
	AUTO(mem_free) char *values = json_print(data);
	AUTO(mem_free)
	char *text = xasprintf(
		"{\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s-%d\",\"labels\":"
		"{\"tailscale.com/managed\":\"true\",\"tailscale.com/secret-type\":\"state\","
		"\"tailscale.com/parent-resource-type\":\"proxygroup\","
		"\"tailscale.com/parent-resource\":\"%s\"}},\"data\":%s}",
		EGRESS_WORLD_NS, group, ordinal, group, values);
	api_world_put(w->api, CLUSTER_SECRETS, text);
}

char *egress_world_condition(struct egress_world *w, const char *ns, const char *name,
	const char *type, const char *member)
{
	const struct json *service = api_world_get(w->api, CLUSTER_SERVICES, ns, name);
	const struct json *list = json_path(service, "status", "conditions", NULL);
	for (const struct json *c = json_first(list); c != NULL; c = json_next(c)) {
		if (strcmp(json_str(json_get(c, "type")), type) == 0)
			return xstrdup(json_str(json_get(c, member)));
	}
	return xstrdup("");
}

int egress_world_endpoints(struct egress_world *w, const char *child, const char *family)
{
	AUTO(mem_free) char *name = xasprintf("%s-%s", child, family);
	const struct json *slice = api_world_get(w->api, CLUSTER_SLICES, EGRESS_WORLD_NS, name);
	return slice != NULL ? (int)json_len(json_get(slice, "endpoints")) : -1;
}

char *egress_world_child(void)
{
	return egress_request_child("default", "web");
}

const struct json *egress_world_service_of_web(struct egress_world *w)
{
	return api_world_get(w->api, CLUSTER_SERVICES, "default", "web");
}

void egress_world_expect(
	struct egress_world *w, const char *type, const char *status, const char *reason)
{
	AUTO(mem_free) char *is = egress_world_condition(w, "default", "web", type, "status");
	AUTO(mem_free) char *why = egress_world_condition(w, "default", "web", type, "reason");
	assert_string_equal(is, status);
	if (reason != NULL)
		assert_string_equal(why, reason);
}

void egress_world_expect_message(struct egress_world *w, const char *type, const char *part)
{
	AUTO(mem_free) char *text = egress_world_condition(w, "default", "web", type, "message");
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

void egress_world_expect_nothing(struct egress_world *w)
{
	const struct json *service;
	assert_null(api_world_nth(w->api, CLUSTER_SLICES, 0));
	for (size_t i = 0; (service = api_world_nth(w->api, CLUSTER_SERVICES, i)) != NULL; i++) {
		const struct json *labels = json_path(service, "metadata", "labels", NULL);
		assert_null(json_get(labels, CLUSTER_LABEL_MANAGED));
		assert_int_equal(json_len(json_path(service, "metadata", "finalizers", NULL)), 0);
	}
	AUTO(mem_free) char *document = egress_world_document(w, "egress");
	if (document != NULL)
		assert_string_equal(document, "{}");
}

void egress_world_serve(struct egress_world *w, int replicas)
{
	egress_world_group(w, "egress", replicas);
	for (int i = 0; i < replicas; i++) {
		AUTO(mem_free) char *uid = xasprintf("pod-%d", i);
		egress_world_pod(w, "egress", i, uid);
	}
	egress_world_service(w, "default", "web", EGRESS_WORLD_WEB, EGRESS_WORLD_HTTP);
	egress_world_run(w);
}

int egress_world_set_up(void **state)
{
	struct egress_world *w = xcalloc(1, sizeof(*w));
	egress_world_init(w);
	*state = w;
	return 0;
}

int egress_world_tear_down(void **state)
{
	egress_world_fini(*state);
	free(*state);
	return 0;
}
