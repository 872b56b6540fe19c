#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/settings/settings_table.h"
#include "lib/base/mem.h"
#include "tests/support/log_capture.h"

#define ENV(...) ((char *[]){__VA_ARGS__, NULL})

static struct settings *load(char **env)
{
	struct err e = {0};
	struct settings *s = settings_load(env, &e);
	if (s == NULL)
		fail_msg("rejected: %s", e.msg);
	return s;
}

static void nothing_set_gives_the_defaults(void **state)
{
	(void)state;
	AUTO(settings_freep) struct settings *s = load((char *[]){NULL});
	assert_true(s->generation > 0);
	assert_false(secret_is_set(&s->authkey));
	assert_false(s->routes.is_set);
	assert_string_equal(s->routes.text, "");
	assert_int_equal(s->accept_dns, OPT_BOOL_UNSET);
	assert_true(s->userspace);
	assert_false(s->auth_once);
	assert_string_equal(s->socket, "/tmp/tailscaled.sock");
	assert_string_equal(s->local_addr_port, "[::]:9002");
	assert_string_equal(s->kube_secret, "");
	assert_false(s->in_kubernetes);
	assert_string_equal(s->config_path, "");
	assert_int_equal(s->cert_share, CERT_SHARE_OFF);
	assert_true(s->service_auto_advertisement);
	assert_int_equal(s->boot_timeout_ms, 60000);
	assert_int_equal(s->stop_budget_ms, 25000);
	assert_int_equal(s->restart_limit, 10);
	assert_int_equal(s->restart_window_ms, 600000);
	assert_int_equal(s->daemon_start_timeout_ms, 30000);
	assert_int_equal(s->daemon_mute_timeout_ms, 60000);
	assert_int_equal(s->registration_interval_ms, 40000);
	assert_string_equal(s->termination_log, "/dev/termination-log");
	assert_string_equal(s->test_root, "/");
	assert_false(s->test_fast);
	assert_false(s->kube_address_from_env);
	assert_true(s->test_fake_netfilter_6);
	assert_false(settings_is_one_step(s));
	assert_false(settings_is_two_step_once(s));
	assert_false(settings_is_l3_proxy(s));
	assert_false(settings_wants_forwarding(s));
	assert_true(settings_may_use_stored_authkey(s));
}

/* Every variable that is read, set but empty: the same as unset, but for those with three states.
 */
static void empty_is_unset_for_most(void **state)
{
	(void)state;
	struct strv env = {0};
	for (size_t i = 0; i < settings_table_len; i++) {
		if (strcmp(settings_table[i].name, "POD_IPS") != 0)
			strv_pushf(&env, "%s=", settings_table[i].name);
	}
	AUTO(settings_freep) struct settings *s = load(env.items);
	assert_true(s->routes.is_set);
	assert_false(s->pod_ips.is_set);
	assert_string_equal(s->routes.text, "");
	assert_string_equal(s->socket, "/tmp/tailscaled.sock");
	assert_string_equal(s->local_addr_port, "[::]:9002");
	assert_string_equal(s->test_root, "/");
	assert_true(s->userspace);
	assert_int_equal(s->accept_dns, OPT_BOOL_UNSET);
	assert_int_equal(s->boot_timeout_ms, 60000);
	assert_int_equal(s->restart_limit, 10);
	strv_fini(&env);
}

