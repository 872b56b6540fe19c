#include "lib/contract/ingress_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define V4 "\"IPv4Mapping\":{\"TailscaleServiceIP\":\"100.99.0.1\",\"ClusterIP\":\"10.0.0.9\"}"
#define V6 "\"IPv6Mapping\":{\"TailscaleServiceIP\":\"fd7a::9\",\"ClusterIP\":\"fd00::9\"}"
#define M4(vip, cluster) \
	"{\"IPv4Mapping\":{\"TailscaleServiceIP\":" vip ",\"ClusterIP\":" cluster "}}"
#define M6(vip, cluster) \
	"{\"IPv6Mapping\":{\"TailscaleServiceIP\":" vip ",\"ClusterIP\":" cluster "}}"

static int parse(const char *text, struct ingress_config *out, struct err *e)
{
	*e = (struct err){0};
	return ingress_config_parse(text, strlen(text), out, e);
}

/* Of all services that are in order. */
static char *status_of(const struct ingress_config *c, const char *v4, const char *v6)
{
	AUTO(mem_free)
	const struct ingress_service **list =
		xcalloc(c->count + 1, sizeof(const struct ingress_service *));
	size_t count = 0;
	for (size_t i = c->count; i > 0; i--) {
		if (c->services[i - 1].fault == NULL)
			list[count++] = &c->services[i - 1];
	}
	return ingress_status_print(v4, v6, list, count);
}

static void a_service_is_read_and_printed(void **state)
{
	static const char *const rows[][2] = {
		{"{" V4 "," V6 "}", "{" V4 "," V6 "}"},
		{"{" V6 "," V4 "}", "{" V4 "," V6 "}"},
		{"{" V4 "}", "{" V4 "}"},
		{"{" V6 ",\"IPv4Mapping\":null}", "{" V6 "}"},
		/* Nothing to do is no fault. */
		{"{}", "{}"},
		{"null", "{}"},
		{"{\"x\":7,\"IPv6Mapping\":null}", "{}"},
		/* Keys without case; of several the last. */
		{"{\"ipv4mapping\":{\"TAILSCALESERVICEIP\":\"100.99.0.1\",\"clusterip\":\"9.9.9.9\","
		 "\"ClusterIP\":\"10.0.0.9\"}}",
			"{" V4 "}"},
		/* One spelling. */
		{M6("\"FD7A:0::0009\"", "\"fd00:0:0:0:0:0:0:9\""), "{" V6 "}"},
	};
	struct ingress_config config = {0};
	struct err e;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(mem_free) char *text = xasprintf("{\"svc:a\":%s}", rows[i][0]);
		AUTO(mem_free)
		char *expected = xasprintf(
			"{\"configs\":{\"svc:a\":%s},\"podIPv4\":\"10.0.0.1\"}", rows[i][1]);
		assert_int_equal(parse(text, &config, &e), 0);
		assert_int_equal(config.count, 1);
		assert_null(config.services[0].fault);
		AUTO(mem_free) char *status = status_of(&config, "10.0.0.1", "");
		assert_string_equal(status, expected);
	}
	ingress_config_fini(&config);
}

static void every_field_is_checked(void **state)
{
	static const char *const bad[][2] = {
		{"7", "a number where an object belongs"},
		{"[]", "an array where an object belongs"},
		{"{\"IPv4Mapping\":7}", "IPv4Mapping: a number where an object belongs"},
		{"{\"IPv6Mapping\":[]}", "IPv6Mapping: an array where an object belongs"},
		{"{\"IPv4Mapping\":{}}", "IPv4Mapping.TailscaleServiceIP: missing"},
		{M4("null", "\"10.0.0.9\""), "IPv4Mapping.TailscaleServiceIP: missing"},
		{M4("\"\"", "\"10.0.0.9\""), "IPv4Mapping.TailscaleServiceIP: missing"},
		{M4("\"100.99.0.1\"", "null"), "IPv4Mapping.ClusterIP: missing"},
		{M4("7", "\"10.0.0.9\""),
			"IPv4Mapping.TailscaleServiceIP: a number where a string belongs"},
		{M4("\"100.99.0.1\"", "true"),
			"IPv4Mapping.ClusterIP: a boolean where a string belongs"},
		{M4("\"100.99\"", "\"10.0.0.9\""),
			"IPv4Mapping.TailscaleServiceIP: ParseAddr(\"100.99\"): IPv4 address too short"},
		{M4("\"100.99.0.1\"", "\"10.0.0.256\""),
			"IPv4Mapping.ClusterIP: ParseAddr(\"10.0.0.256\"): IPv4 field has value >255"},
		{M4("\"fd7a::9\"", "\"10.0.0.9\""),
			"IPv4Mapping.TailscaleServiceIP: fd7a::9 is no IPv4 address"},
		{M4("\"100.99.0.1\"", "\"fd00::9\""),
			"IPv4Mapping.ClusterIP: fd00::9 is no IPv4 address"},
		{M4("\"::ffff:1.2.3.4\"", "\"10.0.0.9\""),
			"IPv4Mapping.TailscaleServiceIP: ::ffff:1.2.3.4 is no IPv4 address"},
		{M6("\"1.2.3.4\"", "\"fd00::9\""),
			"IPv6Mapping.TailscaleServiceIP: 1.2.3.4 is no IPv6 address"},
		{M6("\"fd7a::9\"", "\"1.2.3.4\""),
			"IPv6Mapping.ClusterIP: 1.2.3.4 is no IPv6 address"},
		{M6("\"fd7a::9\"", "\"fe80::1%eth0\""),
			"IPv6Mapping.ClusterIP: \"fe80::1%eth0\" has a zone"},
		{M6("\"fd7a::9\"", "\"::\""), "IPv6Mapping.ClusterIP: nothing can be at ::"},
		{"{" V4 ",\"IPv6Mapping\":{\"ClusterIP\":\"x\"}}",
			"IPv6Mapping.TailscaleServiceIP: missing"},
	};
	struct ingress_config config = {0};
	struct err e;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(mem_free)
		char *text = xasprintf("{\"svc:b\":{" V4 "},\"svc:a\":%s}", bad[i][0]);
		assert_int_equal(parse(text, &config, &e), 0);
		assert_int_equal(config.count, 2);
		assert_string_equal(config.services[0].name, "svc:a");
		assert_non_null(config.services[0].fault);
		assert_string_equal(config.services[0].fault, bad[i][1]);
		assert_null(config.services[1].fault);
	}
	ingress_config_fini(&config);
}

