#include "ingress/serve.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct row {
	const char *text;
	const char *document;
	bool needs_https;
	const char *domains;  /* joined by blanks */
	const char *services; /* the same */
};

static const struct row rows[] = {
	{"{}", "{}", false, "", ""},
	{" { } \n", "{}", false, "", ""},
	{"null", "{}", false, "", ""},
	{"{\"TCP\":{\"80\":{\"HTTP\":true}}}", "{\"TCP\":{\"80\":{\"HTTP\":true}}}", false, "", ""},
	{"{\"TCP\":{\"443\":{\"HTTPS\":true}}}", "{\"TCP\":{\"443\":{\"HTTPS\":true}}}", true, "",
		""},
	{"{\"tcp\":{\"443\":{\"https\":true}}}", "{\"tcp\":{\"443\":{\"https\":true}}}", true, "",
		""},
	{"{\"TCP\":{\"80\":{\"HTTPS\":false},\"81\":{\"HTTPS\":null},\"82\":null}}",
		"{\"TCP\":{\"80\":{\"HTTPS\":false},\"81\":{\"HTTPS\":null},\"82\":null}}", false,
		"", ""},
	/* What is absent may be null. */
	{"{\"TCP\":null,\"Web\":null,\"Services\":null}",
		"{\"TCP\":null,\"Web\":null,\"Services\":null}", false, "", ""},
	{"{\"Services\":{}}", "{\"Services\":{}}", false, "", ""},
	{"{\"Services\":{\"svc:b\":{},\"svc:a\":null}}",
		"{\"Services\":{\"svc:b\":{},\"svc:a\":null}}", false, "", "svc:a svc:b"},
	/* Unknown members are the daemon's business. */
	{"{\"Odd\":[1,{\"TCP\":7}],\"AllowFunnel\":{\"a:443\":true}}",
		"{\"Odd\":[1,{\"TCP\":7}],\"AllowFunnel\":{\"a:443\":true}}", false, "", ""},
	/* The placeholder, in keys and values and beside others. */
	{"{\"Web\":{\"${TS_CERT_DOMAIN}:443\":{\"Handlers\":{\"/\":{\"Text\":"
	 "\"${TS_CERT_DOMAIN}${TS_CERT_DOMAIN}$ {TS_CERT_DOMAIN} ${ts_cert_domain}\"}}}}}",
		"{\"Web\":{\"n.t.ts.net:443\":{\"Handlers\":{\"/\":{\"Text\":"
		"\"n.t.ts.netn.t.ts.net$ {TS_CERT_DOMAIN} ${ts_cert_domain}\"}}}}}",
		false, "", ""},
	/* Certificates: of Services alone, each once. */
	{"{\"Web\":{\"top.ts.net:443\":{}},\"TCP\":{\"1\":{\"TerminateTLS\":\"top.ts.net\"}},"
	 "\"Services\":{\"svc:a\":{\"Web\":{\"b.ts.net:443\":null,\"c.ts.net:80\":{},"
	 "\"[::1]:443\":{},\":443\":{}},\"TCP\":{\"443\":{\"HTTPS\":true},"
	 "\"5432\":{\"TerminateTLS\":\"a.ts.net\"},\"1\":{\"TerminateTLS\":\"\"},"
	 "\"2\":{\"terminatetls\":\"b.ts.net\"}}}}}",
		"{\"Web\":{\"top.ts.net:443\":{}},\"TCP\":{\"1\":{\"TerminateTLS\":\"top.ts.net\"}},"
		"\"Services\":{\"svc:a\":{\"Web\":{\"b.ts.net:443\":null,\"c.ts.net:80\":{},"
		"\"[::1]:443\":{},\":443\":{}},\"TCP\":{\"443\":{\"HTTPS\":true},"
		"\"5432\":{\"TerminateTLS\":\"a.ts.net\"},\"1\":{\"TerminateTLS\":\"\"},"
		"\"2\":{\"terminatetls\":\"b.ts.net\"}}}}}",
		false, "[::1] a.ts.net b.ts.net", "svc:a"},
	/* Of repeated keys the last one counts. */
	{"{\"TCP\":{\"1\":{\"HTTPS\":true}},\"TCP\":{}}", "{\"TCP\":{}}", false, "", ""},
	/* Numbers keep their digits. */
	{"{\"n\":33223432117286174.10}", "{\"n\":33223432117286174.10}", false, "", ""},
};

static int make(const char *text, const char *domain, struct serve_plan *plan, struct err *e)
{
	const struct serve_names names = {domain, "t.ts.net"};
	return serve_plan_make(text, strlen(text), &names, plan, e);
}

static void a_file_has_a_plan(void **state)
{
	struct serve_plan plan = {0};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct err e = {0};
		int code = make(row->text, "n.t.ts.net", &plan, &e);
		assert_string_equal(e.msg, "");
		assert_int_equal(code, 0);
		assert_string_equal(plan.document, row->document);
		assert_int_equal(plan.needs_https, row->needs_https);
		AUTO(mem_free) char *domains = strv_join(&plan.cert_domains, " ");
		AUTO(mem_free) char *services = strv_join(&plan.services, " ");
		assert_string_equal(domains, row->domains);
		assert_string_equal(services, row->services);
	}
	serve_plan_fini(&plan);
	serve_plan_fini(&plan);
}

