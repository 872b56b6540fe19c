#include "lib/localapi/records.h"

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
#include "tests/support/address.h"
#include "tests/support/notify_bench.h"

struct fixture {
	struct records *records;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->records = records_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	records_free(f->records);
	free(f);
	return 0;
}

static bool want(struct records *r, const char *words)
{
	AUTO(strv_fini) struct strv list = {0};
	str_words(words, &list);
	return records_want(r, &list);
}

static void offer(struct records *r, const char *name, const char *value)
{
	struct ipaddr address = address_of(value);
	records_offer(r, name, &address);
}

/* The addresses of a name as words. */
static void expect(const struct records *r, const char *fqdn, const char *words)
{
	AUTO(strv_fini) struct strv texts = {0};
	const struct ipaddr *addresses;
	size_t count;
	bool found = records_lookup(r, fqdn, &addresses, &count);
	assert_int_equal(found, count > 0);
	for (size_t i = 0; i < count; i++) {
		char text[IPADDR_TEXT_MAX];
		strv_push(&texts, ipaddr_format(&addresses[i], text));
	}
	AUTO(mem_free) char *joined = strv_join(&texts, " ");
	assert_string_equal(joined, words);
}

static void config(struct records *r, const char *text, int code)
{
	struct err e = {0};
	/* A copy of the exact size, so that a read past its end is seen. */
	AUTO(mem_free) char *exact = xmalloc(strlen(text) + (text[0] == '\0'));
	memcpy(exact, text, strlen(text));
	assert_int_equal(records_from_dns_config(r, exact, strlen(text), &e), code);
	assert_int_equal(code == 0, e.msg[0] == '\0');
	assert_true(code == 0 || strncmp(e.msg, "dns-config: ", 12) == 0);
	assert_false(records_is_open(r));
}

static void nothing_is_kept_unasked(void **state)
{
	struct fixture *f = *state;
	assert_false(records_wants_any(f->records));
	records_begin(f->records);
	offer(f->records, "svc.t.ts.net", "100.100.1.1");
	records_end(f->records);
	expect(f->records, "svc.t.ts.net", "");
	assert_true(records_generation(f->records) == 0);
	records_free(NULL);
}

static void wants_are_a_set_of_names(void **state)
{
	struct fixture *f = *state;
	assert_false(want(f->records, ""));
	assert_true(want(f->records, "a.x b.x"));
	assert_true(records_wants_any(f->records));
	assert_false(want(f->records, "B.X. a.x. a.x"));
	assert_true(want(f->records, "a.x"));
	assert_true(want(f->records, ""));
	assert_false(records_wants_any(f->records));
	/* The root, and what is longer than any name, are nobody's. */
	AUTO(mem_free) char *endless = xmalloc(5000);
	memset(endless, 'x', 4999);
	endless[4999] = '\0';
	assert_false(want(f->records, "."));
	assert_false(want(f->records, endless));
	expect(f->records, endless, "");
	expect(f->records, ".", "");
	expect(f->records, "", "");
}

static void names_match_without_dot_and_case(void **state)
{
	struct fixture *f = *state;
	want(f->records, "Svc.T.ts.net other.t.ts.net.");
	records_begin(f->records);
	offer(f->records, "sVC.t.TS.net.", "100.100.1.1");
	offer(f->records, ".svc.t.ts.net", "fd7a:115c:a1e0::1");
	offer(f->records, "svc.t.ts.net..", "100.100.1.2");
	offer(f->records, "xsvc.t.ts.net", "100.100.1.3");
	offer(f->records, "", "100.100.1.4");
	offer(f->records, ".", "100.100.1.4");
	records_end(f->records);
	expect(f->records, "SVC.t.ts.net.", "100.100.1.1 fd7a:115c:a1e0::1");
	expect(f->records, "svc.t.ts.net", "100.100.1.1 fd7a:115c:a1e0::1");
	expect(f->records, "other.t.ts.net", "");
	expect(f->records, "xsvc.t.ts.net", "");
}

