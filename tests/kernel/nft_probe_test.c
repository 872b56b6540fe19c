/* The probe on this kernel, without the capability, and where buffers cannot be forced. */
#include "lib/nft/nft_probe.h"

#include <errno.h>
#include <netinet/in.h>
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

/* Runs in a child, so that what it gives up stays its own. 0 = as expected. */
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
	return strcmp(probe.missing.items[0],
		       "CAP_NET_ADMIN in the user namespace that owns the network namespace") != 0;
}

static void test_unprivileged(void **state)
{
	(void)state;
	in_child(probe_unprivileged);
}

static void wish_much(struct nft_wanted *w)
{
	firewall_wish(w);
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
	wish_much(&w);
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
	wish_much(&w);
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
		cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_large_batch),
		cmocka_unit_test(test_large_batch_without_force),
	};
	netns_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
