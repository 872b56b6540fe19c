#include "controller/access.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/settings/settings.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/proc.h"
#include "lib/io/resolve.h"
#include "lib/io/signals.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

static struct loop *loop;
static struct proc_table *procs;
static struct resolver *resolver;
static struct signals *signals;
static char *dir;

static void on_signal(void *arg, int signo)
{
	(void)arg;
	if (signo == SIGCHLD)
		proc_table_reap(procs);
}

static int setup(void **state)
{
	struct err e;
	(void)state;
	dir = tempdir_new();
	loop = loop_new(&e);
	procs = proc_table_new(loop);
	signals = signals_open(loop, on_signal, NULL, &e);
	resolver = resolver_new(loop, &e);
	return signals != NULL && resolver != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	resolver_free(resolver);
	signals_close(signals);
	proc_table_free(procs);
	loop_free(loop);
	tempdir_free(dir);
	return 0;
}

/* The access of a kubeconfig; NULL with the sentence in *e. */
static struct access *open_config(const char *text, struct err *e)
{
	struct settings settings;
	AUTO(mem_free) char *path = tempdir_path(dir, "config");
	AUTO(mem_free) char *variable = xasprintf("KUBECONFIG=%s:/other", path);
	char *env[] = {variable, NULL}, *argv[] = {NULL};
	tempdir_write(dir, "config", text);
	assert_int_equal(settings_parse(&settings, argv, env, e), 0);
	struct access *access = access_new(loop, resolver, procs, &settings, e);
	settings_fini(&settings);
	return access;
}

#define CONFIG(user)                                                                            \
	"apiVersion: v1\nkind: Config\ncurrent-context: a\n"                                    \
	"clusters: [{name: c, cluster: {server: 'https://127.0.0.1:6443', "                     \
	"insecure-skip-tls-verify: true}}]\n"                                                   \
	"users: [{name: u, user: " user "}]\ncontexts: [{name: a, context: {cluster: c, user: " \
	"u}}]\n"

static bool is_run(void *arg)
{
	return access(arg, F_OK) == 0;
}

/* Its answer becomes the credentials of the client, which has the access by then. */
static void a_plugin_is_run(void **state)
{
	struct err e;
	(void)state;
	AUTO(mem_free) char *mark = tempdir_path(dir, "ran");
	AUTO(mem_free)
	char *text = xasprintf(
		CONFIG("{exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, "
		       "interactiveMode: Never, args: [-c, 'echo "
		       "\"{\\\"apiVersion\\\":\\\"client.authentication.k8s.io/v1\\\","
		       "\\\"kind\\\":\\\"ExecCredential\\\",\\\"status\\\":{\\\"token\\\":\\\"t\\\"}}\""
		       "; touch %s']}}"),
		mark);
	struct access *a = open_config(text, &e);
	if (a == NULL)
		fail_msg("%s", e.msg);
	assert_string_equal(access_server(a), "https://127.0.0.1:6443");
	assert_true(loop_wait(loop, is_run, mark, LOOP_WAIT_MS));
	/* What it has said is read when it has ended. */
	assert_true(loop_wait_idle(loop, 300));
	access_free(a);
}

static void a_fault_names_the_file_and_the_part(void **state)
{
	struct err e;
	(void)state;
	assert_null(open_config("current-context: [", &e));
	assert_non_null(strstr(e.msg, "/config"));
	assert_null(open_config(CONFIG("{username: x, password: y}"), &e));
	assert_non_null(strstr(e.msg, "/config"));
	assert_null(strstr(e.msg, "password: y"));
}

int main(void)
{
	signals_block();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_plugin_is_run, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_fault_names_the_file_and_the_part, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
