#include "controller/cluster/egress_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cluster/cluster.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "tests/support/api_world.h"

#define SUFFIX "tail1234.ts.net"
#define GROUP "\"tailscale.com/proxy-group\":\"egress\""
#define FQDN(name) GROUP ",\"tailscale.com/tailnet-fqdn\":\"" name "\""
#define IP(text) GROUP ",\"tailscale.com/tailnet-ip\":\"" text "\""
#define WEB FQDN("web.tail1234.ts.net")
#define HTTP "{\"port\":80}"

static const struct row {
	const char *annotations;
	const char *ports;
	const char *faults; /* joined by "; " */
	const char *target; /* what is read, NULL = of no interest */
} rows[] = {
	{WEB, HTTP, "", "web.tail1234.ts.net"},
	{FQDN("web.tail1234.ts.net."), HTTP, "", "web.tail1234.ts.net"},
	{FQDN("WEB.Tail1234.TS.net"), HTTP, "", "web.tail1234.ts.net"},
	{FQDN("a.b.tail1234.ts.net"), HTTP, "", "a.b.tail1234.ts.net"},
	{IP("100.64.0.9"), HTTP, "", "100.64.0.9"},
	{IP("fd7a:115c:a1e0::9"), HTTP, "", "fd7a:115c:a1e0::9"},
	/* The second prefix wins. */
	{WEB ",\"gateway.tailscale.com/tailnet-fqdn\":\"db.tail1234.ts.net\"", HTTP, "",
		"db.tail1234.ts.net"},
	{WEB ",\"gateway.tailscale.com/tailnet-fqdn\":\"db\"", HTTP,
		"annotation gateway.tailscale.com/tailnet-fqdn: \"db\" is no full DNS name: use that of "
		"the node with its domain",
		NULL},
	/* Empty is absent; blank is not. */
	{FQDN("") ",\"tailscale.com/tailnet-ip\":\"100.64.0.9\"", HTTP, "", "100.64.0.9"},
	{GROUP, HTTP,
		"neither annotation tailscale.com/tailnet-fqdn nor annotation tailscale.com/tailnet-ip "
		"is set: set one of them",
		NULL},
	{FQDN(" "), HTTP,
		"annotation tailscale.com/tailnet-fqdn: \" \" is no full DNS name: use that of the node "
		"with its domain",
		NULL},
	{WEB ",\"tailscale.com/tailnet-ip\":\"100.64.0.9\"", HTTP,
		"annotations tailscale.com/tailnet-fqdn and tailscale.com/tailnet-ip are both set: "
		"remove one of them",
		NULL},
	{FQDN("web.tail9.ts.net"), HTTP,
		"annotation tailscale.com/tailnet-fqdn: \"web.tail9.ts.net\" is not in the tailnet of the "
		"group: use a name that ends in .tail1234.ts.net",
		NULL},
	{FQDN("tail1234.ts.net"), HTTP,
		"annotation tailscale.com/tailnet-fqdn: \"tail1234.ts.net\" is not in the tailnet of the "
		"group: use a name that ends in .tail1234.ts.net",
		NULL},
	{FQDN("xtail1234.ts.net"), HTTP,
		"annotation tailscale.com/tailnet-fqdn: \"xtail1234.ts.net\" is not in the tailnet of the "
		"group: use a name that ends in .tail1234.ts.net",
		NULL},
	{FQDN("a_b.tail1234.ts.net"), HTTP,
		"annotation tailscale.com/tailnet-fqdn: \"a_b.tail1234.ts.net\" is no full DNS name: use "
		"that of the node with its domain",
		NULL},
	{FQDN("a..tail1234.ts.net"), HTTP,
		"annotation tailscale.com/tailnet-fqdn: \"a..tail1234.ts.net\" is no full DNS name: use "
		"that of the node with its domain",
		NULL},
	{IP("100.64.0.300"), HTTP,
		"annotation tailscale.com/tailnet-ip: \"100.64.0.300\" is no IPv4 or IPv6 address of a node: use "
		"one of the tailnet",
		NULL},
	{IP("0.0.0.0"), HTTP,
		"annotation tailscale.com/tailnet-ip: \"0.0.0.0\" is no IPv4 or IPv6 address of a node: "
		"use one of the tailnet",
		NULL},
	{IP("fe80::1%eth0"), HTTP,
		"annotation tailscale.com/tailnet-ip: \"fe80::1%eth0\" is no IPv4 or IPv6 address of a node: use "
		"one of the tailnet",
		NULL},
	{"\"tailscale.com/proxy-group\":\"\",\"tailscale.com/tailnet-ip\":\"100.64.0.9\"", HTTP,
		"annotation tailscale.com/proxy-group is empty: set it to the name of a "
		"TailscaleProxyGroup",
		NULL},
	{"\"tailscale.com/proxy-group\":\"Egress\",\"tailscale.com/tailnet-ip\":\"100.64.0.9\"",
		HTTP,
		"annotation tailscale.com/proxy-group: \"Egress\" cannot be the name of a "
		"TailscaleProxyGroup: names consist of lower-case letters, digits and hyphens",
		NULL},
	{"\"tailscale.com/proxy-group\":\" \",\"tailscale.com/tailnet-ip\":\"100.64.0.9\"", HTTP,
		"annotation tailscale.com/proxy-group: \" \" cannot be the name of a "
		"TailscaleProxyGroup: names consist of lower-case letters, digits and hyphens",
		NULL},
	{WEB, "", "spec.ports is empty: add the ports of the target", NULL},
	/* All of them. */
	{GROUP, "",
		"neither annotation tailscale.com/tailnet-fqdn nor annotation tailscale.com/tailnet-ip "
		"is set: set one of them; spec.ports is empty: add the ports of the target",
		NULL},
	{WEB, "{\"port\":80,\"protocol\":\"SCTP\"}",
		"spec.ports[0].protocol: \"SCTP\" cannot be forwarded: use TCP or UDP", NULL},
	{WEB, "{\"port\":0}", "spec.ports[0].port: 0 is not from 1 to 65535", NULL},
	{WEB, "{\"port\":65536}", "spec.ports[0].port: 65536 is not from 1 to 65535", NULL},
	{WEB, "{\"port\":80},{\"port\":81}",
		"spec.ports[1].name is empty, only one port may be without a name: give it one",
		NULL},
	{WEB, "{\"port\":80,\"name\":\"tailscale-health-check\"}",
		"spec.ports[0].name: tailscale-health-check is reserved: use another name", NULL},
	{WEB, "{\"port\":80,\"name\":\"tailscale-unnamed\"}", "", NULL},
	{WEB, "{\"port\":81},{\"port\":80,\"name\":\"tailscale-unnamed\"}",
		"spec.ports[1].name: tailscale-unnamed is reserved: use another name", NULL},
	{WEB, "{\"port\":80,\"name\":\"a\"},{\"port\":80,\"name\":\"b\",\"protocol\":\"UDP\"}", "",
		NULL},
	{WEB, "{\"port\":80,\"name\":\"a\"},{\"port\":80,\"name\":\"b\"}",
		"spec.ports[1].port: 80 is that of spec.ports[0] too: remove one", NULL},
};

