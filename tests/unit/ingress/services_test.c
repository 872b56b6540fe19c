#include "ingress/services.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"
#include "lib/nft/nft.h"
#include "lib/nft/nft_memory.h"
#include "tests/support/memory_place.h"
#include "tests/support/tempdir.h"

#define KEY STORE_KEY_INGRESS_CONFIG
#define POD ",\"podIPv4\":\"10.1.0.1\",\"podIPv6\":\"fd00::1\"}"
#define NOTHING KEY "={\"podIPv4\":\"10.1.0.1\",\"podIPv6\":\"fd00::1\"}"
#define MAP4(vip, to) \
	"{\"IPv4Mapping\":{\"TailscaleServiceIP\":\"" vip "\",\"ClusterIP\":\"" to "\"}}"
#define WEB "{\"svc:web\":" MAP4("100.99.0.1", "10.0.0.1") "}"
#define WEB_STANDS KEY "={\"configs\":" WEB POD
#define ADDING(name, vip, to)                                          \
	"adding DNAT rule for Tailscale Service " name " with IP " vip \
	" to Kubernetes Service IP " to
#define DELETING(name, vip, to)                                          \
	"deleting DNAT rule for Tailscale Service " name " with IP " vip \
	" to Kubernetes Service IP " to

struct fixture {
	struct place_bench b;
	char *dir;
	char *path;
	struct nft_backend *memory;
	struct nft *nft;
	struct ingress_services *s;
	unsigned int changes;
	unsigned int results;
	bool no_ipv6;
};

static void on_changed(void *arg)
{
	struct fixture *f = arg;
	f->changes++;
}

static void turns(struct fixture *f)
{
	for (int i = 0; i < 6; i++)
		place_pass(&f->b, 1);
}

static void make(struct fixture *f)
{
	const struct ingress_services_options options = {f->path, "10.1.0.1", "fd00::1", 0};
	ingress_services_free(f->s);
	f->s = ingress_services_new(
		f->b.loop, f->b.store, &f->b.conditions, &options, on_changed, f);
	assert_int_equal(f->changes, 0);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	place_bench_open(&f->b);
	f->dir = tempdir_new();
	f->path = tempdir_path(f->dir, "ingress-config.json");
	f->memory = nft_memory_new(f->b.loop);
	f->nft = nft_new(f->b.loop, f->memory);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	ingress_services_free(f->s);
	nft_free(f->nft);
	place_bench_close(&f->b);
	free(f->path);
	tempdir_free(f->dir);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *text)
{
	struct err e;
	assert_int_equal(atomicfile_write(f->path, text, strlen(text), 0600, &e), 0);
}

static void on_result(void *arg, const struct nft_result *result, const struct err *e)
{
	struct fixture *f = arg;
	f->results++;
	ingress_services_applied(f->s, result, e);
}

static void contribute(struct fixture *f)
{
	struct nft_wanted w;
	nft_wanted_init(&w, "tailscale0", "ns/pod");
	if (f->no_ipv6)
		nft_wanted_disable(&w, NFT_MODEL_V6);
	ingress_services_contribute(f->s, &w);
	nft_apply(f->nft, &w, on_result, f);
}

/* As the data path does it, with a write that succeeds. */
static void apply(struct fixture *f)
{
	unsigned int before = f->results;
	contribute(f);
	turns(f);
	assert_int_equal(f->results, before + 1);
	if (place_is_writing(&f->b))
		place_answer(&f->b, 0, 0);
}

static void pass_doubt(struct fixture *f)
{
	place_pass(&f->b, 300);
	turns(f);
}

/* The file changes, and what comes of it is carried out. */
static void change(struct fixture *f, const char *text)
{
	unsigned int before = f->changes;
	put(f, text);
	turns(f);
	/* That there is nothing any more is believed after a while. */
	if (text[0] == '\0')
		pass_doubt(f);
	assert_int_equal(f->changes, before + 1);
	apply(f);
}

