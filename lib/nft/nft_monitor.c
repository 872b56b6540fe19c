#include "lib/nft/nft_monitor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/backoff.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/nft/nft_schema.h"
#include "lib/nft/nlsock.h"
#include "lib/nft/nlwalk.h"
#include "lib/nft/nlwrite.h"

#define RECV_BYTES (64u << 10)
/* A batch of 4,000 elements comes as about 300 KB of events. */
#define RECV_BUFFER (4 << 20)
#define DATAGRAMS_A_TURN 16
#define REQUEST_MAX (80u << 10)
#define JOIN_AGAIN_MS 100
#define JOIN_AGAIN_MAX_MS 10000

struct nft_monitor {
	int fd;
	uint32_t own_port;
	struct loop_source *source;
	struct nlsock *requests;
	uint32_t known; /* all changes up to this generation were seen or our own; 0 = none */
	bool is_member;
	struct timer join_again;
	struct backoff backoff;
	struct timer report; /* for changes found outside our own callback */
	nft_foreign_fn fn;
	void *arg;
	char *bytes;
};

bool nft_monitor_is_foreign(const struct nlmsghdr *nlh, uint32_t own_port)
{
	const struct nlattr *attr;
	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || nlh->nlmsg_pid == own_port ||
		nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
		return false;
	uint8_t kind = nlh->nlmsg_type & 0xff;
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	if (kind == NFT_MSG_NEWGEN || kind == NFT_MSG_TRACE ||
		(nfg->nfgen_family != NFPROTO_IPV4 && nfg->nfgen_family != NFPROTO_IPV6))
		return false;
	mnl_attr_for_each(attr, nlh, sizeof(*nfg))
	{
		/* The table's name, for all kinds of objects. */
		if (mnl_attr_get_type(attr) != NFTA_TABLE_NAME)
			continue;
		size_t len = mnl_attr_get_payload_len(attr);
		return len == sizeof(NFT_SCHEMA_TABLE) &&
		       memcmp(mnl_attr_get_payload(attr), NFT_SCHEMA_TABLE, len) == 0;
	}
	return false;
}

uint32_t nft_monitor_generation(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	uint32_t wire;
	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN) ||
		nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) != NFTA_GEN_ID ||
			mnl_attr_get_payload_len(attr) != sizeof(wire))
			continue;
		memcpy(&wire, mnl_attr_get_payload(attr), sizeof(wire));
		return ntohl(wire);
	}
	return 0;
}

bool nft_monitor_is_explained(uint32_t before, uint32_t after, size_t batches)
{
	uint32_t expected = before + (uint32_t)batches;
	if (before == 0 || after == 0)
		return false;
	/* The kernel leaves 0 out when the numbers begin again. */
	if (expected < before)
		expected++;
	return after == expected;
}

/* Numbers wrap around, so their distance shows which one is later. */
static void raise_known(struct nft_monitor *m, uint32_t generation)
{
	if (generation != 0 && (m->known == 0 || (int32_t)(generation - m->known) > 0))
		m->known = generation;
}

/* True when a datagram says that the tables must be read. The generation is the last event of a
 * batch. */
static bool look(struct nft_monitor *m, ssize_t n)
{
	struct nlwalk walk = NLWALK_INIT(m->bytes, (size_t)n);
	const struct nlmsghdr *nlh;
	bool has_changed = false;
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		has_changed |= nft_monitor_is_foreign(nlh, m->own_port);
		raise_known(m, nft_monitor_generation(nlh));
	}
	return has_changed;
}

/* True when a queued datagram says that the tables must be read. What exceeds the bound of a turn
 * stays queued. */
static bool read_events(struct nft_monitor *m)
{
	bool has_changed = false;
	for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {.iov_base = m->bytes, .iov_len = RECV_BYTES};
		struct msghdr msg = {.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1};
		ssize_t n = recvmsg(m->fd, &msg, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		/* ENOBUFS, or any other error: an event may have been missed. */
		if (n < 0)
			has_changed = true;
		else if (from.nl_pid == 0)
			has_changed |= look(m, n) || (msg.msg_flags & MSG_TRUNC) != 0;
	}
	return has_changed;
}

static void on_readable(void *arg, uint32_t events)
{
	struct nft_monitor *m = arg;
	(void)events;
	if (read_events(m))
		m->fn(m->arg);
}

static void on_report(void *arg)
{
	struct nft_monitor *m = arg;
	m->fn(m->arg);
}

