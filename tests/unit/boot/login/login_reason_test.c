#include "boot/login/login_reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "boot/daemon/daemon_conditions.h"
#include "boot/login/login_conditions.h"
#include "lib/base/mem.h"
#include "tests/support/condition_kinds.h"

#define GET "fetch control key: Get \"https://control.example:8443/key?v=142\": "
#define DIAL GET "dial tcp 192.0.2.1:9999: connect: "
#define NOISE                                                                                  \
	"register request: Post \"https://control.example/machine/register\": all connection " \
	"attempts failed (HTTP: dial tcp 192.0.2.1:80: connect: connection refused, HTTPS: "
#define HANDLING "handling register with auth key: "

#define NOTHING NULL

/* Real texts of daemons and control servers, and texts from their source. */
static const struct {
	const char *text;
	const struct condition_kind *code;
} known[] = {
	{"authkey already used", CONDITION_KEY_USED},
	{HANDLING "authkey already used", CONDITION_KEY_USED},
	{"invalid key: API key k123CNTRL not valid", CONDITION_KEY_USED},
	{"authkey expired", CONDITION_KEY_EXPIRED},
	{"invalid pre auth key", CONDITION_KEY_INVALID},
	{"invalid authkey", CONDITION_KEY_INVALID},
	{HANDLING "invalid auth key: crypto/bcrypt: hashedPassword is not the hash of the given "
		  "password",
		CONDITION_KEY_INVALID},
	{"invalid key: API key does not exist", CONDITION_KEY_INVALID},
	{"invalid key: unable to validate API key", CONDITION_KEY_INVALID},
	{HANDLING "failed to parse auth-key: key too short, expected at least 77 chars after "
		  "prefix, got 73",
		CONDITION_KEY_MALFORMED},
	{HANDLING "failed to parse auth-key: hash length mismatch, expected 64 chars, got 65",
		CONDITION_KEY_MALFORMED},
	{HANDLING "creating new node: requested tags [tag:nope] are invalid or not permitted",
		CONDITION_TAG_NOT_PERMITTED},
	{"requested tags [tag:x] invalid or not permitted", CONDITION_TAG_NOT_PERMITTED},
	{"oauth authkeys require --advertise-tags", CONDITION_KEY_NEEDS_TAGS},
	{"federated identity authkeys require --advertise-tags", CONDITION_KEY_NEEDS_TAGS},
	{"node exists with a different machine key", CONDITION_STATE_LOST},
	{"node exist with different machine key", CONDITION_STATE_LOST},
	{"\"bad_host\" is not a valid DNS label: contains invalid character '_'",
		CONDITION_HOSTNAME_INVALID},
	{"\"-leading\" is not a valid DNS label: must start with a letter or number",
		CONDITION_HOSTNAME_INVALID},
	{"\"xxx\" is too long, max length is 63 bytes", CONDITION_HOSTNAME_INVALID},
	{"Error: changing settings via 'tailscale up' requires mentioning all",
		CONDITION_SETTINGS_CONFLICT},
	{"500 Internal Server Error: cannot start backend when state store is unhealthy",
		CONDITION_STATE_STORE_FAILED},
	{"500 Internal Server Error: initMachineKeyLocked: rename a b: operation not permitted",
		CONDITION_STATE_STORE_FAILED},

	{DIAL "connection refused", CONDITION_CONTROL_UNREACHABLE},
	{DIAL "no route to host", CONDITION_CONTROL_UNREACHABLE},
	{DIAL "connection timed out", CONDITION_CONTROL_UNREACHABLE},
	{DIAL "network is unreachable", CONDITION_CONTROL_UNREACHABLE},
	{GET "dial tcp 192.0.2.1:8443: i/o timeout", CONDITION_CONTROL_UNREACHABLE},
	{GET "failed to resolve \"nosuch.test\": no DNS fallback candidates remain for "
	     "\"nosuch.test\"",
		CONDITION_CONTROL_NAME_UNKNOWN},
	{GET "dial tcp: lookup nosuch.test: no such host", CONDITION_CONTROL_NAME_UNKNOWN},

	{GET "x509: certificate signed by unknown authority", CONDITION_CONTROL_TLS_UNTRUSTED},
	{GET "x509: certificate has expired or is not yet valid: current time "
	     "2026-11-21T04:25:34Z is after 2026-02-01T00:00:00Z",
		CONDITION_CONTROL_TLS_EXPIRED},
	{GET "x509: certificate has expired or is not yet valid: current time "
	     "2026-11-21T04:33:24Z is before 2027-01-01T00:00:00Z",
		CONDITION_CONTROL_TLS_EXPIRED},
	{GET "x509: certificate is valid for other.test, not control.example",
		CONDITION_CONTROL_TLS_WRONG_HOST},
	{GET "x509: cannot validate certificate for 192.0.2.1 because it doesn't contain any IP "
	     "SANs",
		CONDITION_CONTROL_TLS_WRONG_HOST},
	{GET "tls: first record does not look like a TLS handshake", CONDITION_CONTROL_ERROR},

	{"fetch control key: 429 Too Many Requests", CONDITION_CONTROL_RATE_LIMITED},
	{NOISE "unexpected HTTP response: 429 Too Many Requests)", CONDITION_CONTROL_RATE_LIMITED},
	{"node registration rate limited; will retry after 30s", CONDITION_CONTROL_RATE_LIMITED},
	{"rate limited: too many registrations (retry after 30s)", CONDITION_CONTROL_RATE_LIMITED},
	{"register request: http 429: slow down", CONDITION_CONTROL_RATE_LIMITED},
	{"fetch control key: 500 Internal Server Error", CONDITION_CONTROL_ERROR},
	{"fetch control key: 404 Not Found", CONDITION_CONTROL_ERROR},
	{"fetch control key: 403 Forbidden", CONDITION_CONTROL_ERROR},
	{"fetch control key: Get \"https://control.example/login\": stopped after 10 redirects",
		CONDITION_CONTROL_ERROR},
	{"invalid character '<' looking for beginning of value\nkey hex has the wrong size, got 41 "
	 "want 64",
		CONDITION_CONTROL_ERROR},
	/* The harmless refusal of port 80 is not the reason. */
	{NOISE "unexpected HTTP response: 502 Bad Gateway)", CONDITION_CONTROL_ERROR},
	{NOISE "x509: certificate signed by unknown authority)", CONDITION_CONTROL_TLS_UNTRUSTED},
	{"register request: http 500: internal server error", CONDITION_CONTROL_ERROR},
	{"unsupported client version: daemon too old", CONDITION_CONTROL_ERROR},

	{"", NOTHING},
	{GET "context canceled", NOTHING},
	{NOISE "context canceled)", NOTHING},
};