static const struct kube_entry *put(struct api_world *w, const char *annotations, const char *ports)
{
	AUTO(mem_free)
	char *text = xasprintf("{\"metadata\":{\"namespace\":\"default\",\"name\":\"web\","
			       "\"annotations\":{%s}},\"spec\":{\"type\":\"ExternalName\","
			       "\"ports\":[%s]}}",
		annotations, ports);
	api_world_put(w, CLUSTER_SERVICES, text);
	const struct kube_entry *entry = kube_cache_get(
		cluster_cache(api_world_cluster(w), CLUSTER_SERVICES), "default", "web");
	assert_non_null(entry);
	return entry;
}

static void each_fault_names_its_field_and_what_to_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct api_world *w = api_world_new("ts");
		struct egress_request request;
		egress_request_read(put(w, rows[i].annotations, rows[i].ports), SUFFIX, &request);
		AUTO(mem_free) char *faults = strv_join(&request.faults, "; ");
		assert_string_equal(faults, rows[i].faults);
		if (rows[i].target != NULL)
			assert_string_equal(
				request.ip[0] != '\0' ? request.ip : request.fqdn, rows[i].target);
		egress_request_fini(&request);
		api_world_free(w);
	}
}

static void without_a_suffix_any_full_name_will_do(void **state)
{
	struct api_world *w = api_world_new("ts");
	struct egress_request request;
	(void)state;
	egress_request_read(put(w, FQDN("peer.headscale.internal"), HTTP), "", &request);
	assert_int_equal(request.faults.len, 0);
	egress_request_fini(&request);
	egress_request_read(put(w, FQDN("peer"), HTTP), "", &request);
	assert_int_equal(request.faults.len, 1);
	egress_request_fini(&request);
	api_world_free(w);
}

