#include "controller/cluster/objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cluster/cluster.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

/* The data of the only object of a kind. */
static const void *fed(struct cluster *c, enum cluster_kind kind, const char *text)
{
	struct err e;
	AUTO(json_freep) struct json *object = json_parse(text, strlen(text), &e);
	assert_non_null(object);
	assert_int_equal(cluster_feed(c, kind, KUBE_ADDED, object, &e), 0);
	return kube_cache_at(cluster_cache(c, kind), 0)->data;
}

static int setup(void **state)
{
	const struct cluster_options options = {.ns = "ns", .default_tailnet = "default"};
	*state = cluster_new(&options);
	return 0;
}

static int teardown(void **state)
{
	cluster_free(*state);
	return 0;
}

static void expect_list(const struct strv *list, const char *expected)
{
	AUTO(mem_free) char *joined = list->len > 0 ? strv_join(list, "|") : xstrdup("");
	assert_string_equal(joined, expected);
}

static void metadata_is_kept_as_far_as_it_is_read(void **state)
{
	const struct object *o = fed(*state, CLUSTER_ROLES,
		"{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\",\"generation\":3,"
		"\"creationTimestamp\":\"t0\",\"deletionTimestamp\":\"t1\",\"finalizers\":[\"f\"],"
		"\"labels\":{\"app\":\"x\",\"tailscale.com/managed\":\"true\",\"kubernetes.io/"
		"service-name\":\"s\"},\"annotations\":{\"note\":\"x\",\"tailscale.com/a\":\"1\","
		"\"gateway.tailscale.com/a\":\"2\",\"tailscale.com/b\":\"3\"},"
		"\"ownerReferences\":[{\"kind\":\"K\",\"name\":\"other\",\"uid\":\"0\"},"
		"{\"kind\":\"G\",\"name\":\"g\",\"uid\":\"1\",\"controller\":true}]}}");
	assert_int_equal(o->generation, 3);
	assert_string_equal(o->created, "t0");
	assert_true(object_is_deleting(o));
	assert_true(object_has_finalizer(o, "f"));
	assert_false(object_has_finalizer(o, "g"));
	assert_string_equal(o->owner_kind, "G");
	assert_string_equal(o->owner_name, "g");
	assert_string_equal(o->owner_uid, "1");
	assert_null(object_label(o, "app"));
	assert_string_equal(object_label(o, "kubernetes.io/service-name"), "s");
	assert_null(object_annotation(o, "note"));
	/* Ours counts more than upstream's. */
	assert_string_equal(object_user_annotation(o, "a"), "2");
	assert_string_equal(object_user_annotation(o, "b"), "3");
	assert_null(object_user_annotation(o, "c"));
}

static void a_tailnet_has_defaults(void **state)
{
	const struct object_tailnet *t =
		fed(*state, CLUSTER_TAILNETS, "{\"metadata\":{\"name\":\"t\"},\"spec\":{}}");
	assert_int_equal(t->sync_interval_s, 300);
	assert_string_equal(t->server_url, "");
	assert_string_equal(t->ready, "");
	assert_null(t->status);
	expect_list(&t->faults, "");
}

static void a_tailnet_is_read_whole(void **state)
{
	const struct object_tailnet *t = fed(*state, CLUSTER_TAILNETS,
		"{\"metadata\":{\"name\":\"t\"},\"spec\":{\"controlPlane\":\"Headscale\","
		"\"tailnet\":\"-\",\"serverURL\":\"s\",\"apiURL\":\"a\",\"oauthSecretName\":\"n\","
		"\"oauthSecretNamespace\":\"m\",\"tags\":[\"tag:a\"],\"proxyTags\":[\"tag:b\",\"tag:c\"],"
		"\"domain\":\"d\",\"caSecretName\":\"c\",\"syncInterval\":\"1m30s\"},"
		"\"status\":{\"observedGeneration\":2,\"tailnetInfo\":{\"magicDNSSuffix\":\"x.net\"},"
		"\"conditions\":[{\"type\":\"Other\"},{\"type\":\"Ready\",\"status\":\"True\","
		"\"reason\":\"Ready\"}]}}");
	assert_string_equal(t->control_plane, "Headscale");
	assert_string_equal(t->tailnet, "-");
	assert_string_equal(t->server_url, "s");
	assert_string_equal(t->api_url, "a");
	assert_string_equal(t->secret_name, "n");
	assert_string_equal(t->secret_ns, "m");
	expect_list(&t->tags, "tag:a");
	expect_list(&t->proxy_tags, "tag:b|tag:c");
	assert_string_equal(t->domain, "d");
	assert_string_equal(t->ca_secret_name, "c");
	assert_int_equal(t->sync_interval_s, 90);
	assert_int_equal(t->observed_generation, 2);
	assert_string_equal(t->suffix, "x.net");
	assert_string_equal(t->ready, "True");
	assert_string_equal(t->ready_reason, "Ready");
	assert_non_null(t->status);
	expect_list(&t->faults, "");
}

struct fault_case {
	enum cluster_kind kind;
	const char *spec, *fault;
};

