#include "lib/kube/kube_exec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_time.h"
#include "tests/support/child.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

#define VERSION "client.authentication.k8s.io/v1"

struct fixture {
	char *dir;
	struct kube_config config;
	struct kube_exec *exec;
	unsigned int ends;
	struct err err;
};

static void on_end(void *arg, const struct err *err)
{
	struct fixture *f = arg;
	f->ends++;
	f->err = err != NULL ? *err : (struct err){0};
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	static const char text[] =
		"{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":"
		"\"k\",\"user\":\"u\"}}],\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":"
		"\"https://h\"}}],\"users\":[{\"name\":\"u\",\"user\":{\"exec\":{\"apiVersion\":"
		"\"" VERSION
		"\",\"command\":\"./plug\",\"args\":[\"one\"],\"env\":[{\"name\":\"HOME\","
		"\"value\":\"/nowhere\"}],\"installHint\":\"install it\"}}}]}";
	struct err e = {0};
	void *none;
	assert_int_equal(child_bench_open(&none), 0);
	f->dir = tempdir_new();
	AUTO(json_freep) struct json *doc = json_parse(text, strlen(text), &e);
	assert_int_equal(kube_config_load(&f->config, doc, f->dir, NULL, &e), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *none;
	kube_exec_free(f->exec);
	kube_exec_free(NULL);
	kube_config_fini(&f->config);
	tempdir_free(f->dir);
	free(f);
	fake_clock_remove();
	return child_bench_close(&none);
}

/* The plug-in that runs next. */
static void plug(struct fixture *f, const char *script)
{
	AUTO(mem_free)
	char *text = xasprintf("#!/bin/sh\necho x >>\"$(dirname \"$0\")/runs\"\n%s\n", script);
	AUTO(mem_free) char *path = tempdir_path(f->dir, "plug.new");
	AUTO(mem_free) char *command = tempdir_path(f->dir, "plug");
	tempdir_write(f->dir, "plug.new", text);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(rename(path, command), 0);
}

static void start(struct fixture *f)
{
	f->exec = kube_exec_new(child_bench_loop(), child_bench_table(), f->config.exec,
		f->config.access, on_end, f);
}

static void wait_ends(struct fixture *f, unsigned int count)
{
	assert_true(loop_wait_count(child_bench_loop(), &f->ends, count, LOOP_WAIT_MS));
	assert_int_equal(f->ends, count);
}

#define SAYS(status) "echo '{\"apiVersion\":\"" VERSION "\",\"status\":{" status "}}'"

static void what_it_says_becomes_the_credential(void **state)
{
	struct fixture *f = *state;
	plug(f, "[ \"$1$HOME\" = one/nowhere ] || exit 3\n"
		"case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*) ;; *) exit 4 ;; esac\n" SAYS(
			"\"token\":\"t1\""));
	uint64_t generation = f->config.access->generation;
	start(f);
	assert_int_equal(f->ends, 0);
	wait_ends(f, 1);
	assert_string_equal(f->err.msg, "");
	assert_string_equal(secret_str(&f->config.access->token), "t1");
	assert_int_equal(f->config.access->generation, generation + 1);
	/* A refusal asks it again, and a certificate replaces the token. */
	plug(f, SAYS("\"clientCertificateData\":\"crt\",\"clientKeyData\":\"key\""));
	f->config.access->refresh(f->config.access, false);
	f->config.access->refresh(f->config.access, true);
	wait_ends(f, 2);
	assert_false(secret_is_set(&f->config.access->token));
	assert_string_equal(f->config.access->identity_ref->certificate_pem, "crt");
	assert_string_equal(secret_str(f->config.access->identity_ref->key), "key");
}

static void it_runs_again_before_the_credential_expires(void **state)
{
	struct fixture *f = *state;
	char at[KUBE_TIME_MAX];
	kube_time_format(time(NULL) + 3600, at);
	AUTO(mem_free)
	char *script = xasprintf(SAYS("\"token\":\"t\",\"expirationTimestamp\":\"%s\""), at);
	fake_clock_install(1000000);
	plug(f, script);
	start(f);
	wait_ends(f, 1);
	assert_string_equal(f->err.msg, "");
	fake_clock_advance_ms((3600 - KUBE_EXEC_EARLY_S - 30) * 1000);
	assert_true(loop_wait_idle(child_bench_loop(), 30));
	assert_int_equal(f->ends, 1);
	fake_clock_advance_ms(30000);
	wait_ends(f, 2);
}

static void a_failure_is_reported_and_retried(void **state)
{
	static const char *const rows[][2] = {
		{"echo 'not logged in' >&2; exit 3", "exit status 3: not logged in"},
		{"kill -9 $$", "signal: killed: "},
		{"echo token", "what it says is no JSON"},
		{"echo '{}'", "the answer is no ExecCredential of " VERSION},
		{SAYS(""), "the answer has no credentials"},
		{SAYS("\"clientKeyData\":\"k\""), "a certificate and its key come together"},
		{SAYS("\"token\":7"), "token"},
		{SAYS("\"token\":\"hidden\",\"expirationTimestamp\":\"soon\""),
			"expirationTimestamp: \"soon\" is no time"},
		{"head -c 300000 /dev/zero", "it says more than 262144 bytes"},
	};
	struct fixture *f = *state;
	fake_clock_install(1000000);
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		plug(f, rows[i][0]);
		if (i == 0)
			start(f);
		else
			fake_clock_advance_ms(300000);
		wait_ends(f, i + 1);
		AUTO(mem_free) char *begin = xasprintf("credential plug-in %s/./plug: ", f->dir);
		assert_true(strncmp(f->err.msg, begin, strlen(begin)) == 0);
		if (strstr(f->err.msg, rows[i][1]) == NULL)
			fail_msg("row %u: %s", i, f->err.msg);
		assert_null(strstr(f->err.msg, "hidden"));
		assert_false(secret_is_set(&f->config.access->token));
	}
	plug(f, SAYS("\"token\":\"t\""));
	fake_clock_advance_ms(300000);
	wait_ends(f, ARRAY_LEN(rows) + 1);
	assert_string_equal(secret_str(&f->config.access->token), "t");
}

static void one_that_is_not_there_is_named_with_its_hint(void **state)
{
	struct fixture *f = *state;
	start(f);
	wait_ends(f, 1);
	assert_int_equal(f->err.code, -ENOENT);
	assert_non_null(strstr(f->err.msg, "(install it)"));
}

static bool has_begun(void *arg)
{
	struct fixture *f = arg;
	AUTO(mem_free) char *runs = tempdir_read(f->dir, "runs");
	return runs != NULL;
}

static void one_that_does_not_end_is_ended(void **state)
{
	struct fixture *f = *state;
	fake_clock_install(1000000);
	plug(f, "exec sleep 600");
	start(f);
	assert_true(loop_wait(child_bench_loop(), has_begun, f, LOOP_WAIT_MS));
	fake_clock_advance_ms(KUBE_EXEC_TIMEOUT_MS);
	wait_ends(f, 1);
	assert_non_null(strstr(f->err.msg, "signal: killed"));
	/* So is one that runs when it is no longer needed. */
	fake_clock_advance_ms(300000);
	assert_true(loop_wait_idle(child_bench_loop(), 10));
}

int main(void)
{
	child_bench_init();
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_it_says_becomes_the_credential),
		TEST(it_runs_again_before_the_credential_expires),
		TEST(a_failure_is_reported_and_retried),
		TEST(one_that_is_not_there_is_named_with_its_hint),
		TEST(one_that_does_not_end_is_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
