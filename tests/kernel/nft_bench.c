/*
 * How long the kernel and we take, in a namespace of our own, in milliseconds:
 *
 *	nft_bench [RUNS]         a table of medians, of 11 runs by default
 *	nft_bench --json [RUNS]  every value, one object a line
 *
 * send = from the call that sends a batch to its acknowledgement; run = from the request to the
 * result, with compiling, planning, reading back and conntrack. watched = with our own monitor, as
 * in a supervisor; listened = while another program on this machine, in any namespace, listens to
 * firewall events: the kernel then writes one for each element, and every figure is like this one.
 * Transactions are counted by the generation of the ruleset.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/nft/nft_kernel.h"
#include "lib/nft/nft_monitor.h"
#include "tests/kernel/firewall.h"
#include "tests/support/loop_wait.h"
#include "tests/support/netns.h"

#define RUNS_DEFAULT 11
#define RUNS_MAX 101
#define NS_PER_MS 1e6

enum figure {
	SEND_FRESH,
	SEND_WATCHED,
	SEND_LISTENED,
	SEND_TAKEOVER,
	SEND_ELEMENT,
	ELEMENT_TRANSACTIONS,
	RUN_FIRST,
	RUN_UNCHANGED,
	RUN_ELEMENT,
	RUN_RESTART,
	READ_BACK,
	FIGURES,
};

static const char *const figure_names[FIGURES] = {
	[SEND_FRESH] = "send_fresh",
	[SEND_WATCHED] = "send_watched",
	[SEND_LISTENED] = "send_listened",
	[SEND_TAKEOVER] = "send_take_over",
	[SEND_ELEMENT] = "send_element",
	[ELEMENT_TRANSACTIONS] = "element_transactions",
	[RUN_FIRST] = "run_first",
	[RUN_UNCHANGED] = "run_unchanged",
	[RUN_ELEMENT] = "run_element",
	[RUN_RESTART] = "run_after_restart",
	[READ_BACK] = "read_back",
};

struct series {
	int runs;
	double values[FIGURES][RUNS_MAX];
};

static int compare(const void *left, const void *right)
{
	const double *a = left;
	const double *b = right;
	return *a < *b ? -1 : *a > *b;
}

static void wanted_init(struct nft_wanted *w, unsigned int maps, uint16_t first_target_port)
{
	firewall_wanted_init(w);
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
	wanted_init(&w, maps, 80);
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
	struct nft_wanted wanted[2];
	struct nft_desired desired[2] = {0};
	struct nft_plan plan = {0};
	struct err e = {0};
	for (uint16_t i = 0; i < 2; i++) {
		wanted_init(&wanted[i], maps, 80 + i);
		nft_wanted_disable(&wanted[i], NFT_MODEL_V6);
		assert_int_equal(nft_compile(&wanted[i], true, &desired[i], &e), 0);
	}
	const struct nft_image *actual[NFT_MODEL_FAMILIES] = {&desired[0].images[0], NULL};
	nft_plan_make(&plan, &desired[1], actual);
	struct nft_commit c = {.plan = &plan, .wanted = &wanted[1], .desired = &desired[1]};
	uint64_t start = clock_now_ns();
	if (kernel->ops->commit(kernel, &c, &e) < 0)
		fail_msg("%s", e.msg);
	double time = (double)(clock_now_ns() - start) / NS_PER_MS;
	nft_plan_fini(&plan);
	for (int i = 0; i < 2; i++) {
		nft_desired_fini(&desired[i]);
		nft_wanted_fini(&wanted[i]);
	}
	return time;
}

static void on_foreign(void *arg)
{
	(void)arg;
}

/* In a fresh namespace, with our own monitor or a foreign one. */
static double send_heard(unsigned int maps, bool is_other)
{
	struct err e = {0};
	struct nft_monitor *other = NULL;
	int ns = netns_new();
	struct loop *loop = loop_new(&e);
	struct nft_backend *kernel = nft_kernel_new(loop, &e);
	assert_non_null(kernel);
	if (is_other) {
		other = nft_monitor_new(loop, 0, on_foreign, NULL, &e);
		assert_non_null(other);
	} else {
		assert_int_equal(kernel->ops->watch(kernel, on_foreign, NULL, &e), 0);
	}
	double time = send_once(kernel, maps);
	nft_monitor_free(other);
	kernel->ops->free(kernel);
	loop_free(loop);
	close(ns);
	return time;
}

