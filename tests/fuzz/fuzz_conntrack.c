/*
 * Entries of conntrack, compared with a firewall with one of everything: an untranslated flow is
 * never ended unless it is UDP, and pointers into the message stay within it.
 */
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/nft/ct_entry.h"
#include "lib/nft/ct_plan.h"
#include "lib/nft/nlwalk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
	struct nft_wanted wanted;
	struct nft_desired now;
	struct nft_desired before;
	struct ct_past past;
	struct ct_view view;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct ipaddr addr(const char *text)
{
	struct ipaddr out;
	struct err e = {0};
	require(ipaddr_parse(text, &out, &e) == 0);
	return out;
}

static void compile(struct bench *b, const char *own, const char *target, struct nft_desired *out)
{
	struct err e = {0};
	struct ipaddr own_addr = addr(own);
	struct ipaddr pod = addr("10.244.0.1");
	struct ipaddr backends[] = {addr("10.244.0.3"), addr("10.244.0.4")};
	struct ipaddr vip = addr("100.99.0.1");
	struct nft_portmap map = {(char[]){"s"}, IPPROTO_UDP, 10000, addr(target), 53};
	struct nft_pair pair = {(char[]){"p"}, addr("100.99.0.2"), addr("10.244.0.2")};
	nft_wanted_init(&b->wanted, "tailscale0", "a/b");
	nft_wanted_set_own(&b->wanted, &own_addr);
	nft_wanted_set_pod(&b->wanted, &pod);
	require(nft_wanted_add_portmap(&b->wanted, &map, &e) == 0);
	require(nft_wanted_add_pair(&b->wanted, &pair, &e) == 0);
	require(nft_wanted_add_backend(&b->wanted, &vip, &backends[0], &e) == 0);
	require(nft_wanted_add_backend(&b->wanted, &vip, &backends[1], &e) == 0);
	require(nft_compile(&b->wanted, true, out, &e) == 0);
}

static void open_bench(struct bench *b)
{
	compile(b, "100.64.0.1", "100.64.1.1", &b->before);
	nft_wanted_fini(&b->wanted);
	compile(b, "100.64.0.2", "100.64.1.2", &b->now);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		ct_past_add(&b->past, (enum nft_model_family)f, &b->before.images[f],
			&b->wanted.families[f].balanced_from);
	ct_view_init(&b->view, &b->past, &b->now, &b->wanted);
}

static void check_within(const struct nlmsghdr *nlh, const struct nlattr *attr)
{
	const char *start = (const char *)nlh;
	if (attr == NULL)
		return;
	require((const char *)attr > start);
	require((const char *)attr + attr->nla_len <= start + nlh->nlmsg_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(mem_free) uint8_t *aligned = xmalloc(size + 1);
	struct bench b = {0};
	struct ct_entry entry;
	struct nlwalk walk = NLWALK_INIT(aligned, size);
	const struct nlmsghdr *nlh;
	if (size > 0)
		memcpy(aligned, data, size);
	open_bench(&b);
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		if (!ct_entry_parse(nlh, &entry))
			continue;
		check_within(nlh, entry.tuple_attr);
		check_within(nlh, entry.id_attr);
		check_within(nlh, entry.zone_attr);
		enum ct_verdict verdict = ct_plan_decide(&b.view, &entry);
		bool is_translated = (entry.status & (IPS_DST_NAT | IPS_SRC_NAT)) != 0;
		require(!ct_verdict_is_end(verdict) || is_translated || entry.proto == IPPROTO_UDP);
	}
	ct_view_fini(&b.view);
	ct_past_fini(&b.past);
	nft_desired_fini(&b.now);
	nft_desired_fini(&b.before);
	nft_wanted_fini(&b.wanted);
	return 0;
}
