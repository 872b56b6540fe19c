/*
 * Names, sizes and numbers of the documents that lib/contract/egress_config.h reads.
 */
#include "lib/contract/egress_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define NEITHER "unexpected egress service config- neither tailnet target IP nor FQDN is set"
#define AT_IP "\"tailnetTarget\":{\"ip\":\"100.64.0.1\"}"

static int parse(const char *text, struct egress_config *out, struct err *e)
{
	*e = (struct err){0};
	return egress_config_parse(text, strlen(text), out, e);
}

static void names_are_sorted_unique_and_bounded(void **state)
{
	struct egress_config config = {0};
	struct err e;
	char name[EGRESS_NAME_MAX + 2];
	(void)state;
	assert_int_equal(
		parse("{\"b\":{},\"B\":{},\"\":{" AT_IP "},\"b\":{" AT_IP "},\"\xc3\xa4\":{}}",
			&config, &e),
		0);
	assert_int_equal(config.count, 4);
	assert_string_equal(config.services[0].name, "");
	assert_string_equal(config.services[0].fault, "the name is empty");
	assert_string_equal(config.services[1].name, "B");
	assert_string_equal(config.services[1].fault, NEITHER);
	assert_string_equal(config.services[2].name, "b");
	assert_null(config.services[2].fault);
	assert_string_equal(config.services[3].name, "\xc3\xa4");
	assert_ptr_equal(egress_config_find(&config, "b"), &config.services[2]);
	assert_null(egress_config_find(&config, "c"));
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	AUTO(mem_free)
	char *text = xasprintf("{\"%s\":{" AT_IP "},\"%s\":{" AT_IP "}}", name, name + 1);
	assert_int_equal(parse(text, &config, &e), 0);
	assert_null(config.services[0].fault);
	assert_string_equal(
		config.services[1].fault, "the name has 254 bytes, at most 253 belong here");
	egress_config_fini(&config);
}

static void texts_are_bounded(void **state)
{
	struct egress_config config = {0};
	struct err e;
	char name[2050];
	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	AUTO(mem_free)
	char *text = xasprintf(
		"{\"a\":{\"tailnetTarget\":{\"fqdn\":\"%.256s\"}},\"b\":{\"tailnetTarget\":{\"ip\":\"%.64s\"}},"
		"\"c\":{\"tailnetTarget\":{\"fqdn\":\"%.255s\"}},\"d\":{" AT_IP
		",\"healthCheckEndpoint\":\"%s\"}}",
		name, name, name, name);
	assert_int_equal(parse(text, &config, &e), 0);
	assert_string_equal(
		config.services[0].fault, "tailnetTarget.fqdn: 256 bytes, at most 255 belong here");
	assert_string_equal(
		config.services[1].fault, "tailnetTarget.ip: 64 bytes, at most 63 belong here");
	assert_null(config.services[2].fault);
	assert_string_equal(config.services[3].fault,
		"healthCheckEndpoint: 2049 bytes, at most 2048 belong here");
	egress_config_fini(&config);
}

__attribute__((format(printf, 2, 3))) static void append(struct buf *out, const char *fmt, ...)
{
	struct err e;
	AUTO(mem_free) char *text = NULL;
	va_list args;
	va_start(args, fmt);
	text = xvasprintf(fmt, args);
	va_end(args);
	assert_int_equal(buf_append_str(out, text, &e), 0);
}

static char *many_services(unsigned int count, unsigned int ports)
{
	struct buf out = BUF_INIT(64 << 20);
	append(&out, "{");
	for (unsigned int i = 0; i < count; i++) {
		append(&out,
			"%s\"svc-%u\":{\"tailnetTarget\":{\"ip\":\"\",\"fqdn\":\"n%u.ts.net\"},\"ports\":[",
			i > 0 ? "," : "", i, i);
		for (unsigned int k = 0; k < ports; k++)
			append(&out, "%s{\"protocol\":\"TCP\",\"matchPort\":%u,\"targetPort\":%u}",
				k > 0 ? "," : "", 1 + k % 65535, 1 + (i + k) % 65535);
		append(&out, "]}");
	}
	append(&out, "}");
	return buf_take(&out);
}