static const struct fault_case fault_cases[] = {
	{CLUSTER_TAILNETS, "7", "spec is a number, not an object"},
	{CLUSTER_TAILNETS, "{\"tailnet\":7}", "spec.tailnet is a number, not a string"},
	{CLUSTER_TAILNETS, "{\"tailnet\":null}", ""},
	{CLUSTER_TAILNETS, "{\"tags\":\"a\"}", "spec.tags is a string, not an array"},
	{CLUSTER_TAILNETS, "{\"tags\":[7]}",
		"spec.tags has more than 1024 elements, or one that is no string"},
	{CLUSTER_TAILNETS, "{\"syncInterval\":\"soon\"}",
		"spec.syncInterval: \"soon\" is no duration such as 5m"},
	{CLUSTER_TAILNETS, "{\"syncInterval\":\"1s\"}",
		"spec.syncInterval: \"1s\" is not between 30s and 24h"},
	{CLUSTER_TAILNETS, "{\"syncInterval\":\"25h\"}",
		"spec.syncInterval: \"25h\" is not between 30s and 24h"},
	{CLUSTER_PROXY_GROUPS, "[]", "spec is an array, not an object"},
	{CLUSTER_PROXY_GROUPS, "{\"replicas\":\"2\"}", "spec.replicas is a string, not a number"},
	{CLUSTER_PROXY_GROUPS, "{\"replicas\":1.5}", "spec.replicas is no whole number"},
	{CLUSTER_PROXY_GROUPS, "{\"replicas\":65}", "spec.replicas: 65 is not between 0 and 64"},
	{CLUSTER_PROXY_GROUPS, "{\"replicas\":-1}", "spec.replicas: -1 is not between 0 and 64"},
	{CLUSTER_PROXY_GROUPS, "{\"acceptRoutes\":\"yes\"}",
		"spec.acceptRoutes is a string, not a boolean"},
	{CLUSTER_PROXY_GROUPS, "{\"template\":[]}", "spec.template is an array, not an object"},
	{CLUSTER_PROXY_GROUPS, "{\"tailnetTarget\":\"x\"}",
		"spec.tailnetTarget is a string, not an object"},
};

static void faults_of_our_kinds_are_listed(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(fault_cases); i++) {
		const struct fault_case *c = &fault_cases[i];
		AUTO(mem_free)
		char *text = xasprintf("{\"metadata\":{\"name\":\"x\"},\"spec\":%s}", c->spec);
		const void *data = fed(*state, c->kind, text);
		const struct object_tailnet *tailnet = data;
		const struct object_proxy_group *group = data;
		expect_list(
			c->kind == CLUSTER_TAILNETS ? &tailnet->faults : &group->faults, c->fault);
	}
}

static void a_group_has_defaults(void **state)
{
	const struct object_proxy_group *g = fed(*state, CLUSTER_PROXY_GROUPS,
		"{\"metadata\":{\"name\":\"g\"},\"spec\":{\"type\":\"egress\"}}");
	assert_string_equal(g->type, "egress");
	assert_int_equal(g->replicas, 2);
	assert_false(g->accept_routes);
	assert_null(g->target);
	assert_null(g->template);
	assert_null(g->status);
}

static void of_a_foreign_service_nothing_is_kept(void **state)
{
	assert_null(fed(*state, CLUSTER_SERVICES,
		"{\"metadata\":{\"name\":\"a\",\"namespace\":\"b\",\"labels\":{\"app\":\"x\"},"
		"\"annotations\":{\"note\":\"x\"},\"finalizers\":[\"f\"]},\"spec\":{\"ports\":[{}]}}"));
	assert_null(kube_cache_at(cluster_cache(*state, CLUSTER_SERVICES), 0)->text);
}

static void a_service_of_a_user_is_kept_without_its_text(void **state)
{
	const struct object_service *s = fed(*state, CLUSTER_SERVICES,
		"{\"metadata\":{\"name\":\"a\",\"namespace\":\"b\",\"annotations\":"
		"{\"tailscale.com/proxy-group\":\"g\"}},\"spec\":{\"type\":\"ExternalName\","
		"\"externalName\":\"e\",\"clusterIP\":\"c\",\"clusterIPs\":[\"c\",\"d\"],"
		"\"ipFamilies\":[\"IPv4\"],\"ports\":[{\"name\":\"n\",\"port\":80,\"protocol\":\"UDP\","
		"\"targetPort\":8080},{\"port\":81,\"targetPort\":\"name\"},7]},"
		"\"status\":{\"conditions\":[{}]}}");
	assert_string_equal(s->type, "ExternalName");
	assert_string_equal(s->external_name, "e");
	assert_string_equal(s->cluster_ip, "c");
	expect_list(&s->cluster_ips, "c|d");
	expect_list(&s->ip_families, "IPv4");
	assert_int_equal(s->port_count, 3);
	assert_string_equal(s->ports[0].name, "n");
	assert_string_equal(s->ports[0].protocol, "UDP");
	assert_int_equal(s->ports[0].target, 8080);
	assert_string_equal(s->ports[1].protocol, "TCP");
	assert_int_equal(s->ports[1].target, 0);
	assert_int_equal(json_len(s->conditions), 1);
	assert_null(kube_cache_at(cluster_cache(*state, CLUSTER_SERVICES), 0)->text);
}

