#include "controller/cluster/egress_group_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/egress_book.h"
#include "controller/engine/engine_plan.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

#define NOW "2026-01-02T03:04:05Z"

/* One plan of the group "egress". */
struct planned {
	struct engine_plan plan;
	char *fault;
};

static void feed(struct cluster *c, enum cluster_kind kind, const char *text)
{
	struct err e;
	AUTO(json_freep) struct json *object = json_parse(text, strlen(text), &e);
	if (object == NULL)
		fail_msg("%s in %s", e.msg, text);
	assert_int_equal(cluster_feed(c, kind, KUBE_ADDED, object, &e), 0);
}

static struct cluster *cluster_with_group(const char *replicas_and_more)
{
	const struct cluster_options options = {.ns = "ts", .default_tailnet = "default"};
	struct cluster *c = cluster_new(&options);
	AUTO(mem_free)
	char *text = xasprintf("{\"metadata\":{\"name\":\"egress\",\"uid\":\"group-uid\"},"
			       "\"spec\":{\"type\":\"egress\",\"replicas\":%s}}",
		replicas_and_more);
	feed(c, CLUSTER_PROXY_GROUPS, text);
	return c;
}

static void make_plan(struct cluster *c, struct planned *out)
{
	const struct egress_group_options options = {"cluster.local", NOW};
	AUTO(egress_group_view_fini) struct egress_group_view view = {0};
	egress_group_view_gather(c,
		kube_cache_get(cluster_cache(c, CLUSTER_PROXY_GROUPS), NULL, "egress"), &options,
		&view);
	*out = (struct planned){.fault = egress_group_fault(&view)};
	egress_group_plan(&view, 3, &out->plan);
}

static void planned_fini(struct planned *p)
{
	engine_plan_fini(&p->plan);
	free(p->fault);
}

/* The nth step for a kind, NULL after the last. */
static const struct engine_step *step_of(const struct planned *p, const char *plural, size_t n)
{
	for (size_t i = 0; i < p->plan.count; i++) {
		if (strcmp(p->plan.steps[i]->op.target.resource->plural, plural) == 0 && n-- == 0)
			return p->plan.steps[i];
	}
	return NULL;
}

static const char *text_at(const struct engine_step *step, const char *a, const char *b)
{
	return json_str(json_path(step->body, a, b, NULL));
}

static void add_web(struct cluster *c)
{
	feed(c, CLUSTER_SERVICES,
		"{\"metadata\":{\"namespace\":\"default\",\"name\":\"web\",\"annotations\":{"
		"\"tailscale.com/proxy-group\":\"egress\",\"tailscale.com/tailnet-ip\":"
		"\"100.64.0.9\"}},\"spec\":{\"type\":\"ExternalName\",\"ports\":[{\"port\":80}]}}");
}

static void add_pod(struct cluster *c, int ordinal, const char *uid, const char *conditions)
{
	AUTO(mem_free)
	char *text = xasprintf(
		"{\"metadata\":{\"namespace\":\"ts\",\"name\":\"egress-%d\",\"uid\":\"%s\",\"labels\":{"
		"\"tailscale.com/managed\":\"true\",\"tailscale.com/parent-resource-type\":"
		"\"proxygroup\",\"tailscale.com/parent-resource\":\"egress\"}},\"status\":{"
		"\"podIPs\":[{\"ip\":\"10.1.0.%d\"}],\"conditions\":[%s]}}",
		ordinal, uid, ordinal + 1, conditions);
	feed(c, CLUSTER_PODS, text);
}

/* What the ConfigMap step says becomes what is there. */
static void keep_config_map(struct cluster *c, const struct planned *p, const char *version)
{
	const struct engine_step *step = step_of(p, "configmaps", 0);
	assert_non_null(step);
	AUTO(json_freep) struct json *object = json_dup(step->body);
	struct json *metadata = json_dup(json_get(object, "metadata"));
	json_set_str(metadata, "resourceVersion", version);
	json_set(object, "metadata", metadata);
	struct err e;
	assert_int_equal(cluster_feed(c, CLUSTER_CONFIG_MAPS, KUBE_ADDED, object, &e), 0);
}

