#include "tests/support/address.h"
#include "tests/support/datapath_bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/datapath/datapath.h"
#include "boot/datapath/datapath_conditions.h"
#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "egress/egress_conditions.h"
#include "ingress/ingress_conditions.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/io/loop.h"
#include "lib/io/resolve.h"
#include "lib/localapi/ipnbus.h"
#include "lib/localapi/localapi.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"
#include "lib/localapi/selfnode.h"
#include "statestore/statestore.h"
#include "statestore/statestore_conditions.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

/* The store of published statuses. */
static const char *describe(void *self)
{
	(void)self;
	return "a place";
}

static void write_changes(void *self, const struct store_change *changes, size_t count,
	store_written_fn fn, void *arg)
{
	struct datapath_bench *b = self;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(changes[i].key, STORE_KEY_EGRESS_SERVICES) != 0)
			continue;
		free(b->written);
		b->written = xstrdup(changes[i].value);
		b->writes++;
	}
	fn(arg, NULL, 0);
}

static void nothing(void *self)
{
	(void)self;
}

static void on_ready(void *arg)
{
	struct datapath_bench *b = arg;
	assert_true(datapath_is_ready(b->d, &b->self));
	b->ready++;
}

static void on_answered(void *arg)
{
	struct datapath_bench *b = arg;
	b->answered++;
}

static void on_target_lost(void *arg, const struct ipaddr *target)
{
	struct datapath_bench *b = arg;
	(void)target;
	b->lost++;
}

static void on_impossible(void *arg, const struct err *why)
{
	struct datapath_bench *b = arg;
	b->why = *why;
	b->impossible++;
}

void datapath_bench_on_removed(void *arg)
{
	struct datapath_bench *b = arg;
	b->removed++;
}

int datapath_bench_open(void **state)
{
	struct datapath_bench *b = xcalloc(1, sizeof(*b));
	struct err e;
	*state = b;
	b->dir = tempdir_new();
	tempdir_write(b->dir, "proc/sys/net/ipv4/ip_forward", "0\n");
	tempdir_write(b->dir, "proc/sys/net/ipv6/conf/all/forwarding", "0\n");
	log_capture_start(&b->log);
	log_set_level(LOG_LEVEL_DEBUG);
	condition_kinds_add(&b->conditions, DATAPATH_CONDITIONS, EGRESS_CONDITIONS,
		INGRESS_CONDITIONS, STATESTORE_CONDITIONS);
	b->loop = loop_new(&e);
	b->fetcher = fetcher_new(b->loop, &e);
	b->resolver = resolver_new(b->loop, &e);
	AUTO(mem_free) char *socket = tempdir_path(b->dir, "socket");
	b->api = localapi_new(b->loop, b->fetcher, socket);
	b->peers = peers_new();
	b->records = records_new();
	static const struct ipnbus_times times = {20, 200, 500};
	struct ipnbus_events events = {NULL, NULL, NULL, NULL};
	b->bus = ipnbus_new(b->loop, b->api, b->peers, &times, &events);
	ipnbus_set_records(b->bus, b->records);
	struct statestore_backend backend = {describe, write_changes, NULL, nothing, nothing, b};
	struct statestore_times store_times = {20, 200, 200};
	b->store = statestore_new(b->loop, &b->conditions, &backend, &store_times);
	return 0;
}

int datapath_bench_close(void **state)
{
	struct datapath_bench *b = *state;
	datapath_free(b->d);
	statestore_free(b->store);
	ipnbus_free(b->bus);
	records_free(b->records);
	peers_free(b->peers);
	localapi_free(b->api);
	resolver_free(b->resolver);
	fetcher_free(b->fetcher);
	loop_free(b->loop);
	settings_freep(&b->settings);
	selfnode_fini(&b->self);
	log_set_level(LOG_LEVEL_INFO);
	log_capture_stop(&b->log);
	tempdir_free(b->dir);
	condition_set_fini(&b->conditions);
	free(b->written);
	free(b);
	return 0;
}

void datapath_bench_make(struct datapath_bench *b, const char *setting, bool has_ipv6)
{
	struct err e;
	AUTO(strv_fini) struct strv env = {0};
	strv_pushf(&env, "TS_TEST_ONLY_ROOT=%s", b->dir);
	strv_push(&env, "TS_TEST_FAKE_NETFILTER=true");
	strv_pushf(&env, "TS_TEST_FAKE_NETFILTER_6=%s", has_ipv6 ? "true" : "false");
	strv_push(&env, "TS_USERSPACE=false");
	strv_push(&env, setting);
	b->settings = settings_parse(env.items);
	free(b->settings->pod_ipv4);
	b->settings->pod_ipv4 = xstrdup("10.0.0.5");
	b->times = *times_get(true);
	b->times.answer_limit_ms = 100;
	struct datapath_partners partners = {
		.loop = b->loop,
		.resolver = b->resolver,
		.conditions = &b->conditions,
		.peers = b->peers,
		.records = b->records,
		.bus = b->bus,
		.api = b->api,
		.settings = b->settings,
		.times = &b->times,
	};
	struct datapath_events events = {on_ready, on_impossible, on_answered, on_target_lost, b};
	b->d = datapath_new(&partners, &events, &e);
	assert_non_null(b->d);
}

static size_t prefixes_of(const char *v4, const char *v6, struct ipprefix out[2])
{
	const char *const texts[] = {v4, v6};
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i] != NULL)
			out[count++] = prefix_of(texts[i]);
	}
	return count;
}

void datapath_bench_set_self(struct datapath_bench *b, const char *v4, const char *v6)
{
	b->self.known = true;
	b->self.address_count = prefixes_of(v4, v6, b->self.addresses);
}

void datapath_bench_start(struct datapath_bench *b)
{
	datapath_claim(b->d);
	datapath_start(b->d, b->store, NULL);
	datapath_update(b->d, &b->self, false);
}

void datapath_bench_report_addresses(
	struct datapath_bench *b, const char *name, const char *v4, const char *v6)
{
	struct ipprefix prefixes[2];
	AUTO(mem_free) char *copy = xstrdup(name);
	struct peer peer = {.name = copy, .addresses = prefixes};
	peer.address_count = prefixes_of(v4, v6, prefixes);
	peers_update(b->peers, &peer);
}

void datapath_bench_report_peer(struct datapath_bench *b, const char *name, const char *address)
{
	datapath_bench_report_addresses(b, name, address, NULL);
}

void datapath_bench_wait_ready(struct datapath_bench *b, unsigned int times)
{
	assert_true(loop_wait_count(b->loop, &b->ready, times, LOOP_WAIT_MS));
}
