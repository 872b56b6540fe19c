#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/config/daemon_config.h"
#include "boot/config/daemon_config_schema.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define V "\"version\":\"alpha0\""
#define KEY_TEXT "tskey-auth-secret"

static int parse(const char *text, struct daemon_config_values *values, struct err *e)
{
	AUTO(mem_free) char *copy = xstrdup(text);
	return daemon_config_parse(copy, strlen(copy), values, e);
}

static void good_files(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{" V "}",
		"// first\n{ /* a */ \"VERSION\" : \"alpha0\" , // b\n }\n\n",
		"{" V ",\"Locked\":null,\"Enabled\":true,\"shieldsup\":false,}",
		"{" V
		",\"AdvertiseRoutes\":[\"10.0.0.0/8\",\"::/0\",\"\",null,],\"StaticEndpoints\":"
		"[\"1.2.3.4:5\",\"[::1]:6\"],\"AdvertiseServices\":[\"svc:a\"]}",
		"{" V ",\"RelayServerPort\":0}",
		"{" V ",\"RelayServerPort\":65535,\"RelayServerStaticEndpoints\":[]}",
		"{" V
		",\"AppConnector\":{\"Advertise\":true},\"AutoUpdate\":{\"check\":true,\"Apply\":null}}",
		"{" V ",\"AppConnector\":null}",
		"{" V
		",\"ServeConfigTemp\":{\"TCP\":{\"443\":{\"HTTPS\":true},\"80\":null},\"Web\":"
		"{\"a:443\":{\"Handlers\":{\"/\":{\"Proxy\":\"x\",\"AcceptAppCaps\":[\"c\"]}}}},"
		"\"AllowFunnel\":{\"a:443\":true},\"Services\":{\"svc:a\":{\"TCP\":{\"1\":"
		"{\"TCPForward\":\"b\",\"ProxyProtocol\":2}},\"Web\":{},\"Tun\":false}},"
		"\"Foreground\":{\"id\":{\"TCP\":{\"1\":{}},\"Foreground\":{}}}}}",
		"{\"version\":\"x\"," V "}",
		"{" V ",\"Host\\u006eame\":\"a\\\"b\"}",
		"{" V ",\"Hostname\":\"a // b /* c */\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err e = {0};
		if (parse(texts[i], NULL, &e) != 0)
			fail_msg("%s: %s", texts[i], e.msg);
	}
}

static const struct {
	const char *text;
	const char *want; /* a part of the sentence */
} bad_texts[] = {
	{"", "empty"},
	{"  \n ", "empty"},
	{"// only\n", "empty"},
	{"[]", "line 1: want an object"},
	{"null", "line 1: want an object"},
	{"\"a\"", "line 1: want an object"},
	{"{", "line 1"},
	{"{}", "no \"version\" field defined"},
	{"{\"version\":null}", "no \"version\" field defined"},
	{"{\"version\":\"\",\"foo\":1}", "no \"version\" field defined"},
	{"{\"version\":\"beta1\",\"foo\":{\"a\":[1,{}]}}",
		"unsupported \"version\" value \"beta1\"; want \"alpha0\" for now"},
	{"{\n\"foo\":[],\n\"version\":5}", "line 3: key \"version\": want a string"},
	{"{\"version\":[\"alpha0\"]}", "line 1: key \"version\": an array is not allowed here"},
	{"{" V "} {}", "trailing data"},
	{"{" V "}\n\nx", "line 3"},
	{"{" V ",\n\n\"foo\":1}", "line 3: json: unknown field \"foo\""},
	{"{" V ",\n\"fo\\no\":1}", "line 2: json: unknown field \"fo\\no\""},
	{"/*\n\n*/{" V ",\n\"AppConnector\":{\"foo\":1}}", "line 4: json: unknown field \"foo\""},
	{"{" V ",\"AutoUpdate\":{\"Checks\":true}}", "unknown field \"Checks\""},
	{"{" V ",\"ServeConfigTemp\":{\"Web\":{\"h\":{\"Handlers\":{\"/\":{\"x\":1}}}}}}",
		"unknown field \"x\""},
	{"{" V ",\"ServeConfigTemp\":{\"TCP\":{\"https\":{}}}}",
		"key \"https\": want a port number as key"},
	{"{" V ",\"ServeConfigTemp\":{\"TCP\":{\"65536\":{}}}}", "want a port number as key"},
	{"{" V ",\"ServeConfigTemp\":{\"AllowFunnel\":{\"a\":1}}}", "want true or false"},
	{"{" V ",\"Locked\":\"true\"}", "key \"Locked\": want true or false, not a string"},
	{"{" V ",\"Locked\":1}", "key \"Locked\": want true or false"},
	{"{" V ",\"Locked\":{}}", "key \"Locked\": an object is not allowed here"},
	{"{" V ",\"Hostname\":[]}", "key \"Hostname\": an array is not allowed here"},
	{"{" V ",\"Hostname\":true}", "key \"Hostname\": want a string"},
	{"{" V ",\"AuthKey\":\n{\"" KEY_TEXT "\":1}}", "key \"AuthKey\": an object is not allowed"},
	{"{" V ",\"AuthKey\":5}", "key \"AuthKey\": want a string"},
	{"{" V ",\"AdvertiseRoutes\":\"10.0.0.0/8\"}", "want an array, not a string"},
	{"{" V ",\"AdvertiseRoutes\":{}}", "an object is not allowed here"},
	{"{" V ",\"AdvertiseRoutes\":[\"10.0.0.0\"]}", "want an IP prefix"},
	{"{" V ",\"AdvertiseRoutes\":[[\"10.0.0.0/8\"]]}", "an array is not allowed here"},
	{"{" V ",\"AdvertiseRoutes\":[{}]}", "an object is not allowed here"},
	{"{" V ",\"AdvertiseRoutes\":true}", "want an array"},
	{"{" V ",\"AdvertiseServices\":[1]}", "want a string"},
	{"{" V ",\"StaticEndpoints\":[\"1.2.3.4\"]}", "want an address like"},
	{"{" V ",\"AppConnector\":true}", "want an object"},
	{"{" V ",\"AppConnector\":\"x\"}", "want an object, not a string"},
	{"{" V ",\"RelayServerPort\":65536}", "want a number from 0 to 65535"},
	{"{" V ",\"RelayServerPort\":-1}", "want a number from 0 to 65535"},
	{"{" V ",\"RelayServerPort\":-0}", "want a number from 0 to 65535"},
	{"{" V ",\"RelayServerPort\":1.0}", "want a number from 0 to 65535"},
	{"{" V ",\"RelayServerPort\":\"1\"}", "want a number, not a string"},
	{"{" V ",\"Hostname\":\"\\u0000\"}", "line 1"},
	{"{" V ",\"Hostname\":\"\xff\"}", "not valid UTF-8"},
	{"{" V ",\"a\":tru}", "line 1"},
	{"{" V " \"a\":1}", "line 1"},
	{"{" V ",,}", "line 1"},
	{"/* {" V "}", "line 1"},
};

