#include "lib/localapi/active_peers.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

struct peers_case {
	const char *text;
	const char *addresses; /* joined by blanks */
};

#define ONE "\"TailscaleIPs\":[\"100.64.0.1\",\"fd7a::1\"]"

static const struct peers_case cases[] = {
	{"{}", ""},
	{"null", ""},
	{"{\"Peer\":null}", ""},
	{"{\"Peer\":{\"k\":{" ONE ",\"Active\":true}}}", "100.64.0.1"},
	{"{\"Peer\":{\"k\":{\"Active\":true," ONE "}}}", "100.64.0.1"},
	{"{\"Peer\":{\"k\":{\"Active\":false," ONE "}}}", ""},
	{"{\"Peer\":{\"k\":{" ONE "}}}", ""},
	{"{\"Peer\":{\"k\":{\"Active\":\"true\"," ONE "}}}", ""},
	{"{\"Peer\":{\"k\":{\"Active\":true,\"Active\":false," ONE "}}}", ""},
	{"{\"Peer\":{\"k\":{\"Active\":true}}}", ""},
	{"{\"Peer\":{\"k\":{\"Active\":true,\"TailscaleIPs\":[7,\"x\",\"fd7a::2\"]}}}", "fd7a::2"},
	{"{\"Peer\":{\"a\":{\"Active\":true," ONE "},\"b\":{\"TailscaleIPs\":[\"100.64.0.2\"]},"
	 "\"c\":{\"TailscaleIPs\":[\"100.64.0.3\"],\"Active\":true}}}",
		"100.64.0.1 100.64.0.3"},
	{"{\"Self\":{\"Active\":true," ONE "}}", ""},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct active_peers peers = {.count = 7};
		struct err e;
		char text[IPADDR_TEXT_MAX];
		AUTO(buf_fini) struct buf all = BUF_INIT(1024);
		assert_int_equal(
			active_peers_read(cases[i].text, strlen(cases[i].text), &peers, &e), 0);
		for (size_t k = 0; k < peers.count; k++)
			assert_int_equal(buf_printf(&all, &e, "%s%s", k > 0 ? " " : "",
						 ipaddr_format(&peers.addresses[k], text)),
				0);
		if (strcmp(buf_cstr(&all), cases[i].addresses) != 0)
			fail_msg("%s: %s", cases[i].text, buf_cstr(&all));
	}
}

static void test_bad_text_gives_none(void **state)
{
	static const char *const texts[] = {
		"", "{", "{\"Peer\":{\"k\":{\"Active\":true," ONE "}", "no JSON"};
	(void)state;
	for (size_t i = 1; i < ARRAY_LEN(texts); i++) {
		struct active_peers peers = {.count = 7};
		struct err e;
		assert_int_equal(
			active_peers_read(texts[i], strlen(texts[i]), &peers, &e), -EINVAL);
		assert_int_equal(peers.count, 0);
	}
}

static void test_no_more_than_fit(void **state)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1 << 20);
	struct active_peers peers;
	struct err e;
	(void)state;
	assert_int_equal(buf_append_str(&text, "{\"Peer\":{", &e), 0);
	for (int i = 0; i < 2 * ACTIVE_PEERS_MAX; i++)
		assert_int_equal(buf_printf(&text, &e, "%s\"k%d\":{\"Active\":true," ONE "}",
					 i > 0 ? "," : "", i),
			0);
	assert_int_equal(buf_append_str(&text, "}}", &e), 0);
	assert_int_equal(active_peers_read(buf_cstr(&text), text.len, &peers, &e), 0);
	assert_int_equal(peers.count, ACTIVE_PEERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_bad_text_gives_none),
		cmocka_unit_test(test_no_more_than_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
