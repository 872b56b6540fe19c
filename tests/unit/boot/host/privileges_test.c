#include "boot/host/privileges.h"

#include <errno.h>
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
#include "lib/base/str.h"

#define KERNEL "TS_USERSPACE=false"
#define NET_ADMIN \
	"needs the capability NET_ADMIN for the tunnel device, its routes and the packet filter, and "
#define MODE "kernel networking (TS_USERSPACE=false) "
#define OTHER_MODE ", or set TS_USERSPACE=true"
#define DEVICE "needs the device /dev/net/tun for the tunnel, "
#define GIVE                                                                               \
	"give it the device (Kubernetes: a device plugin or privileged, Docker: --device " \
	"/dev/net/tun)"
#define ADD                                                     \
	"this container does not have it: add it (Kubernetes: " \
	"securityContext.capabilities.add, Docker: --cap-add NET_ADMIN)"

static struct settings *parse(const char *words)
{
	AUTO(strv_fini) struct strv env = {0};
	str_words(words, &env);
	return settings_parse(env.items);
}

static const struct {
	const char *settings;
	struct privileges p;
	const char *sentence; /* NULL: enough */
} checks[] = {
	{KERNEL, {0}, NULL},
	{KERNEL, {.net_raw = CAPS_ABSENT}, NULL},
	{KERNEL, {.net_admin = CAPS_ABSENT}, MODE NET_ADMIN ADD OTHER_MODE},
	{KERNEL " TS_DEST_IP=10.0.0.1", {.net_admin = CAPS_ABSENT}, "TS_DEST_IP " NET_ADMIN ADD},
	{KERNEL, {.net_admin = CAPS_FOR_ROOT, .uid = 1000},
		MODE NET_ADMIN
		"user 1000 does not have it: run the container as user 0, or give tailscaled the "
		"capability as one of its file" OTHER_MODE},
	{KERNEL, {.tun_code = -EPERM},
		MODE DEVICE
		"which this container may not open (Operation not permitted): " GIVE OTHER_MODE},
	{KERNEL " TS_TAILNET_TARGET_IP=100.64.0.1", {.tun_code = -EACCES},
		"TS_TAILNET_TARGET_IP " DEVICE
		"which this container may not open (Permission denied): " GIVE},
	{KERNEL, {.tun_code = -ENOENT}, NULL},
	{KERNEL, {.tun_code = -ENODEV},
		MODE DEVICE "and the kernel has none (No such device): load the module tun on the "
			    "host" OTHER_MODE},
	/* The capability first: the device alone would be of no use. */
	{KERNEL, {.net_admin = CAPS_ABSENT, .tun_code = -EPERM}, MODE NET_ADMIN ADD OTHER_MODE},
	{"TS_USERSPACE=true", {.net_admin = CAPS_ABSENT, .tun_code = -EPERM}, NULL},
	{"TS_USERSPACE=true TS_EGRESS_PROXIES_CONFIG_PATH=/etc/proxies", {0},
		"TS_EGRESS_PROXIES_CONFIG_PATH needs kernel networking, because its traffic goes "
		"through a tunnel device: set TS_USERSPACE=false and give the container the device "
		"/dev/net/tun and the capability NET_ADMIN"},
	{"TS_USERSPACE=true TS_EGRESS_PROXIES_CONFIG_PATH=/etc/proxies TS_TEST_FAKE_NETFILTER=true",
		{0}, NULL},
	{KERNEL " TS_TAILSCALED_EXTRA_ARGS=--tun=userspace-networking",
		{.net_admin = CAPS_ABSENT, .tun_code = -EPERM}, NULL},
};

static void what_is_missing_is_named_with_its_purpose(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		struct err e = {0};
		AUTO(settings_freep) struct settings *s = parse(checks[i].settings);
		int code = privileges_check(s, &checks[i].p, &e);
		assert_int_equal(code < 0, checks[i].sentence != NULL);
		assert_string_equal(e.msg, checks[i].sentence != NULL ? checks[i].sentence : "");
	}
}

#define IN_CLUSTER KERNEL " EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS=true"

static const struct {
	const char *settings;
	struct privileges p;
	const char *named[2]; /* in the warnings, in order */
} warnings[] = {
	{KERNEL, {.net_raw = CAPS_ABSENT, .iptables_is_legacy = true}, {"NET_RAW"}},
	{KERNEL, {.net_raw = CAPS_FOR_ROOT, .iptables_is_legacy = true}, {"NET_RAW"}},
	{KERNEL " TS_DEBUG_FIREWALL_MODE=iptables",
		{.net_raw = CAPS_ABSENT, .iptables_is_legacy = true}, {"NET_RAW"}},
	{KERNEL " TS_DEBUG_FIREWALL_MODE=nftables",
		{.net_raw = CAPS_ABSENT, .iptables_is_legacy = true}, {0}},
	{KERNEL, {.net_raw = CAPS_ABSENT}, {0}},
	{KERNEL, {.iptables_is_legacy = true}, {0}},
	{"TS_USERSPACE=true", {.net_raw = CAPS_ABSENT, .iptables_is_legacy = true}, {0}},
	{IN_CLUSTER, {.net_bind_service = CAPS_ABSENT, .has_reserved_ports = true},
		{"NET_BIND_SERVICE for served ports below 1024"}},
	{IN_CLUSTER, {.net_bind_service = CAPS_ABSENT}, {0}},
	{IN_CLUSTER, {.has_reserved_ports = true}, {0}},
	{KERNEL, {.net_bind_service = CAPS_ABSENT, .has_reserved_ports = true}, {0}},
	{IN_CLUSTER,
		{.net_raw = CAPS_ABSENT,
			.iptables_is_legacy = true,
			.net_bind_service = CAPS_ABSENT,
			.has_reserved_ports = true},
		{"NET_RAW", "NET_BIND_SERVICE"}},
};

static void what_takes_a_part_away_is_a_warning(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(warnings); i++) {
		AUTO(settings_freep) struct settings *s = parse(warnings[i].settings);
		for (size_t n = 0; n < 2; n++) {
			const char *text = privileges_warning(s, &warnings[i].p, n);
			const char *named = warnings[i].named[n];
			assert_int_equal(text != NULL, named != NULL);
			if (text != NULL)
				assert_non_null(strstr(text, named));
		}
		assert_null(privileges_warning(s, &warnings[i].p, 2));
	}
}

static void a_test_root_lacks_nothing(void **state)
{
	(void)state;
	struct privileges p = {.net_admin = CAPS_ABSENT, .tun_code = -EPERM};
	AUTO(settings_freep) struct settings *s = parse("TS_TEST_ONLY_ROOT=/nowhere " KERNEL);
	privileges_read(s, &p);
	assert_int_equal(p.net_admin, CAPS_HELD);
	assert_int_equal(p.tun_code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_missing_is_named_with_its_purpose),
		cmocka_unit_test(what_takes_a_part_away_is_a_warning),
		cmocka_unit_test(a_test_root_lacks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