static void bad_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_texts); i++) {
		struct err e = {0};
		if (parse(bad_texts[i].text, NULL, &e) == 0)
			fail_msg("accepted: %s", bad_texts[i].text);
		if (strstr(e.msg, bad_texts[i].want) == NULL)
			fail_msg("%s: %s, want: %s", bad_texts[i].text, e.msg, bad_texts[i].want);
	}
}

static void key_never_shows(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{" V ",\"AuthKey\":\"" KEY_TEXT "\",\"foo\":1}",
		"{" V ",\"AuthKey\":\"" KEY_TEXT "\"",
		"{" V ",\"AuthKey\":\"" KEY_TEXT,
		"{" V ",\"AuthKey\":\"" KEY_TEXT "\\u0000\"}",
		"{" V ",\"AuthKey\":[\"" KEY_TEXT "\"]}",
		"{" V ",\"AuthKey\":\"" KEY_TEXT "\" x}",
		"{" V ",\"Locked\":\"" KEY_TEXT "\"}",
		"{\"AuthKey\":\"" KEY_TEXT "\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err e = {0};
		struct daemon_config_values values = {0};
		assert_int_not_equal(parse(texts[i], &values, &e), 0);
		assert_null(strstr(e.msg, "tskey"));
		assert_false(secret_is_set(&values.authkey));
	}
}

static void last_key_wins(void **state)
{
	(void)state;
	struct err e;
	struct daemon_config_values values = {0};
	assert_int_equal(
		parse("{\"authkey\":\"a\"," V ",\"AUTHKEY\":\"b\\u00e4\"}", &values, &e), 0);
	assert_string_equal(secret_str(&values.authkey), "bä");
	assert_int_equal(parse("{" V ",\"AuthKey\":null}", &values, &e), 0);
	assert_false(secret_is_set(&values.authkey));
	/* A key of the same name further down is another one. */
	assert_int_not_equal(parse("{" V ",\"AppConnector\":{\"AuthKey\":\"x\"}}", &values, &e), 0);
	daemon_config_values_fini(&values);
}

static void mode_of_the_packet_filter(void **state)
{
	(void)state;
	struct err e;
	struct daemon_config_values values = {0};
	assert_int_equal(parse("{" V ",\"netfilterMode\":\"nodivert\"}", &values, &e), 0);
	assert_string_equal(values.netfilter_mode, "nodivert");
	assert_int_not_equal(parse("{" V ",\"NetfilterMode\":1}", &values, &e), 0);
	assert_string_equal(values.netfilter_mode, "nodivert");
	assert_int_equal(
		parse("{" V ",\"NetfilterMode\":\"longer than any mode\"}", &values, &e), 0);
	assert_string_equal(values.netfilter_mode, "longer than any");
	assert_int_equal(parse("{" V ",\"NetfilterMode\":null}", &values, &e), 0);
	assert_string_equal(values.netfilter_mode, "");
}

static void deep_nesting_is_refused(void **state)
{
	(void)state;
	struct err e;
	struct strv parts = {0};
	strv_push(&parts, "{" V);
	for (int i = 0; i < 20000; i++)
		strv_push(&parts, i == 0 ? ",\"ServeConfigTemp\":{\"Foreground\":" : "{\"a\":");
	AUTO(mem_free) char *text = strv_join(&parts, "");
	assert_int_not_equal(parse(text, NULL, &e), 0);
	strv_fini(&parts);
}

/* Every top-level key is accepted with null and with nothing else odd. */
static void every_key_is_known(void **state)
{
	(void)state;
	size_t count = 0;
	for (const struct config_field *f = config_schema; f->key != NULL; f++, count++) {
		struct err e;
		AUTO(mem_free) char *text = xasprintf("{\"%s\":null," V "}", f->key);
		assert_int_equal(parse(text, NULL, &e), 0);
	}
	assert_int_equal(count, 28);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_files),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(key_never_shows),
		cmocka_unit_test(last_key_wins),
		cmocka_unit_test(mode_of_the_packet_filter),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(every_key_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
