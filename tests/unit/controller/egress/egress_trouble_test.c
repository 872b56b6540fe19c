/*
 * Users that change Services at random, a process that is killed between any two requests, caches
 * that are late: no number is ever given twice, what has one keeps it, and the end is the same as
 * without trouble.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cluster/egress_request.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_config.h"
#include "tests/support/egress_world.h"

#define SERVICES 20
#define ROUNDS 8
#define SEEDS 3

static const char *const groups[] = {"one", "two"};

static unsigned int draw(unsigned int *seed, unsigned int below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % below;
}

/* No number is in two Services of ours of one group, nor twice in a ConfigMap. */
static void check_services(struct api_world *api, const char *group)
{
	const struct json *service;
	bool is_used[1000] = {false};
	for (size_t i = 0; (service = api_world_nth(api, CLUSTER_SERVICES, i)) != NULL; i++) {
		const char *of = json_str(json_path(
			service, "metadata", "labels", "tailscale.com/proxy-group", NULL));
		const struct json *ports = json_path(service, "spec", "ports", NULL);
		if (of == NULL || strcmp(of, group) != 0)
			continue;
		for (const struct json *p = json_first(ports); p != NULL; p = json_next(p)) {
			int64_t number = 0;
			assert_true(json_i64(json_get(p, "targetPort"), &number));
			if (number < 10000)
				continue;
			assert_in_range(number, 10000, 10999);
			if (is_used[number - 10000])
				fail_msg("%lld is used twice in %s", (long long)number, group);
			is_used[number - 10000] = true;
		}
	}
}

static void check_document(struct egress_world *w, const char *group)
{
	AUTO(mem_free) char *text = egress_world_document(w, group);
	AUTO(egress_config_fini) struct egress_config config = {0};
	bool is_used[1000] = {false};
	struct err e;
	if (text == NULL)
		return;
	assert_int_equal(egress_config_parse(text, strlen(text), &config, &e), 0);
	for (size_t i = 0; i < config.count; i++) {
		for (size_t p = 0; p < config.services[i].port_count; p++) {
			uint16_t number = config.services[i].ports[p].match;
			assert_in_range(number, 10000, 10999);
			assert_false(is_used[number - 10000]);
			is_used[number - 10000] = true;
		}
	}
}

/* What is served at any moment has a finalizer. */
static void check_finalizers(struct api_world *api)
{
	const struct json *service;
	for (size_t i = 0; (service = api_world_nth(api, CLUSTER_SERVICES, i)) != NULL; i++) {
		const struct json *labels = json_path(service, "metadata", "labels", NULL);
		const char *name = json_str(json_get(labels, "tailscale.com/parent-resource"));
		if (name == NULL)
			continue;
		const struct json *user = api_world_get(api, CLUSTER_SERVICES, "default", name);
		if (json_len(json_path(user, "metadata", "finalizers", NULL)) == 0)
			fail_msg("%s is served and can vanish", name);
	}
}

static void check(void *arg, struct api_world *api)
{
	struct egress_world *w = arg;
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		check_services(api, groups[g]);
		check_document(w, groups[g]);
	}
	check_finalizers(api);
}

/* Port 80 always, and some of the others; now and then one too many. */
static void edit(struct egress_world *w, unsigned int *seed)
{
	AUTO(buf_fini) struct buf ports = BUF_INIT(4096);
	struct err e;
	AUTO(mem_free) char *name = xasprintf("s%u", draw(seed, SERVICES));
	unsigned int what = draw(seed, 10);
	if (what == 0) {
		api_world_delete(w->api, CLUSTER_SERVICES, "default", name);
		return;
	}
	assert_int_equal(buf_printf(&ports, &e, "{\"name\":\"http\",\"port\":80}"), 0);
	for (unsigned int p = 81; p < 90; p++) {
		if (draw(seed, 3) == 0)
			assert_int_equal(buf_printf(&ports, &e, ",{\"name\":\"n%u\",\"port\":%u}",
						 draw(seed, 1000) * 10 + p % 10, p),
				0);
	}
	/* Mostly the same group, sometimes the other one, none, or a target that is none. */
	unsigned int of = draw(seed, 12);
	AUTO(mem_free)
	char *group =
		of == 0 ? xstrdup("null") : xasprintf("\"%s\"", groups[of == 1 ? 1 : name[1] % 2]);
	AUTO(mem_free)
	char *annotations = xasprintf("\"tailscale.com/proxy-group\":%s,"
				      "\"tailscale.com/tailnet-ip\":\"%s\"",
		group, what == 1 ? "nowhere" : "100.64.0.9");
	egress_world_service(w, "default", name, annotations, buf_cstr(&ports));
}

