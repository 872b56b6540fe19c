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
#include "tests/support/log_capture.h"

#define SEEN_MAX 16
#define WARNINGS_SEEN_MAX 8

/* What one message said, copied out of the callback. */
struct seen {
	struct ipn_notify n;
	char *error;
	char *url;
	char *auth_url;
	struct selfnode self;
	struct strv cert_domains;
	struct strv warnings; /* "code|title|text|error" */
};

struct fixture {
	struct peers *peers;
	struct ipn_decoder *decoder;
	struct seen seen[SEEN_MAX];
	size_t count;
	int answer; /* of the callback */
	struct log_capture log;
};

static int on_notify(void *arg, const struct ipn_notify *n, struct err *e)
{
	struct fixture *f = arg;
	assert_true(f->count < SEEN_MAX);
	struct seen *s = &f->seen[f->count++];
	s->n = *n;
	s->error = xstrdup(n->error_message);
	s->url = xstrdup(n->browse_to_url);
	s->auth_url = xstrdup(n->auth_url);
	if (n->self != NULL)
		selfnode_copy(&s->self, n->self);
	strv_copy(&s->cert_domains, n->cert_domains);
	for (size_t i = 0; i < n->warning_count; i++) {
		const struct ipn_warning *w = &n->warnings[i];
		strv_pushf(&s->warnings, "%s|%s|%s|%s", w->code, w->title, w->text, w->error);
	}
	return f->answer < 0 ? err_set(e, f->answer, "no more") : 0;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->peers = peers_new();
	f->decoder = ipn_decoder_new(f->peers, on_notify, f);
	log_capture_start(&f->log);
	*state = f;
	return 0;
}

static void forget(struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct seen *s = &f->seen[i];
		free(s->error);
		free(s->url);
		free(s->auth_url);
		selfnode_fini(&s->self);
		strv_fini(&s->cert_domains);
		strv_fini(&s->warnings);
		memset(s, 0, sizeof(*s));
	}
	f->count = 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	forget(f);
	ipn_decoder_free(f->decoder);
	peers_free(f->peers);
	log_capture_stop(&f->log);
	free(f);
	return 0;
}

/* Begins anew with wishes. */
static void want(struct fixture *f, const char *names, const char *address)
{
	AUTO(strv_fini) struct strv list = {0};
	struct ipaddr a;
	struct err e;
	str_words(names, &list);
	if (address != NULL)
		assert_int_equal(ipaddr_parse(address, &a, &e), 0);
	peers_want(f->peers, &list, &a, address != NULL ? 1 : 0);
	ipn_decoder_free(f->decoder);
	f->decoder = ipn_decoder_new(f->peers, on_notify, f);
}

static void feed(struct fixture *f, const char *text)
{
	struct err e = {0};
	int code = ipn_decoder_feed(f->decoder, text, strlen(text), &e);
	assert_string_equal(e.msg, "");
	assert_int_equal(code, 0);
	assert_false(ipn_decoder_is_inside(f->decoder));
}

static const struct seen *last(const struct fixture *f)
{
	assert_true(f->count > 0);
	return &f->seen[f->count - 1];
}

static void an_empty_message_says_nothing(void **state)
{
	static const char *const texts[] = {"{}", "null", "[]", "7", "\"x\"",
		"{\"State\":null,\"ErrMessage\":null,\"SelfChange\":null,\"PeersChanged\":null,"
		"\"PeersRemoved\":null,\"PeerChangedPatch\":null,\"Health\":null,"
		"\"InitialStatus\":null,\"Prefs\":null,\"LoginFinished\":null}",
		"{\"Version\":\"1.102.3\",\"NetMap\":{\"State\":6}}", "{\"PeersChanged\":[]}"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(mem_free) char *line = xasprintf("%s\n", texts[i]);
		forget(f);
		feed(f, line);
		assert_int_equal(f->count, 1);
		assert_int_equal(ipn_notify_state(&last(f)->n), IPN_STATE_UNKNOWN);
		assert_false(ipn_notify_is_relevant(&last(f)->n));
		assert_null(last(f)->n.self);
		assert_null(last(f)->error);
		assert_false(last(f)->n.has_health);
		assert_false(last(f)->n.has_prefs);
		assert_false(last(f)->n.has_cert_domains);
		assert_false(last(f)->n.login_finished);
	}
}

