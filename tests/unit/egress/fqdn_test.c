#include "egress/fqdn.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/mem.h"

#define A10 "aaaaaaaaaa"
#define A50 A10 A10 A10 A10 A10
#define L63 A50 A10 "aaa"

static void test_normal_form(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
		{"", "."},
		{".", "."},
		{"..", "."},
		{"web", "web."},
		{"web.", "web."},
		{".web.example.ts.net", "web.example.ts.net."},
		{"Web.Example.ts.net.", "Web.Example.ts.net."},
		{"what ever_\xc3\xa4.x", "what ever_\xc3\xa4.x."},
		{L63 ".x", L63 ".x."},
		/* 253 bytes and a dot */
		{L63 "." L63 "." L63 "." A50 A10 "a", L63 "." L63 "." L63 "." A50 A10 "a."},
		{L63 "." L63 "." L63 "." A50 A10 "a.", L63 "." L63 "." L63 "." A50 A10 "a."},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[FQDN_TEXT_MAX];
		struct err e;
		assert_int_equal(fqdn_normalise(rows[i].text, out, &e), 0);
		assert_string_equal(out, rows[i].want);
	}
}

static void test_no_names(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		const char *want;
	} rows[] = {
		{"...", -EINVAL, "\"\" is not a valid DNS label"},
		{"a..b", -EINVAL, "\"\" is not a valid DNS label"},
		{"a..", -EINVAL, "\"\" is not a valid DNS label"},
		{"..a", -EINVAL, "\"\" is not a valid DNS label"},
		{L63 "b.x", -EINVAL, "\"" L63 "b\" is not a valid DNS label"},
		{"x." L63 "b", -EINVAL, "\"" L63 "b\" is not a valid DNS label"},
		{L63 "." L63 "." L63 "." A50 A10 "aa", -ENAMETOOLONG,
			"\"" L63 "." L63 "." L63 "." A50 A10 "aa\" is too long to be a DNS name"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[FQDN_TEXT_MAX];
		struct err e;
		assert_int_equal(fqdn_normalise(rows[i].text, out, &e), rows[i].code);
		assert_string_equal(e.msg, rows[i].want);
	}
}

static void test_equal(void **state)
{
	(void)state;
	assert_true(fqdn_equal("web.ts.net", "web.ts.net."));
	assert_true(fqdn_equal("Web.TS.net.", "wEB.ts.net"));
	assert_true(fqdn_equal("", "."));
	assert_false(fqdn_equal("web.ts.net", "web.ts.net.x"));
	assert_false(fqdn_equal("web.ts.net", "wob.ts.net"));
	assert_false(fqdn_equal("web", "web.."));
}

static void test_via(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *want; /* NULL = another kind of name */
	} rows[] = {
		{"10-1-2-3-via-7", "fd7a:115c:a1e0:b1a:0:7:a01:203"},
		{"10-1-2-3-via-7.", "fd7a:115c:a1e0:b1a:0:7:a01:203"},
		{"0-0-0-0-via-0", "fd7a:115c:a1e0:b1a::"},
		{"10-1-2-3-via-7.example.ts.net", "fd7a:115c:a1e0:b1a:0:7:a01:203"},
		{"10-1-2-3-via-7.example.ts.net.", "fd7a:115c:a1e0:b1a:0:7:a01:203"},
		{"10-1-2-3-VIA-7.Example.TS.net", "fd7a:115c:a1e0:b1a:0:7:a01:203"},
		{"10-1-2-3-via-7.a.b.tailscale.net", "fd7a:115c:a1e0:b1a:0:7:a01:203"},
		{"10-1-2-3-via-7.ts.net", NULL},
		{"10-1-2-3-via-7.xts.net", NULL},
		{"10-1-2-3-via-7.example.com", NULL},
		{"web.example.ts.net", NULL},
		{"10-1-2-via-7777", NULL},
		{"10-1-2-3-4-via-7", NULL},
		{"10-1-2-256-via-7", NULL},
		{"10-01-2-3-via-7", NULL},
		{"10-1-2-3-via-via-7", NULL},
		{"-1-2-3-via-70000", NULL},
		{"::a01:203-via-7", NULL},
		{"::ffff:10-1-2-3-via-7", NULL},
		{"1-1-1-1-via7", NULL},
		{"1-1-1-1-via-", NULL},
		{"1-1-1-1-via-.a.ts.net", NULL},
		{"1-1-1-1-via-7-8", NULL},
		{"", NULL},
		{".", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ipaddr got = {.family = IPADDR_NONE};
		char text[IPADDR_TEXT_MAX];
		assert_int_equal(fqdn_parse_via(rows[i].text, &got), rows[i].want != NULL);
		if (rows[i].want != NULL)
			assert_string_equal(ipaddr_format(&got, text), rows[i].want);
	}
}

/* What Go's strconv.ParseUint(text, 0, 32) makes of it. */
static void test_site(void **state)
{
	(void)state;
	static const struct {
		const char *site;
		int64_t want; /* -1 = none */
	} rows[] = {
		{"0", 0},
		{"00", 0},
		{"7", 7},
		{"07", 7},
		{"010", 8},
		{"08", -1},
		{"0o17", 15},
		{"0O17", 15},
		{"0x1f", 31},
		{"0X1F", 31},
		{"0b101", 5},
		{"0B101", 5},
		{"0b102", -1},
		{"0x", -1},
		{"0b", -1},
		{"0o", -1},
		{"0xg", -1},
		{"4294967295", 4294967295},
		{"4294967296", -1},
		{"0xffffffff", 4294967295},
		{"0x100000000", -1},
		{"99999999999999999999999", -1},
		{"1_000", 1000},
		{"1__000", -1},
		{"_1", -1},
		{"1_", -1},
		{"0_7", 7},
		{"0x_1f", 31},
		{"0x1_f", 31},
		{"0x__1", -1},
		{"0x_", -1},
		{"0_", -1},
		{"+1", -1},
		{"1a", -1},
		{"", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(mem_free) char *name = xasprintf("10-1-2-3-via-%s.a.ts.net", rows[i].site);
		struct ipaddr got = {.family = IPADDR_NONE};
		bool is_via = fqdn_parse_via(name, &got);
		int64_t site = is_via ? (int64_t)got.bytes[8] << 24 | got.bytes[9] << 16 |
						got.bytes[10] << 8 | got.bytes[11]
				      : -1;
		if (site != rows[i].want)
			fail_msg("%s gave %lld", name, (long long)site);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normal_form),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_via),
		cmocka_unit_test(test_site),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
