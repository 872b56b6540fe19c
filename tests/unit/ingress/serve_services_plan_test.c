#include "ingress/serve_services_plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingress/serve.h"
#include "lib/base/mem.h"

#define V "\"version\":\"0.0.1\""
#define WEB(endpoints) "{" V ",\"services\":{\"svc:web\":{\"endpoints\":{" endpoints "}}}}"
#define MADE(service) "{\"Services\":{\"svc:web\":{" service "}}}"
#define HANDLER(port, what) "\"Web\":{\"web.t.ts.net:" port "\":{\"Handlers\":{\"/\":{" what "}}}}"

static int make(const char *text, const char *suffix, struct serve_plan *plan, struct err *e)
{
	const struct serve_names names = {SERVE_NO_HTTPS, suffix};
	return serve_plan_make(text, strlen(text), &names, plan, e);
}

static void a_file_is_translated(void **state)
{
	/* What `tailscale serve set-config --all` of 1.104.7 posts; which itself stumbles over
	 * brackets and over a host behind tls-terminated-tcp. */
	static const char *const cases[][2] = {
		{WEB("\"tcp:443\":\"http://127.0.0.1:80\""),
			MADE("\"TCP\":{\"443\":{\"HTTP\":true}}," HANDLER(
				"443", "\"Proxy\":\"http://127.0.0.1:80\""))},
		{WEB("\"TCP:443\":\"https+insecure://Backend.Local:8443\""),
			MADE("\"TCP\":{\"443\":{\"HTTPS\":true}}," HANDLER(
				"443", "\"Proxy\":\"https+insecure://backend.local:8443\""))},
		{WEB("\"6:443\":\"https://[::1]:80\""),
			MADE("\"TCP\":{\"443\":{\"HTTPS\":true}}," HANDLER(
				"443", "\"Proxy\":\"https://[::1]:80\""))},
		{WEB("\"tcp:80\":\"http://::1:8080\""),
			MADE("\"TCP\":{\"80\":{\"HTTP\":true}}," HANDLER(
				"80", "\"Proxy\":\"http://[::1]:8080\""))},
		{WEB("\"tcp:443\":\"file:///srv/www\""),
			MADE("\"TCP\":{\"443\":{\"HTTPS\":true}}," HANDLER(
				"443", "\"Path\":\"/srv/www\""))},
		{WEB("\"tcp:80\":\"http://unix:/run/web.sock\""),
			MADE("\"TCP\":{\"80\":{\"HTTP\":true}}," HANDLER(
				"80", "\"Proxy\":\"unix:/run/web.sock\""))},
		{WEB("\"tcp:22-23\":\"tcp://ssh:2022-2023\""),
			MADE("\"TCP\":{\"22\":{\"TCPForward\":\"ssh:2022\"},"
			     "\"23\":{\"TCPForward\":\"ssh:2023\"}}")},
		{WEB("\"tcp:5432\":\"tls-terminated-tcp://localhost:5432\""),
			MADE("\"TCP\":{\"5432\":{\"TCPForward\":\"localhost:5432\","
			     "\"TerminateTLS\":\"web.t.ts.net\"}}")},
		{WEB("\"tcp:5432\":\"tcp://unix:db.sock\""),
			MADE("\"TCP\":{\"5432\":{\"TCPForward\":\"unix:db.sock\"}}")},
		{WEB("\"tcp:5432\":\"tcp://[fd00::1]:5432\""),
			MADE("\"TCP\":{\"5432\":{\"TCPForward\":\"[fd00::1]:5432\"}}")},
		{WEB("\"*\":\"TUN\""), MADE("\"Tun\":true")},
		{"{" V "}", "{\"Services\":{}}"},
		{"{" V ",\"services\":null}", "{\"Services\":{}}"},
		/* With comments, as the command takes it. */
		{"// mine\n{" V ",\"services\":{/* none */},}", "{\"Services\":{}}"},
	};
	struct serve_plan plan = {0};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		assert_int_equal(make(cases[i][0], "t.ts.net", &plan, &e), 0);
		assert_string_equal(plan.document, cases[i][1]);
		assert_int_equal(plan.withheld.len, 0);
		assert_int_equal(plan.unknown.len, 0);
		assert_false(plan.needs_https);
	}
	serve_plan_fini(&plan);
}

static void a_service_may_be_withheld_and_need_certificates(void **state)
{
	static const char text[] =
		"{" V ",\"services\":{"
		"\"svc:b\":{\"advertised\":false,\"endpoints\":{\"tcp:443\":\"https://h:1\"}},"
		"\"svc:a\":{\"advertised\":true,\"endpoints\":"
		"{\"tcp:9\":\"tls-terminated-tcp://h:1\",\"tcp:80\":\"http://h:2\"}}}}";
	struct serve_plan plan = {0};
	struct err e;
	(void)state;
	assert_int_equal(make(text, "t.ts.net", &plan, &e), 0);
	AUTO(mem_free) char *services = strv_join(&plan.services, " ");
	AUTO(mem_free) char *withheld = strv_join(&plan.withheld, " ");
	AUTO(mem_free) char *domains = strv_join(&plan.cert_domains, " ");
	assert_string_equal(services, "svc:a svc:b");
	assert_string_equal(withheld, "svc:b");
	assert_string_equal(domains, "a.t.ts.net b.t.ts.net");
	serve_plan_fini(&plan);
}

