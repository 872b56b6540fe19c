#include "boot/host/monitor_nudge.h"

#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/netns.h"

/* Hears what the daemon's monitor hears. */
static int listen_to_addresses(void)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	return fd;
}

/* The type of the next announcement, 0 when there is none. */
static uint16_t heard(int fd)
{
	_Alignas(struct nlmsghdr) char message[4096];
	ssize_t len = recv(fd, message, sizeof(message), 0);
	return len < (ssize_t)sizeof(struct nlmsghdr) ? 0
						      : ((struct nlmsghdr *)message)->nlmsg_type;
}

static void test_it_is_heard_and_leaves_nothing(void **state)
{
	struct err e;
	(void)state;
	int ns = netns_new();
	char *before = netns_run("ip -o addr; ip route show table all");
	int fd = listen_to_addresses();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(monitor_nudge(&e), 0);
		assert_int_equal(heard(fd), RTM_NEWADDR);
		assert_int_equal(heard(fd), RTM_DELADDR);
		assert_int_equal(heard(fd), 0);
	}
	char *after = netns_run("ip -o addr; ip route show table all");
	assert_string_equal(before, after);
	free(before);
	free(after);
	close(fd);
	close(ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_heard_and_leaves_nothing),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
