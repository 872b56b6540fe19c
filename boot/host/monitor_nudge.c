#include "boot/host/monitor_nudge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

/* An unused address of the loopback range: 127.83.65.73. */
#define NOBODYS_ADDRESS 0x7f534149u

struct address_request {
	struct nlmsghdr head;
	struct ifaddrmsg address;
	struct rtattr local_head;
	uint32_t local;
};

static struct address_request request(uint16_t type, uint16_t flags, unsigned int lo)
{
	return (struct address_request){
		.head = {.nlmsg_len = sizeof(struct address_request),
			.nlmsg_type = type,
			.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)},
		.address = {.ifa_family = AF_INET,
			.ifa_prefixlen = 32,
			.ifa_scope = RT_SCOPE_HOST,
			.ifa_index = lo},
		.local_head = {.rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = IFA_LOCAL},
		.local = htonl(NOBODYS_ADDRESS),
	};
}

int monitor_nudge(struct err *e)
{
	unsigned int lo = if_nametoindex("lo");
	const struct address_request both[] = {
		request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, lo),
		request(RTM_DELADDR, 0, lo),
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0)
		return err_set_errno(e, -errno, "socket for routes");
	/* The kernel does both within the call. */
	int code = send(fd, both, sizeof(both), 0) == (ssize_t)sizeof(both) ? 0 : -errno;
	close(fd);
	return code < 0 ? err_set_errno(e, code, "send to the kernel's routing") : 0;
}
