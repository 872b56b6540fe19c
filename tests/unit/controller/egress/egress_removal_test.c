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

/* What is in the document of a group has its objects, and no other group has it. */
static void check_order(void *arg, struct api_world *api)
{
	struct egress_world *w = arg;
	AUTO(mem_free) char *child = egress_world_child();
	AUTO(mem_free) char *former = egress_world_document(w, "egress");
	AUTO(mem_free) char *second = egress_world_document(w, "second");
	bool is_in = former != NULL && strstr(former, "default-web") != NULL;
	if (is_in)
		assert_non_null(api_world_get(api, CLUSTER_SERVICES, EGRESS_WORLD_NS, child));
	if (is_in && second != NULL)
		assert_null(strstr(second, "default-web"));
	if (api_world_get(api, CLUSTER_SERVICES, EGRESS_WORLD_NS, child) == NULL)
		assert_true(egress_world_endpoints(w, child, "ipv4") <= 0);
}

static void a_deletion_leaves_nothing(void **state)
{
	struct egress_world *w = *state;
	egress_world_serve(w, 1);
	api_world_watch(w->api, check_order, w);
	/* Before that of the group. */
	api_world_queue(w->api, CLUSTER_KEY_SERVICE, "default", "web");
	api_world_delete(w->api, CLUSTER_SERVICES, "default", "web");
	egress_world_run(w);
	assert_null(egress_world_service_of_web(w));
	egress_world_expect_nothing(w);
}

static void without_its_annotation_nothing_is_left_but_the_service(void **state)
{
	struct egress_world *w = *state;
	egress_world_serve(w, 1);
	api_world_put(w->api, CLUSTER_SERVICES,
		"{\"metadata\":{\"namespace\":\"default\",\"name\":\"web\",\"annotations\":"
		"{\"tailscale.com/proxy-group\":null}}}");
	egress_world_run(w);
	egress_world_expect_nothing(w);
	assert_int_equal(
		json_len(json_path(egress_world_service_of_web(w), "status", "conditions", NULL)),
		0);
}

static void another_type_is_cleaned_up_as_well(void **state)
{
	struct egress_world *w = *state;
	egress_world_serve(w, 1);
	api_world_put(w->api, CLUSTER_SERVICES,
		"{\"metadata\":{\"namespace\":\"default\",\"name\":\"web\"},"
		"\"spec\":{\"type\":\"NodePort\"}}");
	egress_world_run(w);
	egress_world_expect_nothing(w);
}

static void a_change_of_the_group_moves_all(void **state)
{
	struct egress_world *w = *state;
	AUTO(mem_free) char *child = egress_world_child();
	egress_world_serve(w, 1);
	egress_world_confirm(w, "egress", 0, "pod-0");
	egress_world_group(w, "second", 1);
	egress_world_run(w);
	api_world_watch(w->api, check_order, w);
	/* Before that of the former group. */
	api_world_queue(w->api, CLUSTER_KEY_PROXY_GROUP, "", "second");
	egress_world_service(w, "default", "web",
		"\"gateway.tailscale.com/proxy-group\":\"second\"", EGRESS_WORLD_HTTP);
	egress_world_run(w);
	AUTO(mem_free) char *former = egress_world_document(w, "egress");
	AUTO(mem_free) char *now = egress_world_document(w, "second");
	assert_string_equal(former, "{}");
	assert_non_null(strstr(now, "\"default-web\""));
	const struct json *service =
		api_world_get(w->api, CLUSTER_SERVICES, EGRESS_WORLD_NS, child);
	assert_string_equal(json_str(json_path(service, "metadata", "labels",
				    "tailscale.com/proxy-group", NULL)),
		"second");
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 0);
}

static void deleted_objects_come_back_as_they_were(void **state)
{
	struct egress_world *w = *state;
	AUTO(mem_free) char *child = egress_world_child();
	AUTO(mem_free) char *slice = xasprintf("%s-ipv4", child);
	egress_world_serve(w, 1);
	egress_world_confirm(w, "egress", 0, "pod-0");
	egress_world_run(w);
	AUTO(mem_free) char *before = egress_world_document(w, "egress");
	api_world_delete(w->api, CLUSTER_SLICES, EGRESS_WORLD_NS, slice);
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 1);
	api_world_delete(w->api, CLUSTER_SERVICES, EGRESS_WORLD_NS, child);
	egress_world_run(w);
	assert_int_equal(egress_world_endpoints(w, child, "ipv4"), 1);
	api_world_delete(w->api, CLUSTER_CONFIG_MAPS, EGRESS_WORLD_NS, "egress-egress-config");
	egress_world_run(w);
	AUTO(mem_free) char *after = egress_world_document(w, "egress");
	assert_string_equal(after, before);
}

static void orphans_are_swept(void **state)
{
	static const struct {
		enum cluster_kind kind;
		const char *prefix;
	} kinds[] = {{CLUSTER_SERVICES, "ts-svc"}, {CLUSTER_SLICES, "ts-slice"}};
	struct egress_world *w = *state;
	egress_world_serve(w, 1);
	for (int i = 0; i < 48; i++) {
		AUTO(mem_free)
		char *text = xasprintf(
			"{\"metadata\":{\"namespace\":\"ts\",\"name\":\"%s-%d\",\"labels\":{"
			"\"tailscale.com/managed\":\"true\",\"tailscale.com/svc-type\":\"egress\","
			"\"tailscale.com/parent-resource-type\":\"svc\"%s}}}",
			kinds[i % 2].prefix, i,
			i % 4 < 2 ? ",\"tailscale.com/parent-resource\":\"gone\","
				    "\"tailscale.com/parent-resource-ns\":\"default\""
				  : "");
		api_world_put(w->api, kinds[i % 2].kind, text);
	}
	/* One whose parent is there, and has another one. */
	api_world_put(w->api, CLUSTER_SERVICES,
		"{\"metadata\":{\"namespace\":\"ts\",\"name\":\"ts-web-former\",\"labels\":{"
		"\"tailscale.com/managed\":\"true\",\"tailscale.com/svc-type\":\"egress\","
		"\"tailscale.com/parent-resource-type\":\"svc\","
		"\"tailscale.com/parent-resource\":\"web\","
		"\"tailscale.com/parent-resource-ns\":\"default\"}}}");
	api_world_queue(w->api, EGRESS_KEY_SWEEP, "", EGRESS_SWEEP_NAME);
	egress_world_run(w);
	assert_null(api_world_nth(w->api, CLUSTER_SERVICES, 2));
	assert_null(api_world_nth(w->api, CLUSTER_SLICES, 2));
	egress_world_expect(w, "TailscaleEgressSvcValid", "True", "EgressSvcValid");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, egress_world_set_up, egress_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_deletion_leaves_nothing),
		TEST(without_its_annotation_nothing_is_left_but_the_service),
		TEST(another_type_is_cleaned_up_as_well),
		TEST(a_change_of_the_group_moves_all),
		TEST(deleted_objects_come_back_as_they_were),
		TEST(orphans_are_swept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