static void documents_are_bounded(void **state)
{
	struct egress_config config = {0};
	struct err e;
	(void)state;
	AUTO(mem_free) char *services = many_services(EGRESS_SERVICES_MAX + 1, 0);
	assert_int_equal(parse(services, &config, &e), -EMSGSIZE);
	assert_string_equal(e.msg, "10001 services, at most 10000 can be served");
	AUTO(mem_free) char *ports = many_services(65, 1009);
	assert_int_equal(parse(ports, &config, &e), -EMSGSIZE);
	assert_string_equal(e.msg, "65585 ports in all, at most 65536 can be served");
	AUTO(mem_free) char *fits = many_services(EGRESS_SERVICES_MAX, 1);
	assert_int_equal(parse(fits, &config, &e), 0);
	assert_int_equal(config.count, EGRESS_SERVICES_MAX);
	AUTO(mem_free) char *blank = xmalloc(9 << 20);
	memset(blank, ' ', 9 << 20);
	assert_int_equal(egress_config_parse(blank, 9 << 20, &config, &e), -EMSGSIZE);
	assert_int_equal(config.count, EGRESS_SERVICES_MAX);
	egress_config_fini(&config);
}

/* Time of this process alone, in ns, so that a busy machine does not show. */
static uint64_t parse_time(unsigned int services)
{
	struct egress_config config = {0};
	struct timespec before;
	struct timespec after;
	struct err e;
	AUTO(mem_free) char *text = many_services(services, 2);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	assert_int_equal(parse(text, &config, &e), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	assert_int_equal(config.count, services);
	egress_config_fini(&config);
	return (uint64_t)(after.tv_sec - before.tv_sec) * 1000000000u + (uint64_t)after.tv_nsec -
	       (uint64_t)before.tv_nsec;
}

/* Ten times as many take about ten times as long, and not a hundred times. */
static void many_services_are_read_in_linear_time(void **state)
{
	(void)state;
	uint64_t few = parse_time(500);
	uint64_t many = parse_time(5000);
	print_message("500 services in %llu us, 5000 in %llu us\n", (unsigned long long)few / 1000,
		(unsigned long long)many / 1000);
	assert_true(many < 40 * few);
}

static void pings_are_decimal(void **state)
{
	static const struct {
		const char *text;
		int code;
		uint32_t value;
	} table[] = {
		{"", 0, 0},
		{" \n", 0, 0},
		{"9", 0, 9},
		{" 9\n", 0, 9},
		{"+9", 0, 9},
		{"0", 0, 0},
		{"-3", 0, 0},
		{"1000", 0, 1000},
		{"1001", -ERANGE, 7},
		{"99999999999999999999", -ERANGE, 7},
		{"-99999999999999999999", -ERANGE, 7},
		{"nine", -EINVAL, 7},
		{"9 9", -EINVAL, 7},
		{"9x", -EINVAL, 7},
		{"0x9", -EINVAL, 7},
		{"9.0", -EINVAL, 7},
		{"1_0", -EINVAL, 7},
		{"                                                                1", -EINVAL, 7},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct err e = {0};
		uint32_t value = 7;
		int code = egress_pings_parse(table[i].text, strlen(table[i].text), &value, &e);
		assert_int_equal(code, table[i].code);
		assert_int_equal(value, table[i].value);
		assert_int_equal(e.code, code);
	}
	struct err e;
	uint32_t value = 7;
	assert_int_equal(egress_pings_parse("9\0", 2, &value, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_sorted_unique_and_bounded),
		cmocka_unit_test(texts_are_bounded),
		cmocka_unit_test(documents_are_bounded),
		cmocka_unit_test(many_services_are_read_in_linear_time),
		cmocka_unit_test(pings_are_decimal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
