#include "boot/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/support/tempdir.h"

#define ACCOUNT "var/run/secrets/kubernetes.io/serviceaccount/"

struct world {
	char *dir;
	struct strv env;
	char *out, *err_out;
	bool is_good;
};

static void add_program(const char *dir, const char *name)
{
	tempdir_write(dir, name, "#!/bin/sh\nexit 1\n");
	AUTO(mem_free) char *path = tempdir_path(dir, name);
	assert_int_equal(chmod(path, 0755), 0);
}

static struct world *make_world(void)
{
	struct world *w = xcalloc(1, sizeof(*w));
	w->dir = tempdir_new();
	add_program(w->dir, "bin/tailscaled");
	add_program(w->dir, "bin/tailscale");
	AUTO(mem_free) char *path = tempdir_path(w->dir, "bin");
	setenv("PATH", path, 1);
	strv_pushf(&w->env, "TS_TEST_ONLY_ROOT=%s", w->dir);
	return w;
}

static void set(struct world *w, const char *name, const char *value)
{
	strv_pushf(&w->env, "%s=%s", name, value);
}

static void set_path(struct world *w, const char *name, const char *file)
{
	strv_pushf(&w->env, "%s=%s/%s", name, w->dir, file);
}

static void run(struct world *w)
{
	size_t out_len, err_len;
	free(w->out);
	free(w->err_out);
	FILE *out = open_memstream(&w->out, &out_len);
	FILE *err_out = open_memstream(&w->err_out, &err_len);
	w->is_good = check_run(w->env.items, out, err_out);
	fclose(out);
	fclose(err_out);
	assert_int_equal(w->is_good, *w->err_out == '\0');
}

static void end_world(struct world *w)
{
	free(w->out);
	free(w->err_out);
	strv_fini(&w->env);
	tempdir_free(w->dir);
	free(w);
}

static void assert_good(struct world *w, const char *part)
{
	run(w);
	if (!w->is_good)
		fail_msg("%s", w->err_out);
	if (strstr(w->out, part) == NULL)
		fail_msg("%s lacks: %s", w->out, part);
}

static void assert_bad(struct world *w, const char *part)
{
	run(w);
	assert_false(w->is_good);
	if (strstr(w->err_out, part) == NULL)
		fail_msg("%s lacks: %s", w->err_out, part);
}

static void plain_settings_are_good(void **state)
{
	(void)state;
	struct world *w = make_world();
	set(w, "TS_AUTHKEY", "tskey-secret");
	assert_good(w, "ok: settings\n");
	assert_non_null(strstr(w->out, "ok: tailscaled is "));
	assert_non_null(strstr(w->out, "ok: userspace networking\n"));
	assert_non_null(strstr(w->out, "in memory"));
	assert_null(strstr(w->out, "tskey"));
	end_world(w);
}

static void rejected_settings(void **state)
{
	(void)state;
	struct world *w = make_world();
	set(w, "TS_ID_TOKEN", "tskey-secret");
	assert_bad(
		w, "error: invalid configuration: invalid configuration: TS_ID_TOKEN is set but ");
	assert_string_equal(w->out, "");
	assert_null(strstr(w->err_out, "tskey"));
	end_world(w);
}

static void programs_must_be_there(void **state)
{
	(void)state;
	struct world *w = make_world();
	setenv("PATH", w->dir, 1);
	assert_bad(w, "error: exec: \"tailscaled\": executable file not found in $PATH\n");
	assert_non_null(strstr(w->err_out, "\"tailscale\""));
	end_world(w);
}

static void one_step_needs_no_command(void **state)
{
	(void)state;
	struct world *w = make_world();
	tempdir_write(w->dir, "only/x", "");
	add_program(w->dir, "only/tailscaled");
	AUTO(mem_free) char *path = tempdir_path(w->dir, "only");
	setenv("PATH", path, 1);
	tempdir_write(w->dir, "conf/cap-95.hujson", "{\"version\":\"alpha0\"}");
	set_path(w, "TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR", "conf");
	assert_good(w, "cap-95.hujson\n");
	end_world(w);
}

