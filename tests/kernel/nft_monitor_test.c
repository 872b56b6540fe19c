/*
 * Foreign edits: with more events than the socket holds, without end, and just while we do not
 * listen because we commit ourselves.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_dump.h"
#include "lib/nft/nlsock.h"
#include "tests/kernel/firewall.h"
#include "tests/support/loop_wait.h"
#include "tests/support/netns.h"

#define GROUP_NFTABLES 0x40u

/* What happens around the replaced calls, and how often they are made. */
static struct {
	const char *before_commit; /* commands of another program, once */
	const char *after_commit;
	bool was_listening; /* during the last commit */
	unsigned int readings;
	unsigned int joins_to_fail;
	unsigned int leaves_to_fail;
} act;

int __real_nlsock_commit(struct nlsock *s, const void *messages, size_t len,
	struct nlsock_outcome *out, struct err *e);
int __wrap_nlsock_commit(struct nlsock *s, const void *messages, size_t len,
	struct nlsock_outcome *out, struct err *e);
int __real_nft_dump_start(struct nft_dump *d, struct nlsock *sock,
	struct nft_image *const images[NFT_MODEL_FAMILIES], nft_dump_fn fn, void *arg,
	struct err *e);
int __wrap_nft_dump_start(struct nft_dump *d, struct nlsock *sock,
	struct nft_image *const images[NFT_MODEL_FAMILIES], nft_dump_fn fn, void *arg,
	struct err *e);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

/* Whether a socket of this namespace is in the group. */
static bool is_listening(void *arg)
{
	char line[256];
	bool is_found = false;
	(void)arg;
	FILE *table = fopen("/proc/self/net/netlink", "re");
	assert_non_null(table);
	while (fgets(line, sizeof(line), table) != NULL) {
		unsigned int protocol;
		unsigned int groups;
		if (sscanf(line, "%*s %u %*u %x", &protocol, &groups) == 2)
			is_found |= protocol == NETLINK_NETFILTER && (groups & GROUP_NFTABLES) != 0;
	}
	fclose(table);
	return is_found;
}

static void do_once(const char **commands)
{
	const char *once = *commands;
	*commands = NULL;
	if (once != NULL)
		netns_do("%s", once);
}

int __wrap_nlsock_commit(struct nlsock *s, const void *messages, size_t len,
	struct nlsock_outcome *out, struct err *e)
{
	act.was_listening = is_listening(NULL);
	do_once(&act.before_commit);
	int code = __real_nlsock_commit(s, messages, len, out, e);
	do_once(&act.after_commit);
	return code;
}

int __wrap_nft_dump_start(struct nft_dump *d, struct nlsock *sock,
	struct nft_image *const images[NFT_MODEL_FAMILIES], nft_dump_fn fn, void *arg,
	struct err *e)
{
	act.readings++;
	return __real_nft_dump_start(d, sock, images, fn, arg, e);
}

static bool must_fail(unsigned int *times)
{
	if (*times == 0)
		return false;
	(*times)--;
	errno = ENOMEM;
	return true;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (level == SOL_NETLINK && name == NETLINK_ADD_MEMBERSHIP && must_fail(&act.joins_to_fail))
		return -1;
	if (level == SOL_NETLINK && name == NETLINK_DROP_MEMBERSHIP &&
		must_fail(&act.leaves_to_fail))
		return -1;
	return __real_setsockopt(fd, level, name, value, len);
}

