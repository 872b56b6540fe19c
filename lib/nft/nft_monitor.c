#include "lib/nft/nft_monitor.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/nft/nft_schema.h"
#include "lib/nft/nlwalk.h"

#define RECV_BYTES (64u << 10)
/* Our own batches come back as events, too: 4,000 elements are about 300 KB. */
#define RECV_BUFFER (4 << 20)
#define DATAGRAMS_A_TURN 16

struct nft_monitor {
	int fd;
	uint32_t own_port;
	struct loop_source *source;
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

/* True when a datagram says that we have to look. */
static bool look(struct nft_monitor *m, ssize_t n)
{
	struct nlwalk walk = NLWALK_INIT(m->bytes, (size_t)n);
	const struct nlmsghdr *nlh;
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		if (nft_monitor_is_foreign(nlh, m->own_port))
			return true;
	}
	return false;
}

static void on_readable(void *arg, uint32_t events)
{
	struct nft_monitor *m = arg;
	bool has_changed = false;
	(void)events;
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
		/* ENOBUFS, or whatever else: something may have been missed. */
		if (n < 0)
			has_changed = true;
		else if (from.nl_pid == 0)
			has_changed |= look(m, n) || (msg.msg_flags & MSG_TRUNC) != 0;
	}
	if (has_changed)
		m->fn(m->arg);
}

static int open_socket(struct nft_monitor *m, struct err *e)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	int group = NFNLGRP_NFTABLES;
	int bytes = RECV_BUFFER;
	m->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (m->fd < 0)
		return err_set_errno(e, -errno, "open a netlink socket");
	if (bind(m->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set_errno(e, -errno, "bind a netlink socket");
	if (setsockopt(m->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(m->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(m->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return err_set_errno(e, -errno, "listen to the changes of nf_tables");
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
	if (open_socket(m, e) == 0)
		m->source = loop_add(loop, m->fd, EPOLLIN, on_readable, m, e);
	if (m->source == NULL) {
		nft_monitor_free(m);
		return NULL;
	}
	return m;
}

void nft_monitor_free(struct nft_monitor *m)
{
	if (m == NULL)
		return;
	loop_source_remove(m->source);
	fd_close(&m->fd);
	free(m->bytes);
	free(m);
}
