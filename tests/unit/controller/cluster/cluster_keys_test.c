#include "controller/cluster/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

#define META(name, more) "{\"metadata\":{\"name\":\"" name "\",\"uid\":\"u-" name "\"" more "}"
#define CHILD(name, type, parent)                                                          \
	META(name, ",\"namespace\":\"ns\",\"labels\":{\"tailscale.com/managed\":\"true\"," \
		   "\"tailscale.com/parent-resource-type\":\"" type                        \
		   "\",\"tailscale.com/parent-resource\":\"" parent                        \
		   "\",\"tailscale.com/parent-resource-ns\":\"app\","                      \
		   "\"tailscale.com/proxy-group\":\"g\",\"tailscale.com/secret-type\":\"state\"}")
#define USER(name, annotation) \
	META(name, ",\"namespace\":\"app\",\"annotations\":{\"" annotation "\":\"g\"}")

struct fixture {
	struct cluster *cluster;
	struct strv keys;
};

static void on_key(void *arg, const char *kind, const char *ns, const char *name)
{
	struct fixture *f = arg;
	AUTO(mem_free) char *key = xasprintf("%s/%s/%s", kind, ns, name);
	if (!strv_contains(&f->keys, key))
		strv_push(&f->keys, key);
}

static void feed(
	struct fixture *f, enum cluster_kind kind, enum kube_change change, const char *text)
{
	struct err e;
	AUTO(json_freep) struct json *object = json_parse(text, strlen(text), &e);
	assert_non_null(object);
	assert_int_equal(cluster_feed(f->cluster, kind, change, object, &e), 0);
}

/* Keys given since the last time, sorted. */
static void expect(struct fixture *f, const char *keys)
{
	strv_sort(&f->keys);
	AUTO(mem_free) char *joined = f->keys.len > 0 ? strv_join(&f->keys, " ") : xstrdup("");
	assert_string_equal(joined, keys);
	strv_reset(&f->keys);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	const struct cluster_options options = {
		.ns = "ns", .default_tailnet = "default", .on_key = on_key, .arg = f};
	f->cluster = cluster_new(&options);
	feed(f, CLUSTER_TAILNETS, KUBE_ADDED, META("default", "") "}");
	feed(f, CLUSTER_PROXY_GROUPS, KUBE_ADDED, META("g", "") "}");
	feed(f, CLUSTER_SERVICES, KUBE_ADDED, USER("web", "tailscale.com/proxy-group") "}");
	strv_reset(&f->keys);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	cluster_free(f->cluster);
	strv_fini(&f->keys);
	free(f);
	return 0;
}

#define GROUP "TailscaleProxyGroup//g"
#define WEB "Service/app/web"
#define DEFAULT "TailscaleTailnet//default"

struct row {
	enum cluster_kind kind;
	const char *object, *keys;
};

static const struct row rows[] = {
	{CLUSTER_TAILNETS, META("other", "") "}", "TailscaleTailnet//other"},
	{CLUSTER_TAILNETS, META("default", "") "}", GROUP " " DEFAULT},
	{CLUSTER_PROXY_GROUPS, META("g", "") "}", WEB " " GROUP " " DEFAULT},
	{CLUSTER_PROXY_GROUPS, META("h", "") ",\"spec\":{\"tailnet\":\"t\"}}",
		"TailscaleProxyGroup//h TailscaleTailnet//t"},
	/* Of users. */
	{CLUSTER_SERVICES, META("foreign", ",\"namespace\":\"app\"") "}", ""},
	{CLUSTER_SERVICES, USER("b", "gateway.tailscale.com/proxy-group") "}",
		"Service/app/b " GROUP},
	{CLUSTER_SERVICES,
		META("c",
			",\"namespace\":\"app\",\"finalizers\":[\"gateway.tailscale.com/finalizer\"]") "}",
		"Service/app/c"},
	{CLUSTER_SERVICES, USER("d", "tailscale.com/hostname") "}", ""},
	/* Children. */
	{CLUSTER_SERVICES, CHILD("ts-web", "svc", "web") "}", WEB " " GROUP},
	{CLUSTER_SLICES, CHILD("ts-web-ipv4", "svc", "web") "}", WEB " " GROUP},
	{CLUSTER_STATEFUL_SETS, CHILD("g", "proxygroup", "g") "}", GROUP},
	{CLUSTER_SERVICE_ACCOUNTS, CHILD("g", "proxygroup", "g") "}", GROUP},
	{CLUSTER_ROLES, CHILD("g", "proxygroup", "g") "}", GROUP},
	{CLUSTER_ROLE_BINDINGS, CHILD("g", "proxygroup", "g") "}", GROUP},
	{CLUSTER_BUDGETS, CHILD("g", "proxygroup", "g") "}", GROUP},
	{CLUSTER_CONFIG_MAPS, CHILD("g-egress-config", "proxygroup", "g") "}", WEB " " GROUP},
	{CLUSTER_SECRETS, CHILD("g-0", "proxygroup", "g") "}", WEB " " GROUP},
	{CLUSTER_PODS, CHILD("g-0", "proxygroup", "g") "}", WEB " " GROUP},
	{CLUSTER_PODS, CHILD("x", "gateway", "g") "}", ""},
	{CLUSTER_PODS, META("y", ",\"namespace\":\"ns\"") "}", ""},
};

