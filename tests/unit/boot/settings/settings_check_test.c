#include "boot/settings/settings_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "boot/settings/settings_table.h"
#include "lib/base/mem.h"

#define CLUSTER "EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS"
#define KERNEL "TS_USERSPACE=false"
#define GRO "TS_EXPERIMENTAL_ENABLE_FORWARDING_OPTIMIZATIONS=true"
#define IN_KUBE "KUBERNETES_SERVICE_HOST=h"
#define EGRESS "TS_EGRESS_PROXIES_CONFIG_PATH=/x"
#define INGRESS "TS_INGRESS_PROXIES_CONFIG_PATH=/x"
#define DIR "TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=/x"
#define CONFLICT                                                                                \
	"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR cannot be set in combination with TS_HOSTNAME, "  \
	"TS_EXTRA_ARGS, TS_AUTHKEY, TS_ROUTES, TS_ACCEPT_DNS, TS_CLIENT_ID, TS_CLIENT_SECRET, " \
	"TS_ID_TOKEN, TS_AUDIENCE."
#define WITH_KEY                                                                          \
	"TS_AUTHKEY cannot be used with TS_CLIENT_ID, TS_CLIENT_SECRET, TS_ID_TOKEN, or " \
	"TS_AUDIENCE."
#define TWO_HEALTHS                                                                  \
	"TS_HEALTHCHECK_ADDR_PORT is deprecated and will be removed in 1.82.0, use " \
	"TS_ENABLE_HEALTH_CHECK and optionally TS_LOCAL_ADDR_PORT"

/* A want that ends with "…" is the beginning of the sentence. NULL = accepted. Each environment
 * breaks, if it can, all later rules as well, so that the order is proved too. */