static void order_is_kept_and_repeats_are_not(void **state)
{
	struct fixture *f = *state;
	want(f->records, "a");
	records_begin(f->records);
	offer(f->records, "a", "100.1.1.9");
	offer(f->records, "a", "fe80::1%eth0");
	offer(f->records, "a", "100.1.1.1");
	offer(f->records, "a", "100.1.1.9");
	offer(f->records, "a", "fe80::1%eth1");
	offer(f->records, "a", "100.1.1.5");
	offer(f->records, "a", "100.1.1.1");
	records_end(f->records);
	expect(f->records, "a", "100.1.1.9 fe80::1 100.1.1.1 100.1.1.5");
}

static void a_replacement_is_whole(void **state)
{
	struct fixture *f = *state;
	want(f->records, "a b");
	records_begin(f->records);
	offer(f->records, "a", "100.1.1.1");
	offer(f->records, "b", "100.1.1.2");
	expect(f->records, "a", "");
	assert_true(records_is_open(f->records));
	records_end(f->records);
	assert_true(records_generation(f->records) == 1);
	/* The same again is no change. */
	records_begin(f->records);
	offer(f->records, "b", "100.1.1.2");
	offer(f->records, "a", "100.1.1.1");
	records_end(f->records);
	assert_true(records_generation(f->records) == 1);
	/* Begun anew, and cut off. */
	records_begin(f->records);
	offer(f->records, "a", "100.1.1.7");
	records_begin(f->records);
	offer(f->records, "b", "100.1.1.3");
	records_cancel(f->records);
	offer(f->records, "b", "100.1.1.4");
	records_end(f->records);
	expect(f->records, "a", "100.1.1.1");
	expect(f->records, "b", "100.1.1.2");
	records_begin(f->records);
	records_begin(f->records);
	offer(f->records, "b", "100.1.1.3");
	records_end(f->records);
	expect(f->records, "a", "");
	expect(f->records, "b", "100.1.1.3");
	assert_true(records_generation(f->records) == 2);
	/* By none. */
	records_begin(f->records);
	records_end(f->records);
	expect(f->records, "b", "");
	assert_true(records_generation(f->records) == 3);
	records_end(f->records);
	assert_true(records_generation(f->records) == 3);
}

static void what_is_still_wanted_stays(void **state)
{
	struct fixture *f = *state;
	want(f->records, "a b c");
	records_begin(f->records);
	offer(f->records, "a", "100.1.1.1");
	offer(f->records, "b", "100.1.1.2");
	records_end(f->records);
	uint64_t generation = records_generation(f->records);
	/* One that had nothing goes unnoticed. */
	want(f->records, "a b d");
	assert_true(records_generation(f->records) == generation);
	/* In the middle of a replacement. */
	records_begin(f->records);
	offer(f->records, "a", "100.1.1.3");
	want(f->records, "d a");
	assert_true(records_generation(f->records) == generation + 1);
	expect(f->records, "a", "100.1.1.1");
	expect(f->records, "b", "");
	offer(f->records, "d", "100.1.1.4");
	records_end(f->records);
	expect(f->records, "a", "100.1.1.3");
	expect(f->records, "d", "100.1.1.4");
}

static void a_dns_config_replaces(void **state)
{
	struct fixture *f = *state;
	want(f->records, "a b");
	config(f->records,
		"{\n\t\"Resolvers\": [{\"Addr\": \"1.1.1.1\"}],\n\t\"ExtraRecords\": [\n"
		"\t\t{\"Name\": \"a\", \"Type\": \"A\", \"Value\": \"100.1.1.1\"},\n"
		"\t\t{\"Name\": \"b\", \"Value\": \"nonsense\"}, {\"Name\": \"b\"}, null, 7,\n"
		"\t\t{\"Value\": \"100.1.1.9\"}, {\"Name\": 7, \"Value\": \"100.1.1.8\"},\n"
		"\t\t{\"Name\": \"b\", \"Value\": [\"100.1.1.7\"]},\n"
		"\t\t{\"Value\": \"fd7a::1\", \"Name\": \"\\u0062.\"}\n\t]\n}\n",
		0);
	expect(f->records, "a", "100.1.1.1");
	expect(f->records, "b", "fd7a::1");
	/* Nothing known is no answer. */
	config(f->records, " null\n", 0);
	expect(f->records, "a", "100.1.1.1");
	/* Of repeated keys the last one counts. */
	config(f->records,
		"{\"ExtraRecords\":[{\"Name\":\"a\",\"Value\":\"100.1.1.2\"}],"
		"\"ExtraRecords\":[{\"Name\":\"b\",\"Value\":\"100.1.1.3\"}]}",
		0);
	expect(f->records, "a", "");
	expect(f->records, "b", "100.1.1.3");
	config(f->records, "{\"CertDomains\":[\"x\"]}", 0);
	expect(f->records, "b", "");
}

