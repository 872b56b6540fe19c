/*
 * What the stream does to the table of peers: deltas, patches, and the two kinds of replacement.
 */
#include "lib/localapi/ipn_decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/localapi/peers.h"
#include "tests/support/address.h"
#include "tests/support/notify_bench.h"

#define NODE(id, name) \
	"{\"ID\":" #id ",\"Name\":\"" name "\",\"Addresses\":[\"100.64.0." #id "/32\"]}"
#define STATUS(id, name) "\"k" #id "\":{\"NodeID\":" #id ",\"DNSName\":\"" name "\"}"
#define SELF "\"SelfChange\":{\"ID\":99,\"StableID\":\"n\",\"Name\":\"self.\"}"

/* Names of those that are kept, as words. */
static void expect(const struct notify_bench *f, const char *words)
{
	AUTO(strv_fini) struct strv names = {0};
	str_words(words, &names);
	assert_int_equal(peers_count(f->peers), names.len);
	for (size_t i = 0; i < names.len; i++)
		assert_non_null(peers_by_name(f->peers, names.items[i]));
}

static void deltas_add_change_and_remove(void **state)
{
	struct notify_bench *f = *state;
	notify_want(f, "a b c", NULL);
	notify_feed(
		f, "{\"PeersChanged\":[" NODE(1, "a.") "," NODE(2, "b.") "," NODE(3, "x.") "]}\n");
	expect(f, "a b");
	uint64_t generation = peers_generation(f->peers);
	/* A patch carries no name and no address of the tailnet. */
	notify_feed(
		f, "{\"PeerChangedPatch\":[{\"NodeID\":1,\"Online\":false,\"DERPRegion\":2}]}\n");
	assert_true(notify_last(f)->n.has_peer_changes);
	assert_true(peers_generation(f->peers) == generation);
	/* Some have changed; nothing is said about the others. */
	notify_feed(f, "{\"PeersChanged\":[" NODE(3, "c.") "]}\n");
	expect(f, "a b c");
	assert_true(peers_generation(f->peers) == ++generation);
	notify_feed(f, "{\"PeersChanged\":[" NODE(1, "gone.") "],\"PeersRemoved\":[2,77]}\n");
	expect(f, "c");
	generation = peers_generation(f->peers);
	notify_feed(f, "{\"PeersChanged\":[" NODE(1, "a.") "]}\n");
	expect(f, "a c");
	assert_true(peers_generation(f->peers) == generation + 1);
	/* Added and removed in one message: the removal counts. */
	notify_feed(f, "{\"PeersChanged\":[" NODE(2, "b.") "],\"PeersRemoved\":[2]}\n");
	expect(f, "a c");
}

static void a_status_replaces_all(void **state)
{
	struct notify_bench *f = *state;
	static const char *const none[] = {
		"{\"InitialStatus\":{\"Peer\":null}}\n",
		"{\"InitialStatus\":{\"Peer\":{}}}\n",
		/* Also when there is no map at all. */
		"{\"InitialStatus\":{\"BackendState\":\"NoState\",\"Self\":{}}}\n",
		"{\"State\":6,\"InitialStatus\":{\"Self\":null}}\n",
	};
	notify_want(f, "a b c", NULL);
	notify_feed(
		f, "{\"InitialStatus\":{\"Peer\":{" STATUS(1, "a.") "," STATUS(2, "b.") "}}}\n");
	expect(f, "a b");
	notify_feed(f, "{\"InitialStatus\":{\"Peer\":{" STATUS(3, "c.") "}}}\n");
	expect(f, "c");
	notify_feed(f, "{\"InitialStatus\":null}\n");
	expect(f, "c");
	/* The last peer has gone while nobody listened. */
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		notify_feed(f, "{\"PeersChanged\":[" NODE(3, "c.") "]}\n");
		expect(f, "c");
		notify_feed(f, none[i]);
		expect(f, "");
	}
	/* Changed ones beside it add to it. */
	notify_feed(f, "{\"InitialStatus\":{\"Peer\":{" STATUS(
			       1, "a.") "}},\"PeersChanged\":[" NODE(2, "b.") "]}\n");
	expect(f, "a b");
	notify_feed(f, "{\"PeersChanged\":[" NODE(3, "c.") "],\"InitialStatus\":{\"Peer\":{" STATUS(
			       1, "a.") "}}}\n");
	expect(f, "a c");
	/* Only peers nobody wants. */
	notify_feed(f, "{\"InitialStatus\":{\"Peer\":{" STATUS(9, "x.") "}}}\n");
	expect(f, "");
}

/* The daemon reports a new map as a changed own node with all peers, and does not list the lost
 * ones. */
