#include "controller/egress/egress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cluster/egress_request.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "tests/support/egress_world.h"

static void a_service_gets_its_objects(void **state)
{
	struct egress_world *w = *state;
	AUTO(mem_free) char *child = egress_world_child();
	egress_world_serve(w, 2);
	const struct json *service =
		api_world_get(w->api, CLUSTER_SERVICES, EGRESS_WORLD_NS, child);
	const struct json *ports = json_path(service, "spec", "ports", NULL);
	assert_int_equal(json_len(ports), 2);
	int64_t number = 0, health = 0;
	assert_true(json_i64(json_get(json_first(ports), "targetPort"), &number));
	assert_in_range(number, 10000, 10999);
	assert_true(json_i64(json_get(json_next(json_first(ports)), "port"), &health));
	assert_int_equal(health, 9002);
	AUTO(mem_free) char *document = egress_world_document(w, "egress");
	AUTO(mem_free)
	char *expected = xasprintf(
		"{\"default-web\":{\"healthCheckEndpoint\":\"http://%s.ts.svc.cluster.local:9002/"
		"healthz\",\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":\"web.tail1234.ts.net\"},"
		"\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":%d,\"targetPort\":80}]}}",
		child, (int)number);
	assert_string_equal(document, expected);
	AUTO(mem_free) char *name = xasprintf("%s.ts.svc.cluster.local", child);
	assert_string_equal(
		json_str(json_path(egress_world_service_of_web(w), "spec", "externalName", NULL)),
		name);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 0);
	assert_int_equal(egress_world_endpoints(w, child, "ipv6"), 0);
	egress_world_expect(w, "TailscaleEgressSvcValid", "True", "EgressSvcValid");
	egress_world_expect(w, "TailscaleEgressSvcConfigured", "True", NULL);
	egress_world_expect(w, "TailscaleEgressSvcReady", "False", "NotReadyToRouteTraffic");
	egress_world_expect_message(w, "TailscaleEgressSvcReady", "0 out of 2 replicas are ready");
	egress_world_expect(w, "TailscaleEgressSvcConfirmed", "False", "NeverConfirmed");
	egress_world_expect_message(
		w, "TailscaleEgressSvcConfirmed", "forwards to web.tail1234.ts.net: check");
}

static void replicas_become_endpoints_one_by_one(void **state)
{
	struct egress_world *w = *state;
	AUTO(mem_free) char *child = egress_world_child();
	egress_world_serve(w, 2);
	egress_world_confirm(w, "egress", 0, "pod-0");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 1);
	egress_world_expect(w, "TailscaleEgressSvcReady", "True", "PartiallyReadyToRouteTraffic");
	egress_world_expect(w, "TailscaleEgressSvcConfirmed", "True", "Confirmed");
	egress_world_confirm(w, "egress", 1, "pod-1");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv6"), 2);
	egress_world_expect(w, "TailscaleEgressSvcReady", "True", "ReadyToRouteTraffic");
	egress_world_expect_message(w, "TailscaleEgressSvcReady", "2 out of 2 replicas are ready");
	/* Nothing changes: nothing is written. */
	api_world_writes(w->api);
	api_world_queue(w->api, CLUSTER_KEY_SERVICE, "default", "web");
	api_world_queue(w->api, CLUSTER_KEY_PROXY_GROUP, "", "egress");
	egress_world_run(w);
	assert_int_equal(api_world_writes(w->api), 0);
}

/* The replica knows it, and finds no such node. */
static void a_dead_target_is_named(void **state)
{
	struct egress_world *w = *state;
	AUTO(mem_free) char *child = egress_world_child();
	egress_world_serve(w, 1);
	egress_world_confirm(w, "egress", 0, "pod-0");
	egress_world_run(w);
	egress_world_expect(w, "TailscaleEgressSvcConfirmed", "True", "Confirmed");
	egress_world_web(w, "dead.tail1234.ts.net", EGRESS_WORLD_HTTP);
	egress_world_run(w);
	egress_world_confirm(w, "egress", 0, "pod-0");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 0);
	egress_world_expect(w, "TailscaleEgressSvcReady", "False", "NotReadyToRouteTraffic");
	egress_world_expect(w, "TailscaleEgressSvcConfirmed", "False", "NeverConfirmed");
	egress_world_expect_message(w, "TailscaleEgressSvcConfirmed", "dead.tail1234.ts.net");
}

/* What was found and is gone is not waited for either. */
static void a_target_that_has_gone_is_named(void **state)
{
	struct egress_world *w = *state;
	AUTO(mem_free) char *child = egress_world_child();
	egress_world_serve(w, 1);
	egress_world_confirm(w, "egress", 0, "pod-0");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 1);
	w->loses_targets = true;
	egress_world_confirm(w, "egress", 0, "pod-0");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 0);
	egress_world_expect(w, "TailscaleEgressSvcConfirmed", "False", "NeverConfirmed");
}

