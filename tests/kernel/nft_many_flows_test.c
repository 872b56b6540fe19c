/* A table of conntrack that is really full: tens of thousands of flows, thousands of services. */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/nft/nlsock.h"
#include "tests/kernel/firewall.h"
#include "tests/support/netns.h"

#define FLOWS 60000u
#define SERVICES 10000u
/* Services that lead elsewhere after the change. */
#define MOVED 100u
#define FLOWS_A_BATCH 500u
#define SECONDS_TO_LIVE 600
#define NS_PER_MS 1000000u
/* A turn of the loop walks a part of a table that belongs to the whole machine. */
#define TURN_MAX_MS 200

#define CLIENTS 0x0a800000u /* 10.128.0.0 */
#define VIPS 0x64600000u    /* 100.96.0.0 */
#define OLD 0x0a600000u     /* 10.96.0.0 */
#define NEW 0x0a700000u     /* 10.112.0.0 */

static struct ipaddr v4(uint32_t number)
{
	struct ipaddr addr = {.family = IPADDR_V4};
	for (int i = 0; i < 4; i++)
		addr.bytes[i] = (uint8_t)(number >> (24 - 8 * i));
	return addr;
}

static void put_u16(struct nlwrite *w, uint16_t type, uint16_t value)
{
	uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
	nlwrite_bytes(w, type, bytes, sizeof(bytes));
}

static void put_tuple(struct nlwrite *w, uint16_t type, uint32_t src, uint32_t dst, bool is_reply)
{
	struct nlattr *tuple = nlwrite_nest(w, type);
	struct nlattr *ip = nlwrite_nest(w, CTA_TUPLE_IP);
	nlwrite_u32(w, CTA_IP_V4_SRC, src);
	nlwrite_u32(w, CTA_IP_V4_DST, dst);
	nlwrite_nest_end(w, ip);
	struct nlattr *proto = nlwrite_nest(w, CTA_TUPLE_PROTO);
	nlwrite_u8(w, CTA_PROTO_NUM, IPPROTO_UDP);
	put_u16(w, CTA_PROTO_SRC_PORT, is_reply ? 53 : 4000);
	put_u16(w, CTA_PROTO_DST_PORT, is_reply ? 4000 : 53);
	nlwrite_nest_end(w, proto);
	nlwrite_nest_end(w, tuple);
}

/* A UDP flow to a service, as our rules translate it. */
static void put_flow(struct nlwrite *w, uint32_t number)
{
	uint32_t service = number % SERVICES;
	nlwrite_begin(w, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW,
		NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, NFPROTO_IPV4, 0);
	put_tuple(w, CTA_TUPLE_ORIG, CLIENTS + number, VIPS + service, false);
	put_tuple(w, CTA_TUPLE_REPLY, VIPS + service, CLIENTS + number, true);
	nlwrite_u32(w, CTA_TIMEOUT, SECONDS_TO_LIVE);
	struct nlattr *nat = nlwrite_nest(w, CTA_NAT_DST);
	nlwrite_u32(w, CTA_NAT_V4_MINIP, OLD + service);
	nlwrite_u32(w, CTA_NAT_V4_MAXIP, OLD + service);
	nlwrite_nest_end(w, nat);
	nlwrite_end(w);
}

static void make_flows(struct firewall *f)
{
	struct err e = {0};
	struct nlsock_outcome outcome;
	struct nlsock *sock = nlsock_new(f->loop, &e);
	assert_non_null(sock);
	for (uint32_t at = 0; at < FLOWS; at += FLOWS_A_BATCH) {
		AUTO(nlwrite_fini)
		struct nlwrite w =
			NLWRITE_INIT(NLWRITE_BATCH_MAX, nlsock_reserve_seq(sock, FLOWS_A_BATCH));
		for (uint32_t i = 0; i < FLOWS_A_BATCH; i++)
			put_flow(&w, at + i);
		assert_int_equal(nlwrite_check(&w, &e), 0);
		if (nlsock_commit(sock, w.buf.data, w.buf.len, &outcome, &e) < 0)
			fail_msg("%s", e.msg);
		if (outcome.failure_count > 0)
			fail_msg("a flow was refused: %d %s", outcome.failures[0].code,
				outcome.failures[0].text);
	}
	nlsock_free(sock);
}

static void want_services(struct nft_wanted *w, uint32_t moved)
{
	struct err e = {0};
	firewall_wanted_init(w);
	nft_wanted_disable(w, NFT_MODEL_V6);
	for (uint32_t i = 0; i < SERVICES; i++) {
		struct nft_pair pair = {
			(char[]){"s"}, v4(VIPS + i), v4((i < moved ? NEW : OLD) + i)};
		assert_int_equal(nft_wanted_add_pair(w, &pair, &e), 0);
	}
}

static void on_result(void *arg, const struct nft_result *result, const struct err *e)
{
	struct firewall *f = arg;
	f->is_done = true;
	f->result = *result;
	f->e = *e;
}

/* The longest turn, in milliseconds. */
static double turn_until_done(struct firewall *f)
{
	struct err e = {0};
	uint64_t longest = 0;
	while (!f->is_done) {
		uint64_t start = clock_now_ns();
		assert_int_equal(loop_turn(f->loop, 0, &e), 0);
		uint64_t time = clock_now_ns() - start;
		if (time > longest)
			longest = time;
	}
	return (double)longest / NS_PER_MS;
}

static void test_many_flows(void **state)
{
	struct firewall f;
	struct nft_wanted w;
	(void)state;
	firewall_open(&f);
	want_services(&w, 0);
	assert_int_equal(firewall_apply(&f, &w), 0);
	make_flows(&f);
	want_services(&w, MOVED);
	f.is_done = false;
	uint64_t start = clock_now_ns();
	nft_apply(f.nft, &w, on_result, &f);
	double longest = turn_until_done(&f);
	double whole = (double)(clock_now_ns() - start) / NS_PER_MS;
	print_message("%u flows, %u services, %u of them moved: %.0f ms, longest turn %.1f ms\n",
		FLOWS, SERVICES, MOVED, whole, longest);
	if (f.result.code < 0 || f.result.flows_error.code < 0)
		fail_msg("%s%s", f.e.msg, f.result.flows_error.msg);
	assert_int_equal(f.result.flows_ended, FLOWS / SERVICES * MOVED);
	AUTO(mem_free) char *left = netns_run("cat /proc/sys/net/netfilter/nf_conntrack_count");
	assert_int_equal(atoi(left), FLOWS - FLOWS / SERVICES * MOVED);
	assert_true(longest < TURN_MAX_MS);
	firewall_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_flows),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