static void a_new_map_replaces_all(void **state)
{
	struct notify_bench *f = *state;
	notify_want(f, "a b c", NULL);
	notify_feed(f, "{\"PeersChanged\":[" NODE(1, "a.") "," NODE(2, "b.") "]}\n");
	notify_feed(f, "{" SELF ",\"PeersChanged\":[" NODE(2, "b.") "," NODE(3, "c.") "]}\n");
	expect(f, "b c");
	/* In whatever order the members come. */
	notify_feed(f, "{\"PeersChanged\":[" NODE(1, "a.") "]," SELF "}\n");
	expect(f, "a");
	notify_feed(
		f, "{" SELF ",\"InitialStatus\":{\"Peer\":{" STATUS(
			   2, "b.") "}},\"PeersChanged\":[" NODE(2, "b.") "," NODE(3, "c.") "]}\n");
	expect(f, "b c");
	notify_feed(
		f, "{" SELF ",\"InitialStatus\":{\"Peer\":{" STATUS(
			   1, "a.") "}},\"PeersChanged\":[" NODE(2, "b.") "," NODE(3, "c.") "]}\n");
	expect(f, "b c");
	/* A changed own node alone says nothing about peers. */
	notify_feed(f, "{" SELF "}{" SELF ",\"PeersChanged\":null}\n");
	notify_feed(f, "{\"SelfChange\":null,\"PeersChanged\":[]}{" SELF ",\"PeersChanged\":7}\n");
	expect(f, "b c");
	notify_feed(f, "{" SELF ",\"PeersChanged\":[" NODE(3, "c.") "],\"PeersRemoved\":[3]}\n");
	expect(f, "");
	notify_feed(f, "{\"PeersChanged\":[" NODE(1, "a.") "]}{" SELF ",\"PeersChanged\":[]}\n");
	expect(f, "");
}

static void peers_without_ids_are_their_names(void **state)
{
	struct notify_bench *f = *state;
	notify_want(f, "a b", NULL);
	/* All under one key, as a status made from them would be. */
	notify_feed(f, "{" SELF ",\"InitialStatus\":{\"Peer\":{\"nodekey:0\":{\"DNSName\":\"b.\","
		       "\"TailscaleIPs\":[\"100.64.0.2\"]}}},\"PeersChanged\":[" NODE(
			       0, "a.") "," NODE(0, "b.") "," NODE(0, "") "]}\n");
	expect(f, "a b");
	uint64_t generation = peers_generation(f->peers);
	notify_feed(f, "{\"PeersChanged\":[{\"Name\":\"A.\",\"Addresses\":[\"100.64.0.7/32\"]}],"
		       "\"PeersRemoved\":[0]}\n");
	expect(f, "a b");
	assert_true(peers_generation(f->peers) == generation + 1);
	assert_int_equal(peers_by_name(f->peers, "a")->addresses[0].addr.bytes[3], 7);
	notify_feed(f, "{" SELF ",\"PeersChanged\":[" NODE(0, "b.") "]}\n");
	expect(f, "b");
}

/* A stream that breaks in a message drops nothing; the next one makes up for it. */
static void half_a_message_drops_nothing(void **state)
{
	static const char *const halves[] = {
		"{\"InitialStatus\":{\"Peer\":{" STATUS(2, "b."),
		"{" SELF ",\"PeersChanged\":[" NODE(2, "b."),
	};
	struct notify_bench *f = *state;
	notify_want(f, "a b c", NULL);
	notify_feed(f, "{\"PeersChanged\":[" NODE(1, "a.") "," NODE(2, "b.") "]}\n");
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		struct err e = {0};
		assert_int_equal(ipn_decoder_feed(f->decoder, halves[i], strlen(halves[i]), &e), 0);
		notify_want(f, "a b c", NULL);
		notify_feed(f, "{\"PeersChanged\":[" NODE(2, "b.") "]}\n");
		expect(f, "a b");
	}
	notify_feed(f, "{\"InitialStatus\":{\"Peer\":{" STATUS(3, "c.") "}}}\n");
	expect(f, "c");
}

/* A host of many services carries an address for each of them. */
static void a_host_of_many_services_is_kept_whole(void **state)
{
	enum {
		SERVICES = 5000
	};
	struct notify_bench *f = *state;
	AUTO(buf_fini) struct buf text = BUF_INIT(1024u * 1024);
	AUTO(strv_fini) struct strv none = {0};
	struct ipaddr *wanted = xcalloc(SERVICES, sizeof(*wanted));
	struct err e = {0};
	assert_int_equal(
		buf_append_str(&text, "{\"PeersChanged\":[{\"ID\":1,\"Name\":\"h.\",", &e), 0);
	assert_int_equal(buf_append_str(&text, "\"AllowedIPs\":[\"10.0.0.0/8\"", &e), 0);
	for (unsigned int i = 0; i < SERVICES; i++) {
		AUTO(mem_free) char *vip = xasprintf("100.100.%u.%u", i / 256, i % 256);
		wanted[SERVICES - 1 - i] = address_of(vip);
		assert_int_equal(buf_printf(&text, &e, ",\"%s/32\"", vip), 0);
	}
	assert_int_equal(buf_append_str(&text, "]}]}\n", &e), 0);
	peers_want(f->peers, &none, wanted, SERVICES);
	notify_restart(f);
	notify_feed(f, buf_cstr(&text));
	assert_int_equal(peers_count(f->peers), 1);
	for (unsigned int i = 0; i < SERVICES; i++)
		assert_non_null(peers_by_exact_route(f->peers, &wanted[i]));
	free(wanted);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, notify_bench_open, notify_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(deltas_add_change_and_remove),
		TEST(a_status_replaces_all),
		TEST(a_new_map_replaces_all),
		TEST(peers_without_ids_are_their_names),
		TEST(half_a_message_drops_nothing),
		TEST(a_host_of_many_services_is_kept_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
