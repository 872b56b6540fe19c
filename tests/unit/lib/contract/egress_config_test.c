#include "lib/contract/egress_config.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define NEITHER "unexpected egress service config- neither tailnet target IP nor FQDN is set"
#define AT_IP "\"tailnetTarget\":{\"ip\":\"100.64.0.1\"}"

static int parse(const char *text, struct egress_config *out, struct err *e)
{
	*e = (struct err){0};
	return egress_config_parse(text, strlen(text), out, e);
}

/* Of the ports, "tcp 80 8080" each, as written. */
static char *show_ports(const struct egress_service *s)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(1 << 20);
	struct err e;
	for (size_t i = 0; i < s->port_count; i++) {
		const struct egress_port *p = &s->ports[i];
		assert_int_equal(
			p->proto, strcasecmp(p->protocol, "tcp") == 0 ? IPPROTO_TCP : IPPROTO_UDP);
		assert_int_equal(buf_printf(&out, &e, "%s%s %u %u", i > 0 ? "," : "", p->protocol,
					 p->match, p->target),
			0);
	}
	return buf_take(&out);
}

struct row {
	const char *service; /* the value of member "a" */
	const char *fault;   /* NULL = none */
	const char *ip;
	const char *fqdn;
	const char *endpoint;
	const char *ports;
};

static const struct row rows[] = {
	{"{\"healthCheckEndpoint\":\"http://a\",\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":\"x.ts.net\"},"
	 "\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":4003,\"targetPort\":80}]}",
		NULL, "", "x.ts.net", "http://a", "TCP 4003 80"},
	{"{" AT_IP "}", NULL, "100.64.0.1", "", "", ""},
	{"{\"tailnetTarget\":{\"ip\":\"fd7a::0:1\",\"fqdn\":\"x\"}}", NULL, "fd7a::0:1", "x", "",
		""},
	/* Case of keys, and of protocols. */
	{"{\"TAILNETtarget\":{\"IP\":\"100.64.0.1\",\"Fqdn\":\"y\"},\"HealthcheckEndpoint\":\"h\","
	 "\"PORTS\":[{\"Protocol\":\"uDp\",\"matchport\":1,\"TARGETPORT\":65535}]}",
		NULL, "100.64.0.1", "y", "h", "uDp 1 65535"},
	/* Null is absent. */
	{"null", NEITHER, "", "", "", ""},
	{"{}", NEITHER, "", "", "", ""},
	{"{\"tailnetTarget\":null}", NEITHER, "", "", "", ""},
	{"{\"tailnetTarget\":{}}", NEITHER, "", "", "", ""},
	{"{\"tailnetTarget\":{\"ip\":null,\"fqdn\":null}}", NEITHER, "", "", "", ""},
	{"{" AT_IP ",\"ports\":null,\"healthCheckEndpoint\":null}", NULL, "100.64.0.1", "", "", ""},
	/* Members nobody knows. */
	{"{" AT_IP ",\"x\":[1],\"ports\":[{\"protocol\":\"tcp\",\"matchPort\":1,\"targetPort\":2,"
	 "\"y\":{}}]}",
		NULL, "100.64.0.1", "", "", "tcp 1 2"},
	/* Of several, the last. */
	{"{\"tailnetTarget\":{\"ip\":\"1.1.1.1\"},\"TailnetTarget\":{\"ip\":\"2.2.2.2\",\"ip\":"
	 "\"3.3.3.3\"}}",
		NULL, "3.3.3.3", "", "", ""},
	/* A set: sorted, each once. */
	{"{" AT_IP ",\"ports\":[{\"protocol\":\"UDP\",\"matchPort\":53,\"targetPort\":53},"
	 "{\"protocol\":\"TCP\",\"matchPort\":90,\"targetPort\":1},"
	 "{\"protocol\":\"TCP\",\"matchPort\":80,\"targetPort\":2},"
	 "{\"protocol\":\"TCP\",\"matchPort\":90,\"targetPort\":1},"
	 "{\"protocol\":\"tcp\",\"matchPort\":80,\"targetPort\":2},"
	 "{\"protocol\":\"TCP\",\"matchPort\":53,\"targetPort\":53}]}",
		NULL, "100.64.0.1", "", "", "TCP 53 53,TCP 80 2,TCP 90 1,UDP 53 53"},
	/* Types. */
	{"7", "a number where an object belongs", "", "", "", ""},
	{"[]", "an array where an object belongs", "", "", "", ""},
	{"\"x\"", "a string where an object belongs", "", "", "", ""},
	{"{\"tailnetTarget\":\"x\"}", "tailnetTarget: a string where an object belongs", "", "", "",
		""},
	{"{\"tailnetTarget\":{\"ip\":7}}", "tailnetTarget.ip: a number where a string belongs", "",
		"", "", ""},
	{"{\"tailnetTarget\":{\"fqdn\":[]}}", "tailnetTarget.fqdn: an array where a string belongs",
		"", "", "", ""},
	{"{" AT_IP ",\"healthCheckEndpoint\":true}",
		"healthCheckEndpoint: a boolean where a string belongs", "100.64.0.1", "", "", ""},
	{"{" AT_IP ",\"ports\":{}}", "ports: an object where an array belongs", "100.64.0.1", "",
		"", ""},
	{"{" AT_IP ",\"ports\":[7]}", "ports[0]: a number where an object belongs", "100.64.0.1",
		"", "", ""},
	{"{" AT_IP ",\"ports\":[null]}", "ports[0].protocol: \"\" is neither TCP nor UDP",
		"100.64.0.1", "", "", ""},
	/* Addresses. */
	{"{\"tailnetTarget\":{\"ip\":\"100.64.0\"}}",
		"tailnetTarget.ip: ParseAddr(\"100.64.0\"): IPv4 address too short", "100.64.0", "",
		"", ""},
	{"{\"tailnetTarget\":{\"ip\":\"fe80::1%eth0\"}}",
		"tailnetTarget.ip: \"fe80::1%eth0\" has a zone", "fe80::1%eth0", "", "", ""},
	{"{\"tailnetTarget\":{\"ip\":\"0.0.0.0\"}}", "tailnetTarget.ip: nothing can be at 0.0.0.0",
		"0.0.0.0", "", "", ""},
	{"{\"tailnetTarget\":{\"ip\":\"x\",\"fqdn\":\"good.ts.net\"}}",
		"tailnetTarget.ip: ParseAddr(\"x\"): unable to parse IP", "x", "good.ts.net", "",
		""},
};

