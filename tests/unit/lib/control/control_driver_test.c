#include "lib/control/control_driver.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define NOW 1769990399 /* 2026-02-01T23:59:59Z */

static const struct control_driver *const both[] = {&control_v2, &control_headscale_v1};

static void a_key_of_v2(void **state)
{
	struct control_request r = {0};
	struct err e = {0};
	AUTO(strv_fini) struct strv tags = {0};
	(void)state;
	strv_push(&tags, "tag:k8s");
	strv_push(&tags, "tag:b\"c");
	const struct control_key_request key = {
		.tags = &tags,
		.expiry_s = 3600,
		.description = "ns/pg-0: a_b \xc3\xa9 and much more than fifty characters of text",
	};
	assert_int_equal(control_v2.create_key(&key, "example.com", NOW, &r, &e), 0);
	assert_string_equal(r.method, "POST");
	assert_string_equal(r.path, "/api/v2/tailnet/example.com/keys");
	assert_string_equal(r.content_type, "application/json");
	assert_string_equal(r.body,
		"{\"capabilities\":{\"devices\":{\"create\":{\"reusable\":false,\"ephemeral\":"
		"false,\"preauthorized\":true,\"tags\":[\"tag:k8s\",\"tag:b\\\"c\"]}}},"
		"\"expirySeconds\":3600,\"description\":"
		"\"ns-pg-0- a-b -- and much more than fifty character\"}");
	control_request_fini(&r);
}

static void a_key_of_v1_always_has_an_expiration(void **state)
{
	struct control_request r = {0};
	struct err e = {0};
	AUTO(strv_fini) struct strv tags = {0};
	(void)state;
	strv_push(&tags, "tag:k8s");
	struct control_key_request key = {.tags = &tags, .expiry_s = 1, .ephemeral = true};
	assert_int_equal(control_headscale_v1.create_key(&key, "-", NOW, &r, &e), 0);
	assert_string_equal(r.path, "/api/v1/preauthkey");
	assert_string_equal(r.body, "{\"reusable\":false,\"ephemeral\":true,\"expiration\":"
				    "\"2026-02-02T00:00:00Z\",\"aclTags\":[\"tag:k8s\"]}");
	control_request_fini(&r);
	/* One without tags would need a user. */
	key.tags = NULL;
	assert_int_equal(control_headscale_v1.create_key(&key, "-", NOW, &r, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "tags"));
}

struct id_row {
	const char *id;
	const char *v2_key, *v2_device, *v1_key, *v1_device; /* paths, NULL = refused */
};

static const struct id_row ids[] = {
	{"n1CNTRL", "/api/v2/tailnet/-/keys/n1CNTRL", "/api/v2/device/n1CNTRL", NULL, NULL},
	{"7", "/api/v2/tailnet/-/keys/7", "/api/v2/device/7", "/api/v1/preauthkey?id=7",
		"/api/v1/node/7"},
	{"a/../b?c#d %", "/api/v2/tailnet/-/keys/a%2F..%2Fb%3Fc%23d%20%25",
		"/api/v2/device/a%2F..%2Fb%3Fc%23d%20%25", NULL, NULL},
	{"", NULL, NULL, NULL, NULL},
	{".", NULL, NULL, NULL, NULL},
	{"..", NULL, NULL, NULL, NULL},
	{"0", "/api/v2/tailnet/-/keys/0", "/api/v2/device/0", NULL, NULL},
	{"-1", "/api/v2/tailnet/-/keys/-1", "/api/v2/device/-1", NULL, NULL},
	{"7 or 8", "/api/v2/tailnet/-/keys/7%20or%208", "/api/v2/device/7%20or%208", NULL, NULL},
	{"123456789012345678901", "/api/v2/tailnet/-/keys/123456789012345678901",
		"/api/v2/device/123456789012345678901", NULL, NULL},
};

