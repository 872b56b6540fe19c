#include "boot/host/link_local.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/io/loop.h"

/* One announcement; a longer one is not of a device that was just made. */
#define ANNOUNCEMENT_MAX 8192
/* In one turn of the loop. */
#define ANNOUNCEMENTS_MAX 32

/* Sets IFLA_INET6_ADDR_GEN_MODE; each attribute holds all that follow. */
struct mode_request {
	struct nlmsghdr head;
	struct ifinfomsg link;
	struct rtattr af_spec;
	struct rtattr inet6;
	struct rtattr mode_head;
	uint8_t mode;
	uint8_t padding[3];
};

static void give_none(const struct link_local *l, int index)
{
	const struct mode_request request = {
		.head = {.nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_SETLINK,
			.nlmsg_flags = NLM_F_REQUEST},
		.link = {.ifi_index = index},
		.af_spec = {sizeof(request) - offsetof(struct mode_request, af_spec), IFLA_AF_SPEC},
		.inet6 = {sizeof(request) - offsetof(struct mode_request, inet6), AF_INET6},
		.mode_head = {RTA_LENGTH(sizeof(uint8_t)), IFLA_INET6_ADDR_GEN_MODE},
		.mode = IN6_ADDR_GEN_MODE_NONE,
	};
	ssize_t sent = send(l->fd, &request, sizeof(request), 0);
	(void)sent;
}

static bool is_named(const struct nlmsghdr *head, const char *name)
{
	const struct ifinfomsg *link = NLMSG_DATA(head);
	int left = (int)IFLA_PAYLOAD(head);
	for (const struct rtattr *a = IFLA_RTA(link); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		size_t len = RTA_PAYLOAD(a);
		if (a->rta_type == IFLA_IFNAME)
			return strnlen(RTA_DATA(a), len) == strlen(name) &&
			       memcmp(RTA_DATA(a), name, strlen(name)) == 0;
	}
	return false;
}

/* NLMSG_OK for a signed length, which the macro compares with an unsigned one. */
static bool is_whole(const struct nlmsghdr *head, int left)
{
	return left >= (int)sizeof(*head) && head->nlmsg_len >= sizeof(*head) &&
	       head->nlmsg_len <= (uint32_t)left;
}

/* The padding of the last part may be missing: then what is left becomes negative. */
int link_local_find(const void *bytes, size_t len, const char *name)
{
	int left = (int)len;
	for (const struct nlmsghdr *head = bytes; is_whole(head, left);
		head = NLMSG_NEXT(head, left)) {
		const struct ifinfomsg *link = NLMSG_DATA(head);
		if (head->nlmsg_type == RTM_NEWLINK &&
			head->nlmsg_len >= NLMSG_LENGTH(sizeof(*link)) && is_named(head, name))
			return link->ifi_index;
	}
	return 0;
}

static void on_announced(void *arg, uint32_t events)
{
	struct link_local *l = arg;
	alignas(struct nlmsghdr) char bytes[ANNOUNCEMENT_MAX];
	(void)events;
	for (int i = 0; i < ANNOUNCEMENTS_MAX; i++) {
		struct sockaddr_nl from = {0};
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(
			l->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);
		/* ENOBUFS: some were lost, others follow. */
		if (n < 0 && errno != ENOBUFS)
			return;
		int index =
			n > 0 && from.nl_pid == 0 ? link_local_find(bytes, (size_t)n, l->name) : 0;
		if (index == 0 || index == l->last)
			continue;
		l->last = index;
		give_none(l, index);
	}
}

int link_local_open(struct link_local *l, struct loop *loop, const char *name, struct err *e)
{
	const struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (l->fd < 0)
		return err_set_errno(e, -errno, "socket for links");
	if (bind(l->fd, (const struct sockaddr *)&own, sizeof(own)) < 0)
		err_set_errno(e, -errno, "bind to the announcements of links");
	else
		l->source = loop_add(loop, l->fd, EPOLLIN, on_announced, l, e);
	if (l->source != NULL)
		return 0;
	close(l->fd);
	l->fd = -1;
	return e->code;
}

void link_local_close(struct link_local *l)
{
	if (l->source == NULL)
		return;
	loop_source_remove(l->source);
	close(l->fd);
	*l = (struct link_local){.fd = -1};
}
