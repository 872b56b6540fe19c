#include "tests/kernel/firewall.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_kernel.h"
#include "tests/support/address.h"
#include "tests/support/loop_wait.h"
#include "tests/support/netns.h"

static void open_nft(struct firewall *f)
{
	struct err e = {0};
	f->loop = loop_new(&e);
	assert_non_null(f->loop);
	struct nft_backend *kernel = nft_kernel_new(f->loop, &e);
	assert_non_null(kernel);
	f->nft = nft_new(f->loop, kernel);
}

void firewall_open(struct firewall *f)
{
	*f = (struct firewall){.ns = netns_new()};
	open_nft(f);
}

void firewall_restart(struct firewall *f)
{
	nft_free(f->nft);
	loop_free(f->loop);
	open_nft(f);
}

void firewall_close(struct firewall *f)
{
	nft_free(f->nft);
	loop_free(f->loop);
	close(f->ns);
}

int firewall_setup(void **state)
{
	struct firewall *f = xcalloc(1, sizeof(*f));
	firewall_open(f);
	*state = f;
	return 0;
}

int firewall_teardown(void **state)
{
	struct firewall *f = *state;
	firewall_close(f);
	free(f);
	return 0;
}

void firewall_expect_text(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void on_repaired(void *arg, const struct nft_result *result, const struct err *e)
{
	struct firewall *f = arg;
	f->repairs++;
	f->e = *e;
	snprintf(f->repaired, sizeof(f->repaired), "%s",
		result->repaired != NULL ? result->repaired : "");
}

void firewall_watch(struct firewall *f)
{
	struct err e = {0};
	assert_int_equal(nft_watch(f->nft, on_repaired, f, &e), 0);
}

void firewall_wanted_init(struct nft_wanted *w)
{
	struct ipaddr own4 = address_of(FIREWALL_OWN4);
	struct ipaddr own6 = address_of(FIREWALL_OWN6);
	nft_wanted_init(w, "tailscale0", FIREWALL_OWNER);
	nft_wanted_set_own(w, &own4);
	nft_wanted_set_own(w, &own6);
}

void firewall_portmap(struct nft_wanted *w, const char *service, uint8_t proto, uint16_t port,
	const char *target, uint16_t target_port)
{
	struct err e = {0};
	struct nft_portmap map = {
		.service = (char *)(uintptr_t)service,
		.proto = proto,
		.match_port = port,
		.target = address_of(target),
		.target_port = target_port,
	};
	if (nft_wanted_add_portmap(w, &map, &e) < 0)
		fail_msg("%s", e.msg);
}

void firewall_pair(struct nft_wanted *w, const char *service, const char *from, const char *to)
{
	struct err e = {0};
	struct nft_pair pair = {.service = (char *)(uintptr_t)service,
		.from = address_of(from),
		.to = address_of(to)};
	if (nft_wanted_add_pair(w, &pair, &e) < 0)
		fail_msg("%s", e.msg);
}

void firewall_backend(struct nft_wanted *w, const char *from, const char *backend)
{
	struct err e = {0};
	struct ipaddr from_addr = address_of(from);
	struct ipaddr to_addr = address_of(backend);
	if (nft_wanted_add_backend(w, &from_addr, &to_addr, &e) < 0)
		fail_msg("%s", e.msg);
}

static void on_result(void *arg, const struct nft_result *result, const struct err *e)
{
	struct firewall *f = arg;
	size_t at = 0;
	f->is_done = true;
	f->result = *result;
	f->result.conflicts = NULL;
	f->e = *e;
	f->conflicts[0] = '\0';
	for (size_t i = 0; i < result->conflict_count && at < sizeof(f->conflicts); i++)
		at += (size_t)snprintf(f->conflicts + at, sizeof(f->conflicts) - at, "%s %s %s;",
			result->conflicts[i].service, result->conflicts[i].winner,
			result->conflicts[i].what);
}

static int await(struct firewall *f)
{
	if (!loop_wait_flag(f->loop, &f->is_done, LOOP_WAIT_MS))
		fail_msg("the run did not end");
	if (f->result.code != 0)
		print_message("refused: %s\n", f->e.msg);
	return f->result.code;
}

int firewall_apply(struct firewall *f, struct nft_wanted *w)
{
	f->is_done = false;
	nft_apply(f->nft, w, on_result, f);
	return await(f);
}

int firewall_remove(struct firewall *f)
{
	f->is_done = false;
	nft_remove(f->nft, FIREWALL_OWNER, on_result, f);
	return await(f);
}

uint32_t firewall_generation(void)
{
	char bytes[4096];
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	uint32_t generation = 0;
	assert_non_null(nl);
	assert_int_equal(mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID), 0);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	assert_true(mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) > 0);
	assert_true(mnl_socket_recvfrom(nl, bytes, sizeof(bytes)) > 0);
	nlh = (struct nlmsghdr *)(void *)bytes;
	struct nlattr *attr;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_GEN_ID)
			generation = ntohl(mnl_attr_get_u32(attr));
	}
	mnl_socket_close(nl);
	return generation;
}