static void a_pod_that_ends_is_no_endpoint(void **state)
{
	struct egress_world *w = *state;
	AUTO(mem_free) char *child = egress_world_child();
	egress_world_serve(w, 2);
	egress_world_confirm(w, "egress", 0, "pod-0");
	egress_world_confirm(w, "egress", 1, "pod-1");
	egress_world_run(w);
	api_world_put(w->api, CLUSTER_PODS,
		"{\"metadata\":{\"namespace\":\"ts\",\"name\":\"egress-1\",\"deletionTimestamp\":"
		"\"2026-01-01T00:00:00Z\",\"finalizers\":[\"test\"]}}");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 1);
	egress_world_expect_message(w, "TailscaleEgressSvcReady", "1 out of 2 replicas are ready");
}

static void pods_of_a_group_that_ends_are_no_endpoints(void **state)
{
	struct egress_world *w = *state;
	AUTO(mem_free) char *child = egress_world_child();
	egress_world_serve(w, 1);
	egress_world_confirm(w, "egress", 0, "pod-0");
	egress_world_run(w);
	api_world_put(w->api, CLUSTER_PROXY_GROUPS,
		"{\"metadata\":{\"name\":\"egress\",\"deletionTimestamp\":"
		"\"2026-01-01T00:00:00Z\",\"finalizers\":[\"test\"]}}");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 1);
	api_world_put(w->api, CLUSTER_PODS,
		"{\"metadata\":{\"namespace\":\"ts\",\"name\":\"egress-0\",\"deletionTimestamp\":"
		"\"2026-01-01T00:00:00Z\",\"finalizers\":[\"test\"]}}");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), -1);
}

static void what_a_former_pod_said_does_not_count(void **state)
{
	struct egress_world *w = *state;
	AUTO(mem_free) char *child = egress_world_child();
	egress_world_serve(w, 1);
	egress_world_confirm(w, "egress", 0, "pod-0");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 1);
	api_world_delete(w->api, CLUSTER_PODS, EGRESS_WORLD_NS, "egress-0");
	egress_world_pod(w, "egress", 0, "successor");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 0);
	/* Its own uid beside the address of the former one. */
	api_world_put(w->api, CLUSTER_SECRETS,
		"{\"metadata\":{\"namespace\":\"ts\",\"name\":\"egress-0\"},"
		"\"data\":{\"pod_uid\":\"c3VjY2Vzc29y\"}}");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 0);
	egress_world_confirm(w, "egress", 0, "successor");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 1);
	/* Another one's uid beside its own address. */
	api_world_put(w->api, CLUSTER_SECRETS,
		"{\"metadata\":{\"namespace\":\"ts\",\"name\":\"egress-0\"},"
		"\"data\":{\"pod_uid\":\"c3RyYW5nZXI=\"}}");
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 0);
}

/* 10 Services of 99 ports, one of 10, and one more. */
static void a_port_too_many_leaves_no_object(void **state)
{
	struct egress_world *w = *state;
	egress_world_group(w, "egress", 1);
	for (int i = 0; i < 12; i++) {
		AUTO(buf_fini) struct buf ports = BUF_INIT(1 << 16);
		AUTO(mem_free) char *name = i < 11 ? xasprintf("s%d", i) : xstrdup("web");
		struct err e;
		for (int p = 0; p < (i < 10 ? 99 : i == 10 ? 10 : 1); p++)
			assert_int_equal(buf_printf(&ports, &e, "%s{\"name\":\"p%d\",\"port\":%d}",
						 p > 0 ? "," : "", p, p + 1),
				0);
		egress_world_service(w, "default", name, EGRESS_WORLD_WEB, buf_cstr(&ports));
	}
	egress_world_run(w);
	AUTO(mem_free) char *child = egress_world_child();
	egress_world_expect(w, "TailscaleEgressSvcValid", "True", "EgressSvcValid");
	egress_world_expect(w, "TailscaleEgressSvcConfigured", "False", "EgressSvcCreationFailed");
	egress_world_expect_message(w, "TailscaleEgressSvcConfigured",
		"TailscaleProxyGroup egress: 0 of its 1000 ports are free, and 1 more are needed");
	assert_null(api_world_get(w->api, CLUSTER_SERVICES, EGRESS_WORLD_NS, child));
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), -1);
	/* There is room for it when another one goes. */
	api_world_delete(w->api, CLUSTER_SERVICES, "default", "s10");
	egress_world_run(w);
	egress_world_expect(w, "TailscaleEgressSvcConfigured", "True", NULL);
	assert_non_null(api_world_get(w->api, CLUSTER_SERVICES, EGRESS_WORLD_NS, child));
}

static void a_group_without_replicas_says_so(void **state)
{
	struct egress_world *w = *state;
	egress_world_serve(w, 0);
	egress_world_expect(w, "TailscaleEgressSvcReady", "False", "NoProxiesConfigured");
}

