#include "lib/contract/egress_status.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static int parse(const char *text, struct egress_status *out, struct err *e)
{
	*e = (struct err){0};
	return egress_status_parse(text, strlen(text), out, e);
}

static void a_status_of_a_proxy_is_read(void **state)
{
	AUTO(egress_status_fini) struct egress_status status = {0};
	struct err e;
	(void)state;
	assert_int_equal(
		parse("{\"podIPv4\":\"10.1.2.3\",\"podIPv6\":\"fd00::7\",\"services\":{"
		      "\"default-web\":{\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":10123,"
		      "\"targetPort\":80}],\"tailnetTargetIPs\":[\"100.64.0.9\"],"
		      "\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":\"web.tail1234.ts.net\"}},"
		      "\"absent\":{\"ports\":[],\"tailnetTargetIPs\":null,"
		      "\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":\"gone.tail1234.ts.net\"}},"
		      "\"broken\":{\"ports\":7}}}",
			&status, &e),
		0);
	assert_string_equal(status.pod_ipv4, "10.1.2.3");
	assert_string_equal(status.pod_ipv6, "fd00::7");
	assert_int_equal(status.services.count, 3);
	const struct egress_service *web = egress_config_find(&status.services, "default-web");
	assert_non_null(web);
	assert_null(web->fault);
	assert_string_equal(web->target_fqdn, "web.tail1234.ts.net");
	assert_int_equal(web->port_count, 1);
	assert_int_equal(web->ports[0].match, 10123);
	assert_non_null(egress_config_find(&status.services, "broken")->fault);
	assert_string_equal(egress_config_find(&status.services, "absent")->fault,
		"tailnetTargetIPs: the target has no address");
}

static void nothing_is_a_status_without_services(void **state)
{
	static const char *const texts[] = {
		"", "null", "{}", "{\"podIPv4\":\"\",\"services\":null}"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(egress_status_fini) struct egress_status status = {0};
		struct err e;
		assert_int_equal(parse(texts[i], &status, &e), 0);
		assert_string_equal(status.pod_ipv4, "");
		assert_string_equal(status.pod_ipv6, "");
		assert_int_equal(status.services.count, 0);
	}
}

static void a_fault_names_its_member_and_changes_nothing(void **state)
{
	static const struct {
		const char *text;
		const char *sentence;
	} rows[] = {
		{"[]", "the document is an array where an object belongs"},
		{"{\"podIPv4\":7}", "podIPv4: a number where a string belongs"},
		{"{\"podIPv4\":\"10.0.0.300\"}", "podIPv4: "},
		{"{\"podIPv6\":\"fe80::1%eth0\"}", "podIPv6: \"fe80::1%eth0\" has a zone"},
		{"{\"services\":[]}", "services: an array where an object belongs"},
	};
	AUTO(egress_status_fini) struct egress_status status = {0};
	struct err e;
	(void)state;
	assert_int_equal(parse("{\"podIPv4\":\"10.1.2.3\"}", &status, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(rows[i].text, &status, &e), -EINVAL);
		assert_memory_equal(e.msg, rows[i].sentence, strlen(rows[i].sentence));
		assert_string_equal(status.pod_ipv4, "10.1.2.3");
	}
}

static void a_printed_document_is_as_proxies_expect_it(void **state)
{
	struct egress_port ports[] = {
		{"TCP", IPPROTO_TCP, 10123, 80},
		{"UDP", IPPROTO_UDP, 10124, 53},
	};
	const struct egress_service services[] = {
		{.name = (char[]){"a-b"},
			.health_check_endpoint = (char[]){"http://x:9002/healthz"},
			.target_ip = (char[]){""},
			.target_fqdn = (char[]){"web.tail1234.ts.net"},
			.ports = ports,
			.port_count = 2},
		{.name = (char[]){"b"},
			.health_check_endpoint = (char[]){""},
			.target_ip = (char[]){"100.64.0.9"},
			.target_fqdn = (char[]){""}},
	};
	(void)state;
	AUTO(mem_free) char *none = egress_config_print(NULL, 0);
	assert_string_equal(none, "{}");
	AUTO(mem_free) char *text = egress_config_print(services, 2);
	assert_string_equal(text,
		"{\"a-b\":{\"healthCheckEndpoint\":\"http://x:9002/healthz\","
		"\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":\"web.tail1234.ts.net\"},"
		"\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":10123,\"targetPort\":80},"
		"{\"protocol\":\"UDP\",\"matchPort\":10124,\"targetPort\":53}]},"
		"\"b\":{\"healthCheckEndpoint\":\"\",\"tailnetTarget\":{\"ip\":\"100.64.0.9\","
		"\"fqdn\":\"\"},\"ports\":[]}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_of_a_proxy_is_read),
		cmocka_unit_test(nothing_is_a_status_without_services),
		cmocka_unit_test(a_fault_names_its_member_and_changes_nothing),
		cmocka_unit_test(a_printed_document_is_as_proxies_expect_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
