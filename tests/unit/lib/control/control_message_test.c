#include "lib/control/control_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct row {
	const char *body;
	const char *message;
	bool is_json;
};

static const struct row rows[] = {
	{"{\"message\":\"API token invalid\",\"status\":401}", "API token invalid", true},
	{"{\"code\":5,\"message\":\"node not found\",\"details\":[]}", "node not found", true},
	{"{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"detail\":\"unknown tag\"}",
		"unknown tag", true},
	{"{\"title\":\"Bad Request\"}", "Bad Request", true},
	{"{\"error\":\"invalid_client\",\"error_description\":\"no such client\"}",
		"no such client", true},
	{"{\"error\":\"invalid_client\"}", "invalid_client", true},
	{"{\"message\":7,\"error\":\"e\"}", "e", true},
	{"{\"message\":\"\"}", "", true},
	{"{}", "", true},
	{"null\n", "", true},
	{"[]", "", false},
	{"\"text\"", "", false},
	{"Unauthorized", "Unauthorized", false},
	{"  404 page not found\nmore", "404 page not found", false},
	{"<html>x</html>", "", false},
	{"{\"message\":\"cut", "", false},
	{"a\tb\001c", "a b c", false},
	{"\xff\xfe", "", false},
	{"", "", false},
};

static void the_message_of_each_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[CONTROL_MESSAGE_MAX];
		bool is_json;
		control_message_read(rows[i].body, strlen(rows[i].body), out, &is_json);
		assert_string_equal(out, rows[i].message);
		assert_int_equal(is_json, rows[i].is_json);
	}
}

static void a_long_message_is_cut(void **state)
{
	char body[2000] = {0};
	char out[CONTROL_MESSAGE_MAX];
	bool is_json;
	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	control_message_read(body, strlen(body), out, &is_json);
	assert_int_equal(strlen(out), CONTROL_MESSAGE_MAX - 1);
}

static void secrets_are_hidden(void **state)
{
	struct secret secret = {0};
	char text[200];
	(void)state;
	secret_set_str(&secret, "s3cr3tvalue");
	(void)snprintf(text, sizeof(text), "bad s3cr3tvalue, s3cr3tvalues3cr3tvalue");
	control_message_hide(text, &secret);
	assert_string_equal(text, "bad ***, ******");
	(void)snprintf(text, sizeof(text), "key \"tskey-auth-kX-abc\" and hskey-api-1-2; tskey-");
	control_message_hide_keys(text);
	assert_string_equal(text, "key \"***\" and ***; ***");
	control_message_hide(text, NULL);
	secret_set_str(&secret, "key");
	control_message_hide(text, &secret);
	assert_string_equal(text, "key \"***\" and ***; ***");
	secret_fini(&secret);
}

static void an_error_of_oauth(void **state)
{
	const char *body = "{\"error\":\"invalid_client\"}";
	(void)state;
	assert_true(control_message_has_error(body, strlen(body), "invalid_client"));
	assert_false(control_message_has_error(body, strlen(body), "invalid_grant"));
	assert_false(control_message_has_error("[", 1, "invalid_grant"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_message_of_each_kind),
		cmocka_unit_test(a_long_message_is_cut),
		cmocka_unit_test(secrets_are_hidden),
		cmocka_unit_test(an_error_of_oauth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
