/* Whether IPv6 can be used, each condition in turn; without it IPv4 works and ip6 is untouched. */
#include "lib/nft/nft_ipv6.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/kernel/firewall.h"
#include "tests/support/address.h"
#include "tests/support/netns.h"

#define NOBODY 65534
#define NO_RULES "while ip -6 rule del pref 0 || ip -6 rule del pref 32766; do :; done 2>/dev/null;"
/* Hides a folder of /proc from this mount namespace. */
#define HIDE "mount -t tmpfs none "

struct condition {
	const char *name;
	const char *prepare;
	void (*restrict_self)(void); /* NULL = stays root */
	const char *sentence;        /* NULL = IPv6 can be used */
};

static void drop_root(void)
{
	if (setresuid(NOBODY, NOBODY, NOBODY) < 0)
		_exit(10);
}

/* A sandbox in which there is no rtnetlink. */
static void refuse_rtnetlink(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(11);
}

static const struct condition conditions[] = {
	{"all as usual", "true", NULL, NULL},
	{"no IPv6 in the kernel", HIDE "/proc/sys/net", NULL, "this kernel has no IPv6: no "},
	{"disable_ipv6 is on", "sysctl -qw net.ipv6.conf.all.disable_ipv6=1", NULL,
		"IPv6 is switched off: /proc/sys/net/ipv6/conf/all/disable_ipv6 is 1"},
	{"disable_ipv6 cannot be read", HIDE "/proc/sys/net/ipv6/conf/all", NULL,
		"/proc/sys/net/ipv6/conf/all/disable_ipv6: No such file or directory"},
	{"disable_policy is on", "sysctl -qw net.ipv6.conf.all.disable_policy=1", NULL,
		"IPv6 policy is switched off: /proc/sys/net/ipv6/conf/all/disable_policy is 1"},
	{"no disable_policy",
		HIDE "/proc/sys/net/ipv6/conf/all && echo 0 >"
		     "/proc/sys/net/ipv6/conf/all/disable_ipv6",
		NULL, NULL},
	{"rules cannot be read", "true", refuse_rtnetlink, "open a socket to rtnetlink: "},
	{"rules can be read unprivileged", "true", drop_root, NULL},
	{"no rule, one can be added", NO_RULES, NULL, NULL},
	{"no rule, one was left by a test",
		NO_RULES "ip -6 rule add pref 1234 fwmark 0x80000 table 52 &&"
			 "ip -6 rule list | grep -q lookup.52",
		NULL, NULL},
	{"no rule, none can be added", NO_RULES, drop_root,
		"add an IPv6 policy routing rule as a test: rtnetlink: Operation not permitted"},
};

/* In a child, with a network and a mount namespace of its own. 0 = as expected. */
static int answer_is_right(const struct condition *c)
{
	struct err e = {0};
	netns_new();
	if (unshare(CLONE_NEWNS) < 0)
		return 1;
	netns_do("mount --make-rprivate /; %s", c->prepare);
	if (c->restrict_self != NULL)
		c->restrict_self();
	int code = nft_ipv6_available("", &e);
	if (c->sentence == NULL && code == 0)
		return 0;
	if (c->sentence != NULL && code < 0 && code == e.code && strstr(e.msg, c->sentence) != NULL)
		return 0;
	fprintf(stderr, "%s: %d, %s\n", c->name, code, e.msg);
	return 2;
}

static int no_test_rule_is_left(const struct condition *c)
{
	struct err e = {0};
	(void)c;
	netns_new();
	netns_do(NO_RULES);
	if (nft_ipv6_available("", &e) < 0)
		return 1;
	AUTO(mem_free) char *rules = netns_run("ip -6 rule list");
	return rules[0] != '\0';
}

static void in_child(int (*run)(const struct condition *c), const struct condition *c)
{
	int status = 0;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(run(c));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
		in_child(answer_is_right, &conditions[i]);
}

static void test_cleans_up(void **state)
{
	(void)state;
	in_child(no_test_rule_is_left, NULL);
}

/* What a supervisor does with the answer: the family is left alone, the other one works. */
static int ipv4_is_whole(const struct condition *c)
{
	struct firewall f;
	struct nft_wanted w;
	struct err e = {0};
	struct nft_portmap six = {
		.service = (char *)(uintptr_t) "svc:b",
		.proto = IPPROTO_TCP,
		.match_port = 10000,
		.target = address_of("fd7a:115c:a1e0::1:1"),
		.target_port = 80,
	};
	firewall_open(&f);
	netns_do("nft add table ip6 ts_sidecar '{ comment \"owner=other/pod schema=1\" ; }'");
	AUTO(mem_free)
	char *before = netns_run("nft list tables ip6; nft list table ip6 ts_sidecar");
	if (unshare(CLONE_NEWNS) < 0)
		return 1;
	netns_do("mount --make-rprivate /; %s", c->prepare);
	if (nft_ipv6_available("", &e) == 0)
		return 2;
	firewall_wanted_init(&w);
	nft_wanted_disable(&w, NFT_MODEL_V6);
	if (nft_wanted_add_portmap(&w, &six, &e) != -EAFNOSUPPORT)
		return 3;
	firewall_portmap(&w, "svc:a", IPPROTO_TCP, 10000, "100.64.1.1", 80);
	if (firewall_apply(&f, &w) != 0 || f.result.transactions != 1)
		return 4;
	AUTO(mem_free)
	char *after = netns_run("nft list tables ip6; nft list table ip6 ts_sidecar");
	AUTO(mem_free) char *map = netns_run("nft list map ip ts_sidecar egress_pm");
	if (strcmp(before, after) != 0 ||
		strstr(map, "tcp . 10000 comment \"svc:a\" : 100.64.1.1 . 80") == NULL)
		return 5;
	if (firewall_remove(&f) != 0)
		return 6;
	AUTO(mem_free)
	char *removed = netns_run("nft list tables ip6; nft list table ip6 ts_sidecar");
	AUTO(mem_free) char *remaining = netns_run("nft list tables ip");
	firewall_close(&f);
	return strcmp(before, removed) != 0 || remaining[0] != '\0' ? 7 : 0;
}

static void test_without_ipv6(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		if (conditions[i].sentence != NULL && conditions[i].restrict_self == NULL)
			in_child(ipv4_is_whole, &conditions[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_cleans_up),
		cmocka_unit_test(test_without_ipv6),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