static uint16_t number_of_http(struct egress_world *w, const char *group, const char *key)
{
	AUTO(mem_free) char *text = egress_world_document(w, group);
	AUTO(egress_config_fini) struct egress_config config = {0};
	struct err e;
	if (text == NULL || egress_config_parse(text, strlen(text), &config, &e) < 0)
		return 0;
	const struct egress_service *entry = egress_config_find(&config, key);
	for (size_t p = 0; entry != NULL && p < entry->port_count; p++) {
		if (entry->ports[p].target == 80)
			return entry->ports[p].match;
	}
	return 0;
}

/* By group and Service; 0 for one that is not served. */
struct numbers {
	uint16_t of[ARRAY_LEN(groups)][SERVICES];
};

static struct numbers read_numbers(struct egress_world *w)
{
	struct numbers out;
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		for (int i = 0; i < SERVICES; i++) {
			AUTO(mem_free) char *key = xasprintf("default-s%d", i);
			out.of[g][i] = number_of_http(w, groups[g], key);
		}
	}
	return out;
}

/* Everything that is there belongs to a Service that is served, and that one has all of it. */
static void check_end(struct egress_world *w)
{
	for (int i = 0; i < SERVICES; i++) {
		AUTO(mem_free) char *name = xasprintf("s%d", i);
		AUTO(mem_free) char *key = xasprintf("default-%s", name);
		AUTO(mem_free) char *child = egress_request_child("default", name);
		AUTO(mem_free)
		char *valid = egress_world_condition(
			w, "default", name, "TailscaleEgressSvcConfigured", "status");
		bool is_served = strcmp(valid, "True") == 0;
		int entries = 0;
		for (size_t g = 0; g < ARRAY_LEN(groups); g++)
			entries += number_of_http(w, groups[g], key) != 0;
		assert_int_equal(entries, is_served);
		assert_int_equal(egress_world_endpoints(w, child, "ipv4"), is_served ? 0 : -1);
		assert_true((api_world_get(w->api, CLUSTER_SERVICES, EGRESS_WORLD_NS, child) !=
				    NULL) == is_served);
		const struct json *user = api_world_get(w->api, CLUSTER_SERVICES, "default", name);
		assert_int_equal(
			json_len(json_path(user, "metadata", "finalizers", NULL)), is_served);
	}
	api_world_writes(w->api);
	for (int i = 0; i < SERVICES; i++) {
		AUTO(mem_free) char *name = xasprintf("s%d", i);
		api_world_queue(w->api, CLUSTER_KEY_SERVICE, "default", name);
	}
	egress_world_run(w);
	assert_int_equal(api_world_writes(w->api), 0);
}

static void one_life(unsigned int seed, unsigned int kills, unsigned int delays)
{
	struct egress_world w;
	unsigned int user = seed;
	egress_world_init(&w);
	for (size_t g = 0; g < ARRAY_LEN(groups); g++)
		egress_world_group(&w, groups[g], 1);
	api_world_watch(w.api, check, &w);
	for (int round = 0; round < ROUNDS; round++) {
		struct numbers before = read_numbers(&w);
		api_world_trouble(w.api, seed + (unsigned int)round, kills, delays);
		for (int i = 0; i < 6; i++)
			edit(&w, &user);
		egress_world_run(&w);
		/* One that is served by the same group before and after, without a break that the
		 * controller saw: it may have been refused in between. */
		struct numbers after = read_numbers(&w);
		for (size_t g = 0; g < ARRAY_LEN(groups) && kills + delays == 0; g++) {
			for (int s = 0; s < SERVICES; s++) {
				if (before.of[g][s] != 0 && after.of[g][s] != 0)
					assert_int_equal(after.of[g][s], before.of[g][s]);
			}
		}
	}
	api_world_trouble(w.api, seed, 0, 0);
	egress_world_run(&w);
	check_end(&w);
	egress_world_fini(&w);
}

static void without_trouble(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++)
		one_life(seed, 0, 0);
}

static void killed_at_any_step(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++)
		one_life(seed, 10, 0);
}

static void with_late_caches(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++)
		one_life(seed, 0, 60);
}

static void killed_with_late_caches(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++)
		one_life(seed, 10, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_trouble),
		cmocka_unit_test(killed_at_any_step),
		cmocka_unit_test(with_late_caches),
		cmocka_unit_test(killed_with_late_caches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
