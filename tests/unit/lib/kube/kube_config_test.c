#include "lib/kube/kube_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "tests/support/tempdir.h"

#define PEM "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
#define PEM64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUIKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="
/* "secret" */
#define KEY64 "c2VjcmV0"

struct fixture {
	char *dir;
	struct kube_config config;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->dir = tempdir_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	kube_config_fini(&f->config);
	tempdir_free(f->dir);
	free(f);
	return 0;
}

/* A file with one cluster and one user, whose members are given. */
static int load(struct fixture *f, const char *cluster, const char *user)
{
	struct err e;
	AUTO(mem_free)
	char *text = xasprintf(
		"{\"current-context\":\"c\",\"contexts\":[{\"name\":\"other\",\"context\":{}},{"
		"\"name\":\"c\",\"context\":{\"cluster\":\"k\",\"user\":\"u\",\"namespace\":"
		"\"ns\"}}],\"clusters\":[{\"name\":\"k\",\"cluster\":{%s}}],\"users\":[{\"name\":"
		"\"u\",\"user\":{%s}}]}",
		cluster, user);
	AUTO(json_freep) struct json *doc = json_parse(text, strlen(text), &e);
	assert_non_null(doc);
	kube_config_fini(&f->config);
	err_clear(&f->err);
	return kube_config_load(&f->config, doc, f->dir, NULL, &f->err);
}

#define SERVER "\"server\":\"https://h\""

static void a_server_is_taken_apart(void **state)
{
	static const char *const rows[][4] = {
		{"https://h", "h", "443", NULL},
		{"https://h:6443", "h", "6443", NULL},
		{"https://h:6443/", "h", "6443", NULL},
		{"https://h/a/b//", "h", "443", "/a/b"},
		{"https://[::1]:6443/x", "::1", "6443", "/x"},
		{"https://[fd00::1]", "fd00::1", "443", NULL},
		{"https://10.0.0.1:1", "10.0.0.1", "1", NULL},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(mem_free) char *cluster = xasprintf("\"server\":\"%s\"", rows[i][0]);
		assert_int_equal(load(f, cluster, ""), 0);
		assert_string_equal(f->config.host, rows[i][1]);
		assert_string_equal(f->config.port, rows[i][2]);
		if (rows[i][3] == NULL)
			assert_null(f->config.path_prefix);
		else
			assert_string_equal(f->config.path_prefix, rows[i][3]);
		assert_null(f->config.certificate_name);
		assert_string_equal(f->config.access->ns, "ns");
		assert_null(f->config.access->identity_ref);
		assert_int_equal(f->config.access->ca.len, 0);
	}
}

static void texts_of_the_file_are_used(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(load(f,
				 SERVER ",\"certificate-authority-data\":\"" PEM64
					"\",\"tls-server-name\":\"name\"",
				 "\"token\":\"t\",\"client-certificate-data\":\"" PEM64
				 "\",\"client-key-data\":\"" KEY64 "\""),
		0);
	const struct kube_access *a = f->config.access;
	assert_string_equal(f->config.certificate_name, "name");
	assert_string_equal(secret_str(&a->token), "t");
	assert_string_equal(buf_cstr(&a->ca), PEM "\n");
	assert_string_equal(a->identity_ref->certificate_pem, PEM "\n");
	assert_string_equal(secret_str(a->identity_ref->key), "secret");
	assert_false(a->identity_ref->is_unverified);
	assert_null(f->config.exec);
	assert_int_equal(load(f, SERVER ",\"insecure-skip-tls-verify\":true", ""), 0);
	assert_true(f->config.access->identity_ref->is_unverified);
	assert_null(f->config.access->identity_ref->certificate_pem);
}

static void files_are_read_again_when_they_change(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *token = tempdir_path(f->dir, "token");
	AUTO(mem_free)
	char *user = xasprintf("\"token\":\"not this\",\"tokenFile\":\"%s\","
			       "\"client-certificate\":\"crt\",\"client-key\":\"key\"",
		token);
	tempdir_write(f->dir, "ca", PEM);
	tempdir_write(f->dir, "token", "one\n");
	tempdir_write(f->dir, "crt", PEM);
	tempdir_write(f->dir, "key", "secret");
	/* Relative paths are those of the file's folder. */
	assert_int_equal(load(f, SERVER ",\"certificate-authority\":\"ca\"", user), 0);
	struct kube_access *a = f->config.access;
	assert_string_equal(secret_str(&a->token), "one");
	assert_string_equal(buf_cstr(&a->ca), PEM);
	assert_string_equal(a->identity_ref->certificate_pem, PEM);
	uint64_t generation = a->generation;
	a->refresh(a, false);
	assert_int_equal(a->generation, generation);
	tempdir_write(f->dir, "token", "number two");
	a->refresh(a, false);
	assert_string_equal(secret_str(&a->token), "number two");
	assert_true(a->generation > generation);
	/* One that cannot be read, or is empty, changes nothing. */
	generation = a->generation;
	tempdir_write(f->dir, "key", "");
	a->refresh(a, true);
	assert_string_equal(secret_str(a->identity_ref->key), "secret");
	assert_int_equal(unlink(token), 0);
	a->refresh(a, true);
	assert_string_equal(secret_str(&a->token), "number two");
	assert_int_equal(a->generation, generation);
}