static void bench_send_heard(struct series *s, unsigned int maps)
{
	for (int i = 0; i < s->runs; i++) {
		s->values[SEND_WATCHED][i] = send_heard(maps, false);
		s->values[SEND_LISTENED][i] = send_heard(maps, true);
	}
}

static void bench_send(struct series *s, unsigned int maps)
{
	for (int i = 0; i < s->runs; i++) {
		struct err e = {0};
		int ns = netns_new();
		struct loop *loop = loop_new(&e);
		struct nft_backend *kernel = nft_kernel_new(loop, &e);
		assert_non_null(kernel);
		s->values[SEND_FRESH][i] = send_once(kernel, maps);
		s->values[SEND_TAKEOVER][i] = send_once(kernel, maps);
		uint32_t before = firewall_generation();
		s->values[SEND_ELEMENT][i] = change_once(kernel, maps);
		s->values[ELEMENT_TRANSACTIONS][i] = firewall_generation() - before;
		kernel->ops->free(kernel);
		loop_free(loop);
		close(ns);
	}
}

static double run_once(struct firewall *f, unsigned int maps, uint16_t first_target_port)
{
	struct nft_wanted w;
	wanted_init(&w, maps, first_target_port);
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

static void bench_runs(struct series *s, unsigned int maps)
{
	for (int i = 0; i < s->runs; i++) {
		struct firewall f;
		struct err e = {0};
		firewall_open(&f);
		s->values[RUN_FIRST][i] = run_once(&f, maps, 80);
		s->values[RUN_UNCHANGED][i] = run_once(&f, maps, 80);
		s->values[RUN_ELEMENT][i] = run_once(&f, maps, 81);
		struct nft_backend *kernel = nft_kernel_new(f.loop, &e);
		assert_non_null(kernel);
		s->values[READ_BACK][i] = read_once(kernel, f.loop);
		kernel->ops->free(kernel);
		firewall_restart(&f);
		s->values[RUN_RESTART][i] = run_once(&f, maps, 82);
		firewall_close(&f);
	}
}

static void print_json(const struct series *s, unsigned int maps)
{
	printf("{\"maps\": %u", maps);
	for (int figure = 0; figure < FIGURES; figure++) {
		printf(", \"%s\": [", figure_names[figure]);
		for (int i = 0; i < s->runs; i++)
			printf("%s%.4f", i == 0 ? "" : ", ", s->values[figure][i]);
		printf("]");
	}
	printf("}\n");
}

static void print_medians(struct series *s, unsigned int maps)
{
	printf("%u maps:", maps);
	for (int figure = 0; figure < FIGURES; figure++) {
		double *values = s->values[figure];
		qsort(values, (size_t)s->runs, sizeof(values[0]), compare);
		printf("%s %s %.3f", figure == 0 ? "" : ",", figure_names[figure],
			values[s->runs / 2]);
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	static struct series s;
	bool is_json = argc > 1 && strcmp(argv[1], "--json") == 0;
	const char *runs = argv[is_json ? 2 : 1];
	s.runs = runs ? atoi(runs) : RUNS_DEFAULT;
	if (s.runs < 1 || s.runs > RUNS_MAX) {
		fprintf(stderr, "usage: nft_bench [--json] [RUNS], at most %d\n", RUNS_MAX);
		return 2;
	}
	netns_require();
	for (unsigned int maps = 10; maps <= 1000; maps *= 10) {
		bench_send(&s, maps);
		bench_send_heard(&s, maps);
		bench_runs(&s, maps);
		if (is_json)
			print_json(&s, maps);
		else
			print_medians(&s, maps);
	}
	return 0;
}
