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

static struct settings *parse(const char *userspace, const char *extra_args)
{
	AUTO(strv_fini) struct strv env = {0};
	strv_pushf(&env, "TS_USERSPACE=%s", userspace);
	strv_pushf(&env, "TS_EXTRA_ARGS=%s", extra_args);
	return settings_parse(env.items);
}

static enum addresses_verdict decide(
	const char *userspace, const char *extra_args, char sentence[ADDRESSES_SENTENCE_MAX])
{
	struct host_address all[] = {make("lo", "127.0.0.1", true), make("eth0", "10.0.0.5", false),
		make("net1", "100.70.3.4", false)};
	AUTO(settings_freep) struct settings *s = parse(userspace, extra_args);
	return addresses_decide(s, all, ARRAY_LEN(all), sentence, ADDRESSES_SENTENCE_MAX);
}

/* Who drops it is told only where somebody does. */
static void modes(void **state)
{
	char sentence[ADDRESSES_SENTENCE_MAX] = "";
	(void)state;
	assert_int_equal(decide("false", "", sentence), ADDRESSES_DROPPED);
	assert_string_equal(sentence,
		"the address 100.70.3.4 of net1 is in 100.64.0.0/10, the range of the tailnet: "
		"tailscaled drops all that comes from this range but through the tunnel; give Pods "
		"another range");
	assert_int_equal(decide("true", "", sentence), ADDRESSES_SHARED);
	assert_null(strstr(sentence, "drops"));
	assert_int_equal(decide("false", "--ssh --netfilter-mode=off", sentence), ADDRESSES_SHARED);
	assert_int_equal(decide("false", "--netfilter-mode=on", sentence), ADDRESSES_DROPPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range),
		cmocka_unit_test(modes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