static int setup(void **state)
{
	struct nft_wanted w;
	memset(&act, 0, sizeof(act));
	firewall_setup(state);
	struct firewall *f = *state;
	firewall_watch(f);
	firewall_wanted_init(&w);
	firewall_portmap(&w, "a", IPPROTO_TCP, 10000, "100.64.1.1", 80);
	assert_int_equal(firewall_apply(f, &w), 0);
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

/* A child that makes one transaction after the other until it is killed. */
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

/* Foreign tables change all the time: nothing to repair, and requests are fulfilled. */
static void test_busy_neighbour(void **state)
{
	struct firewall *f = *state;
	pid_t pid = churn("for i in $(seq 20); do echo add table ip other; echo delete table ip"
			  " other; done | nft -f -");
	for (uint16_t i = 0; i < 20; i++) {
		struct nft_wanted w;
		firewall_wanted_init(&w);
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

/* Another program undoes our changes all the time: requests succeed or fail in time. */
static void test_rival(void **state)
{
	struct firewall *f = *state;
	pid_t pid = churn("nft flush chain ip ts_sidecar prerouting; nft flush chain ip6 ts_sidecar"
			  " prerouting; true");
	assert_true(loop_wait(f->loop, is_repaired, f, LOOP_WAIT_MS));
	for (uint16_t i = 0; i < 5; i++) {
		struct nft_wanted w;
		firewall_wanted_init(&w);
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

/* A change of elements only, which is not read back. */
static void apply_ports(struct firewall *f, uint16_t ports)
{
	struct nft_wanted w;
	firewall_wanted_init(&w);
	for (uint16_t i = 0; i < ports; i++)
		firewall_portmap(&w, "a", IPPROTO_TCP, (uint16_t)(10000 + i), "100.64.1.1", 80);
	assert_int_equal(firewall_apply(f, &w), 0);
	assert_int_equal(f->result.transactions, 1);
	assert_false(f->result.was_read_back);
}

static void expect_ports(uint16_t ports)
{
	AUTO(mem_free) char *map = netns_run("nft list map ip ts_sidecar egress_pm");
	for (uint16_t i = 0; i < ports; i++) {
		char element[32];
		snprintf(element, sizeof(element), "tcp . %d comment", 10000 + i);
		assert_non_null(strstr(map, element));
	}
}

static void test_own_changes(void **state)
{
	struct firewall *f = *state;
	act.readings = 0;
	for (uint16_t ports = 2; ports < 20; ports++) {
		apply_ports(f, ports);
		assert_false(act.was_listening);
		assert_true(is_listening(NULL));
	}
	assert_true(loop_wait_idle(f->loop, 300));
	assert_int_equal(act.readings, 0);
}

/* No event reports it: the generation does. */
static void test_edit_during_commit(void **state)
{
	static const char edit[] = "nft delete element ip ts_sidecar egress_pm { tcp . 10000 }";
	struct firewall *f = *state;
	const char **moments[] = {&act.before_commit, &act.after_commit};
	uint16_t ports = 2;
	for (size_t i = 0; i < ARRAY_LEN(moments); i++, ports++) {
		f->repairs = 0;
		*moments[i] = edit;
		apply_ports(f, ports);
		assert_null(*moments[i]);
		assert_false(act.was_listening);
		assert_true(loop_wait(f->loop, is_repaired, f, LOOP_WAIT_MS));
		assert_string_equal(f->repaired, "ip: egress_pm lacks tcp 10000");
		expect_ports(ports);
	}
}

/* Foreign tables in between: read once, nothing to report. */
static void test_others_during_commit(void **state)
{
	struct firewall *f = *state;
	act.readings = 0;
	act.before_commit = "nft add table ip other";
	apply_ports(f, 2);
	assert_true(loop_wait_count(f->loop, &act.readings, 1, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(f->loop, 300));
	assert_int_equal(act.readings, 1);
	assert_int_equal(f->repairs, 0);
}

static void test_leaving_fails(void **state)
{
	struct firewall *f = *state;
	act.readings = 0;
	act.leaves_to_fail = 1;
	apply_ports(f, 2);
	assert_true(act.was_listening);
	assert_true(loop_wait_idle(f->loop, 300));
	assert_int_equal(act.readings, 0);
	netns_do("nft delete element ip ts_sidecar egress_pm { tcp . 10000 }");
	assert_true(loop_wait(f->loop, is_repaired, f, LOOP_WAIT_MS));
	expect_ports(2);
}

/* The tables are read once when joining fails; an edit while we do not listen is found by the next
 * try, and after that everything is as before. */
static void test_joining_fails(void **state)
{
	struct firewall *f = *state;
	act.readings = 0;
	act.joins_to_fail = 3;
	apply_ports(f, 2);
	assert_false(is_listening(NULL));
	netns_do("nft delete element ip ts_sidecar egress_pm { tcp . 10000 }");
	assert_true(loop_wait(f->loop, is_repaired, f, LOOP_WAIT_MS));
	expect_ports(2);
	assert_true(loop_wait(f->loop, is_listening, NULL, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(f->loop, 300));
	f->repairs = 0;
	netns_do("nft delete element ip ts_sidecar egress_pm { tcp . 10001 }");
	assert_true(loop_wait(f->loop, is_repaired, f, LOOP_WAIT_MS));
	expect_ports(2);
}

/* Only the tries, after the reading that the failure caused, can find an edit without an event. */
static void test_edit_before_joining(void **state)
{
	struct firewall *f = *state;
	act.readings = 0;
	act.joins_to_fail = 6;
	apply_ports(f, 2);
	assert_true(loop_wait_count(f->loop, &act.readings, 1, LOOP_WAIT_MS));
	assert_true(loop_wait_idle(f->loop, 20));
	assert_false(is_listening(NULL));
	netns_do("nft delete element ip ts_sidecar egress_pm { tcp . 10000 }");
	assert_true(loop_wait(f->loop, is_repaired, f, LOOP_WAIT_MS));
	assert_false(is_listening(NULL));
	expect_ports(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lost_events, setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_busy_neighbour, setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_rival, setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_own_changes, setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_edit_during_commit, setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(
			test_others_during_commit, setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_leaving_fails, setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_joining_fails, setup, firewall_teardown),
		cmocka_unit_test_setup_teardown(test_edit_before_joining, setup, firewall_teardown),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