static size_t elements(struct fixture *f, enum nft_model_family family)
{
	return nft_memory_image(f->memory, family)->sets[NFT_SCHEMA_DADDR_MAP].len;
}

static bool is_raised(const struct fixture *f, enum condition_code code)
{
	return condition_is_raised(&f->b.conditions, code);
}

static const char *reason(const struct fixture *f, enum condition_code code)
{
	assert_true(is_raised(f, code));
	return f->b.conditions.items[code].reason;
}

static void what_is_there_is_read_at_once_and_published_when_it_stands(void **state)
{
	struct fixture *f = *state;
	put(f, WEB);
	make(f);
	assert_true(log_capture_has(&f->b.log, "starting ingress proxy..."));
	contribute(f);
	assert_int_equal(elements(f, NFT_MODEL_V4), 0);
	place_expect_writes(&f->b, NULL, 0);
	turns(f);
	assert_int_equal(elements(f, NFT_MODEL_V4), 1);
	place_expect_writes(&f->b, WEB_STANDS, 1);
	place_answer(&f->b, 0, 0);
	assert_int_equal(
		log_capture_count(&f->b.log, ADDING("svc:web", "100.99.0.1", "10.0.0.1")), 1);
	/* Again for another reason: nothing is new. */
	apply(f);
	place_expect_writes(&f->b, WEB_STANDS, 1);
	assert_int_equal(log_capture_count(&f->b.log, "DNAT rule"), 1);
	assert_int_equal(f->changes, 0);
	assert_int_equal(f->b.log.worst, LOG_LEVEL_INFO);
}

static void changes_are_followed(void **state)
{
	struct fixture *f = *state;
	make(f);
	apply(f);
	place_expect_writes(&f->b, NULL, 0);
	change(f, WEB);
	place_expect_writes(&f->b, WEB_STANDS, 1);
	assert_true(log_capture_has(&f->b.log,
		"config file change detected, ensuring firewall config is up to date..."));
	log_capture_reset(&f->b.log);
	change(f, "{\"svc:web\":" MAP4("100.99.0.1", "10.0.0.2") ",\"svc:x\":{}}");
	place_expect_writes(&f->b,
		KEY
		"={\"configs\":{\"svc:web\":" MAP4("100.99.0.1", "10.0.0.2") ",\"svc:x\":{}}" POD,
		2);
	assert_int_equal(log_capture_count(&f->b.log, "DNAT rule"), 2);
	assert_true(log_capture_has(&f->b.log, DELETING("svc:web", "100.99.0.1", "10.0.0.1")));
	assert_true(log_capture_has(&f->b.log, ADDING("svc:web", "100.99.0.1", "10.0.0.2")));
	/* All gone, one way or the other: a status that says so. */
	change(f, "");
	place_expect_writes(&f->b, NOTHING, 3);
	assert_true(log_capture_has(&f->b.log, DELETING("svc:web", "100.99.0.1", "10.0.0.2")));
	assert_int_equal(elements(f, NFT_MODEL_V4), 0);
	change(f, WEB);
	assert_int_equal(unlink(f->path), 0);
	turns(f);
	assert_int_equal(f->changes, 4);
	pass_doubt(f);
	assert_int_equal(f->changes, 5);
	apply(f);
	place_expect_writes(&f->b, NOTHING, 5);
}

static void the_same_again_is_no_news(void **state)
{
	struct fixture *f = *state;
	put(f, WEB);
	make(f);
	apply(f);
	log_capture_reset(&f->b.log);
	put(f, " " WEB "\n");
	turns(f);
	assert_int_equal(f->changes, 0);
	assert_int_equal(f->b.log.texts.len, 0);
}

/* As a file is that somebody writes in place. */
static void a_file_that_is_empty_for_a_moment(void **state)
{
	struct fixture *f = *state;
	put(f, WEB);
	make(f);
	apply(f);
	put(f, "");
	turns(f);
	put(f, WEB);
	turns(f);
	pass_doubt(f);
	assert_int_equal(f->changes, 0);
	assert_int_equal(elements(f, NFT_MODEL_V4), 1);
}

