#include "controller/cluster/egress_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/egress_ports.h"
#include "lib/base/mem.h"
#include "tests/support/api_world.h"

#define REQUESTS_MAX 16
#define PORTS 99

/* Services and their requests, in the order in which they were made. */
struct fixture {
	struct api_world *w;
	struct egress_request requests[REQUESTS_MAX];
	const struct egress_request *list[REQUESTS_MAX];
	size_t count;
	const struct kube_entry *children[REQUESTS_MAX];
	size_t child_count;
};

static const struct kube_entry *put(
	struct fixture *f, const char *ns, const char *name, const char *rest)
{
	AUTO(mem_free)
	char *text = xasprintf(
		"{\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s\",%s}", ns, name, rest);
	api_world_put(f->w, CLUSTER_SERVICES, text);
	return kube_cache_get(cluster_cache(api_world_cluster(f->w), CLUSTER_SERVICES), ns, name);
}

static void ask(struct fixture *f, const char *name, const char *ports)
{
	AUTO(mem_free)
	char *rest = xasprintf("\"annotations\":{\"tailscale.com/proxy-group\":\"egress\","
			       "\"tailscale.com/tailnet-ip\":\"100.64.0.9\"}},\"spec\":{\"type\":"
			       "\"ExternalName\",\"ports\":[%s]}",
		ports);
	egress_request_read(put(f, "default", name, rest), "", &f->requests[f->count]);
	assert_int_equal(f->requests[f->count].faults.len, 0);
	f->list[f->count] = &f->requests[f->count];
	f->count++;
}

/* first: number of the port; each has the next one. */
static void ask_for_many(struct fixture *f, const char *name, int first, int count)
{
	AUTO(buf_fini) struct buf ports = BUF_INIT(1 << 20);
	struct err e;
	for (int p = 0; p < count; p++)
		assert_int_equal(buf_printf(&ports, &e, "%s{\"name\":\"p%d\",\"port\":%d}",
					 p > 0 ? "," : "", p, first + p),
			0);
	ask(f, name, buf_cstr(&ports));
}

/* A Service of ours that has the number. */
static void add_child(struct fixture *f, const char *name, int port, int number)
{
	AUTO(mem_free)
	char *rest = xasprintf("\"labels\":{\"tailscale.com/managed\":\"true\"}},\"spec\":{"
			       "\"ports\":[{\"port\":%d,\"protocol\":\"TCP\",\"targetPort\":%d}]}",
		port, number);
	f->children[f->child_count++] = put(f, "ts", name, rest);
}

static void make(struct fixture *f, const struct egress_config *written, struct egress_book *out)
{
	const struct egress_book_view view = {
		.group = "egress",
		.ns = "ts",
		.domain = "cluster.local",
		.requests = f->list,
		.request_count = f->count,
		.written = written,
		.children = f->children,
		.child_count = f->child_count,
	};
	egress_book_make(&view, out);
}

static uint16_t number_of(const struct egress_book *book, const char *key, uint16_t port)
{
	const struct egress_service *entry = egress_config_find(&book->config, key);
	assert_non_null(entry);
	for (size_t i = 0; i < entry->port_count; i++) {
		if (entry->ports[i].target == port)
			return entry->ports[i].match;
	}
	return 0;
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->w = api_world_new("ts");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < f->count; i++)
		egress_request_fini(&f->requests[i]);
	api_world_free(f->w);
	free(f);
	return 0;
}

static void what_has_a_number_keeps_it(void **state)
{
	struct fixture *f = *state;
	struct egress_book first, second;
	ask(f, "web", "{\"name\":\"a\",\"port\":80},{\"name\":\"b\",\"port\":443}");
	make(f, NULL, &first);
	uint16_t http = number_of(&first, "default-web", 80);
	uint16_t https = number_of(&first, "default-web", 443);
	/* A port less, one more, one under another name, one of another protocol. */
	egress_request_fini(&f->requests[0]);
	f->count = 0;
	ask(f, "web",
		"{\"name\":\"c\",\"port\":443},{\"name\":\"d\",\"port\":22},"
		"{\"name\":\"e\",\"port\":443,\"protocol\":\"UDP\"}");
	make(f, &first.config, &second);
	const struct egress_service *entry = egress_config_find(&second.config, "default-web");
	assert_int_equal(entry->port_count, 3);
	bool keeps = false;
	for (size_t i = 0; i < entry->port_count; i++) {
		keeps |= entry->ports[i].match == https &&
			 strcmp(entry->ports[i].protocol, "TCP") == 0;
		assert_true(entry->ports[i].match != https || entry->ports[i].target == 443);
	}
	assert_true(keeps);
	assert_int_not_equal(http, https);
	egress_book_fini(&first);
	egress_book_fini(&second);
}

/* The ConfigMap was deleted. */
static void a_number_that_only_a_service_has_is_adopted(void **state)
{
	struct fixture *f = *state;
	struct egress_book book;
	ask(f, "web", "{\"port\":80}");
	add_child(f, f->requests[0].child, 80, 10777);
	make(f, NULL, &book);
	assert_int_equal(number_of(&book, "default-web", 80), 10777);
	egress_book_fini(&book);
}

