#include "lib/contract/proxy_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void check_print(const struct proxy_config *config, const char *expected)
{
	AUTO(secret_fini) struct secret text = {0};
	proxy_config_print(config, &text);
	assert_string_equal(secret_str(&text), expected);
}

static void members_are_in_a_fixed_order(void **state)
{
	struct proxy_config config = {.accept_routes = true};
	(void)state;
	check_print(&(struct proxy_config){.hostname = (char *)"egress-0"},
		"{\"Version\":\"alpha0\",\"Locked\":false,\"Hostname\":\"egress-0\","
		"\"acceptDNS\":false,\"acceptRoutes\":false}");
	config.server_url = xstrdup("https://headscale.example.net");
	config.hostname = xstrdup("web-3");
	secret_set_str(&config.authkey, "tskey-auth-a");
	strv_push(&config.services, "svc:a");
	strv_push(&config.services, "svc:b");
	check_print(&config,
		"{\"Version\":\"alpha0\",\"Locked\":false,"
		"\"ServerURL\":\"https://headscale.example.net\",\"AuthKey\":\"tskey-auth-a\","
		"\"Hostname\":\"web-3\",\"acceptDNS\":false,\"acceptRoutes\":true,"
		"\"AdvertiseServices\":[\"svc:a\",\"svc:b\"]}");
	proxy_config_fini(&config);
}

static void what_is_printed_is_read(void **state)
{
	static const char text[] =
		"{\"Version\":\"alpha0\",\"Locked\":false,\"ServerURL\":\"https://h\","
		"\"AuthKey\":\"k\",\"Hostname\":\"x-1\",\"acceptDNS\":false,"
		"\"acceptRoutes\":true,\"AdvertiseServices\":[\"svc:a\"]}";
	struct proxy_config config = {0};
	struct err e;
	(void)state;
	assert_int_equal(proxy_config_parse(text, strlen(text), &config, &e), 0);
	assert_string_equal(secret_str(&config.authkey), "k");
	assert_string_equal(config.hostname, "x-1");
	assert_true(strv_contains(&config.services, "svc:a"));
	check_print(&config, text);
	proxy_config_fini(&config);
}

static void a_fault_names_the_member_and_no_value(void **state)
{
	static const char *const rows[][2] = {
		{"{\"AuthKey\":[\"hidden\"]}", "AuthKey"},
		{"{\"ServerURL\":1}", "ServerURL"},
		{"{\"Hostname\":{}}", "Hostname"},
		{"{\"acceptRoutes\":\"hidden\"}", "acceptRoutes"},
		{"{\"AdvertiseServices\":\"hidden\"}", "AdvertiseServices"},
		{"[\"hidden\"]", "object"},
		{"", "empty"},
		{"{\"AuthKey\":\"hidden\"", "line 1"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct proxy_config config = {.accept_routes = true};
		struct err e = {0};
		assert_true(proxy_config_parse(rows[i][0], strlen(rows[i][0]), &config, &e) < 0);
		assert_non_null(strstr(e.msg, rows[i][1]));
		assert_null(strstr(e.msg, "hidden"));
		assert_true(config.accept_routes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_in_a_fixed_order),
		cmocka_unit_test(what_is_printed_is_read),
		cmocka_unit_test(a_fault_names_the_member_and_no_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