static void an_empty_document_has_a_status(void **state)
{
	struct fixture *f = *state;
	put(f, "{}");
	make(f);
	apply(f);
	place_expect_writes(&f->b, NOTHING, 1);
}

static void a_status_from_before_is_replaced(void **state)
{
	struct fixture *f = *state;
	statestore_known(f->b.store, KEY, "{\"configs\":" WEB ",\"podIPv4\":\"10.9.9.9\"}");
	make(f);
	apply(f);
	place_expect_writes(&f->b, NOTHING, 1);
}

static void a_broken_document_changes_nothing(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *sentence = xasprintf("%s: line 2 column 1: text ends early", f->path);
	put(f, WEB);
	make(f);
	apply(f);
	put(f, "{\n");
	turns(f);
	assert_int_equal(f->changes, 0);
	assert_string_equal(reason(f, CONDITION_INGRESS_CONFIG_INVALID), sentence);
	apply(f);
	place_expect_writes(&f->b, WEB_STANDS, 1);
	assert_int_equal(elements(f, NFT_MODEL_V4), 1);
	/* What it was before is no change either. */
	put(f, WEB);
	turns(f);
	assert_int_equal(f->changes, 0);
	assert_false(is_raised(f, CONDITION_INGRESS_CONFIG_INVALID));
	/* Neither is what cannot be read. */
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	turns(f);
	assert_int_equal(f->changes, 0);
	assert_true(is_raised(f, CONDITION_INGRESS_CONFIG_INVALID));
}

static void a_service_at_fault_keeps_what_it_had(void **state)
{
	struct fixture *f = *state;
	put(f, WEB);
	make(f);
	apply(f);
	change(f, "{\"svc:web\":7,\"svc:b\":" MAP4(
			  "100.99.0.2", "10.0.0.2") ",\"svc:z\":{\"IPv6Mapping\":{}}}");
	assert_string_equal(reason(f, CONDITION_INGRESS_SERVICE_FAILED),
		"2 faults, the first: svc:web: a number where an object belongs");
	assert_int_equal(log_capture_count(&f->b.log, "ingress proxy: Tailscale Service"), 2);
	place_expect_writes(&f->b,
		KEY "={\"configs\":{\"svc:b\":" MAP4("100.99.0.2", "10.0.0.2") ",\"svc:web\":" MAP4(
			"100.99.0.1", "10.0.0.1") "}" POD,
		2);
	/* Told once; another reason is told again. */
	put(f, "{\"svc:web\":7,\"svc:b\":" MAP4("100.99.0.2", "10.0.0.2") "}");
	turns(f);
	assert_int_equal(f->changes, 1);
	assert_string_equal(reason(f, CONDITION_INGRESS_SERVICE_FAILED),
		"svc:web: a number where an object belongs");
	assert_int_equal(log_capture_count(&f->b.log, "ingress proxy: Tailscale Service"), 2);
	put(f, "{\"svc:web\":[],\"svc:b\":" MAP4("100.99.0.2", "10.0.0.2") "}");
	turns(f);
	assert_int_equal(log_capture_count(&f->b.log, "ingress proxy: Tailscale Service"), 3);
	change(f, WEB);
	assert_false(is_raised(f, CONDITION_INGRESS_SERVICE_FAILED));
	place_expect_writes(&f->b, WEB_STANDS, 3);
}

static void of_two_with_one_address_the_first_has_it(void **state)
{
	struct fixture *f = *state;
	put(f, "{\"svc:b\":" MAP4("100.99.0.1", "10.0.0.2") ",\"svc:a\":" MAP4(
		       "100.99.0.1", "10.0.0.1") "}");
	make(f);
	apply(f);
	place_expect_writes(
		&f->b, KEY "={\"configs\":{\"svc:a\":" MAP4("100.99.0.1", "10.0.0.1") "}" POD, 1);
	assert_string_equal(
		reason(f, CONDITION_INGRESS_SERVICE_FAILED), "svc:b: 100.99.0.1 belongs to svc:a");
	apply(f);
	assert_int_equal(log_capture_count(&f->b.log, "belongs to svc:a"), 2);
	assert_int_equal(log_capture_count(&f->b.log, "DNAT rule"), 1);
	change(f, "{\"svc:b\":" MAP4("100.99.0.1", "10.0.0.2") "}");
	place_expect_writes(
		&f->b, KEY "={\"configs\":{\"svc:b\":" MAP4("100.99.0.1", "10.0.0.2") "}" POD, 2);
	assert_false(is_raised(f, CONDITION_INGRESS_SERVICE_FAILED));
}