static void test_known_texts(void **state)
{
	static const enum login_reason_source sources[] = {
		LOGIN_REASON_CONTROL, LOGIN_REASON_HEALTH, LOGIN_REASON_COMMAND};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		for (size_t k = 0; k < ARRAY_LEN(sources); k++) {
			const struct condition_kind *code = NOTHING;
			bool is_known = login_reason_classify(known[i].text, sources[k], &code);
			if (is_known != (known[i].code != NOTHING) || code != known[i].code)
				fail_msg("\"%s\": %s", known[i].text,
					is_known ? code->name : "nothing");
		}
	}
}

static void test_unknown_text_by_source(void **state)
{
	static const char *const texts[] = {"registration timed out", "invalid followup URL",
		"extending key is not allowed", "fetch control key: something else",
		"the key is invalid key: no", "control server is too old; no noise key"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct condition_kind *code = NOTHING;
		assert_true(login_reason_classify(texts[i], LOGIN_REASON_CONTROL, &code));
		assert_ptr_equal(code, CONDITION_LOGIN_REFUSED);
		assert_true(login_reason_classify(texts[i], LOGIN_REASON_HEALTH, &code));
		assert_ptr_equal(code, CONDITION_CONTROL_ERROR);
		assert_false(login_reason_classify(texts[i], LOGIN_REASON_COMMAND, &code));
	}
	const struct condition_kind *code;
	assert_false(login_reason_classify(NULL, LOGIN_REASON_CONTROL, &code));
}

