#include "boot/settings/accept_dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/log_capture.h"

#define FORMAT                                                                       \
	"TS_EXTRA_ARGS contains --accept-dns, but it is not in the expected format " \
	"--accept-dns=<true|false>, ignoring it"
#define OVERRIDE_TRUE \
	"TS_EXTRA_ARGS contains --accept-dns=true, which overrides TS_ACCEPT_DNS=false"
#define OVERRIDE_FALSE \
	"TS_EXTRA_ARGS contains --accept-dns=false, which overrides TS_ACCEPT_DNS=true"
#define NOT_BOOL(v)                                \
	"TS_EXTRA_ARGS contains --accept-dns=\"" v \
	"\", which is not a valid boolean value, ignoring it"

static const struct {
	const char *args;
	bool before;
	const char *rest;
	bool after;
	const char *log;
} cases[] = {
	{"", false, "", false, NULL},
	{"", true, "", true, NULL},
	{"--foo", true, "--foo", true, NULL},
	{"  --foo   bar ", true, "  --foo   bar ", true, NULL},
	{"--accept-dns", false, "", true, OVERRIDE_TRUE},
	{"--accept-dns", true, "", true, NULL},
	{"--accept-dns=true", false, "", true, OVERRIDE_TRUE},
	{"--accept-dns=F", true, "", false, OVERRIDE_FALSE},
	{"--accept-dns=false --a", false, "--a", false, NULL},
	{" --a  --accept-dns=1\t--b\n", false, "--a --b", true, OVERRIDE_TRUE},
	{"--accept-dns=false --accept-dns=true", true, "--accept-dns=true", false, OVERRIDE_FALSE},
	{"--accept-dns=maybe  --b", true, "--accept-dns=maybe  --b", true, NOT_BOOL("maybe")},
	{"--accept-dns=", true, "--accept-dns=", true, NOT_BOOL("")},
	{"--accept-dns=tRUE", false, "--accept-dns=tRUE", false, NOT_BOOL("tRUE")},
	{"--accept-dns=true=false", false, "--accept-dns=true=false", false, FORMAT},
	{"--accept-dnsx", false, "--accept-dnsx", false, FORMAT},
	{"--accept-dns-foo=true", false, "", true, OVERRIDE_TRUE},
	{"x--accept-dns=true", false, "x--accept-dns=true", false, NULL},
	{"'--accept-dns=true'", false, "'--accept-dns=true'", false, NULL},
};

static void words_are_removed(void **state)
{
	(void)state;
	struct log_capture log = {0};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool value = cases[i].before;
		/* Each case its own: the log counts a repeated line instead of writing it. */
		log_capture_start(&log);
		AUTO(mem_free) char *rest = accept_dns_extract(cases[i].args, &value);
		assert_string_equal(rest, cases[i].rest);
		assert_int_equal(value, cases[i].after);
		assert_int_equal(log.texts.len, cases[i].log != NULL);
		if (cases[i].log != NULL)
			assert_string_equal(log.texts.items[0], cases[i].log);
		log_capture_stop(&log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(words_are_removed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
