#include "boot/host/addresses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/support/address.h"

struct address_case {
	const char *address;
	bool is_tunnel;
	bool is_found;
};

static struct host_address make(const char *interface, const char *text, bool is_tunnel)
{
	struct host_address a = {.addr = address_of(text), .is_tunnel = is_tunnel};
	snprintf(a.interface, sizeof(a.interface), "%s", interface);
	return a;
}

static void range(void **state)
{
	static const struct address_case cases[] = {
		{"100.64.0.0", false, true},
		{"100.64.0.1", true, false},
		{"100.100.1.1", false, true},
		{"100.127.255.255", false, true},
		{"100.128.0.0", false, false},
		{"100.63.255.255", false, false},
		{"100.115.92.1", false, false},
		{"100.115.94.1", false, true},
		{"10.0.0.1", false, false},
		{"fd7a:115c:a1e0::1", false, false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct host_address a = make("eth0", cases[i].address, cases[i].is_tunnel);
		if ((addresses_in_tailnet(&a, 1) != NULL) != cases[i].is_found)
			fail_msg("%s", cases[i].address);
	}
	assert_null(addresses_in_tailnet(NULL, 0));
}

#define BEGIN \
	"the address 100.127.255.254 of abcdefghijklmno is in 100.64.0.0/10, the range of the tailnet: "
#define DROPS \
	"tailscaled drops all that comes from this range but through the tunnel; give Pods another range"
#define SHARED "a peer may have the same address as a Pod; give Pods another range"
#define ONE_SIDED(mode)                                                            \
	"with netfilter mode " mode " no rule of tailscaled gives what peers send" \
	" to the cluster the Pod's address; give Pods another range"
#define ARGUMENT ", or add --netfilter-mode=nodivert to TS_EXTRA_ARGS"
#define IN_CONFIG ", or set NetfilterMode to nodivert in its configuration"
#define KERNEL "TS_USERSPACE=false"

struct mode_case {
	const char *env[3];
	const char *config_mode;
	enum addresses_verdict verdict;
	const char *sentence; /* behind BEGIN */
};

/* The dropping party is named only if there is one, and a remedy only if it helps. */
static void modes(void **state)
{
	static const struct mode_case cases[] = {
		{{KERNEL}, "", ADDRESSES_DROPPED, DROPS ARGUMENT},
		{{KERNEL, "TS_EXTRA_ARGS=--netfilter-mode=on"}, "", ADDRESSES_DROPPED,
			DROPS ARGUMENT},
		{{KERNEL, "TS_EXTRA_ARGS=--netfilter-modes=off"}, "", ADDRESSES_DROPPED,
			DROPS ARGUMENT},
		{{KERNEL, "TS_EXTRA_ARGS=netfilter-mode=off"}, "", ADDRESSES_DROPPED,
			DROPS ARGUMENT},
		{{KERNEL, "TS_EXTRA_ARGS=--netfilter-mode=off --netfilter-mode=on"}, "",
			ADDRESSES_DROPPED, DROPS ARGUMENT},
		{{KERNEL, "TS_DEST_IP=10.0.0.9"}, "", ADDRESSES_DROPPED, DROPS},
		{{KERNEL, "TS_EXPERIMENTAL_DEST_DNS_NAME=db"}, "", ADDRESSES_DROPPED, DROPS},
		{{KERNEL, "TS_ROUTES=10.0.0.0/8"}, "", ADDRESSES_DROPPED, DROPS},
		{{KERNEL, "TS_INGRESS_PROXIES_CONFIG_PATH=/x"}, "", ADDRESSES_DROPPED, DROPS},
		{{"TS_USERSPACE=true"}, "", ADDRESSES_SHARED, SHARED},
		{{KERNEL, "TS_EXTRA_ARGS=--ssh --netfilter-mode=off"}, "", ADDRESSES_SHARED,
			SHARED},
		{{KERNEL, "TS_EXTRA_ARGS=-netfilter-mode nodivert --ssh"}, "", ADDRESSES_SHARED,
			SHARED},
		{{KERNEL, "TS_EXTRA_ARGS=--netfilter-mode=off", "TS_DEST_IP=10.0.0.9"}, "",
			ADDRESSES_SHARED, ONE_SIDED("off")},
		{{KERNEL, "TS_EXTRA_ARGS=--netfilter-mode nodivert", "TS_ROUTES=10.0.0.0/8"}, "",
			ADDRESSES_SHARED, ONE_SIDED("nodivert")},
		{{KERNEL}, "nodivert", ADDRESSES_SHARED, SHARED},
		{{KERNEL}, "off", ADDRESSES_SHARED, SHARED},
		{{KERNEL}, "on", ADDRESSES_DROPPED, DROPS ARGUMENT},
	};
	struct host_address all[] = {make("lo", "127.0.0.1", true), make("eth0", "10.0.0.5", false),
		make("abcdefghijklmno", "100.127.255.254", false)};
	char sentence[ADDRESSES_SENTENCE_MAX];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct mode_case *c = &cases[i];
		AUTO(strv_fini) struct strv env = {0};
		for (size_t k = 0; k < ARRAY_LEN(c->env) && c->env[k] != NULL; k++)
			strv_push(&env, c->env[k]);
		AUTO(settings_freep) struct settings *s = settings_parse(env.items);
		AUTO(mem_free) char *expected = xasprintf("%s%s", BEGIN, c->sentence);
		assert_int_equal(addresses_decide(s, c->config_mode, all, ARRAY_LEN(all), sentence),
			c->verdict);
		assert_string_equal(sentence, expected);
	}
}

static void mode_in_a_configuration_file(void **state)
{
	struct host_address a = make("abcdefghijklmno", "100.127.255.254", false);
	char sentence[ADDRESSES_SENTENCE_MAX];
	char *env[] = {KERNEL, "TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=/config", NULL};
	AUTO(settings_freep) struct settings *s = settings_parse(env);
	(void)state;
	assert_int_equal(addresses_decide(s, "", &a, 1, sentence), ADDRESSES_DROPPED);
	assert_string_equal(sentence, BEGIN DROPS IN_CONFIG);
	assert_int_equal(addresses_decide(s, "nodivert", &a, 1, sentence), ADDRESSES_SHARED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range),
		cmocka_unit_test(modes),
		cmocka_unit_test(mode_in_a_configuration_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
