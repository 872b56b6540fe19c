#include "boot/host/link_local.h"

#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/loop_wait.h"
#include "tests/support/netns.h"

#define NAME "tailscale0"

struct fixture {
	struct loop *loop;
	struct link_local link;
	int ns;
};

static int setup(void **state)
{
	static struct fixture f;
	struct err e;
	f = (struct fixture){.ns = netns_new()};
	f.loop = loop_new(&e);
	assert_non_null(f.loop);
	assert_int_equal(link_local_open(&f.link, f.loop, NAME, &e), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	link_local_close(&f->link);
	loop_free(f->loop);
	close(f->ns);
	return 0;
}

static bool has_mode_none(void *name)
{
	char command[128];
	snprintf(command, sizeof(command), "ip -d link show %s", (const char *)name);
	char *text = netns_run(command);
	bool has = strstr(text, "addrgenmode none") != NULL;
	free(text);
	return has;
}

/* One end of a pair; the other end is p.NAME. */
static void make_device(const char *name)
{
	netns_do("ip link add %s type veth peer name p.%s", name, name);
}

static bool has_address(void *name)
{
	char command[128];
	snprintf(command, sizeof(command), "ip -6 -o addr show dev %s", (const char *)name);
	char *text = netns_run(command);
	bool has = text[0] != '\0';
	free(text);
	return has;
}

static void test_each_new_device_gets_none(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 3; i++) {
		make_device(NAME);
		assert_true(loop_wait(f->loop, has_mode_none, NAME, LOOP_WAIT_MS));
		netns_do("ip link set " NAME " up; ip link set p." NAME " up");
		assert_true(loop_wait(f->loop, has_address, "p." NAME, LOOP_WAIT_MS));
		assert_false(has_address(NAME));
		netns_do("ip link del " NAME);
	}
}

static void test_other_devices_are_left_alone(void **state)
{
	struct fixture *f = *state;
	make_device(NAME "x");
	make_device("tailscale");
	make_device(NAME);
	assert_true(loop_wait(f->loop, has_mode_none, NAME, LOOP_WAIT_MS));
	assert_false(has_mode_none(NAME "x"));
	assert_false(has_mode_none("tailscale"));
}

/* A mode that another program has set later stays. */
static void test_a_device_is_changed_once(void **state)
{
	struct fixture *f = *state;
	make_device(NAME);
	assert_true(loop_wait(f->loop, has_mode_none, NAME, LOOP_WAIT_MS));
	netns_do("ip link set " NAME " addrgenmode eui64; ip link set " NAME " up");
	make_device("other");
	assert_true(loop_wait_idle(f->loop, 50));
	assert_false(has_mode_none(NAME));
}

/* The last part of a buffer may lack its padding; behind it nothing is read. */
static void test_a_length_that_is_not_aligned_ends_the_search(void **state)
{
	(void)state;
	for (size_t len = NLMSG_LENGTH(sizeof(struct ifinfomsg)); len < 48; len++) {
		struct nlmsghdr *head = xcalloc(1, len);
		*head = (struct nlmsghdr){.nlmsg_len = (uint32_t)len, .nlmsg_type = RTM_NEWLINK};
		if (IFLA_PAYLOAD(head) >= sizeof(struct rtattr))
			IFLA_RTA(NLMSG_DATA(head))->rta_len = IFLA_PAYLOAD(head);
		assert_int_equal(link_local_find(head, len, NAME), 0);
		free(head);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_length_that_is_not_aligned_ends_the_search),
		cmocka_unit_test_setup_teardown(test_each_new_device_gets_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_devices_are_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_device_is_changed_once, setup, teardown),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