static void a_pod_has_addresses_and_conditions(void **state)
{
	const struct object_pod *p = fed(*state, CLUSTER_PODS,
		"{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"labels\":"
		"{\"controller-revision-hash\":\"r\"}},\"status\":{\"phase\":\"Running\","
		"\"podIPs\":[{\"ip\":\"1.2.3.4\"},{\"ip\":\"::1\"},7],\"podIP\":\"1.2.3.4\","
		"\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"},"
		"{\"type\":\"tailscale.com/egress-services\",\"status\":\"False\"}]}}");
	expect_list(&p->ips, "1.2.3.4|::1");
	assert_string_equal(p->phase, "Running");
	assert_string_equal(p->revision, "r");
	assert_true(p->is_ready);
	assert_false(p->has_gate);
	p = fed(*state, CLUSTER_PODS,
		"{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\"},\"status\":{\"podIP\":\"1.2.3.5\"}}");
	expect_list(&p->ips, "1.2.3.5");
}

#define SECRET(type, data)                                                                \
	"{\"metadata\":{\"name\":\"s\",\"namespace\":\"ns\",\"labels\":{\"tailscale.com/" \
	"secret-type\":\"" type "\"}},\"data\":" data "}"

static void of_a_state_secret_the_keys_that_are_read_are_kept(void **state)
{
	const struct object_secret *s = fed(*state, CLUSTER_SECRETS,
		SECRET("state", "{\"device_id\":\"bjE=\",\"device_fqdn\":\"YS5iLg==\","
				"\"device_ips\":\"WyIxMDAuNjQuMC4xIl0=\",\"pod_uid\":\"dQ==\","
				"\"tailscale_capver\":\"MTA2\",\"reissue_authkey\":\"a2V5\","
				"\"_machinekey\":\"cGxhbnRlZA==\",\"egress-services\":\"e30=\"}"));
	assert_string_equal(s->device_id, "n1");
	assert_string_equal(s->device_fqdn, "a.b.");
	expect_list(&s->device_ips, "100.64.0.1");
	assert_string_equal(s->pod_uid, "u");
	assert_string_equal(s->capver, "106");
	assert_true(s->is_reissue);
	assert_string_equal(secret_str(&s->reissue_authkey), "key");
	assert_string_equal(s->egress_services, "{}");
	assert_false(secret_is_set(&s->config));
	assert_null(kube_cache_at(cluster_cache(*state, CLUSTER_SECRETS), 0)->text);
}

static void values_that_are_no_text_are_none(void **state)
{
	const struct object_secret *s = fed(*state, CLUSTER_SECRETS,
		SECRET("state", "{\"device_id\":\"/w==\",\"pod_uid\":\"AA==\",\"device_fqdn\":7,"
				"\"device_ips\":\"e30=\",\"reissue_authkey\":\"\"}"));
	assert_string_equal(s->device_id, "");
	assert_string_equal(s->pod_uid, "");
	assert_string_equal(s->device_fqdn, "");
	assert_int_equal(s->device_ips.len, 0);
	assert_true(s->is_reissue);
}

static void of_a_config_secret_the_file_is_kept(void **state)
{
	const struct object_secret *s = fed(*state, CLUSTER_SECRETS,
		SECRET("config", "{\"cap-106.hujson\":\"e30=\",\"device_id\":\"bjE=\"}"));
	assert_string_equal(secret_str(&s->config), "{}");
	assert_string_equal(s->device_id, "");
}

static void a_stateful_set_has_its_counts(void **state)
{
	const struct object_stateful_set *s = fed(*state, CLUSTER_STATEFUL_SETS,
		"{\"metadata\":{\"name\":\"g\",\"namespace\":\"ns\"},\"spec\":{\"replicas\":3},"
		"\"status\":{\"readyReplicas\":2,\"updatedReplicas\":1,\"observedGeneration\":4,"
		"\"currentRevision\":\"a\",\"updateRevision\":\"b\"}}");
	assert_int_equal(s->replicas, 3);
	assert_int_equal(s->ready_replicas, 2);
	assert_int_equal(s->updated_replicas, 1);
	assert_int_equal(s->observed_generation, 4);
	assert_string_equal(s->current_revision, "a");
	assert_string_equal(s->update_revision, "b");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(metadata_is_kept_as_far_as_it_is_read),
		TEST(a_tailnet_has_defaults),
		TEST(a_tailnet_is_read_whole),
		TEST(faults_of_our_kinds_are_listed),
		TEST(a_group_has_defaults),
		TEST(of_a_foreign_service_nothing_is_kept),
		TEST(a_service_of_a_user_is_kept_without_its_text),
		TEST(a_pod_has_addresses_and_conditions),
		TEST(of_a_state_secret_the_keys_that_are_read_are_kept),
		TEST(values_that_are_no_text_are_none),
		TEST(of_a_config_secret_the_file_is_kept),
		TEST(a_stateful_set_has_its_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