static void a_service_has_at_most_99_ports(void **state)
{
	static const size_t counts[] = {99, 100, 1001};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct api_world *w = api_world_new("ts");
		struct egress_request request;
		AUTO(buf_fini) struct buf ports = BUF_INIT(1 << 20);
		struct err e;
		for (size_t p = 0; p < counts[i]; p++)
			assert_int_equal(
				buf_printf(&ports, &e, "%s{\"name\":\"p%zu\",\"port\":%zu}",
					p > 0 ? "," : "", p, p + 1),
				0);
		egress_request_read(put(w, WEB, buf_cstr(&ports)), SUFFIX, &request);
		assert_int_equal(request.faults.len, counts[i] > 99);
		if (counts[i] == 1001)
			assert_string_equal(request.faults.items[0],
				"spec.ports has 1001 ports, at most 99 can be served: split the "
				"Service");
		egress_request_fini(&request);
		api_world_free(w);
	}
}

static void names_are_those_of_the_service(void **state)
{
	(void)state;
	AUTO(mem_free) char *child = egress_request_child("default", "web");
	AUTO(mem_free)
	char *longest = egress_request_child(
		"default", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeffffffffffggggggggg");
	/* The first digits of SHA-256 of "default/web". */
	assert_string_equal(child, "ts-web-82b3ade9");
	assert_int_equal(strlen(longest), 3 + 44 + 1 + 8);
	assert_memory_equal(longest, "ts-aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeee-", 48);
}

static void the_port_of_health_is_one_that_the_user_does_not_have(void **state)
{
	struct api_world *w = api_world_new("ts");
	(void)state;
	assert_int_equal(egress_request_health_port(put(w, WEB, HTTP)->data), 9002);
	assert_int_equal(egress_request_health_port(put(w, WEB, "{\"port\":9002}")->data), 9003);
	assert_int_equal(
		egress_request_health_port(put(w, WEB, "{\"port\":9003},{\"port\":9002}")->data),
		9004);
	api_world_free(w);
}

static void only_an_external_name_with_a_group_asks(void **state)
{
	struct api_world *w = api_world_new("ts");
	(void)state;
	assert_true(egress_request_is_one(put(w, WEB, HTTP)->data));
	assert_false(egress_request_is_one(NULL));
	api_world_put(w, CLUSTER_SERVICES,
		"{\"metadata\":{\"namespace\":\"default\",\"name\":\"web\"},"
		"\"spec\":{\"type\":\"LoadBalancer\"}}");
	assert_false(egress_request_is_one(kube_cache_get(
		cluster_cache(api_world_cluster(w), CLUSTER_SERVICES), "default", "web")
						   ->data));
	api_world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_names_its_field_and_what_to_do),
		cmocka_unit_test(without_a_suffix_any_full_name_will_do),
		cmocka_unit_test(a_service_has_at_most_99_ports),
		cmocka_unit_test(names_are_those_of_the_service),
		cmocka_unit_test(the_port_of_health_is_one_that_the_user_does_not_have),
		cmocka_unit_test(only_an_external_name_with_a_group_asks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