/* Each code needs one of: a new key, time, or a person. */
static void test_kinds_of_codes(void **state)
{
	static const struct condition_kind *const by_key[] = {CONDITION_KEY_MISSING,
		CONDITION_KEY_USED, CONDITION_KEY_EXPIRED, CONDITION_KEY_INVALID,
		CONDITION_KEY_MALFORMED, CONDITION_LOGIN_REFUSED};
	static const struct condition_kind *const by_time[] = {CONDITION_CONTROL_UNREACHABLE,
		CONDITION_CONTROL_NAME_UNKNOWN, CONDITION_CONTROL_TLS_UNTRUSTED,
		CONDITION_CONTROL_TLS_EXPIRED, CONDITION_CONTROL_TLS_WRONG_HOST,
		CONDITION_CONTROL_RATE_LIMITED};
	static const struct condition_kind *const lasting[] = {CONDITION_NEEDS_APPROVAL,
		CONDITION_NODE_LOCKED, CONDITION_NODE_KEY_EXPIRED, CONDITION_DEVICE_DELETED,
		CONDITION_STOPPED, CONDITION_LOGGED_OUT, CONDITION_NETWORK_DOWN,
		CONDITION_STATE_STORE_FAILED, CONDITION_STATE_LOST};
	AUTO(condition_set_fini) struct condition_set all = {0};
	unsigned key_count = 0, time_count = 0;
	(void)state;
	condition_kinds_add(&all, LOGIN_CONDITIONS);
	for (size_t c = 0; c < all.count; c++) {
		key_count += login_reason_is_key_refused(all.items[c].kind);
		time_count += login_reason_is_away(all.items[c].kind);
	}
	assert_int_equal(key_count, ARRAY_LEN(by_key));
	assert_int_equal(time_count, ARRAY_LEN(by_time));
	for (size_t i = 0; i < ARRAY_LEN(by_key); i++) {
		assert_true(login_reason_is_key_refused(by_key[i]));
		assert_true(login_reason_is_of_try(by_key[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(by_time); i++) {
		assert_true(login_reason_is_away(by_time[i]));
		assert_true(login_reason_is_of_try(by_time[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(lasting); i++)
		assert_false(login_reason_is_of_try(lasting[i]));
	assert_true(login_reason_is_of_try(CONDITION_CONTROL_ERROR));
	assert_true(login_reason_is_of_try(CONDITION_SETTINGS_CONFLICT));
}

static void test_group_holds_every_login_code(void **state)
{
	AUTO(condition_set_fini) struct condition_set all = {0};
	(void)state;
	condition_kinds_add(&all, LOGIN_CONDITIONS);
	for (size_t c = 0; c < all.count; c++)
		assert_true(condition_is_of_group(all.items[c].kind, CONDITION_GROUP_LOGIN));
}

static void test_text_without_its_clock(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
		{"x509: not yet valid: current time 2026-11-21T04:25:34Z is after "
		 "2026-02-01T00:00:00Z",
			"x509: not yet valid: current time is after 2026-02-01T00:00:00Z"},
		{"current time ", "current time"},
		{"current time now", "current time"},
		{"no clock", "no clock"},
		{"", ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(mem_free) char *text = login_reason_text(cases[i].in);
		assert_string_equal(text, cases[i].out);
	}
}

static void test_reason_of_the_tool(void **state)
{
	static const struct {
		const char *said;
		const char *reason; /* NULL: none */
		const struct condition_kind *code;
	} cases[] = {
		{"backend error: authkey already used\n", "authkey already used",
			CONDITION_KEY_USED},
		{"Some warning.\nbackend error: invalid key: API key does not exist\n",
			"invalid key: API key does not exist", CONDITION_KEY_INVALID},
		/* The last one counts. */
		{"backend error: authkey expired\nbackend error: authkey already used\n",
			"authkey already used", CONDITION_KEY_USED},
		{"Error: changing settings via 'tailscale up' requires mentioning all\nnon-default "
		 "flags. To proceed, either\n\n\ttailscale up --auth-key=***\n",
			"Error: changing settings via 'tailscale up' requires mentioning all",
			CONDITION_SETTINGS_CONFLICT},
		{"\"bad_host\" is not a valid DNS label: contains invalid character '_'",
			"\"bad_host\" is not a valid DNS label: contains invalid character '_'",
			CONDITION_HOSTNAME_INVALID},
		{"To authenticate, visit:\n\n\thttps://control.example/register/x\n", NULL, 0},
		{"backend error: never heard of\n", NULL, 0},
		{"", NULL, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct condition_kind *code = NOTHING;
		AUTO(mem_free) char *reason = login_reason_of_command(cases[i].said, &code);
		if (cases[i].reason == NULL) {
			assert_null(reason);
			continue;
		}
		assert_non_null(reason);
		assert_string_equal(reason, cases[i].reason);
		assert_int_equal(code, cases[i].code);
	}
}

static void test_last_line_of_the_tool(void **state)
{
	static const struct {
		const char *said;
		const char *line; /* NULL: none */
	} cases[] = {
		{"", NULL},
		{"\n \t\r\n", NULL},
		{"one\n", "one"},
		{"Warning: x\n10.0.0.1/8 has non-address bits set; expected 10.0.0.0/8\n\n",
			"10.0.0.1/8 has non-address bits set; expected 10.0.0.0/8"},
		{"no end of line\r", "no end of line"},
		{"flag provided but not defined: -x\nConnect to Tailscale\n\nUSAGE\n  tailscale "
		 "up [flags]\n\nFLAGS\n  --json\n",
			"flag provided but not defined: -x"},
		{"Connect to Tailscale\n\nUSAGE\n  tailscale up [flags]\n", NULL},
		{"USAGE\n", NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(mem_free) char *line = login_reason_last_line(cases[i].said);
		if (cases[i].line == NULL)
			assert_null(line);
		else
			assert_string_equal(line, cases[i].line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_texts),
		cmocka_unit_test(test_unknown_text_by_source),
		cmocka_unit_test(test_kinds_of_codes),
		cmocka_unit_test(test_group_holds_every_login_code),
		cmocka_unit_test(test_text_without_its_clock),
		cmocka_unit_test(test_last_line_of_the_tool),
		cmocka_unit_test(test_reason_of_the_tool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