static void a_state_is_a_number_or_a_word(void **state)
{
	static const struct {
		const char *text;
		enum ipn_state told;
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
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		forget(f);
		feed(f, "{}\n");
		AUTO(mem_free) char *line = xasprintf("%s\n", rows[i].text);
		feed(f, line);
		assert_int_equal(f->count, 2);
		assert_int_equal(ipn_notify_state(&last(f)->n), rows[i].told);
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

#define STATUS                                                                                   \
	"{\"State\":6,\"InitialStatus\":{\"Version\":\"1.102.3\",\"BackendState\":\"Running\","  \
	"\"AuthURL\":\"https://login.example/a/1\",\"CertDomains\":[\"n.t.ts.net\",null,\"m\"]," \
	"\"Self\":{\"ID\":\"nSTABLE\",\"NodeID\":7,\"DNSName\":\"n.t.ts.net.\","                 \
	"\"TailscaleIPs\":[\"100.64.0.1\",\"fd7a::1\"],\"Online\":true},"                        \
	"\"Peer\":{\"nodekey:a\":{\"ID\":\"s1\",\"NodeID\":33223432117286174,"                   \
	"\"DNSName\":\"web.t.ts.net.\",\"TailscaleIPs\":[\"100.64.0.9\"],"                       \
	"\"AllowedIPs\":[\"100.64.0.9/32\",\"10.1.0.0/16\"]},\"nodekey:b\":{\"ID\":\"s2\","      \
	"\"NodeID\":8,\"DNSName\":\"db.t.ts.net.\",\"TailscaleIPs\":null}}}}\n"

static void a_status_tells_the_node(void **state)
{
	struct fixture *f = *state;
	feed(f, STATUS);
	const struct seen *s = last(f);
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
	feed(f, "{\"InitialStatus\":{\"AuthURL\":\"\"}}\n");
	assert_true(last(f)->n.has_initial_status);
	assert_true(last(f)->n.has_cert_domains);
	assert_int_equal(last(f)->cert_domains.len, 0);
	assert_null(last(f)->auth_url);
	assert_null(last(f)->n.self);
}

static void a_change_is_newer_than_the_status_beside_it(void **state)
{
	static const char change[] =
		"\"SelfChange\":{\"ID\":7,\"StableID\":\"nNEW\",\"Name\":\"new.t.ts.net.\","
		"\"Addresses\":[\"100.64.0.2/32\"],\"KeyExpiry\":\"2026-05-01T10:00:00Z\"}";
	static const char status[] =
		"\"InitialStatus\":{\"Self\":{\"ID\":\"nOLD\",\"DNSName\":\"old.t.ts.net.\"}}";
	struct fixture *f = *state;
	AUTO(mem_free) char *one = xasprintf("{%s,%s}\n{%s,%s}\n", change, status, status, change);
	feed(f, one);
	assert_int_equal(f->count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(f->seen[i].n.has_self_change);
		assert_string_equal(f->seen[i].self.stable_id, "nNEW");
		assert_int_equal(f->seen[i].self.key_expiry_s, 1777629600);
	}
}

static void an_own_node_that_cannot_be_read_is_told_and_ignored(void **state)
{
	static const char *const bad[] = {"7", "[]", "{\"StableID\":5}", "{\"Name\":{}}",
		"{\"Addresses\":[\"100.64.0.1\"]}", "{\"Addresses\":[7]}", "{\"Addresses\":\"x\"}"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(mem_free) char *line = xasprintf("{\"SelfChange\":%s,\"State\":6}\n", bad[i]);
		forget(f);
		/* Anew, because a repeated line is only counted. */
		log_capture_stop(&f->log);
		log_capture_start(&f->log);
		feed(f, line);
		assert_true(last(f)->n.has_self_change);
		assert_int_equal(last(f)->n.state, IPN_STATE_RUNNING);
		assert_null(last(f)->n.self);
		assert_int_equal(
			log_capture_count(&f->log, "notification of tailscaled: own node"), 1);
	}
}

static void an_own_node_beyond_all_measure_is_not_held(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	AUTO(mem_free) char *blanks = xmalloc(64 * 1024);
	memset(blanks, 'x', 64 * 1024);
	assert_int_equal(ipn_decoder_feed(f->decoder, "{\"SelfChange\":{\"Name\":\"", 23, &e), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ipn_decoder_feed(f->decoder, blanks, 64 * 1024, &e), 0);
	assert_true(ipn_decoder_is_inside(f->decoder));
	feed(f, "\"}}\n");
	assert_null(last(f)->n.self);
	assert_true(log_capture_has(&f->log, "own node: more than 1048576 bytes"));
}

static void health_is_told_by_its_warnings(void **state)
{
	struct fixture *f = *state;
	feed(f, "{\"Health\":{\"Warnings\":{\"login-state\":{\"Severity\":\"medium\","
		"\"Title\":\"Logged out\",\"Text\":\"a \\\"b\\\"\",\"Args\":{\"error\":\"bad key\"}},"
		"\"odd\":7,\"none\":null,\"bare\":{\"Title\":5,\"Args\":[]}}}}\n");
	assert_true(last(f)->n.has_health);
	assert_int_equal(last(f)->warnings.len, 2);
	assert_string_equal(last(f)->warnings.items[0], "login-state|Logged out|a \"b\"|bad key");
	assert_string_equal(last(f)->warnings.items[1], "bare|||");
	/* All well again. */
	feed(f, "{\"Health\":{\"Warnings\":{}}}\n");
	assert_true(last(f)->n.has_health);
	assert_int_equal(last(f)->n.warning_count, 0);
	feed(f, "{\"Health\":{\"Warnings\":null}}\n");
	assert_true(last(f)->n.has_health);
	feed(f, "{\"Health\":{}}\n");
	assert_false(last(f)->n.has_health);
}

static void a_flood_of_warnings_is_bounded(void **state)
{
	struct fixture *f = *state;
	AUTO(buf_fini) struct buf text = BUF_INIT(65536);
	struct err e;
	assert_int_equal(buf_append_str(&text, "{\"Health\":{\"Warnings\":{", &e), 0);
	for (int i = 0; i < IPN_WARNINGS_MAX + 8; i++)
		assert_int_equal(buf_printf(&text, &e, "\"w%d\":{\"Text\":\"t\"},", i), 0);
	assert_int_equal(buf_append_str(&text, "\"w0\":{}}}}\n", &e), 0);
	feed(f, buf_cstr(&text));
	assert_int_equal(last(f)->n.warning_count, IPN_WARNINGS_MAX);
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
	struct fixture *f = *state;
	feed(f, "{\"ErrMessage\":\"key \\u00e4 expired\",\"BrowseToURL\":\"https://x/y\","
		"\"LoginFinished\":{},\"Prefs\":{\"WantRunning\":true,\"LoggedOut\":false,"
		"\"Config\":{\"NodeID\":\"n1\"}}}\n");
	assert_string_equal(last(f)->error, "key \xc3\xa4 expired");
	assert_string_equal(last(f)->url, "https://x/y");
	assert_true(last(f)->n.login_finished);
	assert_true(last(f)->n.has_prefs);
	assert_true(last(f)->n.want_running);
	assert_false(last(f)->n.logged_out);
	assert_true(last(f)->n.has_node_id);
	feed(f, "{\"ErrMessage\":7,\"BrowseToURL\":[],\"Prefs\":{\"WantRunning\":\"yes\","
		"\"LoggedOut\":true,\"Config\":{\"NodeID\":\"\"}}}\n");
	assert_null(last(f)->error);
	assert_null(last(f)->url);
	assert_false(last(f)->n.want_running);
	assert_true(last(f)->n.logged_out);
	assert_false(last(f)->n.has_node_id);
}

static void peer_changes_are_seen_without_being_wanted(void **state)
{
	static const char *const texts[] = {"{\"PeersChanged\":[{\"ID\":5}]}\n",
		"{\"PeersRemoved\":[5]}\n", "{\"PeerChangedPatch\":[{\"NodeID\":5}]}\n"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		feed(f, texts[i]);
		assert_true(last(f)->n.has_peer_changes);
		assert_true(ipn_notify_is_relevant(&last(f)->n));
	}
	assert_int_equal(peers_count(f->peers), 0);
}

static void wanted_peers_are_kept(void **state)
{
	struct fixture *f = *state;
	want(f, "web.t.ts.net", NULL);
	feed(f, STATUS);
	assert_int_equal(peers_count(f->peers), 1);
	const struct peer *p = peers_by_name(f->peers, "WEB.t.ts.net.");
	assert_non_null(p);
	assert_true(p->id == INT64_C(33223432117286174));
	assert_int_equal(p->address_count, 1);
	assert_int_equal(p->route_count, 0);
	/* A change, then its end. */
	feed(f, "{\"PeersChanged\":[{\"ID\":33223432117286174,\"Name\":\"web.t.ts.net.\","
		"\"Addresses\":[\"100.64.0.9/32\",\"fd7a::9/128\"]},{\"ID\":9,\"Name\":\"x.\"}]}\n");
	assert_int_equal(peers_by_name(f->peers, "web.t.ts.net")->address_count, 2);
	feed(f, "{\"PeersRemoved\":[1,\"33223432117286174\"]}\n");
	assert_int_equal(peers_count(f->peers), 1);
	feed(f, "{\"PeersRemoved\":[33223432117286174]}\n");
	assert_int_equal(peers_count(f->peers), 0);
}

static void peers_are_kept_for_their_routes(void **state)
{
	struct fixture *f = *state;
	struct ipaddr a;
	struct err e;
	want(f, "", "10.1.2.3");
	feed(f, STATUS);
	assert_int_equal(ipaddr_parse("10.1.2.3", &a, &e), 0);
	const struct peer *p = peers_by_route(f->peers, &a);
	assert_non_null(p);
	assert_string_equal(p->name, "web.t.ts.net.");
	assert_int_equal(p->route_count, 1);
	assert_int_equal(p->routes[0].bits, 16);
}

static void a_status_replaces_all_peers(void **state)
{
	struct fixture *f = *state;
	want(f, "web.t.ts.net db.t.ts.net", NULL);
	feed(f, STATUS);
	assert_int_equal(peers_count(f->peers), 2);
	/* One that names no peers leaves them alone. */
	feed(f, "{\"InitialStatus\":{\"BackendState\":\"Running\",\"Peer\":{}}}\n");
	assert_int_equal(peers_count(f->peers), 2);
	feed(f, "{\"InitialStatus\":{\"Peer\":{\"k\":{\"NodeID\":8,\"DNSName\":\"db.t.ts.net.\"}}}}\n");
	assert_int_equal(peers_count(f->peers), 1);
	assert_non_null(peers_by_name(f->peers, "db.t.ts.net"));
}

static void odd_members_of_peers_count_as_absent(void **state)
{
	struct fixture *f = *state;
	want(f, "web.t.ts.net", "10.0.0.1");
	feed(f, "{\"PeersChanged\":[7,null,\"x\",[],{\"ID\":\"5\",\"Name\":\"web.t.ts.net.\","
		"\"Addresses\":[null,5,\"\",\"nonsense\",\"100.64.0.1/99\",\"100.64.0.5/32\",{}],"
		"\"AllowedIPs\":{\"a\":\"10.0.0.0/8\"}},{\"Name\":7},{\"ID\":1.5,\"Name\":\"\"}]}\n");
	assert_int_equal(peers_count(f->peers), 1);
	const struct peer *p = peers_by_name(f->peers, "web.t.ts.net");
	assert_true(p->id == 0);
	assert_int_equal(p->address_count, 1);
	assert_int_equal(p->route_count, 1);
}

static void any_cut_of_the_stream_gives_the_same(void **state)
{
	static const char stream[] =
		"{\"State\":6}\n" STATUS
		"{\"SelfChange\":{\"StableID\":\"n\",\"Name\":\"\\u00e4.\",\"Addresses\":null}}\n";
	struct fixture *f = *state;
	for (size_t piece = 1; piece < 80; piece++) {
		struct err e = {0};
		forget(f);
		want(f, piece % 2 == 0 ? "" : "web.t.ts.net", NULL);
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
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err e = {0};
		want(f, i % 2 == 0 ? "" : "web.t.ts.net", NULL);
		assert_int_equal(
			ipn_decoder_feed(f->decoder, texts[i], strlen(texts[i]), &e), -EINVAL);
		assert_string_not_equal(e.msg, "");
	}
	assert_int_equal(f->count, 0);
}

static void the_consumer_may_end_it(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	f->answer = -ECANCELED;
	assert_int_equal(ipn_decoder_feed(f->decoder, "{}\n{}\n", 6, &e), -ECANCELED);
	assert_string_equal(e.msg, "no more");
	assert_int_equal(f->count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_empty_message_says_nothing),
		TEST(a_state_is_a_number_or_a_word),
		TEST(states_have_the_daemons_names),
		TEST(a_status_tells_the_node),
		TEST(a_change_is_newer_than_the_status_beside_it),
		TEST(an_own_node_that_cannot_be_read_is_told_and_ignored),
		TEST(an_own_node_beyond_all_measure_is_not_held),
		TEST(health_is_told_by_its_warnings),
		TEST(a_flood_of_warnings_is_bounded),
		TEST(warnings_are_found_by_code),
		TEST(prefs_and_texts),
		TEST(peer_changes_are_seen_without_being_wanted),
		TEST(wanted_peers_are_kept),
		TEST(peers_are_kept_for_their_routes),
		TEST(a_status_replaces_all_peers),
		TEST(odd_members_of_peers_count_as_absent),
		TEST(any_cut_of_the_stream_gives_the_same),
		TEST(bad_json_is_an_error),
		TEST(the_consumer_may_end_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