static void a_bad_file_is_refused_with_its_place(void **state)
{
	static const char *const bad[][2] = {
		{"", ""},
		{" \n", ""},
		{"[]", "the document is no object"},
		{"7", "the document is no object"},
		{"{\"TCP\":", ""},
		{"{} {}", ""},
		{"{\"a\":1,}", ""},
		{"\xef\xbb\xbf{}", ""},
		{"{\"a\":\"\xff\"}", ""},
		{"{\"TCP\":[]}", "TCP is no object"},
		{"{\"TCP\":{\"80\":7}}", "TCP: 80 is no object"},
		{"{\"TCP\":{\"80\":{\"HTTPS\":\"yes\"}}}", "TCP.80: HTTPS is no boolean"},
		{"{\"Web\":\"x\"}", "Web is no object"},
		{"{\"services\":[]}", "Services is no object"},
		{"{\"Services\":{\"svc:a\":[]}}", "Services: svc:a is no object"},
		{"{\"Services\":{\"svc:a\":{\"Web\":7}}}", "Services: svc:a: Web is no object"},
		{"{\"Services\":{\"svc:a\":{\"Web\":{\"h\":{}}}}}",
			"Services: svc:a: Web: \"h\" has no port"},
		{"{\"Services\":{\"svc:a\":{\"Web\":{\"h:\":{}}}}}",
			"Services: svc:a: Web: \"h:\" has no port"},
		{"{\"Services\":{\"svc:a\":{\"Web\":{\"h:443\":7}}}}",
			"Services: svc:a: Web: h:443 is no object"},
		{"{\"Services\":{\"svc:a\":{\"TCP\":{\"1\":{\"TerminateTLS\":[]}}}}}",
			"Services: svc:a: TCP.1: TerminateTLS is no string"},
	};
	struct serve_plan plan = {0};
	struct err e = {0};
	(void)state;
	assert_int_equal(make("{\"a\":1}", "d", &plan, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		e.msg[0] = '\0';
		assert_int_equal(make(bad[i][0], "d", &plan, &e), -EINVAL);
		assert_int_not_equal(e.msg[0], '\0');
		assert_non_null(strstr(e.msg, bad[i][1]));
		/* What was planned stays. */
		assert_string_equal(plan.document, "{\"a\":1}");
	}
	/* A NUL is no end. */
	assert_int_equal(
		serve_plan_make("{}\0{}", 5, &(struct serve_names){"d", ""}, &plan, &e), -EINVAL);
	serve_plan_fini(&plan);
}

static void unknown_members_are_named(void **state)
{
	static const char *const cases[][2] = {
		{"{}", ""},
		{"null", ""},
		{"{\"tcp\":{\"1\":{\"https\":true,\"tcpforward\":\"\",\"TerminateTLS\":\"\","
		 "\"HTTP\":false,\"ProxyProtocol\":1}},\"AllowFunnel\":{\"odd\":true}}",
			""},
		{"{\"Web\":{\"a:1\":{\"Handlers\":{\"/\":{\"Path\":\"\",\"Proxy\":\"\",\"Text\":"
		 "\"\",\"AcceptAppCaps\":[],\"Redirect\":\"\"}}}}}",
			""},
		{"{\"Services\":{\"svc:a\":{\"Tun\":true,\"TCP\":null,\"Web\":{}}}}", ""},
		{"{\"Odd\":1,\"version\":\"1\",\"TCP\":{}}", "Odd version"},
		{"{\"TCP\":{\"443\":{\"HTPS\":true}},\"Web\":{\"h:1\":{\"Handler\":{},"
		 "\"Handlers\":{\"/x\":{\"Prox\":\"\"}}}}}",
			"TCP.443.HTPS Web.h:1.Handler Web.h:1.Handlers./x.Prox"},
		{"{\"Services\":{\"svc:a\":{\"Port\":1}},\"Foreground\":{\"s\":{\"Foreground\":{}}}}",
			"Services.svc:a.Port Foreground.s.Foreground"},
		{"{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}",
			"a b c d e f g h"},
	};
	struct serve_plan plan = {0};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e;
		assert_int_equal(make(cases[i][0], "d", &plan, &e), 0);
		AUTO(mem_free) char *unknown = strv_join(&plan.unknown, " ");
		assert_string_equal(unknown, cases[i][1]);
	}
	serve_plan_fini(&plan);
}

static void placeholders_may_not_explode(void **state)
{
	enum {
		COUNT = 500000
	};
	static char text[COUNT * 17 + 8];
	static char domain[254];
	struct serve_plan plan = {0};
	struct err e = {0};
	size_t len = 0;
	(void)state;
	memset(domain, 'd', sizeof(domain) - 1);
	text[len++] = '"';
	for (int i = 0; i < COUNT; i++) {
		memcpy(text + len, "${TS_CERT_DOMAIN}", 17);
		len += 17;
	}
	text[len++] = '"';
	assert_int_equal(serve_plan_make(text, len, &(struct serve_names){domain, ""}, &plan, &e),
		-EMSGSIZE);
	serve_plan_fini(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_a_plan),
		cmocka_unit_test(a_bad_file_is_refused_with_its_place),
		cmocka_unit_test(unknown_members_are_named),
		cmocka_unit_test(placeholders_may_not_explode),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