static int set_member(struct nft_monitor *m, bool is_member)
{
	int group = NFNLGRP_NFTABLES;
	int option = is_member ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP;
	if (setsockopt(m->fd, SOL_NETLINK, option, &group, sizeof(group)) < 0)
		return -errno;
	m->is_member = is_member;
	return 0;
}

static void on_generation(void *arg, const struct nlmsghdr *nlh)
{
	uint32_t *generation = arg;
	*generation = nft_monitor_generation(nlh);
}

static uint32_t ask_generation(struct nft_monitor *m)
{
	struct err ignored;
	uint32_t generation = 0;
	AUTO(nlwrite_fini)
	struct nlwrite w = NLWRITE_INIT(REQUEST_MAX, nlsock_reserve_seq(m->requests, 1));
	nlwrite_begin(&w, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, NLM_F_ACK, NFPROTO_UNSPEC, 0);
	nlwrite_end(&w);
	if (nlwrite_check(&w, &ignored) < 0 ||
		nlsock_ask_now(m->requests, &w, on_generation, &generation, &ignored) < 0)
		return 0;
	return generation;
}

/* Whether there were only so many batches of ours since the known generation. The present one
 * becomes the known one. */
static bool compare_generation(struct nft_monitor *m, size_t batches)
{
	uint32_t now = ask_generation(m);
	bool is_explained = nft_monitor_is_explained(m->known, now, batches);
	m->known = now;
	return is_explained;
}

/* Listens first and reads the generation then, so that no change falls between the two. */
static bool join_and_look(struct nft_monitor *m, size_t batches)
{
	if (m->is_member || set_member(m, true) == 0) {
		timer_stop(&m->join_again);
		backoff_reset(&m->backoff);
	} else {
		timer_start(&m->join_again, backoff_next(&m->backoff));
	}
	return compare_generation(m, batches);
}

static void on_join_again(void *arg)
{
	struct nft_monitor *m = arg;
	if (!join_and_look(m, 0))
		m->fn(m->arg);
}

void nft_monitor_pause(struct nft_monitor *m)
{
	if (m == NULL)
		return;
	/* Makes the known generation as recent as possible. */
	if (read_events(m))
		timer_start(&m->report, 0);
	/* When leaving the group fails, we merely receive the events of our own batch as well. */
	if (m->is_member)
		(void)set_member(m, false);
}

void nft_monitor_resume(struct nft_monitor *m, size_t batches)
{
	if (m == NULL)
		return;
	bool is_explained = join_and_look(m, batches);
	if (!is_explained || !m->is_member)
		timer_start(&m->report, 0);
}

static int open_socket(struct nft_monitor *m, struct err *e)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	int bytes = RECV_BUFFER;
	m->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (m->fd < 0)
		return err_set_errno(e, -errno, "open a netlink socket");
	if (bind(m->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set_errno(e, -errno, "bind a netlink socket");
	if (setsockopt(m->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(m->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	int code = set_member(m, true);
	if (code < 0)
		return err_set_errno(e, code, "listen to the changes of nf_tables");
	return 0;
}

struct nft_monitor *nft_monitor_new(
	struct loop *loop, uint32_t own_port, nft_foreign_fn fn, void *arg, struct err *e)
{
	struct nft_monitor *m = xcalloc(1, sizeof(*m));
	m->fd = -1;
	m->own_port = own_port;
	m->fn = fn;
	m->arg = arg;
	m->bytes = xmalloc(RECV_BYTES);
	m->backoff = BACKOFF_INIT(JOIN_AGAIN_MS, JOIN_AGAIN_MAX_MS);
	timer_init(&m->join_again, loop, on_join_again, m);
	timer_init(&m->report, loop, on_report, m);
	m->requests = nlsock_new(loop, e);
	if (m->requests != NULL && open_socket(m, e) == 0)
		m->source = loop_add(loop, m->fd, EPOLLIN, on_readable, m, e);
	if (m->source == NULL) {
		nft_monitor_free(m);
		return NULL;
	}
	m->known = ask_generation(m);
	return m;
}

void nft_monitor_free(struct nft_monitor *m)
{
	if (m == NULL)
		return;
	timer_stop(&m->join_again);
	timer_stop(&m->report);
	loop_source_remove(m->source);
	fd_close(&m->fd);
	nlsock_free(m->requests);
	free(m->bytes);
	free(m);
}
