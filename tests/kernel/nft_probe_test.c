/* The probe on this kernel, without the capability, and where buffers cannot be forced. */
#include "lib/nft/nft_probe.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h> /* before the kernel's, which declare the same */
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_kernel.h"
#include "tests/kernel/firewall.h"
#include "tests/support/netns.h"

#define NOBODY 65534

static struct nft_backend *open_kernel(struct loop **loop)
{
	struct err e = {0};
	*loop = loop_new(&e);
	struct nft_backend *kernel = nft_kernel_new(*loop, &e);
	if (kernel == NULL)
		fail_msg("%s", e.msg);
	return kernel;
}

static void test_supported(void **state)
{
	struct loop *loop;
	struct err e = {0};
	(void)state;
	int ns = netns_new();
	struct nft_backend *kernel = open_kernel(&loop);
	uint32_t generation = firewall_generation();
	for (int family = 0; family < NFT_MODEL_FAMILIES; family++) {
		AUTO(nft_probe_fini) struct nft_probe probe = {0};
		assert_int_equal(
			nft_kernel_probe(kernel, (enum nft_model_family)family, &probe, &e), 0);
		AUTO(mem_free) char *missing = strv_join(&probe.missing, "; ");
		assert_string_equal(missing, "");
		assert_true(probe.is_supported);
		assert_true(probe.has_numgen);
	}
	assert_int_equal(firewall_generation(), generation);
	AUTO(mem_free) char *ruleset = netns_run("nft list ruleset");
	assert_string_equal(ruleset, "");
	kernel->ops->free(kernel);
	loop_free(loop);
	close(ns);
}

/* Runs in a child, so that dropped privileges do not affect the parent. 0 = as expected. */
static void in_child(int (*run)(void))
{
	int status = 0;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(run());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Simulates a kernel that lacks one piece by requesting a piece that no kernel has. The bytes are
 * changed on their way out, the answers are the kernel's own. */
struct lack {
	const char *from;
	const char *to;
	size_t len;
	const char *sentence; /* NULL = there is a substitute */
};

#define TEXT(from, to) from, to, sizeof(from)

static const struct lack lacks[] = {
	/* The type of a chain, the name of an expression; each with the head of its attribute. */
	{TEXT("\x08\x00\x07\x00nat", "\x08\x00\x07\x00nay"),
		"nf_tables of this kernel lacks for IPv4: "
		"chain type nay (table ip ts_sidecar_probe, chain prerouting); "
		"chain type nay (table ip ts_sidecar_probe, chain postrouting)"},
	{TEXT("\x07\x00\x01\x00rt", "\x07\x00\x01\x00rx"),
		"nf_tables of this kernel lacks for IPv4: "
		"expression rx (table ip ts_sidecar_probe, chain mss_clamp, rule mss-out)"},
	{TEXT("\x08\x00\x01\x00nat", "\x08\x00\x01\x00nay"),
		"nf_tables of this kernel lacks for IPv4: "
		"expression nay (table ip ts_sidecar_probe, chain prerouting, rule by-daddr)"},
	{TEXT("\x0b\x00\x01\x00numgen", "\x0b\x00\x01\x00numgex"), NULL},
};

static void change_bytes(struct nlwrite *w, const struct lack *lack)
{
	char *at = w->buf.data;
	unsigned int count = 0;
	const char *end = at + w->buf.len;
	while ((at = memmem(at, (size_t)(end - at), lack->from, lack->len)) != NULL) {
		memcpy(at, lack->to, lack->len);
		count++;
	}
	assert_true(count > 0);
}

static void send_probe(const struct nlwrite *sent, const struct nlwrite *evaluated,
	enum nft_model_family family, struct nft_probe *out)
{
	struct err e = {0};
	struct nlsock_outcome outcome;
	struct loop *loop = loop_new(&e);
	struct nlsock *sock = nlsock_new(loop, &e);
	assert_non_null(sock);
	assert_int_equal(nlsock_commit(sock, sent->buf.data, sent->buf.len, &outcome, &e), 0);
	nft_probe_evaluate(evaluated, family, &outcome, out);
	nlsock_free(sock);
	loop_free(loop);
}

static void test_something_is_missing(void **state)
{
	(void)state;
	int ns = netns_new();
	uint32_t generation = firewall_generation();
	for (size_t i = 0; i < ARRAY_LEN(lacks); i++) {
		struct err e = {0};
		AUTO(nft_probe_fini) struct nft_probe probe = {0};
		AUTO(nlwrite_fini) struct nlwrite sent = NLWRITE_INIT(256u << 10, 1);
		AUTO(nlwrite_fini) struct nlwrite plain = NLWRITE_INIT(256u << 10, 1);
		nft_probe_write(&sent, NFT_MODEL_V4);
		nft_probe_write(&plain, NFT_MODEL_V4);
		change_bytes(&sent, &lacks[i]);
		/* A feature with a substitute is still found by its right name. */
		send_probe(&sent, lacks[i].sentence == NULL ? &plain : &sent, NFT_MODEL_V4, &probe);
		int code = nft_probe_check(&probe, NFT_MODEL_V4, &e);
		assert_int_equal(probe.has_numgen, lacks[i].sentence != NULL);
		assert_int_equal(code, lacks[i].sentence != NULL ? -EOPNOTSUPP : 0);
		assert_string_equal(e.msg, lacks[i].sentence != NULL ? lacks[i].sentence : "");
	}
	assert_int_equal(firewall_generation(), generation);
	AUTO(mem_free) char *ruleset = netns_run("nft list ruleset");
	assert_string_equal(ruleset, "");
	close(ns);
}

/* A family that the kernel lacks, for the table and everything in it. */
static void test_family_is_missing(void **state)
{
	struct err e = {0};
	AUTO(nft_probe_fini) struct nft_probe probe = {0};
	AUTO(nlwrite_fini) struct nlwrite w = NLWRITE_INIT(256u << 10, 1);
	(void)state;
	int ns = netns_new();
	uint32_t generation = firewall_generation();
	nft_probe_write(&w, NFT_MODEL_V6);
	for (size_t at = 0; at < w.buf.len;) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(w.buf.data + at);
		struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
		if (nfg->nfgen_family == NFPROTO_IPV6)
			nfg->nfgen_family = NFPROTO_NUMPROTO;
		at += MNL_ALIGN(nlh->nlmsg_len);
	}
	send_probe(&w, &w, NFT_MODEL_V6, &probe);
	assert_int_equal(nft_probe_check(&probe, NFT_MODEL_V6, &e), -EOPNOTSUPP);
	assert_string_equal(
		e.msg, "nf_tables of this kernel lacks for IPv6: family ip6 of nf_tables");
	assert_int_equal(firewall_generation(), generation);
	close(ns);
}

