/* Edits of others when there are more events than the socket holds, and without an end. */
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/kernel/firewall.h"
#include "tests/support/loop_wait.h"
#include "tests/support/netns.h"

static int setup(void **state)
{
	struct firewall *f = xcalloc(1, sizeof(*f));
	struct nft_wanted w;
	firewall_open(f);
	firewall_watch(f);
	firewall_wish(&w);
	firewall_portmap(&w, "a", IPPROTO_TCP, 10000, "100.64.1.1", 80);
	assert_int_equal(firewall_apply(f, &w), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct firewall *f = *state;
	firewall_close(f);
	free(f);
	return 0;
}

static bool is_repaired(void *arg)
{
	const struct firewall *f = arg;
	return f->repairs > 0;
}

/* The one event that matters is among those that are lost. */
static void test_lost_events(void **state)
{
	struct firewall *f = *state;
	netns_do("nft 'add table ip other; add set ip other s { type ipv4_addr; }'");
	for (int i = 0; i < 4; i++)
		netns_do("for a in $(seq 0 199); do for b in $(seq 0 199); do"
			 " echo \"10.%d.$a.$b\"; done; done | tr '\\n' ',' |"
			 " sed 's/^/add element ip other s { /; s/,$/ }/' | nft -f -",
			i);
	netns_do("nft delete element ip ts_sidecar egress_pm { tcp . 10000 }");
	assert_true(loop_wait(f->loop, is_repaired, f, LOOP_WAIT_MS));
	AUTO(mem_free) char *map = netns_run("nft list map ip ts_sidecar egress_pm");
	assert_non_null(strstr(map, "tcp . 10000 comment \"a\" : 100.64.1.1 . 80"));
}

/* A child that makes a transaction after the other until it is killed. */
static pid_t churn(const char *commands)
{
	pid_t pid = fork();
	if (pid == 0) {
		for (;;)
			netns_do("%s", commands);
	}
	assert_true(pid > 0);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Tables of others change all the time: nothing to repair, and wishes are fulfilled. */
static void test_busy_neighbour(void **state)
{
	struct firewall *f = *state;
	pid_t pid = churn("for i in $(seq 20); do echo add table ip other; echo delete table ip"
			  " other; done | nft -f -");
	for (uint16_t i = 0; i < 20; i++) {
		struct nft_wanted w;
		firewall_wish(&w);
		firewall_portmap(&w, "a", IPPROTO_TCP, 10000 + i, "100.64.1.1", 80);
		firewall_backend(&w, FIREWALL_OWN4, "10.0.0.1");
		if (i % 2 == 0)
			firewall_backend(&w, FIREWALL_OWN4, "10.0.0.2");
		assert_int_equal(firewall_apply(f, &w), 0);
		assert_true(f->result.was_read_back);
	}
	stop(pid);
	assert_int_equal(f->repairs, 0);
}

/* Somebody undoes what we do, all the time: wishes are fulfilled or told to be not, in time. */
static void test_rival(void **state)
{
	struct firewall *f = *state;
	pid_t pid = churn("nft flush chain ip ts_sidecar prerouting; nft flush chain ip6 ts_sidecar"
			  " prerouting; true");
	assert_true(loop_wait(f->loop, is_repaired, f, LOOP_WAIT_MS));
	for (uint16_t i = 0; i < 5; i++) {
		struct nft_wanted w;
		firewall_wish(&w);
		firewall_portmap(&w, "b", IPPROTO_TCP, 10000 + i, "100.64.1.2", 80);
		int code = firewall_apply(f, &w);
		assert_true(code == 0 || f->e.msg[0] != '\0');
	}
	stop(pid);
	/* Once the other is gone, the last repair stands. */
	assert_true(loop_wait_idle(f->loop, 2000));
	AUTO(mem_free) char *table = netns_run("nft list table ip ts_sidecar");
	assert_non_null(strstr(table, "egress-portmap"));
	assert_non_null(strstr(table, "tcp . 10004 comment \"b\" : 100.64.1.2 . 80"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lost_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy_neighbour, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rival, setup, teardown),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
