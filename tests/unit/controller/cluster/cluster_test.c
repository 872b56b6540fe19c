#include "controller/cluster/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/api_bench.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_wait.h"

#define EMPTY "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[]}"
#define ONE(name)                                                                              \
	"{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[{\"metadata\":{\"name\":\"" name \
	"\",\"uid\":\"u\",\"resourceVersion\":\"4\"}}]}"
#define BOTH "TailscaleTailnet//default TailscaleProxyGroup//g"
#define STATUS(code, reason) "{\"kind\":\"Status\",\"code\":" code ",\"reason\":\"" reason "\"}"

struct fixture {
	struct api_bench *api;
	struct cluster *cluster;
	/* What the server says to lists of these, besides EMPTY. */
	const char *groups_status, *groups_body;
	const char *pods_status, *pods_body;
	struct strv keys;
	struct strv troubles;
	unsigned int synced, key_count, pod_lists;
};

static void choose(void *arg, const char *request)
{
	struct fixture *f = arg;
	if (strstr(request, "watch=1") != NULL) {
		f->api->server->reply = (struct raw_reply){
			.text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"};
		return;
	}
	if (strstr(request, "/tailscaleproxygroups?") != NULL) {
		raw_server_answer(f->api->server, f->groups_status, f->groups_body);
	} else if (strstr(request, "/tailscaletailnets?") != NULL) {
		raw_server_answer(f->api->server, "200 OK", ONE("default"));
	} else if (strstr(request, "/pods?") != NULL) {
		f->pod_lists++;
		raw_server_answer(f->api->server, f->pods_status, f->pods_body);
	} else {
		raw_server_answer(f->api->server, "200 OK", EMPTY);
	}
}

static void on_key(void *arg, const char *kind, const char *ns, const char *name)
{
	struct fixture *f = arg;
	strv_pushf(&f->keys, "%s/%s/%s", kind, ns, name);
	f->key_count++;
}

static void on_synced(void *arg)
{
	struct fixture *f = arg;
	f->synced++;
}

static void on_trouble(void *arg, const struct kube_resource *resource, enum kube_outcome outcome,
	const struct err *err)
{
	struct fixture *f = arg;
	assert_non_null(err);
	/* Time that is moved ends requests of others. */
	if (outcome != KUBE_UNAVAILABLE)
		strv_pushf(&f->troubles, "%s %s", resource->plural, kube_outcome_name(outcome));
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	void *api;
	if (api_bench_open(&api) != 0)
		return -1;
	f->api = api;
	f->api->server->choose = choose;
	f->api->server->choose_arg = f;
	f->groups_status = f->pods_status = "200 OK";
	f->groups_body = ONE("g");
	f->pods_body = EMPTY;
	api_open_at(f->api, "127.0.0.1", f->api->front.port);
	const struct cluster_options options = {
		.ns = "ns",
		.default_tailnet = "default",
		.on_key = on_key,
		.on_synced = on_synced,
		.on_trouble = on_trouble,
		.resync_ms = 1000000,
		.arg = f,
	};
	f->cluster = cluster_new(&options);
	assert_true(cluster_is_synced(f->cluster));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *api = f->api;
	cluster_free(f->cluster);
	strv_fini(&f->keys);
	strv_fini(&f->troubles);
	free(f);
	return api_bench_close(&api);
}

static void watch(struct fixture *f)
{
	cluster_watch(f->cluster, f->api->loop, f->api->kube);
	assert_false(cluster_is_synced(f->cluster));
	/* Time passes, since a dozen connections at once are slow under valgrind, and those that
	 * were not made are tried again. */
	for (unsigned int i = 0; i < 500 && f->synced == 0; i++) {
		fake_clock_advance_ms(100);
		(void)loop_wait_count(f->api->loop, &f->synced, 1, 200);
	}
	assert_int_equal(f->synced, 1);
	assert_true(cluster_is_synced(f->cluster));
}

static void expect(struct strv *list, const char *expected)
{
	AUTO(mem_free) char *joined = list->len > 0 ? strv_join(list, " ") : xstrdup("");
	assert_string_equal(joined, expected);
	strv_reset(list);
}

static void children_are_read_where_they_live(void **state)
{
	struct fixture *f = *state;
	bool is_seen = false;
	watch(f);
	expect(&f->keys, BOTH);
	for (size_t i = 0; i < f->api->server->requests.len; i++) {
		const char *request = api_request(f->api, i);
		is_seen = is_seen || strstr(request, "GET /api/v1/services?limit") != NULL;
		if (strstr(request, "/secrets?") != NULL)
			assert_true(
				strstr(request, "/api/v1/namespaces/ns/secrets?") != NULL &&
				strstr(request, "labelSelector=tailscale.com%2Fmanaged%3Dtrue"));
	}
	assert_true(is_seen);
	assert_int_equal(f->troubles.len, 0);
}

static void a_kind_that_does_not_exist_is_empty(void **state)
{
	struct fixture *f = *state;
	f->groups_status = "404 Not Found";
	f->groups_body = "404 page not found";
	watch(f);
	assert_true(cluster_is_complete(f->cluster, CLUSTER_PROXY_GROUPS));
	expect(&f->troubles, "tailscaleproxygroups NotFound");
	expect(&f->keys, "TailscaleTailnet//default");
	f->key_count = 0;
	/* It comes, and is found within a minute. */
	f->groups_status = "200 OK";
	f->groups_body = ONE("g");
	fake_clock_advance_ms(KUBE_WATCH_ABSENT_MS);
	assert_true(loop_wait_count(f->api->loop, &f->key_count, 2, LOOP_WAIT_MS));
	expect(&f->keys, "TailscaleProxyGroup//g TailscaleTailnet//default");
	assert_int_equal(f->synced, 1);
}

/* Time passes, little by little, until pods have been listed so many times more. */
static void pass_until_asked_again(struct fixture *f, unsigned int times)
{
	unsigned int goal = f->pod_lists + times;
	for (unsigned int i = 0; i < 2000 && f->pod_lists < goal; i++) {
		fake_clock_advance_ms(200);
		assert_true(loop_wait_idle(f->api->loop, 20));
	}
	assert_true(f->pod_lists >= goal);
}

static void no_key_is_given_that_needs_what_must_not_be_read(void **state)
{
	struct fixture *f = *state;
	f->pods_status = "403 Forbidden";
	f->pods_body = STATUS("403", "Forbidden");
	watch(f);
	assert_false(cluster_is_complete(f->cluster, CLUSTER_PODS));
	assert_true(cluster_is_complete(f->cluster, CLUSTER_SECRETS));
	expect(&f->troubles, "pods Forbidden");
	expect(&f->keys, "TailscaleTailnet//default");
	/* Said once. */
	pass_until_asked_again(f, 3);
	expect(&f->troubles, "");
	/* The permission comes: all keys again. */
	f->pods_status = "200 OK";
	f->pods_body = EMPTY;
	f->key_count = 0;
	pass_until_asked_again(f, 1);
	assert_true(loop_wait_count(f->api->loop, &f->key_count, 1, LOOP_WAIT_MS));
	expect(&f->keys, BOTH);
}

static void all_keys_come_again_after_a_long_time(void **state)
{
	struct fixture *f = *state;
	watch(f);
	strv_reset(&f->keys);
	f->key_count = 0;
	/* From nine tenths to eleven, a part of which has passed. */
	fake_clock_advance_ms(850000);
	assert_true(loop_wait_idle(f->api->loop, 50));
	assert_int_equal(f->key_count, 0);
	fake_clock_advance_ms(250000);
	assert_true(loop_wait_count(f->api->loop, &f->key_count, 1, LOOP_WAIT_MS));
	expect(&f->keys, BOTH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(children_are_read_where_they_live),
		TEST(a_kind_that_does_not_exist_is_empty),
		TEST(no_key_is_given_that_needs_what_must_not_be_read),
		TEST(all_keys_come_again_after_a_long_time),
	};
	return cmocka_run_group_tests(tests, api_bench_begin, api_bench_end);
}
