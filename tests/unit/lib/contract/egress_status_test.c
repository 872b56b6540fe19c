#include "lib/contract/egress_status.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_config.h"
#include "tests/support/address.h"

static void check(const char *v4, const char *v6, const struct egress_status_service *services,
	size_t count, const char *expected)
{
	AUTO(mem_free) char *text = egress_status_print(v4, v6, services, count);
	struct err e;
	assert_string_equal(text, expected);
	AUTO(json_freep) struct json *doc = json_parse(text, strlen(text), &e);
	assert_non_null(doc);
}

static void without_services_the_member_is_null(void **state)
{
	(void)state;
	check("10.0.0.1", "", NULL, 0, "{\"podIPv4\":\"10.0.0.1\",\"services\":null}");
	check("", "fd00::1", NULL, 0,
		"{\"podIPv4\":\"\",\"podIPv6\":\"fd00::1\",\"services\":null}");
}

static void services_are_sorted_and_complete(void **state)
{
	const struct egress_port ports[] = {
		{"TCP", IPPROTO_TCP, 80, 8080},
		{"udp", IPPROTO_UDP, 53, 65535},
	};
	const struct ipaddr targets[] = {address_of("100.64.0.2"), address_of("fd7a:0::2")};
	(void)state;
	const struct egress_status_service services[] = {
		{"b", ports, 2, targets, 2, "", "foo.tailnetxyz.ts.net"},
		{"a", NULL, 0, NULL, 0, "", "gone.ts.net"},
		{"B", ports, 1, targets, 1, "100.64.0.2", ""},
	};
	check("10.0.0.1", "fd00::1", services, 3,
		"{\"podIPv4\":\"10.0.0.1\",\"podIPv6\":\"fd00::1\",\"services\":{"
		"\"B\":{\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":80,\"targetPort\":8080}],"
		"\"tailnetTargetIPs\":[\"100.64.0.2\"],"
		"\"tailnetTarget\":{\"ip\":\"100.64.0.2\",\"fqdn\":\"\"}},"
		"\"a\":{\"ports\":[],\"tailnetTargetIPs\":null,"
		"\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":\"gone.ts.net\"}},"
		"\"b\":{\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":80,\"targetPort\":8080},"
		"{\"protocol\":\"udp\",\"matchPort\":53,\"targetPort\":65535}],"
		"\"tailnetTargetIPs\":[\"100.64.0.2\",\"fd7a::2\"],"
		"\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":\"foo.tailnetxyz.ts.net\"}}}}");
}

/* As encoding/json of Go writes them: checked against Go 1.26. */
static void strings_are_escaped_as_in_go(void **state)
{
	const struct egress_status_service services[] = {
		{"<&>\"\\/", NULL, 0, NULL, 0, "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa",
			"\b\f\n\r\t\x01\x7f\xc3\xa4"},
	};
	(void)state;
	check("x", "", services, 1,
		"{\"podIPv4\":\"x\",\"services\":{\"\\u003c\\u0026\\u003e\\\"\\\\/\":{\"ports\":[],"
		"\"tailnetTargetIPs\":null,\"tailnetTarget\":{\"ip\":\"\\u2028\\u2029\xe2\x80\xaa\","
		"\"fqdn\":\"\\b\\f\\n\\r\\t\\u0001\x7f\xc3\xa4\"}}}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_services_the_member_is_null),
		cmocka_unit_test(services_are_sorted_and_complete),
		cmocka_unit_test(strings_are_escaped_as_in_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
