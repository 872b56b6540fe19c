#include "controller/planes/planes_credentials.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/b64.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

static void add(struct json *data, const char *key, const char *value, size_t len)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(2 * 1024 * 1024);
	struct err e;
	assert_int_equal(b64_encode(value, len, &text, &e), 0);
	AUTO(mem_free) char *copy = xstrndup(text.data, text.len);
	json_set_str(data, key, copy);
}

/* A Secret with these keys and values in turns; NULL after the last. */
static struct json *secret_of(const char *const *fields)
{
	struct json *data = json_new_object();
	for (size_t i = 0; fields[i] != NULL; i += 2)
		add(data, fields[i], fields[i + 1], strlen(fields[i + 1]));
	struct json *out = json_new_object();
	json_set(out, "data", data);
	return out;
}

struct row {
	const char *fields[9];
	const char *form;  /* "client", "key" or NULL */
	const char *words; /* of the sentence */
};

static const struct row rows[] = {
	{{"client_id", "id", "client_secret", "s"}, "client", NULL},
	{{"client_id", " id\n", "client_secret", "s\r\n"}, "client", NULL},
	{{"api_key", "k\n"}, "key", NULL},
	{{"api_key", "k", "other", "x"}, "key", NULL},
	{{"api_key", "k", "client_id", ""}, "key", NULL},
	{{NULL}, NULL, "Secret ns/name has no credentials: set the keys client_id and"},
	{{"api_key", " \n"}, NULL, "has no credentials"},
	{{"client_id", "id"}, NULL, "Secret ns/name lacks the key client_secret"},
	{{"client_secret", "hidden"}, NULL, "Secret ns/name lacks the key client_id"},
	{{"client_id", "id", "client_secret", "hidden", "api_key", "hidden"}, NULL,
		"has both api_key and client_id"},
	{{"client_secret", "hidden", "api_key", "hidden"}, NULL, "both api_key and client_secret"},
	{{"client_id", "i d", "client_secret", "hidden"}, NULL, "the value of client_id is no"},
	{{"api_key", "hidden\x01"}, NULL, "the value of api_key is no credential"},
	{{"api_key", "hidden\xc3\xa9"}, NULL, "the value of api_key is no credential"},
};

static void exactly_one_form_is_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(planes_keys_fini) struct planes_keys keys = {0};
		AUTO(json_freep) struct json *secret = secret_of(rows[i].fields);
		struct err e = {0};
		int code = planes_keys_read(secret, "ns", "name", &keys, &e);
		if (rows[i].form == NULL) {
			assert_int_equal(code, -EINVAL);
			assert_non_null(strstr(e.msg, rows[i].words));
			assert_null(strstr(e.msg, "hidden"));
			assert_null(keys.client_id);
			assert_false(secret_is_set(&keys.client_secret));
			assert_false(secret_is_set(&keys.api_key));
			continue;
		}
		assert_int_equal(code, 0);
		bool is_client = strcmp(rows[i].form, "client") == 0;
		assert_string_equal(secret_str(&keys.api_key), is_client ? "" : "k");
		assert_string_equal(secret_str(&keys.client_secret), is_client ? "s" : "");
		if (is_client)
			assert_string_equal(keys.client_id, "id");
		else
			assert_null(keys.client_id);
	}
}

static void a_value_has_a_cap_and_base64_is_checked(void **state)
{
	AUTO(planes_keys_fini) struct planes_keys keys = {0};
	AUTO(mem_free) char *large = xcalloc(1, PLANES_VALUE_MAX + 2);
	struct err e = {0};
	(void)state;
	memset(large, 'x', PLANES_VALUE_MAX);
	const char *fields[] = {"api_key", large, NULL};
	AUTO(json_freep) struct json *fits = secret_of(fields);
	assert_int_equal(planes_keys_read(fits, "ns", "name", &keys, &e), 0);
	large[PLANES_VALUE_MAX] = 'x';
	AUTO(json_freep) struct json *does_not = secret_of(fields);
	assert_int_equal(planes_keys_read(does_not, "ns", "name", &keys, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "longer than 4096 bytes"));
	static const char text[] = "{\"data\":{\"api_key\":\"?\"}}";
	AUTO(json_freep) struct json *bad = json_parse(text, strlen(text), &e);
	assert_true(planes_keys_read(bad, "ns", "name", &keys, &e) < 0);
	assert_non_null(strstr(e.msg, "Secret ns/name"));
	assert_non_null(strstr(e.msg, "api_key"));
}

static void certificates_have_a_key_of_their_own(void **state)
{
	struct err e = {0};
	(void)state;
	const char *fields[] = {"ca.crt", "-----BEGIN CERTIFICATE-----\n", NULL};
	AUTO(json_freep) struct json *secret = secret_of(fields);
	AUTO(mem_free) char *ca = planes_ca_read(secret, "ns", "ca", &e);
	assert_string_equal(ca, fields[1]);
	const char *const none[] = {NULL};
	AUTO(json_freep) struct json *empty = secret_of(none);
	assert_null(planes_ca_read(empty, "ns", "ca", &e));
	assert_non_null(strstr(e.msg, "Secret ns/ca lacks the key ca.crt"));
	struct json *data = json_new_object();
	add(data, "ca.crt", "a\0b", 3);
	AUTO(json_freep) struct json *binary = json_new_object();
	json_set(binary, "data", data);
	assert_null(planes_ca_read(binary, "ns", "ca", &e));
	assert_non_null(strstr(e.msg, "not a PEM text"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_one_form_is_accepted),
		cmocka_unit_test(a_value_has_a_cap_and_base64_is_checked),
		cmocka_unit_test(certificates_have_a_key_of_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
