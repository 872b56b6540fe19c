#include "lib/localapi/ipn_decode.h"

#include <errno.h>
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
#include "tests/support/notify_bench.h"

static void an_empty_message_says_nothing(void **state)
{
	static const char *const texts[] = {"{}", "null", "[]", "7", "\"x\"",
		"{\"State\":null,\"ErrMessage\":null,\"SelfChange\":null,\"PeersChanged\":null,"
		"\"PeersRemoved\":null,\"PeerChangedPatch\":null,\"Health\":null,"
		"\"InitialStatus\":null,\"Prefs\":null,\"LoginFinished\":null}",
		"{\"Version\":\"1.102.3\",\"NetMap\":{\"State\":6}}", "{\"PeersChanged\":[]}"};
	struct notify_bench *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(mem_free) char *line = xasprintf("%s\n", texts[i]);
		notify_forget(f);
		notify_feed(f, line);
		assert_int_equal(f->count, 1);
		assert_int_equal(ipn_notify_state(&notify_last(f)->n), IPN_STATE_UNKNOWN);
		assert_false(ipn_notify_is_relevant(&notify_last(f)->n));
		assert_null(notify_last(f)->n.self);
		assert_null(notify_last(f)->error);
		assert_false(notify_last(f)->n.has_health);
		assert_false(notify_last(f)->n.has_prefs);
		assert_false(notify_last(f)->n.has_cert_domains);
		assert_false(notify_last(f)->n.is_suspended);
		assert_null(notify_last(f)->session_id);
	}
}

static void a_state_is_a_number_or_a_word(void **state)
{
	static const struct {
		const char *text;
		enum ipn_state expected;
	} rows[] = {
		{"{\"State\":0}", IPN_STATE_NO_STATE},
		{"{\"State\":6}", IPN_STATE_RUNNING},
		{"{\"State\":7}", IPN_STATE_UNKNOWN},
		{"{\"State\":-1}", IPN_STATE_UNKNOWN},
		{"{\"State\":\"Running\"}", IPN_STATE_UNKNOWN},
		{"{\"State\":2.5}", IPN_STATE_UNKNOWN},
		{"{\"InitialStatus\":{\"BackendState\":\"NeedsMachineAuth\"}}",
			IPN_STATE_NEEDS_MACHINE_AUTH},
		{"{\"InitialStatus\":{\"BackendState\":\"\"}}", IPN_STATE_UNKNOWN},
		{"{\"InitialStatus\":{\"BackendState\":\"Dancing\"}}", IPN_STATE_UNKNOWN},
		{"{\"InitialStatus\":{\"BackendState\":6}}", IPN_STATE_UNKNOWN},
		/* State is newer than the status. */
		{"{\"State\":2,\"InitialStatus\":{\"BackendState\":\"Running\"}}",
			IPN_STATE_NEEDS_LOGIN},
		{"{\"State\":null,\"InitialStatus\":{\"BackendState\":\"Running\"}}",
			IPN_STATE_RUNNING},
		{"{\"\\u0053tate\":5}", IPN_STATE_STARTING},
		{"{\"state\":5}", IPN_STATE_UNKNOWN},
	};
	struct notify_bench *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		notify_forget(f);
		notify_feed(f, "{}\n");
		AUTO(mem_free) char *line = xasprintf("%s\n", rows[i].text);
		notify_feed(f, line);
		assert_int_equal(f->count, 2);
		assert_int_equal(ipn_notify_state(&notify_last(f)->n), rows[i].expected);
	}
}

static void states_have_the_daemons_names(void **state)
{
	(void)state;
	for (int i = IPN_STATE_UNKNOWN; i <= IPN_STATE_RUNNING; i++)
		assert_int_equal(ipn_state_parse(ipn_state_name((enum ipn_state)i)), i);
	assert_string_equal(ipn_state_name(IPN_STATE_NEEDS_LOGIN), "NeedsLogin");
	assert_int_equal(ipn_state_parse("running"), IPN_STATE_UNKNOWN);
}

