#include "lib/nft/nft_monitor.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define OWN_PORT 77u

struct stock_case {
	uint32_t before;
	uint32_t after;
	size_t batches;
	bool is_explained;
};

static void test_stock(void **state)
{
	static const struct stock_case cases[] = {
		{5, 5, 0, true},
		{5, 6, 1, true},
		{5, 9, 4, true},
		{5, 6, 0, false}, /* a foreign one, or ours with lost answers */
		{5, 7, 1, false}, /* a foreign one besides ours */
		{5, 5, 1, false}, /* ours changed nothing: it was there already */
		{5, 4, 0, false},
		{0, 0, 0, false}, /* not known */
		{0, 1, 1, false},
		{5, 0, 1, false},
		{UINT32_MAX, UINT32_MAX, 0, true},
		{UINT32_MAX, 1, 1, true}, /* 0 is left out */
		{UINT32_MAX, 2, 1, false},
		{UINT32_MAX - 1, 2, 3, true},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct stock_case *c = &cases[i];
		if (nft_monitor_is_explained(c->before, c->after, c->batches) != c->is_explained)
			fail_msg("case %zu", i);
	}
}

struct event {
	_Alignas(struct nlmsghdr) char bytes[256];
};

static struct nlmsghdr *write_event(struct event *event, uint8_t kind, uint8_t family)
{
	memset(event, 0, sizeof(*event));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(event->bytes);
	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | kind);
	nlh->nlmsg_pid = OWN_PORT + 1;
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	return nlh;
}

static void test_generation(void **state)
{
	struct event event;
	(void)state;
	struct nlmsghdr *nlh = write_event(&event, NFT_MSG_NEWGEN, NFPROTO_UNSPEC);
	assert_int_equal(nft_monitor_generation(nlh), 0);
	mnl_attr_put_u32(nlh, NFTA_GEN_PROC_PID, htonl(1));
	mnl_attr_put_u32(nlh, NFTA_GEN_ID, htonl(4711));
	assert_int_equal(nft_monitor_generation(nlh), 4711);
	assert_false(nft_monitor_is_foreign(nlh, OWN_PORT));
	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE;
	assert_int_equal(nft_monitor_generation(nlh), 0);
	/* Too short for a number, and for a message at all. */
	nlh = write_event(&event, NFT_MSG_NEWGEN, NFPROTO_UNSPEC);
	mnl_attr_put_u16(nlh, NFTA_GEN_ID, htons(4711));
	assert_int_equal(nft_monitor_generation(nlh), 0);
	nlh->nlmsg_len = MNL_NLMSG_HDRLEN;
	assert_int_equal(nft_monitor_generation(nlh), 0);
}

static void test_foreign(void **state)
{
	struct event event;
	(void)state;
	struct nlmsghdr *nlh = write_event(&event, NFT_MSG_DELSETELEM, NFPROTO_IPV6);
	assert_false(nft_monitor_is_foreign(nlh, OWN_PORT));
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, NFT_SCHEMA_TABLE);
	assert_true(nft_monitor_is_foreign(nlh, OWN_PORT));
	nlh->nlmsg_pid = OWN_PORT;
	assert_false(nft_monitor_is_foreign(nlh, OWN_PORT));
	nlh = write_event(&event, NFT_MSG_NEWRULE, NFPROTO_INET);
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, NFT_SCHEMA_TABLE);
	assert_false(nft_monitor_is_foreign(nlh, OWN_PORT));
	nlh = write_event(&event, NFT_MSG_NEWRULE, NFPROTO_IPV4);
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, NFT_SCHEMA_TABLE "2");
	assert_false(nft_monitor_is_foreign(nlh, OWN_PORT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stock),
		cmocka_unit_test(test_generation),
		cmocka_unit_test(test_foreign),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