static void a_service_is_read_field_by_field(void **state)
{
	struct egress_config config = {0};
	struct err e;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		AUTO(mem_free) char *text = xasprintf("{\"a\":%s}", row->service);
		assert_int_equal(parse(text, &config, &e), 0);
		assert_int_equal(config.count, 1);
		const struct egress_service *s = &config.services[0];
		AUTO(mem_free) char *ports = show_ports(s);
		if (row->fault == NULL)
			assert_null(s->fault);
		else if (s->fault == NULL)
			fail_msg("%s has no fault", text);
		else
			assert_string_equal(s->fault, row->fault);
		assert_string_equal(s->name, "a");
		assert_string_equal(s->target_ip, row->ip);
		assert_string_equal(s->target_fqdn, row->fqdn);
		assert_string_equal(s->health_check_endpoint, row->endpoint);
		assert_string_equal(ports, row->ports);
		bool is_bad = row->fault != NULL && str_starts(row->fault, "tailnetTarget");
		assert_int_equal(s->ip.family != IPADDR_NONE, row->ip[0] != '\0' && !is_bad);
	}
	egress_config_fini(&config);
}

static void every_field_of_a_port_is_checked(void **state)
{
	static const char *const bad[][2] = {
		{"{\"matchPort\":1,\"targetPort\":2}", ".protocol: \"\" is neither TCP nor UDP"},
		{"{\"protocol\":null,\"matchPort\":1,\"targetPort\":2}",
			".protocol: \"\" is neither TCP nor UDP"},
		{"{\"protocol\":\"SCTP\",\"matchPort\":1,\"targetPort\":2}",
			".protocol: \"SCTP\" is neither TCP nor UDP"},
		{"{\"protocol\":\"tcp \",\"matchPort\":1,\"targetPort\":2}",
			".protocol: \"tcp \" is neither TCP nor UDP"},
		{"{\"protocol\":6,\"matchPort\":1,\"targetPort\":2}",
			".protocol: a number where a string belongs"},
		{"{\"protocol\":\"tcp\",\"targetPort\":2}", ".matchPort: missing"},
		{"{\"protocol\":\"tcp\",\"matchPort\":null,\"targetPort\":2}",
			".matchPort: missing"},
		{"{\"protocol\":\"tcp\",\"matchPort\":1}", ".targetPort: missing"},
		{"{\"protocol\":\"tcp\",\"matchPort\":0,\"targetPort\":2}",
			".matchPort: 0 is not from 1 to 65535"},
		{"{\"protocol\":\"tcp\",\"matchPort\":65536,\"targetPort\":2}",
			".matchPort: 65536 is not from 1 to 65535"},
		{"{\"protocol\":\"tcp\",\"matchPort\":-1,\"targetPort\":2}",
			".matchPort: -1 is not from 1 to 65535"},
		{"{\"protocol\":\"tcp\",\"matchPort\":1,\"targetPort\":0}",
			".targetPort: 0 is not from 1 to 65535"},
		{"{\"protocol\":\"tcp\",\"matchPort\":1,\"targetPort\":65536}",
			".targetPort: 65536 is not from 1 to 65535"},
		{"{\"protocol\":\"tcp\",\"matchPort\":80.5,\"targetPort\":2}",
			".matchPort: no whole number from 1 to 65535"},
		{"{\"protocol\":\"tcp\",\"matchPort\":80.0,\"targetPort\":2}",
			".matchPort: no whole number from 1 to 65535"},
		{"{\"protocol\":\"tcp\",\"matchPort\":8e1,\"targetPort\":2}",
			".matchPort: no whole number from 1 to 65535"},
		{"{\"protocol\":\"tcp\",\"matchPort\":99999999999999999999,\"targetPort\":2}",
			".matchPort: no whole number from 1 to 65535"},
		{"{\"protocol\":\"tcp\",\"matchPort\":\"80\",\"targetPort\":2}",
			".matchPort: a string where a number belongs"},
		/* One claim, two targets. */
		{"{\"protocol\":\"TCP\",\"matchPort\":7,\"targetPort\":9}",
			".targetPort: 9, but ports[0] leads TCP port 7 to 8"},
	};
	struct egress_config config = {0};
	struct err e;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(mem_free)
		char *text = xasprintf("{\"a\":{" AT_IP
				       ",\"ports\":[{\"protocol\":\"tcp\",\"matchPort\":7,"
				       "\"targetPort\":8},%s]},\"b\":{" AT_IP "}}",
			bad[i][0]);
		AUTO(mem_free) char *fault = xasprintf("ports[1]%s", bad[i][1]);
		assert_int_equal(parse(text, &config, &e), 0);
		assert_int_equal(config.count, 2);
		assert_non_null(config.services[0].fault);
		assert_string_equal(config.services[0].fault, fault);
		/* The other one goes on. */
		assert_null(config.services[1].fault);
	}
	egress_config_fini(&config);
}