static void a_status_contains_the_node(void **state)
{
	struct notify_bench *f = *state;
	notify_feed(f, NOTIFY_STATUS);
	const struct notify_seen *s = notify_last(f);
	assert_true(s->n.has_initial_status);
	assert_true(ipn_notify_is_relevant(&s->n));
	assert_true(s->n.has_cert_domains);
	assert_int_equal(s->cert_domains.len, 2);
	assert_string_equal(s->cert_domains.items[0], "n.t.ts.net");
	assert_string_equal(s->auth_url, "https://login.example/a/1");
	assert_true(s->self.known);
	assert_string_equal(s->self.stable_id, "nSTABLE");
	assert_string_equal(s->self.fqdn, "n.t.ts.net.");
	assert_int_equal(s->self.address_count, 2);
	assert_true(s->self.online);
	/* Nobody wanted peers. */
	assert_int_equal(peers_count(f->peers), 0);
	/* A status without domains says that there are none. */
	notify_feed(f, "{\"InitialStatus\":{\"AuthURL\":\"\"}}\n");
	assert_true(notify_last(f)->n.has_initial_status);
	assert_true(notify_last(f)->n.has_cert_domains);
	assert_int_equal(notify_last(f)->cert_domains.len, 0);
	assert_null(notify_last(f)->auth_url);
	assert_null(notify_last(f)->n.self);
}

static void a_change_is_newer_than_the_status_beside_it(void **state)
{
	static const char change[] =
		"\"SelfChange\":{\"ID\":7,\"StableID\":\"nNEW\",\"Name\":\"new.t.ts.net.\","
		"\"Addresses\":[\"100.64.0.2/32\"],\"KeyExpiry\":\"2026-05-01T10:00:00Z\"}";
	static const char status[] =
		"\"InitialStatus\":{\"Self\":{\"ID\":\"nOLD\",\"DNSName\":\"old.t.ts.net.\"}}";
	struct notify_bench *f = *state;
	AUTO(mem_free) char *one = xasprintf("{%s,%s}\n{%s,%s}\n", change, status, status, change);
	notify_feed(f, one);
	assert_int_equal(f->count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(f->seen[i].n.has_self_change);
		assert_string_equal(f->seen[i].self.stable_id, "nNEW");
		assert_int_equal(f->seen[i].self.key_expiry_s, 1777629600);
	}
}

static void an_own_node_that_cannot_be_read_is_logged_and_ignored(void **state)
{
	static const char *const bad[] = {"7", "[]", "{\"StableID\":5}", "{\"Name\":{}}",
		"{\"Addresses\":[\"100.64.0.1\"]}", "{\"Addresses\":[7]}", "{\"Addresses\":\"x\"}"};
	struct notify_bench *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(mem_free) char *line = xasprintf("{\"SelfChange\":%s,\"State\":6}\n", bad[i]);
		notify_forget(f);
		/* Anew, because a repeated line is only counted. */
		log_capture_stop(&f->log);
		log_capture_start(&f->log);
		notify_feed(f, line);
		assert_true(notify_last(f)->n.has_self_change);
		assert_int_equal(notify_last(f)->n.state, IPN_STATE_RUNNING);
		assert_null(notify_last(f)->n.self);
		assert_int_equal(
			log_capture_count(&f->log, "notification of tailscaled: own node"), 1);
	}
}

static void an_own_node_beyond_all_measure_is_not_held(void **state)
{
	struct notify_bench *f = *state;
	struct err e = {0};
	AUTO(mem_free) char *blanks = xmalloc(64 * 1024);
	memset(blanks, 'x', 64 * 1024);
	assert_int_equal(ipn_decoder_feed(f->decoder, "{\"SelfChange\":{\"Name\":\"", 23, &e), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ipn_decoder_feed(f->decoder, blanks, 64 * 1024, &e), 0);
	assert_true(ipn_decoder_is_inside(f->decoder));
	notify_feed(f, "\"}}\n");
	assert_null(notify_last(f)->n.self);
	assert_true(log_capture_has(&f->log, "own node: more than 1048576 bytes"));
}