static void a_change_queues_who_depends_on_it(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		feed(f, rows[i].kind, KUBE_ADDED, rows[i].object);
		expect(f, rows[i].keys);
		/* A removal as well, except for what the other rows need. */
		if (strstr(rows[i].keys, DEFAULT) != NULL)
			continue;
		feed(f, rows[i].kind, KUBE_DELETED, rows[i].object);
		expect(f, rows[i].keys);
	}
}

#define POD(version, more)                                                                    \
	"{\"metadata\":{\"name\":\"g-0\",\"namespace\":\"ns\",\"uid\":\"p\","                 \
	"\"resourceVersion\":\"" version "\",\"labels\":{\"tailscale.com/managed\":\"true\"," \
	"\"tailscale.com/parent-resource-type\":\"proxygroup\","                              \
	"\"tailscale.com/parent-resource\":\"g\"}},\"status\":{" more "}}"

static void services_are_queued_when_endpoints_depend_on_it(void **state)
{
	struct fixture *f = *state;
	feed(f, CLUSTER_PODS, KUBE_ADDED, POD("1", "\"phase\":\"Running\""));
	expect(f, WEB " " GROUP);
	feed(f, CLUSTER_PODS, KUBE_MODIFIED,
		POD("2",
			"\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]"));
	expect(f, GROUP);
	feed(f, CLUSTER_PODS, KUBE_MODIFIED,
		POD("3", "\"phase\":\"Running\",\"podIP\":\"1.2.3.4\""));
	expect(f, WEB " " GROUP);
	/* As after a list: nothing has happened. */
	feed(f, CLUSTER_PODS, KUBE_MODIFIED,
		POD("3", "\"phase\":\"Running\",\"podIP\":\"1.2.3.4\""));
	expect(f, "");
}

static void a_service_that_changes_its_group_queues_both(void **state)
{
	struct fixture *f = *state;
	feed(f, CLUSTER_SERVICES, KUBE_MODIFIED,
		META("web",
			",\"namespace\":\"app\",\"annotations\":{\"tailscale.com/proxy-group\":\"h\"}") "}");
	expect(f, WEB " " GROUP " TailscaleProxyGroup//h");
	/* The annotation is gone: what was made for it has to go as well. */
	feed(f, CLUSTER_SERVICES, KUBE_MODIFIED, META("web", ",\"namespace\":\"app\"") "}");
	expect(f, WEB " TailscaleProxyGroup//h");
	/* Then it concerns nobody. */
	feed(f, CLUSTER_SERVICES, KUBE_MODIFIED, META("web", ",\"namespace\":\"app\"") "}");
	expect(f, "");
}

static void all_keys_can_be_queued(void **state)
{
	struct fixture *f = *state;
	cluster_queue_all(f->cluster);
	expect(f, WEB " " GROUP " " DEFAULT);
}

static bool has_seen(
	const struct fixture *f, const char *name, const char *uid, const char *version)
{
	const struct kube_target target = {cluster_resource(CLUSTER_PODS), "ns", name, NULL};
	return cluster_has_seen(f->cluster, &target, uid, version);
}

static void a_write_is_seen_when_the_cache_has_it(void **state)
{
	static const struct kube_resource nodes = {"", "v1", "nodes", "Node", false};
	const struct kube_target node = {&nodes, NULL, "n", NULL};
	struct fixture *f = *state;
	assert_true(cluster_has_seen(f->cluster, &node, "u", "1"));
	assert_false(has_seen(f, "g-0", "p", "7"));
	feed(f, CLUSTER_PODS, KUBE_ADDED, POD("7", ""));
	assert_true(has_seen(f, "g-0", "p", "7"));
	assert_true(has_seen(f, "g-0", "p", "6"));
	assert_false(has_seen(f, "g-0", "p", "8"));
	assert_false(has_seen(f, "g-0", "p", "x"));
	/* A deletion. */
	assert_false(has_seen(f, "g-0", "p", NULL));
	assert_true(has_seen(f, "g-0", "former", NULL));
	assert_true(has_seen(f, "g-1", "p", NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_change_queues_who_depends_on_it),
		TEST(services_are_queued_when_endpoints_depend_on_it),
		TEST(a_service_that_changes_its_group_queues_both),
		TEST(all_keys_can_be_queued),
		TEST(a_write_is_seen_when_the_cache_has_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
