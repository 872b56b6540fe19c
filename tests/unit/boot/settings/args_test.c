#include "boot/settings/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "lib/base/mem.h"
#include "tests/support/tempdir.h"

#define SOCKET "--socket=/tmp/tailscaled.sock "
#define MEMORY SOCKET "--state=mem: --statedir=/tmp"
#define USERSPACE MEMORY " --tun=userspace-networking"

struct args_case {
	char *env[8];
	const char *want;
};

static struct settings *load(char *const *env)
{
	struct err e;
	struct settings *s = settings_load(env, &e);
	if (s == NULL)
		fail_msg("rejected: %s", e.msg);
	return s;
}

static void assert_args(struct strv *args, const char *want)
{
	AUTO(mem_free) char *text = strv_join(args, " ");
	assert_string_equal(text, want);
	strv_wipe(args);
	assert_null(args->items);
}

static void daemon_arguments(void **state)
{
	(void)state;
	static const struct args_case cases[] = {
		{{NULL}, USERSPACE},
		{{"TS_USERSPACE=false"}, MEMORY},
		{{"TS_SOCKET=/s"},
			"--socket=/s --state=mem: --statedir=/tmp --tun=userspace-networking"},
		{{"TS_STATE_DIR=/d"}, SOCKET "--statedir=/d --tun=userspace-networking"},
		{{"TS_KUBE_SECRET=k"},
			SOCKET "--state=kube:k --statedir=/tmp --tun=userspace-networking"},
		{{"KUBERNETES_SERVICE_HOST=h"},
			SOCKET "--state=kube:tailscale --statedir=/tmp --tun=userspace-networking"},
		{{"KUBERNETES_SERVICE_HOST=h", "TS_KUBE_SECRET="}, USERSPACE},
		{{"KUBERNETES_SERVICE_HOST=h", "TS_KUBE_SECRET=", "TS_STATE_DIR=/d"},
			SOCKET "--statedir=/d --tun=userspace-networking"},
		{{"TS_KUBE_SECRET=k", "TS_STATE_DIR=/d", "TS_USERSPACE=0"},
			SOCKET "--state=kube:k --statedir=/d"},
		{{"TS_OUTBOUND_HTTP_PROXY_LISTEN=:2", "TS_SOCKS5_SERVER=:1",
			 "TS_DEBUG_ADDR_PORT=[::]:3", "TS_TAILSCALED_EXTRA_ARGS= --a  b\t'c d' "},
			USERSPACE
			" --socks5-server=:1 --outbound-http-proxy-listen=:2 --debug=[::]:3 --a "
			"b 'c d'"},
		{{"TS_DEBUG_ADDR_PORT=[::]:3", "TS_TAILSCALED_EXTRA_ARGS=--debug=[::]:3"},
			USERSPACE " --debug=[::]:3"},
		{{"TS_DEBUG_ADDR_PORT=[::]:3", "TS_TAILSCALED_EXTRA_ARGS=--x=[::]:30"},
			USERSPACE " --x=[::]:30"},
		{{"TS_DEBUG_ADDR_PORT=fd00::1:3", "TS_TAILSCALED_EXTRA_ARGS=--debug=fd00::1:3"},
			USERSPACE " --debug=[fd00::1]:3"},
		{{"TS_DEBUG_ADDR_PORT=fd00::1:3", "TS_SOCKS5_SERVER=fd00::1:1",
			 "TS_OUTBOUND_HTTP_PROXY_LISTEN=::1:2"},
			USERSPACE " --socks5-server=[fd00::1]:1 "
				  "--outbound-http-proxy-listen=[::1]:2 --debug=[fd00::1]:3"},
		{{"TS_TAILSCALED_EXTRA_ARGS=-debug=::1:3 --socks5-server=::1:4 ---debug=::1:5 "
		  "--x=::1:6 ::1:7 --debug=:8"},
			USERSPACE " -debug=[::1]:3 --socks5-server=[::1]:4 ---debug=::1:5 "
				  "--x=::1:6 ::1:7 --debug=:8"},
		{{"TS_TAILSCALED_EXTRA_ARGS=  "}, USERSPACE},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strv args = {0};
		AUTO(settings_freep) struct settings *s = load((char **)cases[i].env);
		args_tailscaled(s, s->config_path, &args);
		assert_args(&args, cases[i].want);
	}
}

static void daemon_arguments_of_one_step(void **state)
{
	(void)state;
	struct strv args = {0};
	AUTO(tempdir_freep) char *dir = tempdir_new();
	tempdir_write(dir, "cap-1.hujson", "{\"version\":\"alpha0\"}");
	AUTO(mem_free) char *env = xasprintf("TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=%s/", dir);
	AUTO(mem_free)
	char *want = xasprintf(
		USERSPACE " --socks5-server=a --config=%s/cap-1.hujson --debug=[::]:3 x", dir);
	AUTO(settings_freep)
	struct settings *s = load((char *[]){env, "TS_SOCKS5_SERVER=a", "TS_DEBUG_ADDR_PORT=[::]:3",
		"TS_TAILSCALED_EXTRA_ARGS=x", NULL});
	args_tailscaled(s, s->config_path, &args);
	assert_args(&args, want);
}