/* A Service that is on its way out, or one of the same key that was there before. */
static void a_number_at_work_is_not_given_to_another(void **state)
{
	struct fixture *f = *state;
	struct egress_book before, after;
	ask(f, "web", "{\"port\":80}");
	make(f, NULL, &before);
	uint16_t number = number_of(&before, "default-web", 80);
	add_child(f, "ts-other-00000000", 80, number);
	make(f, NULL, &after);
	assert_int_not_equal(number_of(&after, "default-web", 80), number);
	egress_book_fini(&after);
	make(f, &before.config, &after);
	assert_int_not_equal(number_of(&after, "default-web", 80), number);
	egress_book_fini(&before);
	egress_book_fini(&after);
}

static void a_number_written_twice_is_given_once(void **state)
{
	static const char text[] =
		"{\"default-a\":{\"tailnetTarget\":{\"ip\":\"100.64.0.9\"},\"ports\":[{\"protocol\":"
		"\"TCP\",\"matchPort\":10005,\"targetPort\":80}]},\"default-b\":{\"tailnetTarget\":"
		"{\"ip\":\"100.64.0.9\"},\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":10005,"
		"\"targetPort\":80}]},\"default-c\":{\"tailnetTarget\":{\"ip\":\"100.64.0.9\"},"
		"\"ports\":[{\"protocol\":\"TCP\",\"matchPort\":9999,\"targetPort\":80}]}}";
	struct fixture *f = *state;
	AUTO(egress_config_fini) struct egress_config written = {0};
	struct egress_book book;
	struct err e;
	assert_int_equal(egress_config_parse(text, strlen(text), &written, &e), 0);
	ask(f, "a", "{\"port\":80}");
	ask(f, "b", "{\"port\":80}");
	ask(f, "c", "{\"port\":80}");
	make(f, &written, &book);
	assert_int_equal(number_of(&book, "default-a", 80), 10005);
	assert_int_not_equal(number_of(&book, "default-b", 80), 10005);
	assert_in_range(number_of(&book, "default-c", 80), 10000, 10999);
	egress_book_fini(&book);
}

static void a_thousand_ports_and_not_one_more(void **state)
{
	struct fixture *f = *state;
	struct egress_book book;
	bool is_used[EGRESS_PORTS_COUNT] = {false};
	size_t all = 0;
	for (int i = 0; i < 10; i++) {
		AUTO(mem_free) char *name = xasprintf("s%d", i);
		ask_for_many(f, name, 1000 + i * PORTS, PORTS);
	}
	ask_for_many(f, "tenth", 5000, 10);
	ask_for_many(f, "late", 6000, 1);
	make(f, NULL, &book);
	assert_int_equal(book.config.count, 11);
	for (size_t i = 0; i < book.config.count; i++) {
		const struct egress_service *entry = &book.config.services[i];
		for (size_t p = 0; p < entry->port_count; p++, all++) {
			assert_true(egress_ports_has(entry->ports[p].match));
			bool *used = &is_used[entry->ports[p].match - EGRESS_PORTS_FIRST];
			assert_false(*used);
			*used = true;
		}
	}
	assert_int_equal(all, EGRESS_PORTS_COUNT);
	assert_string_equal(egress_book_refusal(&book, "default-late"),
		"TailscaleProxyGroup egress: 0 of its 1000 ports are free, and 1 more are needed: use "
		"another group, or remove Services from it");
	assert_null(egress_book_refusal(&book, "default-tenth"));
	egress_book_fini(&book);
}

/* One that does not fit has no entry at all, and leaves its numbers to others. */
static void a_service_is_served_whole_or_not(void **state)
{
	struct fixture *f = *state;
	struct egress_book before, after;
	for (int i = 0; i < 10; i++) {
		AUTO(mem_free) char *name = xasprintf("s%d", i);
		ask_for_many(f, name, 1000 + i * PORTS, PORTS);
	}
	ask_for_many(f, "web", 5000, 5);
	make(f, NULL, &before);
	egress_request_fini(&f->requests[10]);
	f->count = 10;
	ask_for_many(f, "web", 5000, 11);
	ask_for_many(f, "small", 6000, 10);
	make(f, &before.config, &after);
	assert_null(egress_config_find(&after.config, "default-web"));
	assert_non_null(egress_config_find(&after.config, "default-small"));
	assert_non_null(egress_book_refusal(&after, "default-web"));
	egress_book_fini(&before);
	egress_book_fini(&after);
}

static void an_entry_serves_what_it_was_made_for(void **state)
{
	struct fixture *f = *state;
	struct egress_book book;
	ask(f, "web", "{\"name\":\"a\",\"port\":80}");
	ask(f, "dns", "{\"name\":\"a\",\"port\":53,\"protocol\":\"UDP\"}");
	make(f, NULL, &book);
	const struct egress_service *web = egress_config_find(&book.config, "default-web");
	const struct egress_service *dns = egress_config_find(&book.config, "default-dns");
	assert_true(egress_book_serves(web, &f->requests[0]));
	assert_true(egress_book_serves(dns, &f->requests[1]));
	assert_false(egress_book_serves(web, &f->requests[1]));
	AUTO(mem_free) char *hash = egress_book_hash(web);
	assert_int_equal(strlen(hash), 64);
	egress_book_fini(&book);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_has_a_number_keeps_it),
		TEST(a_number_that_only_a_service_has_is_adopted),
		TEST(a_number_at_work_is_not_given_to_another),
		TEST(a_number_written_twice_is_given_once),
		TEST(a_thousand_ports_and_not_one_more),
		TEST(a_service_is_served_whole_or_not),
		TEST(an_entry_serves_what_it_was_made_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