static void authkey_falls_back_to_the_old_name(void **state)
{
	(void)state;
	static const struct {
		char *env[3];
		const char *want;
	} cases[] = {
		{{"TS_AUTHKEY=new"}, "new"},
		{{"TS_AUTH_KEY=old"}, "old"},
		{{"TS_AUTHKEY=", "TS_AUTH_KEY=old"}, "old"},
		{{"TS_AUTH_KEY=old", "TS_AUTHKEY=new"}, "new"},
		{{"TS_AUTHKEY=first", "TS_AUTHKEY=second"}, "first"},
		{{"TS_AUTHKEYS=x"}, ""},
		{{"TS_AUTHKEY"}, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(settings_freep) struct settings *s = load((char **)cases[i].env);
		assert_string_equal(secret_str(&s->authkey), cases[i].want);
		assert_int_equal(settings_may_use_stored_authkey(s), *cases[i].want == '\0');
	}
}

static void kube_secret_depends_on_the_place(void **state)
{
	(void)state;
	static const struct {
		char *env[3];
		const char *want;
	} cases[] = {
		{{"KUBERNETES_SERVICE_HOST=10.0.0.1"}, "tailscale"},
		{{"KUBERNETES_SERVICE_HOST=10.0.0.1", "TS_KUBE_SECRET="}, ""},
		{{"KUBERNETES_SERVICE_HOST=10.0.0.1", "TS_KUBE_SECRET=s"}, "s"},
		{{"KUBERNETES_SERVICE_HOST="}, ""},
		{{"KUBERNETES_SERVICE_HOST=", "TS_KUBE_SECRET=s"}, "s"},
		{{"TS_KUBE_SECRET=s"}, "s"},
		{{"TS_KUBE_SECRET="}, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(settings_freep) struct settings *s = load((char **)cases[i].env);
		assert_string_equal(s->kube_secret, cases[i].want);
	}
}

static void odd_values_become_the_default_with_a_warning(void **state)
{
	(void)state;
	struct log_capture log = {0};
	log_capture_start(&log);
	AUTO(settings_freep)
	struct settings *s = load(ENV("TS_USERSPACE=no", "TS_AUTH_ONCE=tRUE", "TS_ACCEPT_DNS=yes",
		"TS_DEBUG_FIREWALL_MODE=nft", "TS_TEST_FAKE_NETFILTER_6=maybe",
		"TS_KUBERNETES_READ_API_SERVER_ADDRESS_FROM_ENV=1"));
	assert_true(s->userspace);
	assert_false(s->auth_once);
	assert_int_equal(s->accept_dns, OPT_BOOL_UNSET);
	assert_string_equal(s->debug_firewall_mode, "");
	assert_true(s->test_fake_netfilter_6);
	assert_false(s->kube_address_from_env);
	assert_int_equal(log_capture_count_id(&log, "settings.value_ignored"), 5);
	assert_true(log_capture_has(&log, "TS_USERSPACE=\"no\""));
	log_capture_stop(&log);
}

static void values_are_parsed(void **state)
{
	(void)state;
	AUTO(settings_freep)
	struct settings *s = load(ENV("TS_USERSPACE=F", "TS_ACCEPT_DNS=T",
		"TS_DEBUG_FIREWALL_MODE=nftables", "TS_BOOT_TIMEOUT=1h30m",
		"TAILBOOT_STOP_BUDGET=1ns", "TAILBOOT_RESTART_LIMIT=0",
		"TAILBOOT_RESTART_WINDOW=1.5s", "TS_ROUTES=10.0.0.0/8",
		"TS_KUBERNETES_READ_API_SERVER_ADDRESS_FROM_ENV=true", "TS_AUTH_ONCE=1"));
	assert_false(s->userspace);
	assert_int_equal(s->accept_dns, OPT_BOOL_TRUE);
	assert_string_equal(s->debug_firewall_mode, "nftables");
	assert_int_equal(s->boot_timeout_ms, 90 * 60 * 1000);
	assert_int_equal(s->stop_budget_ms, 1);
	assert_int_equal(s->restart_limit, 0);
	assert_int_equal(s->restart_window_ms, 1500);
	assert_true(s->kube_address_from_env);
	assert_true(settings_is_two_step_once(s));
	assert_true(settings_wants_forwarding(s));
	AUTO(settings_freep) struct settings *later = load(ENV("TS_BOOT_TIMEOUT=-5s"));
	assert_int_equal(later->boot_timeout_ms, 0);
	assert_true(later->generation > s->generation);
}

static void test_root_changes_other_defaults(void **state)
{
	(void)state;
	static const struct {
		char *env[3];
		bool fast, from_env;
		const char *path;
	} cases[] = {
		{{"TS_TEST_ONLY_ROOT=/"}, false, false, "/dev/x"},
		{{"TS_TEST_ONLY_ROOT=/tmp/r"}, true, true, "/tmp/r/dev/x"},
		{{"TS_TEST_ONLY_ROOT=/tmp/r//"}, true, true, "/tmp/r/dev/x"},
		{{"TS_TEST_ONLY_ROOT=/tmp/r", "TAILBOOT_TEST_FAST=false"}, false, true,
			"/tmp/r/dev/x"},
		{{"TAILBOOT_TEST_FAST=true"}, true, false, "/dev/x"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(settings_freep) struct settings *s = load((char **)cases[i].env);
		AUTO(mem_free) char *path = settings_path(s, "/dev/x");
		assert_int_equal(s->test_fast, cases[i].fast);
		assert_int_equal(s->kube_address_from_env, cases[i].from_env);
		assert_string_equal(path, cases[i].path);
	}
}

static void pod_addresses_are_sorted_by_family(void **state)
{
	(void)state;
	static const struct {
		char *env[3];
		const char *ipv4, *ipv6, *local;
	} cases[] = {
		{{"POD_IPS=10.0.0.1"}, "10.0.0.1", "", "[::]:9002"},
		{{"POD_IPS=fd00::0:1,10.0.0.1"}, "10.0.0.1", "fd00::1", "[::]:9002"},
		{{"POD_IPS=10.0.0.1,10.0.0.2"}, "10.0.0.2", "", "[::]:9002"},
		{{"POD_IPS=fd00::1", "TS_LOCAL_ADDR_PORT=fd00::1:9002"}, "", "fd00::1",
			"[fd00::1]:9002"},
		{{"POD_IPS=fd00::1", "TS_LOCAL_ADDR_PORT=[fd00::1]:9002"}, "", "fd00::1",
			"[fd00::1]:9002"},
		{{"POD_IPS=fd00::1", "TS_LOCAL_ADDR_PORT=fd00::2:9002"}, "", "fd00::1",
			"[fd00::2]:9002"},
		{{"TS_LOCAL_ADDR_PORT=fd00::1:9002"}, "", "", "[fd00::1]:9002"},
		{{"POD_IPS=10.0.0.1", "TS_LOCAL_ADDR_PORT=10.0.0.1:1"}, "10.0.0.1", "",
			"10.0.0.1:1"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(settings_freep) struct settings *s = load((char **)cases[i].env);
		assert_string_equal(s->pod_ipv4, cases[i].ipv4);
		assert_string_equal(s->pod_ipv6, cases[i].ipv6);
		assert_string_equal(s->local_addr_port, cases[i].local);
	}
}

static void certificates_are_written_by_the_first_replica(void **state)
{
	(void)state;
	static const struct {
		char *env[3];
		enum cert_share want;
	} cases[] = {
		{{"POD_NAME=p-0"}, CERT_SHARE_OFF},
		{{"TS_EXPERIMENTAL_CERT_SHARE=true", "POD_NAME=p-0"}, CERT_SHARE_READ_WRITE},
		{{"TS_EXPERIMENTAL_CERT_SHARE=true", "POD_NAME=p-10"}, CERT_SHARE_READ_ONLY},
		{{"TS_EXPERIMENTAL_CERT_SHARE=true"}, CERT_SHARE_READ_ONLY},
		{{"TS_EXPERIMENTAL_CERT_SHARE=yes", "POD_NAME=p-0"}, CERT_SHARE_OFF},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(settings_freep) struct settings *s = load((char **)cases[i].env);
		assert_int_equal(s->cert_share, cases[i].want);
	}
}

static void accept_dns_in_extra_args_goes_first(void **state)
{
	(void)state;
	static const struct {
		char *env[3];
		enum opt_bool dns;
		const char *rest;
	} cases[] = {
		{{"TS_EXTRA_ARGS=--a --accept-dns  --b"}, OPT_BOOL_TRUE, "--a --b"},
		{{"TS_EXTRA_ARGS=--accept-dns=false"}, OPT_BOOL_UNSET, ""},
		{{"TS_EXTRA_ARGS=--accept-dns=false", "TS_ACCEPT_DNS=true"}, OPT_BOOL_FALSE, ""},
		{{"TS_EXTRA_ARGS=--accept-dns=true", "TS_ACCEPT_DNS=false"}, OPT_BOOL_TRUE, ""},
		{{"TS_EXTRA_ARGS=--accept-dns=x", "TS_ACCEPT_DNS=false"}, OPT_BOOL_FALSE,
			"--accept-dns=x"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(settings_freep) struct settings *s = load((char **)cases[i].env);
		assert_int_equal(s->accept_dns, cases[i].dns);
		assert_string_equal(s->extra_args, cases[i].rest);
	}
}

static void proxies_are_recognised(void **state)
{
	(void)state;
	static const struct {
		char *env[5];
		const char *name;
		bool forwards;
	} cases[] = {
		{{"TS_USERSPACE=false", "TS_DEST_IP=1.2.3.4"}, "TS_DEST_IP", true},
		{{"TS_USERSPACE=false", "TS_EXPERIMENTAL_DEST_DNS_NAME=a"},
			"TS_EXPERIMENTAL_DEST_DNS_NAME", true},
		{{"TS_USERSPACE=false", "TS_TAILNET_TARGET_IP=1.2.3.4"}, "TS_TAILNET_TARGET_IP",
			true},
		{{"TS_USERSPACE=false", "TS_TAILNET_TARGET_FQDN=a"}, "TS_TAILNET_TARGET_FQDN",
			true},
		{{"TS_USERSPACE=false", "TS_SERVE_CONFIG=/x", "POD_IP=1.2.3.4",
			 "EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS=true"},
			"EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS", false},
		{{"KUBERNETES_SERVICE_HOST=h", "TS_EGRESS_PROXIES_CONFIG_PATH=/x"},
			"TS_EGRESS_PROXIES_CONFIG_PATH", false},
		{{"KUBERNETES_SERVICE_HOST=h", "TS_INGRESS_PROXIES_CONFIG_PATH=/x"},
			"TS_INGRESS_PROXIES_CONFIG_PATH", false},
		{{"TS_EGRESS_SERVICES_CONFIG_PATH=/x"}, NULL, false},
		{{"TS_USERSPACE=false", "TS_ROUTES="}, NULL, true},
		{{"TS_ROUTES=10.0.0.0/8"}, NULL, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(settings_freep) struct settings *s = load((char **)cases[i].env);
		const char *name = settings_l3_setting(s);
		if (cases[i].name == NULL)
			assert_null(name);
		else
			assert_string_equal(name, cases[i].name);
		assert_int_equal(settings_is_l3_proxy(s), cases[i].name != NULL);
		assert_int_equal(settings_wants_forwarding(s), cases[i].forwards);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_set_gives_the_defaults),
		cmocka_unit_test(empty_is_unset_for_most),
		cmocka_unit_test(authkey_falls_back_to_the_old_name),
		cmocka_unit_test(kube_secret_depends_on_the_place),
		cmocka_unit_test(odd_values_become_the_default_with_a_warning),
		cmocka_unit_test(values_are_parsed),
		cmocka_unit_test(test_root_changes_other_defaults),
		cmocka_unit_test(pod_addresses_are_sorted_by_family),
		cmocka_unit_test(certificates_are_written_by_the_first_replica),
		cmocka_unit_test(accept_dns_in_extra_args_goes_first),
		cmocka_unit_test(proxies_are_recognised),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