static void login_arguments(void **state)
{
	(void)state;
	static const struct args_case cases[] = {
		{{NULL}, SOCKET "up --accept-dns=false"},
		{{"TS_ACCEPT_DNS=true"}, SOCKET "up --accept-dns=true"},
		{{"TS_AUTHKEY=k"}, SOCKET "up --accept-dns=false --authkey=k"},
		{{"TS_AUTHKEY=file:/a b"}, SOCKET "up --accept-dns=false --authkey=file:/a b"},
		{{"TS_CLIENT_ID=c", "TS_CLIENT_SECRET=s"},
			SOCKET "up --accept-dns=false --client-id=c --client-secret=s"},
		{{"TS_CLIENT_ID=c", "TS_ID_TOKEN=t"},
			SOCKET "up --accept-dns=false --client-id=c --id-token=t"},
		{{"TS_CLIENT_ID=c", "TS_AUDIENCE=a"},
			SOCKET "up --accept-dns=false --client-id=c --audience=a"},
		{{"TS_ROUTES="}, SOCKET "up --accept-dns=false --advertise-routes="},
		{{"TS_ROUTES=10.0.0.0/8, x", "TS_HOSTNAME=h", "TS_AUTHKEY=k",
			 "TS_EXTRA_ARGS=--a --accept-dns 'b  c'"},
			SOCKET "up --accept-dns=true --authkey=k --advertise-routes=10.0.0.0/8, x "
			       "--hostname=h --a 'b c'"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strv args = {0};
		AUTO(settings_freep) struct settings *s = load((char **)cases[i].env);
		args_tailscale_up(s, NULL, &args);
		assert_args(&args, cases[i].want);
	}
}

static void stored_key_is_second(void **state)
{
	(void)state;
	struct secret stored = {0};
	struct strv args = {0};
	AUTO(settings_freep) struct settings *with = load((char *[]){"TS_AUTHKEY=env", NULL});
	AUTO(settings_freep) struct settings *without = load((char *[]){NULL});
	args_tailscale_up(without, &stored, &args);
	assert_args(&args, SOCKET "up --accept-dns=false");
	secret_set_str(&stored, "stored");
	args_tailscale_up(without, &stored, &args);
	assert_args(&args, SOCKET "up --accept-dns=false --authkey=stored");
	args_tailscale_up(with, &stored, &args);
	assert_args(&args, SOCKET "up --accept-dns=false --authkey=env");
	secret_fini(&stored);
}

static void set_arguments(void **state)
{
	(void)state;
	static const struct args_case cases[] = {
		{{NULL}, SOCKET "set --accept-dns=false"},
		{{"TS_AUTHKEY=k", "TS_EXTRA_ARGS=--accept-dns --ssh", "TS_HOSTNAME=h",
			 "TS_ROUTES="},
			SOCKET "set --accept-dns=true --advertise-routes= --hostname=h"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strv args = {0};
		AUTO(settings_freep) struct settings *s = load((char **)cases[i].env);
		args_tailscale_set(s, &args);
		assert_args(&args, cases[i].want);
	}
}

static void daemon_environment(void **state)
{
	(void)state;
	struct strv env = {0};
	char *own[] = {"A=1", "TS_CERT_SHARE_MODE=x", "B=", NULL};
	AUTO(settings_freep) struct settings *off = load((char *[]){NULL});
	AUTO(settings_freep)
	struct settings *reader = load((char *[]){"TS_EXPERIMENTAL_CERT_SHARE=1", NULL});
	AUTO(settings_freep)
	struct settings *writer =
		load((char *[]){"TS_EXPERIMENTAL_CERT_SHARE=1", "POD_NAME=x-0", NULL});
	assert_false(args_tailscaled_env(off, own, &env));
	assert_int_equal(env.len, 0);
	assert_true(args_tailscaled_env(reader, own, &env));
	assert_args(&env, "A=1 B= TS_CERT_SHARE_MODE=ro");
	assert_true(args_tailscaled_env(writer, own, &env));
	assert_args(&env, "A=1 B= TS_CERT_SHARE_MODE=rw");
}

/* Since 1.104 the daemon's listeners are bound to the tunnel. */
static void daemon_serves_the_cluster(void **state)
{
	(void)state;
	struct strv env = {0};
	char *own[] = {"A=1", "TS_SERVE_ALLOW_ALL_INTERFACES=", NULL};
	char *decided[] = {"A=1", "TS_SERVE_ALLOW_ALL_INTERFACES=false", NULL};
	char *both[] = {"TS_USERSPACE=false", "TS_SERVE_CONFIG=/x", "POD_IP=10.0.0.1",
		"EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS=true",
		"TS_EXPERIMENTAL_CERT_SHARE=1", NULL};
	AUTO(settings_freep)
	struct settings *via = load((char *[]){both[0], both[1], both[2], both[3], NULL});
	AUTO(settings_freep) struct settings *and_share = load(both);
	assert_true(args_tailscaled_env(via, own, &env));
	assert_args(&env, "A=1 TS_SERVE_ALLOW_ALL_INTERFACES=true");
	assert_false(args_tailscaled_env(via, decided, &env));
	assert_true(args_tailscaled_env(and_share, own, &env));
	assert_args(&env, "A=1 TS_CERT_SHARE_MODE=ro TS_SERVE_ALLOW_ALL_INTERFACES=true");
	assert_true(args_tailscaled_env(and_share, decided, &env));
	assert_args(&env, "A=1 TS_SERVE_ALLOW_ALL_INTERFACES=false TS_CERT_SHARE_MODE=ro");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(daemon_arguments),
		cmocka_unit_test(daemon_arguments_of_one_step),
		cmocka_unit_test(login_arguments),
		cmocka_unit_test(stored_key_is_second),
		cmocka_unit_test(set_arguments),
		cmocka_unit_test(daemon_environment),
		cmocka_unit_test(daemon_serves_the_cluster),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