static void a_bad_dns_config_changes_nothing(void **state)
{
	static const char *const bad[] = {"", " \n", "[]", "7", "\"x\"", "nul", "{",
		"{\"ExtraRecords\":[{\"Name\":\"a\",\"Value\":\"100.1.1.2\"}]",
		"{\"ExtraRecords\":[{\"Name\":\"a\",\"Value\":\"100.1.1.2\"}]}}",
		"{\"ExtraRecords\":[{\"Name\":\"a\",\"Value\":\"100.1.1.2\"}]}\n{}"};
	struct fixture *f = *state;
	want(f->records, "a");
	config(f->records, "{\"ExtraRecords\":[{\"Name\":\"a\",\"Value\":\"100.1.1.1\"}]}", 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		config(f->records, bad[i], -EINVAL);
	expect(f->records, "a", "100.1.1.1");
	assert_true(records_generation(f->records) == 1);
}

#define RECORD(name, value) "{\"Name\":\"" name "\",\"Value\":\"" value "\"}"

static void a_status_replaces(void **state)
{
	struct notify_bench *f = *state;
	notify_want(f, "svc.t.ts.net db.t.ts.net", NULL);
	notify_feed(f,
		"{\"InitialStatus\":{\"CertDomains\":null,\"ExtraRecords\":["
		"{\"Name\":\"other\",\"Value\":\"100.1.1.9\"}," RECORD("svc.t.ts.net.",
			"100.1.1.1") ",null,"
				     "{\"Name\":\"svc.t.ts.net\",\"Type\":\"AAAA\",\"Value\":\"fd7a::1\"},"
				     "{\"Name\":\"svc.t.ts.net\",\"Type\":\"TXT\",\"Value\":\"hello\"}],"
				     "\"Peer\":{\"k\":{\"NodeID\":1,\"DNSName\":\"db.t.ts.net.\"}}}}\n");
	expect(f->records, "svc.t.ts.net", "100.1.1.1 fd7a::1");
	assert_int_equal(f->count, 1);
	/* A message without a status says nothing about them. */
	notify_feed(f, "{\"State\":6,\"ExtraRecords\":[" RECORD("svc.t.ts.net", "1.1.1.1") "]}\n");
	notify_feed(f, "{\"InitialStatus\":null}\n");
	expect(f->records, "svc.t.ts.net", "100.1.1.1 fd7a::1");
	notify_feed(f,
		"{\"InitialStatus\":{\"ExtraRecords\":[" RECORD("svc.t.ts.net",
			"1.1.1.1") "],\"ExtraRecords\":[" RECORD("db.t.ts.net", "1.1.1.2") "]}}\n");
	expect(f->records, "svc.t.ts.net", "");
	expect(f->records, "db.t.ts.net", "1.1.1.2");
	/* Null, of another type, or absent: there are none. */
	notify_feed(f, "{\"InitialStatus\":{\"ExtraRecords\":null}}\n");
	expect(f->records, "db.t.ts.net", "");
	notify_feed(f, "{\"InitialStatus\":{\"ExtraRecords\":[" RECORD("db.t.ts.net",
			       "1.1.1.2") "]}}{\"InitialStatus\":{\"ExtraRecords\":7}}\n");
	expect(f->records, "db.t.ts.net", "");
	notify_feed(
		f, "{\"InitialStatus\":{\"ExtraRecords\":[" RECORD("db.t.ts.net",
			   "1.1.1.2") "]}}{\"InitialStatus\":{\"BackendState\":\"Running\"}}\n");
	expect(f->records, "db.t.ts.net", "");
}

/* An answer of dns-config in the middle of a status does not tear it. */
static void a_status_outranks_a_dns_config_beside_it(void **state)
{
	static const char older[] = "{\"ExtraRecords\":[" RECORD("a", "1.1.1.9") "]}";
	struct notify_bench *f = *state;
	struct err e = {0};
	notify_want(f, "a b", NULL);
	static const char half[] =
		"{\"InitialStatus\":{\"ExtraRecords\":[" RECORD("a", "1.1.1.1") ",";
	assert_int_equal(ipn_decoder_feed(f->decoder, half, strlen(half), &e), 0);
	assert_int_equal(records_from_dns_config(f->records, older, strlen(older), &e), 0);
	assert_int_equal(records_from_dns_config(f->records, older, 5, &e), -EINVAL);
	expect(f->records, "a", "");
	notify_feed(f, RECORD("b", "1.1.1.2") "]}}\n");
	expect(f->records, "a", "1.1.1.1");
	expect(f->records, "b", "1.1.1.2");
	/* A stream that breaks leaves nothing open. */
	assert_int_equal(ipn_decoder_feed(f->decoder, half, strlen(half), &e), 0);
	assert_true(records_is_open(f->records));
	notify_want(f, "a b", NULL);
	assert_false(records_is_open(f->records));
	assert_int_equal(records_from_dns_config(f->records, older, strlen(older), &e), 0);
	expect(f->records, "a", "1.1.1.9");
	expect(f->records, "b", "");
}

/* What nobody wants leaves no trace, however long its name. */
static void a_flood_of_records_is_passed_over(void **state)
{
	struct notify_bench *f = *state;
	AUTO(buf_fini) struct buf text = BUF_INIT(8u * 1024 * 1024);
	AUTO(mem_free) char *endless = xmalloc(70000);
	struct err e = {0};
	memset(endless, 'x', 69999);
	endless[69999] = '\0';
	notify_want(f, "svc39999.t.ts.net svc7.t.ts.net", NULL);
	assert_int_equal(buf_append_str(&text, "{\"InitialStatus\":{\"ExtraRecords\":[", &e), 0);
	assert_int_equal(
		buf_printf(&text, &e, "{\"Name\":\"%s\",\"Value\":\"1.1.1.1\"},", endless), 0);
	assert_int_equal(
		buf_printf(&text, &e, "{\"Name\":\"svc7.t.ts.net\",\"Value\":\"%s\"},", endless),
		0);
	for (unsigned int i = 0; i < 40000; i++)
		assert_int_equal(
			buf_printf(&text, &e,
				"{\"Name\":\"svc%u.t.ts.net\",\"Value\":\"100.65.%u.%u\"},", i,
				i / 256, i % 256),
			0);
	assert_int_equal(buf_append_str(&text, "null]}}\n", &e), 0);
	notify_feed(f, buf_cstr(&text));
	expect(f->records, "svc7.t.ts.net", "100.65.0.7");
	expect(f->records, "svc39999.t.ts.net", "100.65.156.63");
	expect(f->records, "svc8.t.ts.net", "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define STREAM(name) cmocka_unit_test_setup_teardown(name, notify_bench_open, notify_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_kept_unasked),
		TEST(wants_are_a_set_of_names),
		TEST(names_match_without_dot_and_case),
		TEST(order_is_kept_and_repeats_are_not),
		TEST(a_replacement_is_whole),
		TEST(what_is_still_wanted_stays),
		TEST(a_dns_config_replaces),
		TEST(a_bad_dns_config_changes_nothing),
		STREAM(a_status_replaces),
		STREAM(a_status_outranks_a_dns_config_beside_it),
		STREAM(a_flood_of_records_is_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
