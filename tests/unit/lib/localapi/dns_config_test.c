#include "lib/localapi/dns_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/localapi/ipnbus.h"
#include "lib/localapi/records.h"

/* The domains as words; NULL where the document is refused. */
static void expect(const char *text, const char *words)
{
	AUTO(strv_fini) struct strv domains = {0};
	struct err e = {0};
	strv_push(&domains, "old");
	int code = dns_config_read(text, strlen(text), NULL, &domains, &e);
	AUTO(mem_free) char *joined = strv_join(&domains, " ");
	assert_int_equal(code, words != NULL ? 0 : -EINVAL);
	assert_string_equal(joined, words != NULL ? words : "old");
}

static void domains_are_read(void **state)
{
	(void)state;
	expect("{\"CertDomains\":[\"n.t.ts.net\",\"m\"]}", "n.t.ts.net m");
	expect("{\n\t\"CertDomains\": [\n\t\t\"n\"\n\t],\n\t\"Proxied\": true\n}\n", "n");
	expect("{\"CertDomains\":null}", "");
	expect("{\"CertDomains\":7}", "");
	expect("{\"CertDomains\":[null,7,[\"x\"],\"a\",\"\\u0062\"]}", "a b");
	expect("{\"CertDomains\":[\"a\"],\"CertDomains\":[\"b\"]}", "b");
	expect("{}", "");
	expect("null", "old");
	expect("[]", NULL);
	expect("", NULL);
	expect("{\"CertDomains\":[\"a\"]", NULL);
	expect("{\"CertDomains\":[\"a\"]} x", NULL);
	expect("{\"CertDomains\":[\"a\"]}{}", NULL);
}

static void both_come_with_one_reading(void **state)
{
	static const char text[] = "{\"ExtraRecords\":[{\"Name\":\"svc\",\"Value\":\"100.1.1.1\"}],"
				   "\"CertDomains\":[\"n\"]}";
	AUTO(strv_fini) struct strv domains = {0};
	AUTO(strv_fini) struct strv names = {0};
	struct records *records = records_new();
	const struct ipaddr *addresses;
	size_t count;
	struct err e;
	(void)state;
	strv_push(&names, "svc.");
	records_want(records, &names);
	assert_int_equal(dns_config_read(text, strlen(text), records, &domains, &e), 0);
	assert_true(records_lookup(records, "svc", &addresses, &count));
	assert_int_equal(count, 1);
	assert_int_equal(domains.len, 1);
	assert_int_equal(dns_config_read("{]", 2, records, &domains, &e), -EINVAL);
	assert_true(records_lookup(records, "svc", &addresses, &count));
	assert_int_equal(domains.len, 1);
	assert_int_equal(dns_config_read(text, strlen(text), NULL, NULL, &e), 0);
	records_free(records);
}

static void a_flood_of_domains_is_bounded(void **state)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1024u * 1024);
	AUTO(strv_fini) struct strv domains = {0};
	struct err e;
	(void)state;
	assert_int_equal(buf_append_str(&text, "{\"CertDomains\":[", &e), 0);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buf_printf(&text, &e, "\"d%d.t.ts.net\",", i), 0);
	assert_int_equal(buf_append_str(&text, "\"last\"]}", &e), 0);
	assert_int_equal(dns_config_read(text.data, text.len, NULL, &domains, &e), 0);
	assert_int_equal(domains.len, IPN_CERT_DOMAINS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_are_read),
		cmocka_unit_test(both_come_with_one_reading),
		cmocka_unit_test(a_flood_of_domains_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