static void a_faulty_service_has_conditions_alone(void **state)
{
	struct egress_world *w = *state;
	egress_world_serve(w, 1);
	egress_world_web(w, "no name", EGRESS_WORLD_HTTP);
	egress_world_run(w);
	egress_world_expect(w, "TailscaleEgressSvcValid", "False", "EgressSvcInvalid");
	egress_world_expect_message(
		w, "TailscaleEgressSvcValid", "annotation tailscale.com/tailnet-fqdn: ");
	egress_world_expect(w, "TailscaleEgressSvcReady", "False", "ClusterResourcesNotReady");
	egress_world_expect(w, "TailscaleEgressSvcConfigured", "", NULL);
	egress_world_expect_nothing(w);
	egress_world_web(w, "web.tail1234.ts.net", EGRESS_WORLD_HTTP);
	egress_world_run(w);
	egress_world_expect(w, "TailscaleEgressSvcValid", "True", "EgressSvcValid");
}

static void the_younger_of_one_key_is_refused_until_the_older_goes(void **state)
{
	struct egress_world *w = *state;
	egress_world_group(w, "egress", 1);
	egress_world_service(w, "a-b", "c", EGRESS_WORLD_WEB, EGRESS_WORLD_HTTP);
	egress_world_service(w, "a", "b-c", EGRESS_WORLD_WEB, EGRESS_WORLD_HTTP);
	egress_world_run(w);
	AUTO(mem_free)
	char *message = egress_world_condition(w, "a", "b-c", "TailscaleEgressSvcValid", "message");
	assert_string_equal(message,
		"Service a-b/c is older and has the same key a-b-c in TailscaleProxyGroup egress: "
		"rename this Service, or use another group");
	api_world_delete(w->api, CLUSTER_SERVICES, "a-b", "c");
	egress_world_run(w);
	AUTO(mem_free)
	char *valid = egress_world_condition(w, "a", "b-c", "TailscaleEgressSvcValid", "status");
	assert_string_equal(valid, "True");
	assert_null(api_world_get(w->api, CLUSTER_SERVICES, "a-b", "c"));
}

static void a_group_that_is_not_there_is_named(void **state)
{
	struct egress_world *w = *state;
	egress_world_service(w, "default", "web", EGRESS_WORLD_WEB, EGRESS_WORLD_HTTP);
	egress_world_run(w);
	egress_world_expect(w, "TailscaleEgressSvcValid", "Unknown", "ProxyGroupNotReady");
	egress_world_expect_message(w, "TailscaleEgressSvcValid", "TailscaleProxyGroup egress");
	egress_world_expect_nothing(w);
	/* It comes. */
	egress_world_group(w, "egress", 1);
	egress_world_run(w);
	egress_world_expect(w, "TailscaleEgressSvcValid", "True", "EgressSvcValid");
	/* It goes, and its pods. */
	AUTO(mem_free) char *child = egress_world_child();
	api_world_delete(w->api, CLUSTER_PROXY_GROUPS, "", "egress");
	egress_world_run(w);
	egress_world_expect(w, "TailscaleEgressSvcValid", "Unknown", "ProxyGroupNotReady");
	assert_true(egress_world_endpoints(w, child, "ipv4") <= 0);
	api_world_delete(w->api, CLUSTER_SERVICES, "default", "web");
	egress_world_run(w);
	assert_null(egress_world_service_of_web(w));
	egress_world_expect_nothing(w);
}

static void anothers_service_is_left_alone(void **state)
{
	struct egress_world *w = *state;
	w->has_upstream = true;
	egress_world_service(w, "default", "web", EGRESS_WORLD_WEB, EGRESS_WORLD_HTTP);
	egress_world_service(w, "default", "faulty", EGRESS_WORLD_IN, "");
	egress_world_run(w);
	assert_int_equal(api_world_writes(w->api), 0);
}

static void the_name_can_be_left_to_the_user(void **state)
{
	struct egress_world *w = *state;
	AUTO(mem_free) char *child = egress_world_child();
	w->leaves_name = true;
	egress_world_serve(w, 1);
	assert_string_equal(
		json_str(json_path(egress_world_service_of_web(w), "spec", "externalName", NULL)),
		"placeholder");
	egress_world_expect_message(w, "TailscaleEgressSvcConfigured", child);
}

static void a_name_that_is_put_back_is_written_once(void **state)
{
	struct egress_world *w = *state;
	egress_world_serve(w, 1);
	api_world_writes(w->api);
	egress_world_service(w, "default", "web", EGRESS_WORLD_WEB, EGRESS_WORLD_HTTP);
	egress_world_run(w);
	assert_int_equal(api_world_writes(w->api), 1);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, egress_world_set_up, egress_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_service_gets_its_objects),
		TEST(replicas_become_endpoints_one_by_one),
		TEST(a_dead_target_is_named),
		TEST(a_target_that_has_gone_is_named),
		TEST(a_pod_that_ends_is_no_endpoint),
		TEST(pods_of_a_group_that_ends_are_no_endpoints),
		TEST(what_a_former_pod_said_does_not_count),
		TEST(a_port_too_many_leaves_no_object),
		TEST(a_group_without_replicas_says_so),
		TEST(a_faulty_service_has_conditions_alone),
		TEST(the_younger_of_one_key_is_refused_until_the_older_goes),
		TEST(a_group_that_is_not_there_is_named),
		TEST(anothers_service_is_left_alone),
		TEST(the_name_can_be_left_to_the_user),
		TEST(a_name_that_is_put_back_is_written_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