static void numbers_are_written_under_the_version_that_was_read(void **state)
{
	struct cluster *c = cluster_with_group("2");
	struct planned p;
	(void)state;
	/* One that is not in the cache is made, never overwritten. */
	make_plan(c, &p);
	const struct engine_step *step = step_of(&p, "configmaps", 0);
	struct err e;
	assert_int_equal(step->op.verb, KUBE_CREATE);
	assert_int_equal(kube_op_check(&step->op, &e), 0);
	assert_int_equal(step->stage, 3);
	assert_string_equal(text_at(step, "metadata", "name"), "egress-egress-config");
	assert_string_equal(text_at(step, "binaryData", "egress-services"), "e30="); /* {} */
	assert_string_equal(text_at(step, "binaryData", "hep-pings"), "Ng==");       /* 6 */
	keep_config_map(c, &p, "41");
	planned_fini(&p);
	add_web(c);
	make_plan(c, &p);
	step = step_of(&p, "configmaps", 0);
	assert_int_equal(step->op.verb, KUBE_APPLY);
	assert_string_equal(text_at(step, "metadata", "resourceVersion"), "41");
	keep_config_map(c, &p, "42");
	planned_fini(&p);
	/* Nothing is written again. */
	make_plan(c, &p);
	assert_null(step_of(&p, "configmaps", 0));
	planned_fini(&p);
	cluster_free(c);
}

static void pings_follow_the_replicas(void **state)
{
	struct cluster *c = cluster_with_group("5");
	struct planned p;
	(void)state;
	make_plan(c, &p);
	assert_string_equal(
		text_at(step_of(&p, "configmaps", 0), "binaryData", "hep-pings"), "MTU="); /* 15 */
	planned_fini(&p);
	cluster_free(c);
}

static void pods_are_refreshed_when_the_document_changes(void **state)
{
	struct cluster *c = cluster_with_group("1");
	struct planned p;
	(void)state;
	add_pod(c, 0, "uid-0", "{\"type\":\"tailscale.com/egress-services\",\"status\":\"True\"}");
	make_plan(c, &p);
	const struct engine_step *step = step_of(&p, "pods", 0);
	assert_int_equal(step->stage, 4);
	assert_non_null(json_str(
		json_path(step->body, "metadata", "annotations", EGRESS_HASH_ANNOTATION, NULL)));
	assert_null(step_of(&p, "pods", 1));
	planned_fini(&p);
	cluster_free(c);
}

/* Does the plan open the gate of the only pod? */
static bool opens_gate(struct cluster *c)
{
	struct planned p;
	bool opens = false;
	const struct engine_step *step;
	make_plan(c, &p);
	for (size_t i = 0; (step = step_of(&p, "pods", i)) != NULL; i++) {
		if (step->op.target.subresource == NULL)
			continue;
		const struct json *condition =
			json_first(json_path(step->body, "status", "conditions", NULL));
		assert_string_equal(json_str(json_get(condition, "type")), CLUSTER_GATE);
		assert_string_equal(json_str(json_get(condition, "status")), "True");
		assert_int_equal(step->op.patch, KUBE_PATCH_STRATEGIC);
		opens = true;
	}
	planned_fini(&p);
	return opens;
}

/* The slice of default/web, as the key of the Service writes it. */
static void add_slice(struct cluster *c, const char *confirmed, const char *pod)
{
	AUTO(mem_free) char *child = egress_request_child("default", "web");
	AUTO(mem_free)
	char *text =
		xasprintf("{\"metadata\":{\"namespace\":\"ts\",\"name\":\"%s-ipv4\",\"labels\":{"
			  "\"tailscale.com/managed\":\"true\"},\"annotations\":{\"%s\":\"%s\"}},"
			  "\"endpoints\":[{\"hostname\":\"%s\",\"addresses\":[\"10.1.0.1\"]}]}",
			child, EGRESS_CONFIRMED_ANNOTATION, confirmed, pod);
	feed(c, CLUSTER_SLICES, text);
}

static char *hash_of_web(struct cluster *c)
{
	const struct egress_config *written = egress_group_written(c, "egress");
	assert_non_null(written);
	return egress_book_hash(egress_config_find(written, "default-web"));
}

