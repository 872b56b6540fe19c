#include "lib/base/ipaddr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct row {
	const char *text;
	const char *string; /* NULL = refused */
	const char *error;
};

/* The expected columns are what Go 1.26 prints. */
/* clang-format off */
static const struct row addrs[] = {
	{"1.2.3.4", "1.2.3.4", NULL},
	{"0.0.0.0", "0.0.0.0", NULL},
	{"255.255.255.255", "255.255.255.255", NULL},
	{"::", "::", NULL},
	{"::1", "::1", NULL},
	{"1::", "1::", NULL},
	{"2001:DB8::1", "2001:db8::1", NULL},
	{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", NULL},
	{"2001:0db8:0001:0001:0001:0001:0001:0001", "2001:db8:1:1:1:1:1:1", NULL},
	{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", NULL},
	{"fe80::1%eth0", "fe80::1%eth0", NULL},
	{"::ffff:1.2.3.4", "::ffff:1.2.3.4", NULL},
	{"::ffff:0102:0304", "::ffff:1.2.3.4", NULL},
	{"::ffff:1.2.3.4%en0", "::ffff:1.2.3.4%en0", NULL},
	{"::1.2.3.4", "::102:304", NULL},
	{"64:ff9b::192.0.2.1", "64:ff9b::c000:201", NULL},
	{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", NULL},
	{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", NULL},
	{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8", NULL},
	{"1:0:0:4:0:0:0:8", "1:0:0:4::8", NULL},
	{"0:0:0:0:0:0:13.1.68.3", "::d01:4403", NULL},
	{"fd7a:115c:a1e0::53", "fd7a:115c:a1e0::53", NULL},
	{"1:2:3:4:5:6:77.77.88.88", "1:2:3:4:5:6:4d4d:5858", NULL},
	{"::%x", "::%x", NULL},
	{"", NULL, "ParseAddr(\"\"): unable to parse IP"},
	{"x", NULL, "ParseAddr(\"x\"): unable to parse IP"},
	{"1", NULL, "ParseAddr(\"1\"): unable to parse IP"},
	{"1.2.3", NULL, "ParseAddr(\"1.2.3\"): IPv4 address too short"},
	{"1.2.3.4.5", NULL, "ParseAddr(\"1.2.3.4.5\"): IPv4 address too long"},
	{"1..2.3", NULL, "ParseAddr(\"1..2.3\"): IPv4 field must have at least one digit (at \".2.3\")"},
	{".1.2.3", NULL, "ParseAddr(\".1.2.3\"): IPv4 field must have at least one digit (at \".1.2.3\")"},
	{"1.2.3.", NULL, "ParseAddr(\"1.2.3.\"): IPv4 field must have at least one digit (at \".\")"},
	{"01.2.3.4", NULL, "ParseAddr(\"01.2.3.4\"): IPv4 field has octet with leading zero"},
	{"1.2.3.04", NULL, "ParseAddr(\"1.2.3.04\"): IPv4 field has octet with leading zero"},
	{"00.0.0.0", NULL, "ParseAddr(\"00.0.0.0\"): IPv4 field has octet with leading zero"},
	{"256.1.1.1", NULL, "ParseAddr(\"256.1.1.1\"): IPv4 field has value >255"},
	{"1.2.3.999", NULL, "ParseAddr(\"1.2.3.999\"): IPv4 field has value >255"},
	{"1.2.3.4 ", NULL, "ParseAddr(\"1.2.3.4 \"): unexpected character (at \" \")"},
	{" 1.2.3.4", NULL, "ParseAddr(\" 1.2.3.4\"): unexpected character (at \" 1.2.3.4\")"},
	{"1.2.3.4%eth0", NULL, "ParseAddr(\"1.2.3.4%eth0\"): unexpected character (at \"%eth0\")"},
	{"1.2.3.4:80", NULL, "ParseAddr(\"1.2.3.4:80\"): unexpected character (at \":80\")"},
	{"1.2.3.-4", NULL, "ParseAddr(\"1.2.3.-4\"): unexpected character (at \"-4\")"},
	{"%eth0", NULL, "ParseAddr(\"%eth0\"): missing IPv6 address"},
	{"::1%", NULL, "ParseAddr(\"::1%\"): zone must be a non-empty string"},
	{"fe80::1%", NULL, "ParseAddr(\"fe80::1%\"): zone must be a non-empty string"},
	{":", NULL, "ParseAddr(\":\"): each colon-separated field must have at least one digit (at \":\")"},
	{":::", NULL, "ParseAddr(\":::\"): each colon-separated field must have at least one digit (at \":\")"},
	{"1:", NULL, "ParseAddr(\"1:\"): colon must be followed by more characters (at \":\")"},
	{":1", NULL, "ParseAddr(\":1\"): each colon-separated field must have at least one digit (at \":1\")"},
	{"::1::", NULL, "ParseAddr(\"::1::\"): multiple :: in address (at \":\")"},
	{"1::2::3", NULL, "ParseAddr(\"1::2::3\"): multiple :: in address (at \":3\")"},
	{"1:2:3:4:5:6:7", NULL, "ParseAddr(\"1:2:3:4:5:6:7\"): address string too short"},
	{"1:2:3:4:5:6:7:8:9", NULL, "ParseAddr(\"1:2:3:4:5:6:7:8:9\"): trailing garbage after address (at \"9\")"},
	{"1:2:3:4:5:6:7:8::", NULL, "ParseAddr(\"1:2:3:4:5:6:7:8::\"): the :: must expand to at least one field of zeros"},
	{"::1:2:3:4:5:6:7:8", NULL, "ParseAddr(\"::1:2:3:4:5:6:7:8\"): the :: must expand to at least one field of zeros"},
	{"12345::", NULL, "ParseAddr(\"12345::\"): each group must have 4 or less digits (at \"12345::\")"},
	{"g::", NULL, "ParseAddr(\"g::\"): each colon-separated field must have at least one digit (at \"g::\")"},
	{"1::g", NULL, "ParseAddr(\"1::g\"): each colon-separated field must have at least one digit (at \"g\")"},
	{"1:2:3:4:5:1.2.3.4:8", NULL, "ParseAddr(\"1:2:3:4:5:1.2.3.4:8\"): embedded IPv4 address must replace the final 2 fields of the address (at \"1.2.3.4:8\")"},
	{"1.2.3.4::", NULL, "ParseAddr(\"1.2.3.4::\"): unexpected character (at \"::\")"},
	{"::1.2.3", NULL, "ParseAddr(\"::1.2.3\"): IPv4 address too short"},
	{"::1.2.3.4.5", NULL, "ParseAddr(\"::1.2.3.4.5\"): IPv4 address too long"},
	{"::01.2.3.4", NULL, "ParseAddr(\"::01.2.3.4\"): IPv4 field has octet with leading zero"},
	{"::256.0.0.1", NULL, "ParseAddr(\"::256.0.0.1\"): IPv4 field has value >255"},
	{"1:2:3:4:5:6:7:1.2.3.4", NULL, "ParseAddr(\"1:2:3:4:5:6:7:1.2.3.4\"): embedded IPv4 address must replace the final 2 fields of the address (at \"1.2.3.4\")"},
	{"1:1.2.3.4", NULL, "ParseAddr(\"1:1.2.3.4\"): embedded IPv4 address must replace the final 2 fields of the address (at \"1.2.3.4\")"},
	{"1:2:3:4:5:6:7:8 ", NULL, "ParseAddr(\"1:2:3:4:5:6:7:8 \"): unexpected character, want colon (at \" \")"},
	{"[::1]", NULL, "ParseAddr(\"[::1]\"): each colon-separated field must have at least one digit (at \"[::1]\")"},
	{"fe80::1/64", NULL, "ParseAddr(\"fe80::1/64\"): unexpected character, want colon (at \"/64\")"},
	{"::ffff:1.2.3.4.", NULL, "ParseAddr(\"::ffff:1.2.3.4.\"): IPv4 field must have at least one digit (at \".\")"},
	{"1:2:3:4:5:6:7:8%", NULL, "ParseAddr(\"1:2:3:4:5:6:7:8%\"): zone must be a non-empty string"},
	{"caf\303\251", NULL, "ParseAddr(\"caf\303\251\"): unable to parse IP"},
	{"localhost:80", NULL, "ParseAddr(\"localhost:80\"): each colon-separated field must have at least one digit (at \"localhost:80\")"},
	{"::fffff", NULL, "ParseAddr(\"::fffff\"): each group must have 4 or less digits (at \"fffff\")"},
};

static const struct row prefixes[] = {
	{"10.0.0.0/8", "10.0.0.0/8", NULL},
	{"10.1.2.3/8", "10.1.2.3/8", NULL},
	{"0.0.0.0/0", "0.0.0.0/0", NULL},
	{"1.2.3.4/32", "1.2.3.4/32", NULL},
	{"::/0", "::/0", NULL},
	{"fd7a:115c:a1e0::/48", "fd7a:115c:a1e0::/48", NULL},
	{"::1/128", "::1/128", NULL},
	{"::ffff:1.2.3.4/120", "::ffff:1.2.3.4/120", NULL},
	{"1.2.3.4/9", "1.2.3.4/9", NULL},
	{"", NULL, "netip.ParsePrefix(\"\"): no '/'"},
	{"1.2.3.4", NULL, "netip.ParsePrefix(\"1.2.3.4\"): no '/'"},
	{"1.2.3.4/", NULL, "netip.ParsePrefix(\"1.2.3.4/\"): bad bits after slash: \"\""},
	{"1.2.3.4/33", NULL, "netip.ParsePrefix(\"1.2.3.4/33\"): prefix length out of range"},
	{"::1/129", NULL, "netip.ParsePrefix(\"::1/129\"): prefix length out of range"},
	{"1.2.3.4/-1", NULL, "netip.ParsePrefix(\"1.2.3.4/-1\"): bad bits after slash: \"-1\""},
	{"1.2.3.4/+8", NULL, "netip.ParsePrefix(\"1.2.3.4/+8\"): bad bits after slash: \"+8\""},
	{"1.2.3.4/08", NULL, "netip.ParsePrefix(\"1.2.3.4/08\"): bad bits after slash: \"08\""},
	{"1.2.3.4/8x", NULL, "netip.ParsePrefix(\"1.2.3.4/8x\"): bad bits after slash: \"8x\""},
	{"1.2.3/8", NULL, "netip.ParsePrefix(\"1.2.3/8\"): ParseAddr(\"1.2.3\"): IPv4 address too short"},
	{"fe80::1%eth0/64", NULL, "netip.ParsePrefix(\"fe80::1%eth0/64\"): IPv6 zones cannot be present in a prefix"},
	{"fe80::1%eth0/", NULL, "netip.ParsePrefix(\"fe80::1%eth0/\"): IPv6 zones cannot be present in a prefix"},
	{"/8", NULL, "netip.ParsePrefix(\"/8\"): ParseAddr(\"\"): unable to parse IP"},
	{"1.2.3.4/8/8", NULL, "netip.ParsePrefix(\"1.2.3.4/8/8\"): ParseAddr(\"1.2.3.4/8\"): unexpected character (at \"/8\")"},
	{"1.2.3.4/99999999999999999999", NULL, "netip.ParsePrefix(\"1.2.3.4/99999999999999999999\"): bad bits after slash: \"99999999999999999999\""},
	{"1.2.3.4/ 8", NULL, "netip.ParsePrefix(\"1.2.3.4/ 8\"): bad bits after slash: \" 8\""},
	{"1.2.3.4/00", NULL, "netip.ParsePrefix(\"1.2.3.4/00\"): bad bits after slash: \"00\""},
};

static const struct row pairs[] = {
	{"1.2.3.4:80", "1.2.3.4:80", NULL},
	{"1.2.3.4:0", "1.2.3.4:0", NULL},
	{"1.2.3.4:65535", "1.2.3.4:65535", NULL},
	{"[::1]:80", "[::1]:80", NULL},
	{"[fe80::1%eth0]:80", "[fe80::1%eth0]:80", NULL},
	{"[::ffff:1.2.3.4]:80", "[::ffff:1.2.3.4]:80", NULL},
	{"1.2.3.4:080", "1.2.3.4:80", NULL},
	{"", NULL, "not an ip:port"},
	{"1.2.3.4", NULL, "not an ip:port"},
	{":80", NULL, "no IP"},
	{"1.2.3.4:", NULL, "no port"},
	{"[::1]", NULL, "missing ]"},
	{"[::1]:", NULL, "no port"},
	{"::1:80", NULL, "invalid ip:port \"::1:80\", IPv6 addresses must be surrounded by square brackets"},
	{"[1.2.3.4]:80", NULL, "invalid ip:port \"[1.2.3.4]:80\", square brackets can only be used with IPv6 addresses"},
	{"[::1:80", NULL, "missing ]"},
	{"[:80", NULL, "missing ]"},
	{"[]:80", NULL, "ParseAddr(\"\"): unable to parse IP"},
	{"1.2.3.4:65536", NULL, "invalid port \"65536\" parsing \"1.2.3.4:65536\""},
	{"1.2.3.4:-1", NULL, "invalid port \"-1\" parsing \"1.2.3.4:-1\""},
	{"1.2.3.4:+1", NULL, "invalid port \"+1\" parsing \"1.2.3.4:+1\""},
	{"1.2.3.4:http", NULL, "invalid port \"http\" parsing \"1.2.3.4:http\""},
	{"host:80", NULL, "ParseAddr(\"host\"): unable to parse IP"},
	{"1.2.3.4]:80", NULL, "ParseAddr(\"1.2.3.4]\"): unexpected character (at \"]\")"},
	{"0.0.0.0:9001 ", NULL, "invalid port \"9001 \" parsing \"0.0.0.0:9001 \""},
};
/* clang-format on */

/* Compares the outcome of one row. */
static void check(const struct row *row, int r, const char *string, const struct err *e)
{
	if (row->string == NULL) {
		assert_int_equal(r, -EINVAL);
		assert_string_equal(e->msg, row->error);
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(string, row->string);
}

static void addr_parses_as_go(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addrs); i++) {
		struct err e = {0};
		struct ipaddr a;
		char text[IPADDR_TEXT_MAX];
		int r = ipaddr_parse(addrs[i].text, &a, &e);
		check(&addrs[i], r, ipaddr_format(&a, text), &e);
		assert_int_equal(a.family == IPADDR_NONE, r < 0);
	}
}

static void prefix_parses_as_go(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		struct err e = {0};
		struct ipprefix p;
		char text[IPPREFIX_TEXT_MAX];
		int r = ipprefix_parse(prefixes[i].text, &p, &e);
		check(&prefixes[i], r, ipprefix_format(&p, text), &e);
		assert_int_equal(p.addr.family == IPADDR_NONE, r < 0);
	}
}

static void an_ipv6_address_gets_its_brackets(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want; /* want NULL: stays */
	} cases[] = {
		{"fd00::1:9002", "[fd00::1]:9002"},
		{"FD00::0:1:9002", "[FD00::0:1]:9002"},
		{"1:2:3:4:5:6:7:8:9002", "[1:2:3:4:5:6:7:8]:9002"},
		{":::9002", "[::]:9002"},
		{"::1:9002", "[::1]:9002"},
		{"::ffff:10.0.0.1:80", "[::ffff:10.0.0.1]:80"},
		{"fe80::1%eth0:80", "[fe80::1%eth0]:80"},
		{"fd00::1:http", "[fd00::1]:http"},
		/* An address without a port. */
		{"fd00::1", NULL},
		{"::1", NULL},
		{"1:2:3:4:5:6:7:8", NULL},
		{"[fd00::1]:9002", NULL},
		{"[fd00::1:9002", NULL},
		{"10.0.0.1:9002", NULL},
		{"localhost:1080", NULL},
		{":1080", NULL},
		{"::", NULL},
		{"", NULL},
		{"x", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(mem_free) char *text = addrport_bracket(cases[i].text);
		assert_string_equal(text, cases[i].want != NULL ? cases[i].want : cases[i].text);
	}
}

static void addrport_parses_as_go(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct err e = {0};
		struct addrport a;
		char text[ADDRPORT_TEXT_MAX];
		int r = addrport_parse(pairs[i].text, &a, &e);
		check(&pairs[i], r, addrport_format(&a, text), &e);
		assert_int_equal(a.addr.family == IPADDR_NONE, r < 0);
	}
}

static struct ipaddr addr(const char *text)
{
	struct err e;
	struct ipaddr a;
	assert_int_equal(ipaddr_parse(text, &a, &e), 0);
	return a;
}

static struct ipprefix prefix(const char *text)
{
	struct err e;
	struct ipprefix p;
	assert_int_equal(ipprefix_parse(text, &p, &e), 0);
	return p;
}

static void longest_spellings_fit(void **state)
{
	(void)state;
	const char *longest = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%abcdefghijklmno]:65535";
	struct err e;
	struct addrport a;
	struct ipaddr too_long;
	char text[ADDRPORT_TEXT_MAX];
	assert_int_equal(addrport_parse(longest, &a, &e), 0);
	assert_string_equal(addrport_format(&a, text), longest);
	assert_int_equal(ipaddr_parse("fe80::1%abcdefghijklmnop", &too_long, &e), -EINVAL);
}

static void overlong_text_is_refused(void **state)
{
	(void)state;
	char text[4096];
	struct err e;
	struct ipaddr a;
	struct ipprefix p;
	struct addrport pair;
	memset(text, '1', sizeof(text));
	strcpy(text + sizeof(text) - 8, ":1/1:80");
	assert_int_equal(ipaddr_parse(text, &a, &e), -EINVAL);
	assert_int_equal(ipprefix_parse(text, &p, &e), -EINVAL);
	assert_int_equal(addrport_parse(text, &pair, &e), -EINVAL);
}

static void unset_values_format(void **state)
{
	(void)state;
	struct addrport a = {0};
	struct ipprefix p = {0};
	char text[ADDRPORT_TEXT_MAX];
	assert_string_equal(ipaddr_format(&a.addr, text), "invalid IP");
	assert_string_equal(ipprefix_format(&p, text), "invalid Prefix");
	assert_string_equal(addrport_format(&a, text), "invalid AddrPort");
}

static void compare_orders_by_family_bytes_zone(void **state)
{
	(void)state;
	static const char *const order[] = {"0.0.0.1", "10.0.0.1", "255.0.0.0", "::", "::1",
		"::ffff:10.0.0.1", "fe80::1", "fe80::1%eth0", "fe80::1%eth1", "ffff::"};
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		for (size_t j = 0; j < ARRAY_LEN(order); j++) {
			struct ipaddr a = addr(order[i]);
			struct ipaddr b = addr(order[j]);
			int r = ipaddr_compare(&a, &b);
			assert_int_equal((r > 0) - (r < 0), (i > j) - (i < j));
			assert_int_equal(ipaddr_equal(&a, &b), i == j);
		}
	}
}