static void health_is_derived_from_its_warnings(void **state)
{
	struct notify_bench *f = *state;
	notify_feed(f,
		"{\"Health\":{\"Warnings\":{\"login-state\":{\"Severity\":\"medium\","
		"\"Title\":\"Logged out\",\"Text\":\"a \\\"b\\\"\",\"Args\":{\"error\":\"bad key\"}},"
		"\"odd\":7,\"none\":null,\"bare\":{\"Title\":5,\"Args\":[]}}}}\n");
	assert_true(notify_last(f)->n.has_health);
	assert_int_equal(notify_last(f)->warnings.len, 2);
	assert_string_equal(
		notify_last(f)->warnings.items[0], "login-state|Logged out|a \"b\"|bad key");
	assert_string_equal(notify_last(f)->warnings.items[1], "bare|||");
	/* All well again. */
	notify_feed(f, "{\"Health\":{\"Warnings\":{}}}\n");
	assert_true(notify_last(f)->n.has_health);
	assert_int_equal(notify_last(f)->n.warning_count, 0);
	notify_feed(f, "{\"Health\":{\"Warnings\":null}}\n");
	assert_true(notify_last(f)->n.has_health);
	notify_feed(f, "{\"Health\":{}}\n");
	assert_false(notify_last(f)->n.has_health);
}

static void a_flood_of_warnings_is_bounded(void **state)
{
	struct notify_bench *f = *state;
	AUTO(buf_fini) struct buf text = BUF_INIT(65536);
	struct err e;
	assert_int_equal(buf_append_str(&text, "{\"Health\":{\"Warnings\":{", &e), 0);
	for (int i = 0; i < IPN_WARNINGS_MAX + 8; i++)
		assert_int_equal(buf_printf(&text, &e, "\"w%d\":{\"Text\":\"t\"},", i), 0);
	assert_int_equal(buf_append_str(&text, "\"w0\":{}}}}\n", &e), 0);
	notify_feed(f, buf_cstr(&text));
	assert_int_equal(notify_last(f)->n.warning_count, IPN_WARNINGS_MAX);
}

static void a_flood_of_domains_is_bounded(void **state)
{
	struct notify_bench *f = *state;
	AUTO(buf_fini) struct buf text = BUF_INIT(65536);
	struct err e;
	assert_int_equal(buf_append_str(&text, "{\"InitialStatus\":{\"CertDomains\":[", &e), 0);
	for (int i = 0; i < 2 * IPN_CERT_DOMAINS_MAX; i++)
		assert_int_equal(buf_printf(&text, &e, "\"d%d\",", i), 0);
	assert_int_equal(buf_append_str(&text, "null]}}\n", &e), 0);
	notify_feed(f, buf_cstr(&text));
	assert_int_equal(notify_last(f)->cert_domains.len, IPN_CERT_DOMAINS_MAX);
}

static void warnings_are_found_by_code(void **state)
{
	static char first[] = "first", second[] = "second", code[] = "login-state", empty[] = "";
	struct ipn_warning warnings[] = {{code, first, empty, empty}, {code, second, empty, empty}};
	struct ipn_notify n = {.warnings = warnings, .warning_count = 2};
	(void)state;
	assert_string_equal(ipn_notify_warning(&n, "login-state")->title, "second");
	assert_null(ipn_notify_warning(&n, "other"));
}