static void a_gate_opens_when_the_pod_is_an_endpoint_of_all(void **state)
{
	struct cluster *c = cluster_with_group("1");
	struct planned p;
	(void)state;
	/* Without Services there is nothing to wait for; without an address nothing is known. */
	add_pod(c, 0, "uid-0", "");
	assert_true(opens_gate(c));
	add_web(c);
	make_plan(c, &p);
	keep_config_map(c, &p, "1");
	planned_fini(&p);
	/* No replica has ever confirmed it: it does not hold the gate. */
	assert_true(opens_gate(c));
	add_slice(c, "of another configuration", "uid-9");
	assert_true(opens_gate(c));
	/* Another one has. */
	AUTO(mem_free) char *hash = hash_of_web(c);
	add_slice(c, hash, "uid-9");
	assert_false(opens_gate(c));
	add_slice(c, hash, "uid-0");
	assert_true(opens_gate(c));
	/* It is open. */
	add_pod(c, 0, "uid-0", "{\"type\":\"tailscale.com/egress-services\",\"status\":\"True\"}");
	assert_false(opens_gate(c));
	cluster_free(c);
}

static void a_target_becomes_a_service_of_the_group(void **state)
{
	static const struct {
		const char *target, *key, *value;
	} rows[] = {
		{"\"ip\":\"100.64.0.9\"", "tailscale.com/tailnet-ip", "100.64.0.9"},
		{"\"fqdn\":\"web.tail1.ts.net\"", "tailscale.com/tailnet-fqdn", "web.tail1.ts.net"},
		{"\"serviceName\":\"svc:web\"", "tailscale.com/tailnet-fqdn", "web.tail1.ts.net"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(mem_free)
		char *spec = xasprintf(
			"1,\"tailnetTarget\":{%s,\"ports\":[{\"name\":\"http\",\"port\":80}]}",
			rows[i].target);
		struct cluster *c = cluster_with_group(spec);
		struct planned p;
		feed(c, CLUSTER_TAILNETS,
			"{\"metadata\":{\"name\":\"default\"},\"status\":{\"tailnetInfo\":{"
			"\"magicDNSSuffix\":\"tail1.ts.net\"}}}");
		make_plan(c, &p);
		const struct engine_step *step = step_of(&p, "services", 0);
		assert_string_equal(text_at(step, "metadata", "name"), "egress-target");
		assert_string_equal(text_at(step, "spec", "type"), "ExternalName");
		assert_string_equal(json_str(json_path(step->body, "metadata", "annotations",
					    rows[i].key, NULL)),
			rows[i].value);
		assert_null(p.fault);
		planned_fini(&p);
		cluster_free(c);
	}
}

static void a_target_without_a_domain_is_a_fault(void **state)
{
	struct cluster *c = cluster_with_group(
		"1,\"tailnetTarget\":{\"serviceName\":\"svc:web\",\"ports\":[{\"port\":80}]}");
	struct planned p;
	(void)state;
	make_plan(c, &p);
	assert_null(step_of(&p, "services", 0));
	assert_string_equal(p.fault,
		"spec.tailnetTarget.serviceName: the domain of the tailnet is not known: set "
		"spec.domain of the TailscaleTailnet, or use spec.tailnetTarget.fqdn");
	planned_fini(&p);
	cluster_free(c);
}

static void without_a_target_the_service_goes(void **state)
{
	struct cluster *c = cluster_with_group("1");
	struct planned p;
	(void)state;
	feed(c, CLUSTER_SERVICES,
		"{\"metadata\":{\"namespace\":\"ts\",\"name\":\"egress-target\",\"uid\":\"t\","
		"\"ownerReferences\":[{\"kind\":\"TailscaleProxyGroup\",\"name\":\"egress\",\"uid\":"
		"\"group-uid\",\"controller\":true}]},\"spec\":{\"type\":\"ExternalName\"}}");
	make_plan(c, &p);
	const struct engine_step *step = step_of(&p, "services", 0);
	assert_int_equal(step->op.verb, KUBE_DELETE);
	assert_string_equal(step->op.uid, "t");
	planned_fini(&p);
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written_under_the_version_that_was_read),
		cmocka_unit_test(pings_follow_the_replicas),
		cmocka_unit_test(pods_are_refreshed_when_the_document_changes),
		cmocka_unit_test(a_gate_opens_when_the_pod_is_an_endpoint_of_all),
		cmocka_unit_test(a_target_becomes_a_service_of_the_group),
		cmocka_unit_test(a_target_without_a_domain_is_a_fault),
		cmocka_unit_test(without_a_target_the_service_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