static void files_with_keys_are_looked_for(void **state)
{
	(void)state;
	struct world *w = make_world();
	AUTO(mem_free) char *path = tempdir_path(w->dir, "key");
	strv_pushf(&w->env, "TS_AUTHKEY=file:%s", path);
	assert_bad(w, "error: TS_AUTHKEY: ");
	tempdir_write(w->dir, "key", "tskey-secret");
	assert_good(w, "ok: TS_AUTHKEY is read from ");
	assert_null(strstr(w->out, "tskey"));
	end_world(w);
}

static void service_account_is_looked_for(void **state)
{
	(void)state;
	struct world *w = make_world();
	set(w, "TS_KUBE_SECRET", "s");
	tempdir_write(w->dir, ACCOUNT "namespace", "default");
	tempdir_write(w->dir, ACCOUNT "token", "t");
	assert_bad(w, ACCOUNT "ca.crt: No such file or directory\n");
	tempdir_write(w->dir, ACCOUNT "ca.crt", "c");
	assert_good(w, "ok: state is kept in the Secret s\n");
	end_world(w);
}

static void state_folder(void **state)
{
	(void)state;
	struct world *w = make_world();
	set_path(w, "TS_STATE_DIR", "a/b/c");
	assert_good(w, "ok: state is kept in ");
	tempdir_write(w->dir, "a/x", "");
	assert_good(w, "a/b/c\n");
	tempdir_write(w->dir, "a/b", "");
	assert_bad(w, "error: TS_STATE_DIR: ");
	end_world(w);
}

static void serve_configuration(void **state)
{
	(void)state;
	struct world *w = make_world();
	set_path(w, "TS_SERVE_CONFIG", "serve.json");
	assert_good(w, "does not exist yet");
	tempdir_write(w->dir, "serve.json", "{\"TCP\":");
	assert_bad(w, "error: TS_SERVE_CONFIG: ");
	tempdir_write(w->dir, "serve.json", "[]");
	assert_bad(w, "serve.json: the document is no object");
	tempdir_write(w->dir, "serve.json", "{\"TCP\":{}}");
	assert_good(w, "ok: serve configuration ");
	tempdir_write(w->dir, "serve.json", "{\"TCP\":{\"443\":{\"HTPS\":true}},\"Odd\":{}}");
	assert_bad(w, "unknown members, which tailscaled passes over: TCP.443.HTPS, Odd\n");
	tempdir_write(w->dir, "serve.json",
		"{\"version\":\"0.0.1\",\"services\":{\"svc:web\":{\"endpoints\":"
		"{\"tcp:443\":\"http://127.0.0.1:80\"}}}}");
	assert_good(w, "ok: serve configuration ");
	tempdir_write(w->dir, "serve.json", "{\"services\":{\"svc:web\":{\"endpoints\":{}}}}");
	assert_bad(w, "looks like the services format");
	end_world(w);
}

static void kernel_mode(void **state)
{
	(void)state;
	struct world *w = make_world();
	set(w, "TS_USERSPACE", "false");
	set(w, "TS_ROUTES", "10.0.0.0/8");
	tempdir_write(w->dir, "dev/net/tun", "");
	assert_bad(w, "error: IP forwarding is off: ");
	tempdir_write(w->dir, "proc/sys/net/ipv4/ip_forward", "0\n");
	assert_good(w, "ok: IP forwarding is off and will be switched on\n");
	AUTO(mem_free) char *unchanged = tempdir_read(w->dir, "proc/sys/net/ipv4/ip_forward");
	assert_string_equal(unchanged, "0\n");
	tempdir_write(w->dir, "proc/sys/net/ipv4/ip_forward", "1\n");
	assert_good(w, "ok: IP forwarding is on\n");
	assert_non_null(strstr(w->out, "ok: kernel networking, "));
	set(w, "TS_TEST_FAKE_NETFILTER", "true");
	set(w, "TS_DEST_IP", "10.0.0.1");
	assert_good(w, "ok: firewall: nftables, IPv4 and IPv6\n");
	end_world(w);
}