static void prefix_contains_by_bits(void **state)
{
	(void)state;
	static const struct {
		const char *prefix;
		const char *addr;
		bool want;
	} rows[] = {
		{"10.0.0.0/8", "10.255.0.1", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.1.2.3/9", "10.127.0.0", true},
		{"10.1.2.3/9", "10.128.0.0", false},
		{"1.2.3.4/32", "1.2.3.4", true},
		{"1.2.3.4/31", "1.2.3.5", true},
		{"1.2.3.4/32", "1.2.3.5", false},
		{"0.0.0.0/0", "255.255.255.255", true},
		{"0.0.0.0/0", "::1", false},
		{"::/0", "1.2.3.4", false},
		{"::/0", "ffff::", true},
		{"::ffff:0.0.0.0/96", "1.2.3.4", false},
		{"::ffff:0.0.0.0/96", "::ffff:1.2.3.4", true},
		{"fd7a:115c:a1e0::/48", "fd7a:115c:a1e0:ffff::1", true},
		{"fd7a:115c:a1e0::/48", "fd7a:115c:a1e1::1", false},
		{"::1/128", "::1", true},
		{"fe80::/10", "fe80::1", true},
		{"fe80::/10", "fe80::1%eth0", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ipprefix p = prefix(rows[i].prefix);
		struct ipaddr a = addr(rows[i].addr);
		assert_int_equal(ipprefix_contains(&p, &a), rows[i].want);
	}
}

static void single_prefixes(void **state)
{
	(void)state;
	struct ipprefix four = prefix("1.2.3.4/32");
	struct ipprefix six = prefix("::1/128");
	struct ipprefix wide = prefix("::1/32");
	struct ipprefix none = {0};
	struct ipaddr zoned = addr("::1%eth0");
	struct ipprefix from = ipprefix_from_addr(&zoned);
	assert_true(ipprefix_is_single(&four));
	assert_true(ipprefix_is_single(&six));
	assert_false(ipprefix_is_single(&wide));
	assert_false(ipprefix_is_single(&none));
	assert_true(ipprefix_equal(&from, &six));
	assert_false(ipprefix_equal(&six, &wide));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addr_parses_as_go),
		cmocka_unit_test(prefix_parses_as_go),
		cmocka_unit_test(addrport_parses_as_go),
		cmocka_unit_test(an_ipv6_address_gets_its_brackets),
		cmocka_unit_test(longest_spellings_fit),
		cmocka_unit_test(overlong_text_is_refused),
		cmocka_unit_test(unset_values_format),
		cmocka_unit_test(compare_orders_by_family_bytes_zone),
		cmocka_unit_test(prefix_contains_by_bits),
		cmocka_unit_test(single_prefixes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