static void the_first_contradiction_is_named(void **state)
{
	struct egress_config config = {0};
	struct err e;
	(void)state;
	assert_int_equal(parse("{\"a\":{" AT_IP ",\"ports\":["
			       "{\"protocol\":\"udp\",\"matchPort\":9,\"targetPort\":1},"
			       "{\"protocol\":\"tcp\",\"matchPort\":5,\"targetPort\":1},"
			       "{\"protocol\":\"udp\",\"matchPort\":9,\"targetPort\":2},"
			       "{\"protocol\":\"tcp\",\"matchPort\":5,\"targetPort\":2},"
			       "{\"protocol\":\"tcp\",\"matchPort\":6,\"targetPort\":2},"
			       "{\"protocol\":\"udp\",\"matchPort\":5,\"targetPort\":3}]}}",
				 &config, &e),
		0);
	assert_string_equal(config.services[0].fault,
		"ports[2].targetPort: 2, but ports[0] leads UDP port 9 to 1");
	egress_config_fini(&config);
}

static void a_broken_document_changes_nothing(void **state)
{
	static const char *const bad[][2] = {
		{" ", "line 1 column 2: text ends early"},
		{"{\n\"a\":{},}", "line 2 column 8: a key should begin here"},
		{"[]", "the document is an array where an object belongs"},
		{"7", "the document is a number where an object belongs"},
		{"\xef\xbb\xbf{}", "line 1 column 1: a value should begin here"},
		{"{\"a\":\"\xff\"}", "line 1 column 7: text is not UTF-8"},
		{"{} x", "line 1 column 4: text after the value"},
	};
	struct egress_config config = {0};
	struct err e;
	(void)state;
	assert_int_equal(parse("{\"keep\":{" AT_IP "}}", &config, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse(bad[i][0], &config, &e), -EINVAL);
		assert_string_equal(e.msg, bad[i][1]);
		assert_int_equal(config.count, 1);
		assert_string_equal(config.services[0].name, "keep");
	}
	egress_config_fini(&config);
}

