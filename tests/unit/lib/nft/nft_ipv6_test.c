/* The part of the answer that comes from files; the other needs a namespace (tests/kernel). */
#include "lib/nft/nft_ipv6.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/tempdir.h"

#define TREE "proc/sys/net/ipv6"
#define DISABLE TREE "/conf/all/disable_ipv6"
#define POLICY TREE "/conf/all/disable_policy"

static void test_switches(void **state)
{
	static const struct {
		const char *disable; /* NULL = no such file */
		const char *policy;
		int code;
		const char *names; /* in the sentence */
	} cases[] = {
		{NULL, NULL, -ENOENT, DISABLE},
		{NULL, "0\n", -ENOENT, DISABLE},
		{"1\n", "0\n", -EADDRNOTAVAIL, "IPv6 is switched off: "},
		{"1\n", NULL, -EADDRNOTAVAIL, DISABLE " is 1"},
		{" 1", "0", -EADDRNOTAVAIL, DISABLE " is 1"},
		{"", "0\n", -EINVAL, DISABLE " is neither 0 nor 1"},
		{"2\n", "0\n", -EINVAL, DISABLE " is neither 0 nor 1"},
		{"10\n", "0\n", -EINVAL, DISABLE " is neither 0 nor 1"},
		{"off\n", "0\n", -EINVAL, DISABLE " is neither 0 nor 1"},
		{"0000000000000000000000000000000000000000000000000000000000000000"
		 "0",
			"0\n", -EMSGSIZE, DISABLE},
		{"0\n", "1\n", -EADDRNOTAVAIL, POLICY " is 1"},
		{"0\n", "x\n", -EINVAL, POLICY " is neither 0 nor 1"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		AUTO(tempdir_freep) char *root = tempdir_new();
		tempdir_write(root, TREE "/ip6frag_time", "60\n");
		if (cases[i].disable != NULL)
			tempdir_write(root, DISABLE, cases[i].disable);
		if (cases[i].policy != NULL)
			tempdir_write(root, POLICY, cases[i].policy);
		if (nft_ipv6_available(root, &e) != cases[i].code || e.code != cases[i].code ||
			strstr(e.msg, cases[i].names) == NULL)
			fail_msg("case %zu: %d, %s", i, e.code, e.msg);
	}
}

static void test_no_ipv6(void **state)
{
	struct err e = {0};
	(void)state;
	AUTO(tempdir_freep) char *root = tempdir_new();
	tempdir_write(root, "proc/sys/net/ipv4/ip_forward", "1\n");
	assert_int_equal(nft_ipv6_available(root, &e), -EAFNOSUPPORT);
	assert_non_null(strstr(e.msg, "this kernel has no IPv6: no "));
}

static void test_a_file_in_the_way(void **state)
{
	struct err e = {0};
	(void)state;
	AUTO(tempdir_freep) char *root = tempdir_new();
	tempdir_write(root, "proc/sys/net", "");
	assert_int_equal(nft_ipv6_available(root, &e), -ENOTDIR);
	assert_non_null(strstr(e.msg, "look for "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_no_ipv6),
		cmocka_unit_test(test_a_file_in_the_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