static void what_is_wrong_is_named(void **state)
{
	static const char *const cases[][2] = {
		{"{\"version\":\"0.0.2\"}", "\"version\" is not \"0.0.1\""},
		{"{\"version\":1}", "\"version\" is not \"0.0.1\""},
		{"{" V ",\"service\":{}}", "unknown member \"service\""},
		{"{" V ",\"services\":[]}", "services is no object"},
		{"{" V ",\"endpoints\":{}}", "a single service has no name"},
		{"{\"services\":{\"svc:a\":{\"endpoints\":{}}}}", "has no \"version\": \"0.0.1\""},
		{"{\"endpoints\":{}}", "has no \"version\": \"0.0.1\""},
		{"{\"Services\":{\"svc:a\":{\"endpoints\":{}}}}",
			"mixes two formats: \"Services\" belongs to a serve configuration"},
		{"{" V ",\"TCP\":{},\"services\":{\"svc:a\":{\"endpoints\":{}}}}",
			"mixes two formats: \"TCP\" belongs to a serve configuration, "
			"\"endpoints\" to the services format"},
		{"{\"Web\":{},\"endpoints\":{}}", "mixes two formats: \"Web\" belongs"},
		{"{" V ",\"services\":{\"web\":{}}}", "service \"web\": want a name like svc:web"},
		{"{" V ",\"services\":{\"svc:a.b\":{}}}", "want a name like"},
		{"{" V ",\"services\":{\"svc:-a\":{}}}", "want a name like"},
		{"{" V ",\"services\":{\"svc:\":{}}}", "want a name like"},
		{"{" V ",\"services\":{\"svc:a\":7}}", "service \"svc:a\": it is no object"},
		{"{" V ",\"services\":{\"svc:a\":{}}}", "it has no \"endpoints\""},
		{WEB(""), "it has no \"endpoints\""},
		{"{" V ",\"services\":{\"svc:a\":{\"endpoint\":{}}}}",
			"service \"svc:a\": unknown member \"endpoint\""},
		{"{" V ",\"services\":{\"svc:a\":{" V ",\"endpoints\":{}}}}",
			"unknown member \"version\""},
		{"{" V ",\"services\":{\"svc:a\":{\"advertised\":\"no\",\"endpoints\":{}}}}",
			"advertised"},
		{WEB("\"tcp:443\":7"), "endpoint \"tcp:443\": the target is no string"},
		{WEB("\"443\":\"http://h:1\""), "want tcp:PORT"},
		{WEB("\"udp:53\":\"tcp://h:53\""), "only ports of TCP can be served"},
		{WEB("\"tcp:*\":\"tcp://h:*\""), "want a port from 1 to 65535"},
		{WEB("\"tcp:0\":\"tcp://h:1\""), "want a port from 1 to 65535"},
		{WEB("\"tcp:65536\":\"tcp://h:1\""), "want a port from 1 to 65535"},
		{WEB("\"tcp:1-2-3\":\"tcp://h:1\""), "want a port from 1 to 65535"},
		{WEB("\"tcp:9-8\":\"tcp://h:1\""), "ends before it begins"},
		{WEB("\"tcp:8-9\":\"tcp://h:1\""), "as many ports"},
		{WEB("\"tcp:1\":\"h:1\""), "want SCHEME://HOST:PORT"},
		{WEB("\"tcp:1\":\"ftp://h:1\""), "want a target of http"},
		{WEB("\"tcp:1\":\"http://h\""), "the target has no port"},
		{WEB("\"tcp:1\":\"http://h:1/path\""), "target: want a port"},
		{WEB("\"tcp:1\":\"http://:1\""), "no usable host"},
		{WEB("\"tcp:1\":\"http://a,b:1\""), "no usable host"},
		{WEB("\"tcp:1\":\"http://a..b:1\""), "no usable host"},
		{WEB("\"tcp:1\":\"file://srv\""), "want an absolute path"},
		{WEB("\"tcp:1\":\"tcp://unix:\""), "want a path behind unix:"},
		{WEB("\"*\":\"http://h:1\""), "\"*\" and TUN go together only"},
		{WEB("\"tcp:1\":\"TUN\""), "\"*\" and TUN go together only"},
		{WEB("\"*\":\"TUN\",\"tcp:1\":\"tcp://h:1\""), "TUN cannot be mixed with ports"},
		{WEB("\"tcp:1-5\":\"tcp://h:1-5\",\"tcp:3\":\"tcp://h:1\""),
			"service \"svc:web\": endpoint \"tcp:3\": port 3 is served twice"},
		{WEB("\"tcp:1-65535\":\"tcp://h:1-65535\""), "more than 1024 ports"},
	};
	struct serve_plan plan = {0};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		assert_int_equal(make(cases[i][0], "t.ts.net", &plan, &e), -EINVAL);
		if (strstr(e.msg, cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], e.msg);
	}
	assert_null(plan.document);
}

static void names_need_the_suffix_of_the_tailnet(void **state)
{
	struct serve_plan plan = {0};
	struct err e;
	(void)state;
	assert_int_equal(make(WEB("\"tcp:1\":\"http://h:1\""), "", &plan, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "suffix of names is not known yet"));
	assert_int_equal(make(WEB("\"tcp:1\":\"tcp://h:1\""), "", &plan, &e), 0);
	serve_plan_fini(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_translated),
		cmocka_unit_test(a_service_may_be_withheld_and_need_certificates),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(names_need_the_suffix_of_the_tailnet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