static int probe_unprivileged(void)
{
	struct loop *loop;
	struct err e = {0};
	AUTO(nft_probe_fini) struct nft_probe probe = {0};
	netns_new();
	if (setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return 1;
	struct nft_backend *kernel = open_kernel(&loop);
	if (nft_kernel_probe(kernel, NFT_MODEL_V4, &probe, &e) < 0 || probe.missing.len != 1)
		return 2;
	kernel->ops->free(kernel);
	loop_free(loop);
	if (nft_probe_check(&probe, NFT_MODEL_V4, &e) != -EPERM)
		return 3;
	return strcmp(e.msg, "the firewall may not be changed: no CAP_NET_ADMIN in the user "
			     "namespace that owns the network namespace") != 0;
}

/* A caller that applies nevertheless gets one error, at once. */
static int apply_unprivileged(void)
{
	struct firewall f;
	struct nft_wanted w;
	firewall_open(&f);
	if (setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return 1;
	firewall_restart(&f);
	firewall_wanted_init(&w);
	if (firewall_apply(&f, &w) != -EPERM || f.result.transactions != 0)
		return 2;
	firewall_close(&f);
	return strstr(f.e.msg, "Operation not permitted") == NULL;
}

static void test_unprivileged(void **state)
{
	(void)state;
	in_child(probe_unprivileged);
	in_child(apply_unprivileged);
}

static void want_much(struct nft_wanted *w)
{
	firewall_wanted_init(w);
	for (uint16_t i = 0; i < 1000; i++) {
		for (uint8_t proto = IPPROTO_TCP; proto <= IPPROTO_UDP; proto += 11) {
			char name[40];
			char v4[40];
			char v6[40];
			snprintf(name, sizeof(name), "namespace-of-service/%u", i);
			snprintf(v4, sizeof(v4), "100.65.%u.%u", i / 250, 1 + i % 250);
			snprintf(v6, sizeof(v6), "fd7a:115c:a1e0::%x", 16 + i);
			firewall_portmap(w, name, proto, 10000 + i, v4, 80);
			firewall_portmap(w, name, proto, 10000 + i, v6, 80);
		}
	}
}

static void test_large_batch(void **state)
{
	struct firewall f;
	struct nft_wanted w;
	(void)state;
	firewall_open(&f);
	want_much(&w);
	assert_int_equal(firewall_apply(&f, &w), 0);
	assert_int_equal(f.result.transactions, 1);
	assert_int_equal(f.result.elements, 6000);
	firewall_close(&f);
}

/* In a user namespace of its own the size of a buffer cannot be forced. */
static int apply_in_user_namespace(void)
{
	struct firewall f = {.ns = -1};
	struct nft_wanted w;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return 1;
	firewall_restart(&f);
	want_much(&w);
	if (firewall_apply(&f, &w) != 0 || f.result.transactions != 1 || f.result.elements != 6000)
		return 2;
	firewall_close(&f);
	return 0;
}

static void test_large_batch_without_force(void **state)
{
	(void)state;
	in_child(apply_in_user_namespace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_supported),
		cmocka_unit_test(test_something_is_missing),
		cmocka_unit_test(test_family_is_missing),
		cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_large_batch),
		cmocka_unit_test(test_large_batch_without_force),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