static void check_path(int code, struct control_request *r, const char *path, struct err *e)
{
	assert_int_equal(code, path != NULL ? 0 : -EINVAL);
	if (path == NULL) {
		assert_non_null(strstr(e->msg, "is not the identifier of a"));
		return;
	}
	assert_string_equal(r->method, "DELETE");
	assert_string_equal(r->path, path);
	assert_null(r->body);
	control_request_fini(r);
}

static void an_identifier_is_one_segment(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		const struct id_row *row = &ids[i];
		struct control_request r = {0};
		struct err e = {0};
		check_path(control_v2.delete_key(row->id, "-", &r, &e), &r, row->v2_key, &e);
		check_path(control_v2.delete_device(row->id, &r, &e), &r, row->v2_device, &e);
		check_path(
			control_headscale_v1.delete_key(row->id, "-", &r, &e), &r, row->v1_key, &e);
		check_path(control_headscale_v1.delete_device(row->id, &r, &e), &r, row->v1_device,
			&e);
	}
}

struct answer_row {
	int driver;
	const char *text;
	const char *id, *key; /* NULL = refused */
};

static const struct answer_row answers[] = {
	{0, "{\"id\":\"k1\",\"key\":\"tskey-auth-x\",\"created\":\"\"}", "k1", "tskey-auth-x"},
	{0, "{\"id\":\"k1\"}", NULL, NULL},
	{0, "{\"key\":\"x\"}", NULL, NULL},
	{0, "{\"id\":\"\",\"key\":\"x\"}", NULL, NULL},
	{0, "{\"id\":7,\"key\":\"x\"}", NULL, NULL},
	{0, "{\"id\":\"k1\",\"key\":[\"x\"]}", NULL, NULL},
	{0, "null", NULL, NULL},
	{0, "[]", NULL, NULL},
	{1,
		"{\"preAuthKey\":{\"id\":\"7\",\"key\":\"hskey-auth-x\",\"expiration\":"
		"\"2026-02-02T00:00:00Z\"}}",
		"7", "hskey-auth-x"},
	{1, "{\"preAuthKey\":{\"id\":\"7\",\"key\":\"x\"}}", "7", "x"},
	{1, "{\"preAuthKey\":{\"id\":\"7\",\"key\":\"x\",\"expiration\":\"0001-01-01T00:00:00Z\"}}",
		NULL, NULL},
	{1, "{\"preAuthKey\":{\"id\":7,\"key\":\"x\"}}", NULL, NULL},
	{1, "{\"preAuthKey\":null}", NULL, NULL},
	{1, "{\"id\":\"7\",\"key\":\"x\"}", NULL, NULL},
};

static void the_key_in_an_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct answer_row *row = &answers[i];
		struct err e = {0};
		const char *id;
		const char *key;
		AUTO(json_freep) struct json *doc = json_parse(row->text, strlen(row->text), &e);
		assert_non_null(doc);
		int code = both[row->driver]->read_key(doc, &id, &key, &e);
		assert_int_equal(code == 0, row->id != NULL);
		if (code < 0)
			continue;
		assert_string_equal(id, row->id);
		assert_string_equal(key, row->key);
	}
}

static void fixed_paths(void **state)
{
	struct control_request r = {0};
	(void)state;
	control_v2.list_devices("-", &r);
	assert_string_equal(r.path, "/api/v2/tailnet/-/devices");
	control_request_fini(&r);
	control_v2.probe("-", &r);
	assert_string_equal(r.path, "/api/v2/tailnet/-/keys");
	control_request_fini(&r);
	control_headscale_v1.list_devices("-", &r);
	assert_string_equal(r.path, "/api/v1/node");
	control_request_fini(&r);
	control_headscale_v1.probe("-", &r);
	assert_string_equal(r.path, "/api/v1/health");
	control_request_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_of_v2),
		cmocka_unit_test(a_key_of_v1_always_has_an_expiration),
		cmocka_unit_test(an_identifier_is_one_segment),
		cmocka_unit_test(the_key_in_an_answer),
		cmocka_unit_test(fixed_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