static void a_plug_in_is_described(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(
		load(f, SERVER,
			"\"exec\":{\"apiVersion\":\"v\",\"command\":\"plug\",\"args\":["
			"\"a\",\"b\"],\"env\":[{\"name\":\"N\",\"value\":\"x=y\"},{\"name\":"
			"\"M\"}],\"installHint\":\"get it\",\"interactiveMode\":\"Never\"}"),
		0);
	const struct kube_exec_spec *spec = f->config.exec;
	assert_string_equal(spec->command, "plug");
	assert_string_equal(spec->args.items[1], "b");
	assert_string_equal(spec->env.items[0], "N=x=y");
	assert_string_equal(spec->env.items[1], "M=");
	assert_string_equal(spec->api_version, "v");
	assert_string_equal(spec->install_hint, "get it");
	AUTO(mem_free) char *path = tempdir_path(f->dir, "./plug");
	assert_int_equal(
		load(f, SERVER, "\"exec\":{\"apiVersion\":\"v\",\"command\":\"./plug\"}"), 0);
	assert_string_equal(f->config.exec->command, path);
}

static void what_cannot_be_used_is_named(void **state)
{
	static const char *const rows[][3] = {
		{"", "", "context \"c\": cluster \"k\": no server"},
		{"\"server\":\"http://h\"", "", "server is no https:// URL"},
		{"\"server\":\"https://u@h\"", "", "server: bad URL"},
		{"\"server\":\"https://\"", "", "server: bad URL"},
		{"\"server\":\"https://h?x\"", "", "server has a query"},
		{"\"server\":7", "", "cluster \"k\": "},
		{SERVER ",\"proxy-url\":\"http://p\"", "", "proxy-url is not supported"},
		{SERVER ",\"insecure-skip-tls-verify\":\"yes\"", "", "insecure-skip-tls-verify"},
		{SERVER ",\"certificate-authority-data\":\"!\"", "",
			"certificate-authority-data: "},
		{SERVER ",\"certificate-authority-data\":\"" KEY64 "\"", "",
			"certificate-authority-data holds no certificate"},
		{SERVER ",\"certificate-authority\":\"none\"", "", "certificate-authority: "},
		{SERVER, "\"tokenFile\":\"none\"", "tokenFile: "},
		{SERVER, "\"client-certificate-data\":\"" PEM64 "\"", "come together"},
		{SERVER, "\"client-key-data\":\"" KEY64 "\"", "come together"},
		{SERVER, "\"client-key-data\":\"c2Vjcm\"", "user \"u\": client-key-data: "},
		{SERVER, "\"username\":\"x\"", "user \"u\": username is not supported"},
		{SERVER, "\"auth-provider\":{}", "auth-provider is not supported"},
		{SERVER, "\"token\":[]", "user \"u\": "},
		{SERVER, "\"exec\":{\"apiVersion\":\"v\"}", "exec: no command"},
		{SERVER, "\"exec\":{\"command\":\"x\"}", "exec: no apiVersion"},
		{SERVER, "\"exec\":{\"command\":\"x\",\"apiVersion\":\"v\",\"args\":[1]}",
			"exec: "},
		{SERVER,
			"\"exec\":{\"command\":\"x\",\"apiVersion\":\"v\",\"env\":[{\"value\":\"v\"}"
			"]}",
			"exec: a variable without a name"},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(load(f, rows[i][0], rows[i][1]) < 0);
		assert_true(strncmp(f->err.msg, "kubeconfig: context \"c\": ", 25) == 0);
		if (strstr(f->err.msg, rows[i][2]) == NULL)
			fail_msg("row %zu: %s", i, f->err.msg);
		assert_null(strstr(f->err.msg, "secret"));
	}
}

static void a_context_is_found(void **state)
{
	static const char *const rows[][3] = {
		{"{}", NULL, "kubeconfig: no current-context"},
		{"[]", NULL, "kubeconfig: no current-context"},
		{"{\"current-context\":\"\"}", NULL, "kubeconfig: no current-context"},
		{"{\"current-context\":7}", NULL, "kubeconfig: "},
		{"{\"current-context\":\"c\"}", NULL,
			"kubeconfig: context \"c\" is not in the file"},
		{"{\"current-context\":\"c\"}", "d",
			"kubeconfig: context \"d\" is not in the file"},
		{"{\"contexts\":[{\"name\":\"d\",\"context\":7}]}", "d",
			"kubeconfig: context \"d\" is not in the file"},
		{"{\"contexts\":[{\"name\":\"d\",\"context\":{}}]}", "d",
			"kubeconfig: context \"d\": no cluster"},
		{"{\"contexts\":[{\"name\":\"d\",\"context\":{\"cluster\":\"k\"}}]}", "d",
			"kubeconfig: context \"d\": cluster \"k\" is not in the file"},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		AUTO(json_freep) struct json *doc = json_parse(rows[i][0], strlen(rows[i][0]), &e);
		kube_config_fini(&f->config);
		assert_true(kube_config_load(&f->config, doc, f->dir, rows[i][1], &e) < 0);
		assert_true(strncmp(e.msg, rows[i][2], strlen(rows[i][2])) == 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_server_is_taken_apart),
		TEST(texts_of_the_file_are_used),
		TEST(files_are_read_again_when_they_change),
		TEST(a_plug_in_is_described),
		TEST(what_cannot_be_used_is_named),
		TEST(a_context_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
