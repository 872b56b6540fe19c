/* Every message of a batch refused in turn: the object is named and nothing has changed. */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_batch.h"
#include "lib/nft/nft_plan.h"
#include "lib/nft/nlsock.h"
#include "lib/nft/nlwalk.h"
#include "tests/kernel/firewall.h"
#include "tests/support/address.h"
#include "tests/support/netns.h"

/* A kind of message that nf_tables does not know. */
#define NO_KIND 0x7f
#define BATCH_BYTES (8u << 20)
#define MESSAGES_MAX 4096

static void wanted_init(struct nft_wanted *w, const char *target4, const char *target6)
{
	struct err e = {0};
	struct ipaddr all = address_of(target4);
	firewall_wanted_init(w);
	for (uint16_t i = 0; i < 10; i++) {
		firewall_portmap(w, "svc:a", IPPROTO_TCP, 10000 + i, target4, 80);
		firewall_portmap(w, "svc:b", IPPROTO_UDP, 10000 + i, target6, 53);
	}
	firewall_pair(w, "vip", "100.99.0.1", "10.96.0.7");
	firewall_backend(w, FIREWALL_OWN6, "fd00::2");
	firewall_backend(w, FIREWALL_OWN6, "fd00::3");
	assert_int_equal(nft_wanted_set_catch_all(w, &all, &e), 0);
	assert_int_equal(nft_wanted_add_local_port(w, IPPROTO_TCP, 9002, &e), 0);
}

struct bed {
	struct firewall f;
	struct nlsock *sock;
	struct nft_wanted wanted;
	struct nft_desired desired;
	struct nft_desired before; /* what is there, if anything */
	struct nft_plan plan;
	unsigned int messages;
};

static int setup(void **state)
{
	struct bed *b = xcalloc(1, sizeof(*b));
	struct err e = {0};
	firewall_open(&b->f);
	b->sock = nlsock_new(b->f.loop, &e);
	assert_non_null(b->sock);
	wanted_init(&b->wanted, "100.64.1.1", "fd7a:115c:a1e0::1:1");
	assert_int_equal(nft_compile(&b->wanted, true, &b->desired, &e), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bed *b = *state;
	nft_plan_fini(&b->plan);
	nft_desired_fini(&b->desired);
	nft_desired_fini(&b->before);
	nft_wanted_fini(&b->wanted);
	nlsock_free(b->sock);
	firewall_close(&b->f);
	free(b);
	return 0;
}

static void apply(struct bed *b, const char *target4, const char *target6)
{
	struct nft_wanted w;
	wanted_init(&w, target4, target6);
	assert_int_equal(firewall_apply(&b->f, &w), 0);
}

/* The message with this number within the first bytes; those of the batch itself do not count. */
static struct nlmsghdr *find(char *bytes, size_t len, uint32_t seq)
{
	struct nlwalk walk = NLWALK_INIT(bytes, len);
	const struct nlmsghdr *nlh;
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		if (nlh->nlmsg_seq == seq && nlh->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES)
			return (struct nlmsghdr *)(uintptr_t)nlh;
	}
	return NULL;
}

/* One round: the message at this position is made unknown. False when there is none. */
static bool refuse(struct bed *b, uint32_t position)
{
	struct err e = {0};
	struct nlsock_outcome outcome;
	char what[NFT_BATCH_TEXT_MAX];
	uint32_t seq = nlsock_reserve_seq(b->sock, MESSAGES_MAX);
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(BATCH_BYTES, seq);
	assert_int_equal(nft_batch_write(&w, &b->plan, &b->wanted, &b->desired, &e), 0);
	struct nlmsghdr *nlh = find(w.buf.data, w.buf.len, seq + position);
	if (nlh == NULL)
		return false;
	nft_batch_describe(w.buf.data, w.buf.len, seq + position, 0, what);
	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NO_KIND;
	assert_int_equal(nlsock_commit(b->sock, w.buf.data, w.buf.len, &outcome, &e), 0);
	if (outcome.failure_count == 0 || outcome.failures[0].seq != seq + position ||
		outcome.failures[0].code >= 0)
		fail_msg("message %u (%s): %zu failures, the first of %u", position, what,
			outcome.failure_count, outcome.failures[0].seq - seq);
	if (strstr(what, "table ip") == NULL)
		fail_msg("message %u is called %s", position, what);
	b->messages++;
	return true;
}

