/*
 * The data path with everything around it: settings, a tailnet that is reported by hand, a store,
 * and the planner of the firewall in place of a kernel.
 *
 *	datapath_bench_make(b, "TS_DEST_IP=10.0.0.9", true);
 *	datapath_bench_set_self(b, "100.64.0.1/32", NULL);
 *	datapath_bench_start(b);
 *	datapath_bench_wait_ready(b, 1);
 */
#ifndef TESTS_SUPPORT_DATAPATH_BENCH_H
#define TESTS_SUPPORT_DATAPATH_BENCH_H

#include <stdbool.h>

#include "boot/settings/times.h"
#include "lib/base/condition.h"
#include "lib/base/err.h"
#include "lib/localapi/selfnode.h"
#include "tests/support/log_capture.h"

struct datapath;
struct fetcher;
struct ipnbus;
struct localapi;
struct loop;
struct peers;
struct records;
struct resolver;
struct settings;
struct statestore;

struct datapath_bench {
	char *dir;
	struct settings *settings;
	struct times times; /* no daemon answers for targets: they are waited for briefly */
	struct loop *loop;
	struct fetcher *fetcher;
	struct resolver *resolver;
	struct localapi *api;
	struct condition_set conditions;
	struct peers *peers;
	struct records *records;
	struct ipnbus *bus;
	struct statestore *store;
	struct datapath *d;
	struct selfnode self;
	struct log_capture log;
	char *written; /* value of the last write of a status */
	unsigned int ready, impossible, answered, lost, removed, writes;
	struct err why;
};

/* Setup and teardown of a test. */
int datapath_bench_open(void **state);
int datapath_bench_close(void **state);

/* Makes the data path for one setting, "NAME=value". */
void datapath_bench_make(struct datapath_bench *b, const char *setting, bool has_ipv6);
/* Own addresses, "100.64.0.1/32"; NULL without. */
void datapath_bench_set_self(struct datapath_bench *b, const char *v4, const char *v6);
/* The steady state begins; peers are not reported yet. */
void datapath_bench_start(struct datapath_bench *b);
void datapath_bench_report_addresses(
	struct datapath_bench *b, const char *name, const char *v4, const char *v6);
void datapath_bench_report_peer(struct datapath_bench *b, const char *name, const char *address);
/* Waits until endpoints might have been published so often. */
void datapath_bench_wait_ready(struct datapath_bench *b, unsigned int times);
/* For datapath_remove. */
void datapath_bench_on_removed(void *arg);

#endif