static void prefs_and_texts(void **state)
{
	struct notify_bench *f = *state;
	notify_feed(f,
		"{\"ErrMessage\":\"key \\u00e4 expired\",\"BrowseToURL\":\"https://x/y\","
		"\"SessionID\":\"ab12\",\"Suspended\":true,\"Prefs\":{\"WantRunning\":true,\"LoggedOut\":false,"
		"\"Config\":{\"NodeID\":\"n1\"}}}\n");
	assert_string_equal(notify_last(f)->error, "key \xc3\xa4 expired");
	assert_string_equal(notify_last(f)->url, "https://x/y");
	assert_true(notify_last(f)->n.is_suspended);
	assert_string_equal(notify_last(f)->session_id, "ab12");
	assert_true(notify_last(f)->n.has_prefs);
	assert_true(notify_last(f)->n.want_running);
	assert_false(notify_last(f)->n.logged_out);
	assert_true(notify_last(f)->n.has_node_id);
	notify_feed(f, "{\"ErrMessage\":7,\"BrowseToURL\":[],\"Prefs\":{\"WantRunning\":\"yes\","
		       "\"LoggedOut\":true,\"Config\":{\"NodeID\":\"\"}}}\n");
	assert_null(notify_last(f)->error);
	assert_null(notify_last(f)->url);
	assert_false(notify_last(f)->n.want_running);
	assert_true(notify_last(f)->n.logged_out);
	assert_false(notify_last(f)->n.has_node_id);
}

static void any_cut_of_the_stream_gives_the_same(void **state)
{
	static const char stream[] =
		"{\"State\":6}\n" NOTIFY_STATUS
		"{\"SelfChange\":{\"StableID\":\"n\",\"Name\":\"\\u00e4.\",\"Addresses\":null}}\n";
	struct notify_bench *f = *state;
	for (size_t piece = 1; piece < 80; piece++) {
		struct err e = {0};
		notify_forget(f);
		notify_want(f, piece % 2 == 0 ? "" : "web.t.ts.net", NULL);
		for (size_t at = 0; at < strlen(stream); at += piece) {
			size_t left = strlen(stream) - at;
			AUTO(mem_free) char *exact = xmalloc(piece);
			memcpy(exact, stream + at, left < piece ? left : piece);
			assert_int_equal(ipn_decoder_feed(f->decoder, exact,
						 left < piece ? left : piece, &e),
				0);
		}
		assert_int_equal(f->count, 3);
		assert_int_equal(f->seen[0].n.state, IPN_STATE_RUNNING);
		assert_string_equal(f->seen[1].self.fqdn, "n.t.ts.net.");
		assert_string_equal(f->seen[2].self.fqdn, "\xc3\xa4.");
		assert_int_equal(peers_count(f->peers), piece % 2);
	}
}

static void bad_json_is_an_error(void **state)
{
	static const char *const texts[] = {"{\"State\":}", "{\"State\":06}", "{]", "nul!",
		"{\"a\" 1}", "\x01", "{\"State\":6,}"};
	struct notify_bench *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err e = {0};
		notify_want(f, i % 2 == 0 ? "" : "web.t.ts.net", NULL);
		assert_int_equal(
			ipn_decoder_feed(f->decoder, texts[i], strlen(texts[i]), &e), -EINVAL);
		assert_string_not_equal(e.msg, "");
	}
	assert_int_equal(f->count, 0);
}

static void the_consumer_may_end_it(void **state)
{
	struct notify_bench *f = *state;
	struct err e = {0};
	f->answer = -ECANCELED;
	assert_int_equal(ipn_decoder_feed(f->decoder, "{}\n{}\n", 6, &e), -ECANCELED);
	assert_string_equal(e.msg, "no more");
	assert_int_equal(f->count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, notify_bench_open, notify_bench_close)
	const struct CMUnitTest tests[] = {
		TEST(an_empty_message_says_nothing),
		TEST(a_state_is_a_number_or_a_word),
		TEST(states_have_the_daemons_names),
		TEST(a_status_contains_the_node),
		TEST(a_change_is_newer_than_the_status_beside_it),
		TEST(an_own_node_that_cannot_be_read_is_logged_and_ignored),
		TEST(an_own_node_beyond_all_measure_is_not_held),
		TEST(health_is_derived_from_its_warnings),
		TEST(a_flood_of_warnings_is_bounded),
		TEST(a_flood_of_domains_is_bounded),
		TEST(warnings_are_found_by_code),
		TEST(prefs_and_texts),
		TEST(any_cut_of_the_stream_gives_the_same),
		TEST(bad_json_is_an_error),
		TEST(the_consumer_may_end_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