static void without_ipv6_the_other_mapping_stands(void **state)
{
	struct fixture *f = *state;
	f->no_ipv6 = true;
	put(f, "{\"svc:a\":{\"IPv4Mapping\":{\"TailscaleServiceIP\":\"100.99.0.1\",\"ClusterIP\":"
	       "\"10.0.0.1\"},\"IPv6Mapping\":{\"TailscaleServiceIP\":\"fd7a::1\",\"ClusterIP\":"
	       "\"fd00::9\"}}}");
	make(f);
	apply(f);
	apply(f);
	place_expect_writes(
		&f->b, KEY "={\"configs\":{\"svc:a\":" MAP4("100.99.0.1", "10.0.0.1") "}" POD, 1);
	assert_int_equal(log_capture_count_id(&f->b.log, "ingress.not_served"), 1);
	assert_false(is_raised(f, CONDITION_INGRESS_SERVICE_FAILED));
	f->no_ipv6 = false;
	apply(f);
	assert_int_equal(elements(f, NFT_MODEL_V6), 1);
	assert_true(log_capture_has(&f->b.log, ADDING("svc:a", "fd7a::1", "fd00::9")));
}

static void what_failed_is_not_published(void **state)
{
	struct fixture *f = *state;
	put(f, WEB);
	make(f);
	nft_memory_fail(f->memory, -EPERM, 1);
	apply(f);
	place_expect_writes(&f->b, NULL, 0);
	assert_int_equal(log_capture_count(&f->b.log, "DNAT rule"), 0);
	apply(f);
	place_expect_writes(&f->b, WEB_STANDS, 1);
}

/* A wish and its result, without a firewall. */
static void tell_result(struct fixture *f, int code)
{
	const struct nft_result result = {.code = code};
	struct err e = {.code = code};
	ingress_services_applied(f->s, &result, code < 0 ? &e : NULL);
	turns(f);
}

static void a_result_that_was_overtaken_is_not_published(void **state)
{
	struct fixture *f = *state;
	struct nft_wanted w;
	put(f, WEB);
	make(f);
	nft_wanted_init(&w, "tailscale0", "ns/pod");
	ingress_services_contribute(f->s, &w);
	ingress_services_contribute(f->s, &w);
	/* Of the first it is not known any more what was in it. */
	tell_result(f, 0);
	place_expect_writes(&f->b, NULL, 0);
	tell_result(f, -ECANCELED);
	place_expect_writes(&f->b, NULL, 0);
	/* Nobody asked. */
	tell_result(f, 0);
	place_expect_writes(&f->b, NULL, 0);
	ingress_services_contribute(f->s, &w);
	tell_result(f, 0);
	place_expect_writes(&f->b, WEB_STANDS, 1);
	nft_wanted_fini(&w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_there_is_read_at_once_and_published_when_it_stands),
		TEST(changes_are_followed),
		TEST(the_same_again_is_no_news),
		TEST(a_file_that_is_empty_for_a_moment),
		TEST(an_empty_document_has_a_status),
		TEST(a_status_from_before_is_replaced),
		TEST(a_broken_document_changes_nothing),
		TEST(a_service_at_fault_keeps_what_it_had),
		TEST(of_two_with_one_address_the_first_has_it),
		TEST(without_ipv6_the_other_mapping_stands),
		TEST(what_failed_is_not_published),
		TEST(a_result_that_was_overtaken_is_not_published),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
