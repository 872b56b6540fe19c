#include "egress/services_conflicts.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft.h"

static struct nft_conflict conflict(
	char *service, char *winner, enum nft_model_family family, uint8_t proto, uint16_t port)
{
	return (struct nft_conflict){.service = service,
		.winner = winner,
		.family = family,
		.proto = proto,
		.port = port};
}

static void test_read(void **state)
{
	(void)state;
	char a[] = "a";
	char b[] = "b";
	char c[] = "c";
	const struct nft_conflict list[] = {
		conflict(c, a, NFT_MODEL_V6, IPPROTO_UDP, 53),
		conflict(b, a, NFT_MODEL_V4, IPPROTO_TCP, 80),
		conflict(b, a, NFT_MODEL_V6, IPPROTO_TCP, 80),
		conflict(b, a, NFT_MODEL_V4, 0, 0),
		conflict(b, a, NFT_MODEL_V4, IPPROTO_TCP, 22),
	};
	struct nft_result result = {.conflicts = list, .conflict_count = ARRAY_LEN(list)};
	struct egress_conflicts got = {0};
	char text[EGRESS_CONFLICT_TEXT_MAX];
	egress_conflicts_read(&got, &result);
	assert_int_equal(got.len, 3);
	assert_string_equal(egress_conflict_format(egress_conflicts_first(&got, "b"), text),
		"tcp port 22 is served by a");
	assert_string_equal(egress_conflict_format(egress_conflicts_first(&got, "c"), text),
		"udp port 53 is served by a");
	assert_null(egress_conflicts_first(&got, "a"));
	assert_null(egress_conflicts_first(&got, "d"));
	assert_non_null(egress_conflicts_find(&got, "b", IPPROTO_TCP, 80));
	assert_null(egress_conflicts_find(&got, "b", IPPROTO_UDP, 80));
	assert_null(egress_conflicts_find(&got, "a", IPPROTO_TCP, 80));
	struct egress_conflict other = {b, c, IPPROTO_TCP, 80};
	struct egress_conflict same = {b, a, IPPROTO_TCP, 80};
	assert_false(egress_conflicts_contain(&got, &other));
	assert_true(egress_conflicts_contain(&got, &same));
	struct egress_conflicts none = {0};
	assert_true(egress_conflicts_equal(&got, &got));
	assert_false(egress_conflicts_equal(&got, &none));
	assert_true(egress_conflicts_equal(&none, &none));
	egress_conflicts_fini(&got);
}

static void test_none(void **state)
{
	(void)state;
	struct nft_result result = {.code = 0};
	struct egress_conflicts got = {0};
	egress_conflicts_read(&got, &result);
	assert_null(egress_conflicts_first(&got, "a"));
	egress_conflicts_fini(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