static const struct {
	char *env[8];
	const char *want;
} cases[] = {
	{{"TS_DEST_IP=1.2.3.4", "TS_EXPERIMENTAL_DEST_DNS_NAME=a", "TS_TAILNET_TARGET_IP=1.2.3.4"},
		"TS_DEST_IP is not supported with TS_USERSPACE"},
	{{"TS_EXPERIMENTAL_DEST_DNS_NAME=a", "TS_TAILNET_TARGET_IP=1.2.3.4"},
		"TS_EXPERIMENTAL_DEST_DNS_NAME is not supported with TS_USERSPACE"},
	{{KERNEL, "TS_DEST_IP=1.2.3.4", "TS_EXPERIMENTAL_DEST_DNS_NAME=a", "TS_TAILNET_TARGET_IP=1",
		 "TS_TAILNET_TARGET_FQDN=a"},
		"TS_EXPERIMENTAL_DEST_DNS_NAME and TS_DEST_IP cannot both be set"},
	{{"TS_TAILNET_TARGET_IP=1.2.3.4", "TS_TAILNET_TARGET_FQDN=a"},
		"TS_TAILNET_TARGET_IP is not supported with TS_USERSPACE"},
	{{"TS_TAILNET_TARGET_FQDN=a", DIR, "TS_HOSTNAME=h"},
		"TS_TAILNET_TARGET_FQDN is not supported with TS_USERSPACE"},
	{{KERNEL, "TS_TAILNET_TARGET_IP=1.2.3.4", "TS_TAILNET_TARGET_FQDN=a", DIR, "TS_HOSTNAME=h"},
		"Both TS_TAILNET_TARGET_IP and TS_TAILNET_FQDN cannot be set"},
	{{DIR, "TS_HOSTNAME=h"}, CONFLICT},
	{{DIR, "TS_EXTRA_ARGS=--x"}, CONFLICT},
	{{DIR, "TS_AUTHKEY=k"}, CONFLICT},
	{{DIR, "TS_AUTH_KEY=k"}, CONFLICT},
	{{DIR, "TS_ROUTES="}, CONFLICT},
	{{DIR, "TS_ACCEPT_DNS=0"}, CONFLICT},
	{{DIR, "TS_CLIENT_ID=c"}, CONFLICT},
	{{DIR, "TS_CLIENT_SECRET=c"}, CONFLICT},
	{{DIR, "TS_ID_TOKEN=t"}, CONFLICT},
	{{DIR, "TS_AUDIENCE=a"}, CONFLICT},
	{{DIR, "TS_ACCEPT_DNS=x", "TS_HOSTNAME=", "TS_EXTRA_ARGS="}, NULL},
	{{"TS_ID_TOKEN=t", "TS_AUDIENCE=a", "TS_CLIENT_SECRET=s", "TS_AUTHKEY=k"},
		"TS_ID_TOKEN is set but TS_CLIENT_ID is not set"},
	{{"TS_AUDIENCE=a", "TS_CLIENT_SECRET=s", "TS_AUTHKEY=k"},
		"TS_AUDIENCE is set but TS_CLIENT_ID is not set"},
	{{"TS_CLIENT_ID=c", "TS_ID_TOKEN=t", "TS_CLIENT_SECRET=s", "TS_AUDIENCE=a", "TS_AUTHKEY=k"},
		"TS_ID_TOKEN and TS_CLIENT_SECRET cannot both be set"},
	{{"TS_CLIENT_ID=c", "TS_ID_TOKEN=t", "TS_AUDIENCE=a", "TS_AUTHKEY=k"},
		"TS_ID_TOKEN and TS_AUDIENCE cannot both be set"},
	{{"TS_CLIENT_ID=c", "TS_AUDIENCE=a", "TS_CLIENT_SECRET=s", "TS_AUTHKEY=k"},
		"TS_AUDIENCE and TS_CLIENT_SECRET cannot both be set"},
	{{"TS_CLIENT_ID=c", "TS_AUTHKEY=k", CLUSTER "=1"}, WITH_KEY},
	{{"TS_CLIENT_SECRET=s", "TS_AUTHKEY=k"}, WITH_KEY},
	{{"TS_CLIENT_ID=c", "TS_ID_TOKEN=t", "TS_AUTHKEY=k"}, WITH_KEY},
	{{"TS_CLIENT_ID=c", "TS_AUDIENCE=a", "TS_AUTH_KEY=k"}, WITH_KEY},
	{{"TS_CLIENT_SECRET=s"}, NULL},
	{{"TS_CLIENT_ID=c"}, NULL},
	{{"TS_CLIENT_ID=c", "TS_CLIENT_SECRET=s"}, NULL},
	{{"TS_CLIENT_ID=c", "TS_ID_TOKEN=t"}, NULL},
	{{"TS_CLIENT_ID=c", "TS_AUDIENCE=a"}, NULL},
	{{CLUSTER "=1", GRO}, CLUSTER " is not supported in userspace mode"},
	{{CLUSTER "=1", KERNEL}, CLUSTER " is set but this is not a cluster ingress proxy"},
	{{CLUSTER "=1", KERNEL, "TS_SERVE_CONFIG=/x"}, CLUSTER " is set but POD_IP is not set"},
	{{CLUSTER "=1", KERNEL, "TS_SERVE_CONFIG=/x", "POD_IP=1.2.3.4", GRO}, NULL},
	{{GRO, "TS_HEALTHCHECK_ADDR_PORT=x"},
		"TS_EXPERIMENTAL_ENABLE_FORWARDING_OPTIMIZATIONS is not supported in userspace mode"},
	{{"TS_HEALTHCHECK_ADDR_PORT=:9002", "TS_ENABLE_HEALTH_CHECK=1", "TS_LOCAL_ADDR_PORT=x"},
		"error parsing TS_HEALTHCHECK_ADDR_PORT value \":9002\": …"},
	{{"TS_LOCAL_ADDR_PORT=localhost:1", "TS_ENABLE_METRICS=1", "TS_DEBUG_ADDR_PORT=x"},
		"error parsing TS_LOCAL_ADDR_PORT value \"localhost:1\": …"},
	{{"TS_LOCAL_ADDR_PORT=1.2.3.4:65536", "TS_ENABLE_HEALTH_CHECK=1"},
		"error parsing TS_LOCAL_ADDR_PORT value \"1.2.3.4:65536\": …"},
	{{"TS_LOCAL_ADDR_PORT=1.2.3.04:1", EGRESS},
		"error parsing TS_LOCAL_ADDR_PORT value \"1.2.3.04:1\": …"},
	{{"TS_LOCAL_ADDR_PORT=::1:80", "TS_ENABLE_METRICS=1", "TS_DEBUG_ADDR_PORT=fd00::a:9001"},
		NULL},
	{{"TS_HEALTHCHECK_ADDR_PORT=fd00:1:2:3:4:5:6:7:80"}, NULL},
	/* An address alone. */
	{{"TS_LOCAL_ADDR_PORT=fd00::1", "TS_ENABLE_METRICS=1"},
		"error parsing TS_LOCAL_ADDR_PORT value \"fd00::1\": …"},
	{{"TS_DEBUG_ADDR_PORT=fd00::1:http"},
		"error parsing TS_DEBUG_ADDR_PORT value \"[fd00::1]:http\": …"},
	{{"TS_LOCAL_ADDR_PORT=[fe80::1%eth0]:80", "TS_ENABLE_METRICS=1"}, NULL},
	{{"TS_LOCAL_ADDR_PORT=x"}, NULL},
	{{"TS_DEBUG_ADDR_PORT=9001", "TS_HEALTHCHECK_ADDR_PORT=[::]:1", "TS_ENABLE_HEALTH_CHECK=1"},
		"error parsing TS_DEBUG_ADDR_PORT value \"9001\": …"},
	{{"TS_HEALTHCHECK_ADDR_PORT=[::]:1", "TS_ENABLE_HEALTH_CHECK=1", EGRESS}, TWO_HEALTHS},
	{{EGRESS, INGRESS},
		"TS_EGRESS_PROXIES_CONFIG_PATH is only supported for Tailscale running on Kubernetes"},
	{{EGRESS, "TS_KUBE_SECRET=s"},
		"TS_EGRESS_PROXIES_CONFIG_PATH is only supported for Tailscale running on Kubernetes"},
	{{EGRESS, IN_KUBE, "TS_KUBE_SECRET="},
		"TS_EGRESS_PROXIES_CONFIG_PATH is only supported for Tailscale running on Kubernetes"},
	{{INGRESS, "TS_BOOT_TIMEOUT=x"},
		"TS_INGRESS_PROXIES_CONFIG_PATH is only supported for Tailscale running on Kubernetes"},
	{{EGRESS, INGRESS, IN_KUBE}, NULL},
	{{"TS_BOOT_TIMEOUT=90", "TAILBOOT_STOP_BUDGET=x"},
		"error parsing TS_BOOT_TIMEOUT value \"90\": …"},
	{{"TS_BOOT_TIMEOUT=1d"}, "error parsing TS_BOOT_TIMEOUT value \"1d\": …"},
	{{"TS_BOOT_TIMEOUT=0"}, NULL},
	{{"TS_BOOT_TIMEOUT=-1s"}, NULL},
	{{"TAILBOOT_STOP_BUDGET=0", "TAILBOOT_RESTART_LIMIT=x"},
		"error parsing TAILBOOT_STOP_BUDGET value \"0\": must be more than 0"},
	{{"TAILBOOT_RESTART_LIMIT=-1", "TAILBOOT_RESTART_WINDOW=x"},
		"error parsing TAILBOOT_RESTART_LIMIT value \"-1\": …"},
	{{"TAILBOOT_RESTART_LIMIT=4294967296"},
		"error parsing TAILBOOT_RESTART_LIMIT value \"4294967296\": …"},
	{{"TAILBOOT_RESTART_WINDOW=-1m"},
		"error parsing TAILBOOT_RESTART_WINDOW value \"-1m\": must be more than 0"},
	{{"TAILBOOT_DAEMON_START_TIMEOUT=0"},
		"error parsing TAILBOOT_DAEMON_START_TIMEOUT value \"0\": must be more than 0"},
	{{"TS_DEST_IP=1.2.3.4", KERNEL, "TS_SERVE_CONFIG=/x"}, NULL},
};

