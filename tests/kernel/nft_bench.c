/*
 * How long the kernel and we take, in a namespace of our own: medians of 11 runs in milliseconds.
 * send = from the call that sends a batch to its acknowledgement; run = from the wish to the
 * result, with compiling, planning, reading back and conntrack.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/nft/nft_kernel.h"
#include "tests/kernel/firewall.h"
#include "tests/support/loop_wait.h"
#include "tests/support/netns.h"

#define RUNS 11
#define NS_PER_MS 1e6

static int compare(const void *left, const void *right)
{
	const double *a = left;
	const double *b = right;
	return *a < *b ? -1 : *a > *b;
}

static double median(double times[RUNS])
{
	qsort(times, RUNS, sizeof(times[0]), compare);
	return times[RUNS / 2];
}

static void wish(struct nft_wanted *w, unsigned int maps, uint16_t first_target_port)
{
	firewall_wish(w);
	for (unsigned int i = 0; i < maps; i++)
		firewall_portmap(w, "service", IPPROTO_TCP, (uint16_t)(10000 + i), "100.64.1.1",
			i == 0 ? first_target_port : 80);
}

/* One batch on a backend of its own, compiled and planned before. */
static double send_once(struct nft_backend *kernel, unsigned int maps)
{
	struct nft_wanted w;
	struct nft_desired desired = {0};
	struct nft_plan plan = {0};
	const struct nft_image *unknown[NFT_MODEL_FAMILIES] = {NULL, NULL};
	struct err e = {0};
	wish(&w, maps, 80);
	nft_wanted_disable(&w, NFT_MODEL_V6);
	assert_int_equal(nft_compile(&w, true, &desired, &e), 0);
	nft_plan_make(&plan, &desired, unknown);
	struct nft_commit c = {.plan = &plan, .wanted = &w, .desired = &desired};
	uint64_t start = clock_now_ns();
	if (kernel->ops->commit(kernel, &c, &e) < 0)
		fail_msg("%s", e.msg);
	double time = (double)(clock_now_ns() - start) / NS_PER_MS;
	nft_plan_fini(&plan);
	nft_desired_fini(&desired);
	nft_wanted_fini(&w);
	return time;
}

/* From one target port to another, of one element among all. */
static double change_once(struct nft_backend *kernel, unsigned int maps)
{
	struct nft_wanted wishes[2];
	struct nft_desired desired[2] = {0};
	struct nft_plan plan = {0};
	struct err e = {0};
	for (uint16_t i = 0; i < 2; i++) {
		wish(&wishes[i], maps, 80 + i);
		nft_wanted_disable(&wishes[i], NFT_MODEL_V6);
		assert_int_equal(nft_compile(&wishes[i], true, &desired[i], &e), 0);
	}
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {&desired[0].images[0], NULL};
	nft_plan_make(&plan, &desired[1], actual);
	struct nft_commit c = {.plan = &plan, .wanted = &wishes[1], .desired = &desired[1]};
	uint64_t start = clock_now_ns();
	if (kernel->ops->commit(kernel, &c, &e) < 0)
		fail_msg("%s", e.msg);
	double time = (double)(clock_now_ns() - start) / NS_PER_MS;
	nft_plan_fini(&plan);
	for (int i = 0; i < 2; i++) {
		nft_desired_fini(&desired[i]);
		nft_wanted_fini(&wishes[i]);
	}
	return time;
}

static void bench_send(unsigned int maps)
{
	double fresh[RUNS];
	double one[RUNS];
	double taken_over[RUNS];
	for (int i = 0; i < RUNS; i++) {
		struct err e = {0};
		int ns = netns_new();
		struct loop *loop = loop_new(&e);
		struct nft_backend *kernel = nft_kernel_new(loop, &e);
		assert_non_null(kernel);
		fresh[i] = send_once(kernel, maps);
		taken_over[i] = send_once(kernel, maps);
		one[i] = change_once(kernel, maps);
		kernel->ops->free(kernel);
		loop_free(loop);
		close(ns);
	}
	print_message("send %u maps: fresh %.3f, take-over %.3f, one element %.3f\n", maps,
		median(fresh), median(taken_over), median(one));
}

static double run_once(struct firewall *f, unsigned int maps, uint16_t first_target_port)
{
	struct nft_wanted w;
	wish(&w, maps, first_target_port);
	uint64_t start = clock_now_ns();
	assert_int_equal(firewall_apply(f, &w), 0);
	return (double)(clock_now_ns() - start) / NS_PER_MS;
}

static void on_read(void *arg, int code, const struct err *e)
{
	bool *is_done = arg;
	(void)e;
	assert_int_equal(code, 0);
	*is_done = true;
}

static double read_once(struct nft_backend *kernel, struct loop *loop)
{
	struct nft_image images[NFT_MODEL_FAMILIES] = {0};
	struct nft_image *into[NFT_MODEL_FAMILIES] = {&images[NFT_MODEL_V4], NULL};
	struct err e = {0};
	bool is_done = false;
	uint64_t start = clock_now_ns();
	assert_int_equal(kernel->ops->read(kernel, into, on_read, &is_done, &e), 0);
	assert_true(loop_wait_flag(loop, &is_done, LOOP_WAIT_MS));
	double time = (double)(clock_now_ns() - start) / NS_PER_MS;
	nft_image_fini(&images[NFT_MODEL_V4]);
	return time;
}

static void bench_runs(unsigned int maps)
{
	double first[RUNS];
	double again[RUNS];
	double element[RUNS];
	double restart[RUNS];
	double read[RUNS];
	for (int i = 0; i < RUNS; i++) {
		struct firewall f;
		struct err e = {0};
		firewall_open(&f);
		first[i] = run_once(&f, maps, 80);
		again[i] = run_once(&f, maps, 80);
		element[i] = run_once(&f, maps, 81);
		struct nft_backend *kernel = nft_kernel_new(f.loop, &e);
		assert_non_null(kernel);
		read[i] = read_once(kernel, f.loop);
		kernel->ops->free(kernel);
		firewall_restart(&f);
		restart[i] = run_once(&f, maps, 82);
		firewall_close(&f);
	}
	print_message(
		"run %u maps: first %.3f, unchanged %.3f, one element %.3f, after restart %.3f, "
		"read back %.3f\n",
		maps, median(first), median(again), median(element), median(restart), median(read));
}

int main(void)
{
	netns_require();
	for (unsigned int maps = 10; maps <= 1000; maps *= 10) {
		bench_send(maps);
		bench_runs(maps);
	}
	return 0;
}