static void no_text_and_null_are_no_services(void **state)
{
	static const char *const texts[] = {"", "null", "{}", " { } \n"};
	struct egress_config config = {0};
	struct err e;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(parse("{\"a\":{" AT_IP "}}", &config, &e), 0);
		assert_int_equal(parse(texts[i], &config, &e), 0);
		assert_int_equal(config.count, 0);
		assert_null(egress_config_find(&config, "a"));
	}
	egress_config_fini(&config);
}

static void services_are_compared_and_copied(void **state)
{
	static const char *const others[] = {
		"{\"b\":{\"tailnetTarget\":{\"ip\":\"1.1.1.1\",\"fqdn\":\"f\"},\"healthCheckEndpoint\":\"h\"}}",
		"{\"a\":{\"tailnetTarget\":{\"ip\":\"1.1.1.2\",\"fqdn\":\"f\"},\"healthCheckEndpoint\":\"h\"}}",
		"{\"a\":{\"tailnetTarget\":{\"ip\":\"1.1.1.1\",\"fqdn\":\"g\"},\"healthCheckEndpoint\":\"h\"}}",
		"{\"a\":{\"tailnetTarget\":{\"ip\":\"1.1.1.1\",\"fqdn\":\"f\"},\"healthCheckEndpoint\":\"i\"}}",
		"{\"a\":{\"tailnetTarget\":{\"ip\":\"1.1.1.1\",\"fqdn\":\"f\"},\"healthCheckEndpoint\":\"h\","
		"\"ports\":[]}}",
		"{\"a\":{\"tailnetTarget\":{\"ip\":\"1.1.1.1\",\"fqdn\":\"f\"},\"healthCheckEndpoint\":\"h\","
		"\"ports\":[{\"protocol\":\"tcp\",\"matchPort\":1,\"targetPort\":2}]}}",
		"{\"a\":{\"tailnetTarget\":{\"ip\":\"1.1.1.1\",\"fqdn\":\"f\"},\"healthCheckEndpoint\":\"h\","
		"\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":1,\"targetPort\":2}]}}",
		"{\"a\":7}",
	};
	struct egress_config config = {0};
	struct egress_service copies[ARRAY_LEN(others)];
	struct err e;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_int_equal(parse(others[i], &config, &e), 0);
		egress_service_copy(&copies[i], &config.services[0]);
		for (size_t k = 0; k < i; k++)
			assert_false(egress_service_equal(&copies[k], &config.services[0]));
		assert_true(egress_service_equal(&copies[i], &config.services[0]));
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		egress_service_fini(&copies[i]);
	egress_config_fini(&config);
	egress_config_fini(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_read_field_by_field),
		cmocka_unit_test(every_field_of_a_port_is_checked),
		cmocka_unit_test(the_first_contradiction_is_named),
		cmocka_unit_test(a_broken_document_changes_nothing),
		cmocka_unit_test(no_text_and_null_are_no_services),
		cmocka_unit_test(services_are_compared_and_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