static void rejections_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		AUTO(settings_freep) struct settings *s = settings_parse((char **)cases[i].env);
		int r = settings_check_modes(s, &e);
		if (r == 0)
			r = settings_check_values(s, &e);
		const char *want = cases[i].want;
		if (want == NULL) {
			if (r != 0)
				fail_msg("case %zu: rejected: %s", i, e.msg);
			continue;
		}
		if (r == 0)
			fail_msg("case %zu: accepted, want: %s", i, want);
		const char *dots = strstr(want, "…");
		bool same = dots == NULL ? strcmp(e.msg, want) == 0
					 : strncmp(e.msg, want, (size_t)(dots - want)) == 0;
		if (!same)
			fail_msg("case %zu: %s, want: %s", i, e.msg, want);
	}
}

static void pod_ips(void **state)
{
	(void)state;
	static const struct {
		char *env[2];
		size_t count;
		const char *want;
	} lists[] = {
		{{NULL}, 0, NULL},
		{{"POD_IPS=1.2.3.4,::1"}, 2, NULL},
		{{"POD_IPS=1.2.3.4,1.2.3.5,::1"}, 0,
			"POD_IPs can contain at most 2 IPs, got 3 ([1.2.3.4 1.2.3.5 ::1])"},
		{{"POD_IPS="}, 0, "error parsing IP address : "},
		{{"POD_IPS=1.2.3.4, ::1"}, 0, "error parsing IP address  ::1: "},
		{{"POD_IPS=1.2.3.4,"}, 0, "error parsing IP address : "},
		{{"POD_IPS=01.2.3.4"}, 0, "error parsing IP address 01.2.3.4: "},
	};
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct err e = {0};
		struct ipaddr ips[SETTINGS_POD_IPS_MAX];
		size_t count;
		AUTO(settings_freep) struct settings *s = settings_parse((char **)lists[i].env);
		int r = settings_check_pod_ips(s, ips, &count, &e);
		assert_int_equal(r == 0, lists[i].want == NULL);
		assert_int_equal(count, lists[i].count);
		if (lists[i].want != NULL)
			assert_int_equal(strncmp(e.msg, lists[i].want, strlen(lists[i].want)), 0);
	}
}

/* The rule and the table must name the same variables. */
static void conflicts_are_those_of_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_table_len; i++) {
		const struct settings_row *row = &settings_table[i];
		if (!settings_row_is_read(row) || strcmp(row->name, "TS_USERSPACE") == 0)
			continue;
		struct err e = {0};
		AUTO(mem_free) char *var = xasprintf("%s=1", row->name);
		char *env[] = {DIR, "TS_USERSPACE=false", var, NULL};
		AUTO(settings_freep) struct settings *s = settings_parse(env);
		int r = settings_check_modes(s, &e);
		bool conflicts = r < 0 && strcmp(e.msg, CONFLICT) == 0;
		if (conflicts != ((row->flags & SETTINGS_CONFIG_CONFLICT) != 0))
			fail_msg("%s: conflict %d", row->name, conflicts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rejections_in_order),
		cmocka_unit_test(pod_ips),
		cmocka_unit_test(conflicts_are_those_of_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