static void documents_of_services(void **state)
{
	(void)state;
	struct world *w = make_world();
	set(w, "TS_TEST_FAKE_NETFILTER", "true");
	set_path(w, "TS_STATE_DIR", "state");
	tempdir_write(w->dir, "state/here", "");
	set_path(w, "TS_EGRESS_PROXIES_CONFIG_PATH", "proxies");
	set_path(w, "TS_INGRESS_PROXIES_CONFIG_PATH", "proxies/ingress-config.json");
	assert_good(w, "proxies/egress-services does not exist yet, it is waited for\n");
	tempdir_write(w->dir, "proxies/egress-services",
		"{\"a\":{\"tailnetTarget\":{\"ip\":\"100.64.0.9\"},\"ports\":[]},"
		"\"b\":{\"tailnetTarget\":{\"ip\":\"x\"},\"ports\":[]}}");
	assert_bad(w, "egress-services: egress service b: ");
	assert_non_null(strstr(w->out, "egress-services: 1 egress services without a fault\n"));
	tempdir_write(w->dir, "proxies/egress-services", "{\"a\"}");
	assert_bad(w, "proxies/egress-services: ");
	tempdir_write(w->dir, "proxies/egress-services", "");
	tempdir_write(w->dir, "proxies/ingress-config.json",
		"{\"svc:a\":{\"IPv4Mapping\":{\"TailscaleServiceIP\":\"100.64.0.9\","
		"\"ClusterIP\":\"fd00::1\"}}}");
	assert_bad(w, "ingress-config.json: ingress service svc:a: ");
	end_world(w);
}

static void bad_routes(void **state)
{
	(void)state;
	struct world *w = make_world();
	set(w, "TS_USERSPACE", "false");
	set(w, "TS_ROUTES", "10.0.0.0/8, ::/0");
	assert_bad(w, "error: invalid subnet route: ");
	set(w, "TS_USERSPACE", "true");
	assert_bad(w, "error: TS_ROUTES: \" ::/0\" has a blank");
	end_world(w);
}

static void quotes_in_arguments(void **state)
{
	(void)state;
	struct world *w = make_world();
	set(w, "TS_EXTRA_ARGS", "--auth-key=\"secret\"");
	assert_bad(w, "error: TS_EXTRA_ARGS: argument 1 (--auth-key…) has a quote");
	assert_null(strstr(w->out, "secret"));
	set(w, "TS_TAILSCALED_EXTRA_ARGS", "--verbose='1'");
	assert_bad(w, "error: TS_TAILSCALED_EXTRA_ARGS: argument 1 (--verbose…) has a quote");
	end_world(w);
}

static void addresses_are_shown(void **state)
{
	(void)state;
	struct world *w = make_world();
	set(w, "TS_ENABLE_METRICS", "true");
	set(w, "TS_HEALTHCHECK_ADDR_PORT", "[::]:1");
	assert_good(w, "ok: metrics at http://[::]:9002/metrics\n");
	assert_non_null(strstr(w->out, "ok: health at http://[::]:1/healthz\n"));
	end_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_settings_are_good),
		cmocka_unit_test(rejected_settings),
		cmocka_unit_test(programs_must_be_there),
		cmocka_unit_test(one_step_needs_no_command),
		cmocka_unit_test(files_with_keys_are_looked_for),
		cmocka_unit_test(service_account_is_looked_for),
		cmocka_unit_test(state_folder),
		cmocka_unit_test(serve_configuration),
		cmocka_unit_test(kernel_mode),
		cmocka_unit_test(documents_of_services),
		cmocka_unit_test(bad_routes),
		cmocka_unit_test(quotes_in_arguments),
		cmocka_unit_test(addresses_are_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