static void a_broken_document_changes_nothing(void **state)
{
	static const char *const bad[][2] = {
		{"\n{\"a\"}", "line 2 column 5: \":\" missing after a key"},
		{"[]", "the document is an array where an object belongs"},
		{"\"\"", "the document is a string where an object belongs"},
	};
	struct ingress_config config = {0};
	struct err e;
	(void)state;
	assert_int_equal(parse("{\"svc:keep\":{" V4 "}}", &config, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse(bad[i][0], &config, &e), -EINVAL);
		assert_string_equal(e.msg, bad[i][1]);
		assert_int_equal(config.count, 1);
	}
	assert_int_equal(parse("", &config, &e), 0);
	assert_int_equal(config.count, 0);
	assert_null(ingress_config_find(&config, "svc:keep"));
	assert_int_equal(parse("null", &config, &e), 0);
	assert_int_equal(config.count, 0);
	ingress_config_fini(&config);
}

static void documents_and_names_are_bounded(void **state)
{
	struct ingress_config config = {0};
	AUTO(buf_fini) struct buf text = BUF_INIT(8 << 20);
	struct err e;
	char name[INGRESS_NAME_MAX + 2];
	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(buf_printf(&text, &e, "{\"%s\":{},\"\":{}", name), 0);
	for (int i = 2; i < INGRESS_SERVICES_MAX; i++)
		assert_int_equal(buf_printf(&text, &e, ",\"svc:%d\":{" V4 "," V6 "}", i), 0);
	AUTO(mem_free) char *fits = xasprintf("%s}", buf_cstr(&text));
	AUTO(mem_free) char *over = xasprintf("%s,\"one\":{}}", buf_cstr(&text));
	assert_int_equal(parse(fits, &config, &e), 0);
	assert_int_equal(config.count, INGRESS_SERVICES_MAX);
	assert_string_equal(config.services[0].fault, "the name is empty");
	assert_string_equal(
		config.services[1].fault, "the name has 254 bytes, at most 253 belong here");
	assert_non_null(ingress_config_find(&config, "svc:9999"));
	assert_null(ingress_config_find(&config, "svc:99999"));
	assert_int_equal(parse(over, &config, &e), -EMSGSIZE);
	assert_string_equal(e.msg, "10001 services, at most 10000 can be served");
	assert_int_equal(config.count, INGRESS_SERVICES_MAX);
	ingress_config_fini(&config);
}

static void services_are_compared_and_copied(void **state)
{
	static const char *const others[] = {
		"{\"a\":{}}",
		"{\"b\":{}}",
		"{\"a\":7}",
		"{\"a\":[]}",
		"{\"a\":{" V4 "}}",
		"{\"a\":{" V6 "}}",
		"{\"a\":{" V4 "," V6 "}}",
		"{\"a\":" M4("\"100.99.0.1\"", "\"10.0.0.8\"") "}",
		"{\"a\":" M4("\"100.99.0.2\"", "\"10.0.0.9\"") "}",
	};
	struct ingress_config config = {0};
	struct ingress_service copies[ARRAY_LEN(others)];
	struct err e;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_int_equal(parse(others[i], &config, &e), 0);
		ingress_service_copy(&copies[i], &config.services[0]);
		for (size_t k = 0; k < i; k++)
			assert_false(ingress_service_equal(&copies[k], &config.services[0]));
		assert_true(ingress_service_equal(&copies[i], &config.services[0]));
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		ingress_service_fini(&copies[i]);
	ingress_config_fini(&config);
}

static void the_status_leaves_out_what_is_empty(void **state)
{
	struct ingress_config config = {0};
	struct err e;
	(void)state;
	AUTO(mem_free) char *nothing = status_of(&config, "", "");
	assert_string_equal(nothing, "{}");
	AUTO(mem_free) char *pod = status_of(&config, "", "fd00::1");
	assert_string_equal(pod, "{\"podIPv6\":\"fd00::1\"}");
	assert_int_equal(
		parse("{\"svc:b\":{" V4 "},\"svc:<a>\":{},\"svc:B\":{" V6 "}}", &config, &e), 0);
	AUTO(mem_free) char *all = status_of(&config, "10.0.0.1", "fd00::1");
	assert_string_equal(all,
		"{\"configs\":{\"svc:\\u003ca\\u003e\":{},\"svc:B\":{" V6 "},\"svc:b\":{" V4
		"}},\"podIPv4\":\"10.0.0.1\",\"podIPv6\":\"fd00::1\"}");
	ingress_config_fini(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_read_and_printed),
		cmocka_unit_test(every_field_is_checked),
		cmocka_unit_test(a_broken_document_changes_nothing),
		cmocka_unit_test(documents_and_names_are_bounded),
		cmocka_unit_test(services_are_compared_and_copied),
		cmocka_unit_test(the_status_leaves_out_what_is_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