static void refuse_each(struct bed *b, unsigned int least)
{
	uint32_t generation = firewall_generation();
	AUTO(mem_free) char *before = netns_run("nft -s list ruleset");
	/* The first message opens the batch. */
	for (uint32_t position = 1; refuse(b, position); position++)
		;
	assert_in_range(b->messages, least, MESSAGES_MAX);
	assert_int_equal(firewall_generation(), generation);
	AUTO(mem_free) char *after = netns_run("nft -s list ruleset");
	assert_string_equal(after, before);
	apply(b, "100.64.1.1", "fd7a:115c:a1e0::1:1");
	assert_int_equal(b->f.result.transactions, 1);
	AUTO(mem_free) char *map = netns_run("nft list map ip ts_sidecar egress_pm");
	assert_non_null(strstr(map, "tcp . 10009 comment \"svc:a\" : 100.64.1.1 . 80"));
}

static void test_first_apply(void **state)
{
	struct bed *b = *state;
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {NULL, NULL};
	nft_plan_make(&b->plan, &b->desired, actual);
	/* Table, sets, chains, emptying both, rules and elements of two families. */
	refuse_each(b, 59);
}

static void test_rebuild(void **state)
{
	struct bed *b = *state;
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {NULL, NULL};
	apply(b, "100.64.1.2", "fd7a:115c:a1e0::1:2");
	nft_plan_make(&b->plan, &b->desired, actual);
	nft_plan_escalate(&b->plan);
	refuse_each(b, 63);
}

static void test_delta(void **state)
{
	struct bed *b = *state;
	struct nft_wanted w;
	struct err e = {0};
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {
		&b->before.images[NFT_MODEL_V4], &b->before.images[NFT_MODEL_V6]};
	apply(b, "100.64.1.2", "fd7a:115c:a1e0::1:2");
	wanted_init(&w, "100.64.1.2", "fd7a:115c:a1e0::1:2");
	assert_int_equal(nft_compile(&w, true, &b->before, &e), 0);
	nft_wanted_fini(&w);
	nft_plan_make(&b->plan, &b->desired, actual);
	assert_int_equal(b->plan.families[NFT_MODEL_V4].kind, NFT_PLAN_DELTA);
	/* Two sets of each family, and prerouting of IPv4 with the target of everything. */
	refuse_each(b, 12);
}

/* One element of each list refused: it is named, with its service where it has one. */
static void test_elements(void **state)
{
	static const struct {
		const char *add;
		const char *named;
	} cases[] = {
		{"ip ts_sidecar egress_pm { tcp . 10005 : 10.0.0.1 . 1 }",
			"table ip ts_sidecar, element tcp 10005 of egress_pm (svc:a): "},
		{"ip6 ts_sidecar egress_pm { udp . 10009 : fd00::1 . 1 }",
			"table ip6 ts_sidecar, element udp 10009 of egress_pm (svc:b): "},
		{"ip ts_sidecar daddr_map { 100.99.0.1 : 10.0.0.1 }",
			"table ip ts_sidecar, element 100.99.0.1 of daddr_map (vip): "},
	};
	struct bed *b = *state;
	struct err e = {0};
	struct nft_wanted none;
	firewall_wanted_init(&none);
	assert_int_equal(nft_compile(&none, true, &b->before, &e), 0);
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {
		&b->before.images[NFT_MODEL_V4], &b->before.images[NFT_MODEL_V6]};
	nft_plan_make(&b->plan, &b->desired, actual);
	assert_int_equal(firewall_apply(&b->f, &none), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nlsock_outcome outcome;
		char what[NFT_BATCH_TEXT_MAX];
		char text[NFT_BATCH_TEXT_MAX + 2];
		netns_do("nft add element %s", cases[i].add);
		AUTO(nlwrite_fini)
		struct nlwrite w =
			NLWRITE_INIT(BATCH_BYTES, nlsock_reserve_seq(b->sock, MESSAGES_MAX));
		assert_int_equal(nft_batch_write(&w, &b->plan, &b->wanted, &b->desired, &e), 0);
		assert_int_equal(nlsock_commit(b->sock, w.buf.data, w.buf.len, &outcome, &e), 0);
		assert_int_equal(outcome.failure_count, 1);
		assert_int_equal(outcome.failures[0].code, -EEXIST);
		nft_batch_describe(w.buf.data, w.buf.len, outcome.failures[0].seq,
			outcome.failures[0].offset, what);
		snprintf(text, sizeof(text), "%s: ", what);
		assert_string_equal(text, cases[i].named);
		netns_do("nft delete element %s", cases[i].add);
	}
	apply(b, "100.64.1.1", "fd7a:115c:a1e0::1:1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_apply, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rebuild, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delta, setup, teardown),
		cmocka_unit_test_setup_teardown(test_elements, setup, teardown),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
