#include "controller/settings/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static char *none[] = {NULL};

/* Parses; the sentence of the fault, "" without one. */
static const char *parse(struct settings *s, char *const *argv, char *const *env)
{
	static struct err e;
	err_clear(&e);
	if (settings_parse(s, argv, env, &e) < 0)
		return e.msg;
	return "";
}

static void defaults_come_from_the_table(void **state)
{
	struct settings s;
	(void)state;
	assert_string_equal(parse(&s, none, none), "");
	assert_string_equal(s.default_tailnet, "default");
	assert_string_equal(s.metrics_addr, "[::]:8080");
	assert_string_equal(s.log_format, "json");
	assert_int_equal(s.finalizer_timeout_ms, 300000);
	assert_int_equal(s.resync_period_ms, 36000000);
	assert_int_equal(s.at_once, 32);
	assert_int_equal(s.verbosity, 0);
	assert_true(s.leader_elect);
	assert_false(s.leave_external_name);
	settings_fini(&s);
}

static void flags_go_before_variables(void **state)
{
	struct settings s;
	char *argv[] = {"--proxy-image=a:1", "--leave-external-name", "--namespace", "x",
		"--namespace=y", "-v", "1", NULL};
	char *env[] = {"PROXY_IMAGE=b:2", "DEFAULT_TAILNET=corp", "NAMESPACE=", "POD_NAMESPACE=z",
		"LEADER_ELECT=false", "https_proxy=http://p:1", NULL};
	(void)state;
	assert_string_equal(parse(&s, argv, env), "");
	assert_string_equal(s.proxy_image, "a:1");
	assert_string_equal(s.default_tailnet, "corp");
	assert_string_equal(s.ns, "y");
	assert_string_equal(s.https_proxy, "http://p:1");
	assert_int_equal(s.verbosity, 1);
	assert_true(s.leave_external_name);
	assert_false(s.leader_elect);
	settings_fini(&s);
	assert_string_equal(parse(&s, none, env), "");
	assert_string_equal(s.ns, "z");
	settings_fini(&s);
}

static void refusals_name_flag_and_variable(void **state)
{
	static const struct {
		char *argument;
		const char *sentence;
	} rows[] = {
		{"--finalizer-timeout=0s",
			"--finalizer-timeout (FINALIZER_TIMEOUT) is \"0s\", but must be "
			"a positive duration such as 90s or 5m"},
		{"--at-once=0",
			"--at-once (AT_ONCE) is \"0\", but must be a number from 1 to 100000"},
		{"--v=x", "--v (V) is \"x\", but must be a number from 0 on"},
		{"--leader-elect=maybe",
			"--leader-elect (LEADER_ELECT) is \"maybe\", but must be true or false"},
		{"--log-format=xml",
			"--log-format (LOG_FORMAT) is \"xml\", but must be one of: json, text"},
		{"--metrics-addr=here:80",
			"--metrics-addr (METRICS_ADDR) is \"here:80\", but must be an "
			"address and a port such as :8080 or 127.0.0.1:8080"},
		{"--proxy-imag=x", "unknown argument --proxy-imag=x; --help shows all"},
		{"run", "unknown argument run; --help shows all"},
		{"--namespace", "--namespace needs a value"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct settings s;
		char *argv[] = {rows[i].argument, NULL};
		assert_string_equal(parse(&s, argv, none), rows[i].sentence);
	}
}

static void running_needs_an_image_and_a_cluster(void **state)
{
	struct settings s;
	struct err e;
	char *outside[] = {"PROXY_IMAGE=a", NULL};
	char *no_namespace[] = {"PROXY_IMAGE=a", "KUBECONFIG=/x", NULL};
	char *complete[] = {"PROXY_IMAGE=a", "KUBECONFIG=/x", "NAMESPACE=n", NULL};
	(void)state;
	assert_string_equal(parse(&s, none, none), "");
	assert_int_not_equal(settings_complete(&s, true, &e), 0);
	assert_non_null(strstr(e.msg, "--proxy-image (PROXY_IMAGE) is not set"));
	settings_fini(&s);
	assert_string_equal(parse(&s, none, outside), "");
	assert_int_not_equal(settings_complete(&s, true, &e), 0);
	assert_non_null(strstr(e.msg, "set --kubeconfig (KUBECONFIG)"));
	settings_fini(&s);
	assert_string_equal(parse(&s, none, no_namespace), "");
	assert_int_not_equal(settings_complete(&s, true, &e), 0);
	assert_non_null(strstr(e.msg, "--namespace (NAMESPACE) is not set"));
	settings_fini(&s);
	assert_string_equal(parse(&s, none, complete), "");
	assert_int_equal(settings_complete(&s, true, &e), 0);
	settings_fini(&s);
}

static void each_row_is_described(void **state)
{
	struct err e;
	AUTO(buf_fini) struct buf help = BUF_INIT(1 << 20);
	AUTO(buf_fini) struct buf document = BUF_INIT(1 << 20);
	(void)state;
	assert_int_equal(settings_describe(&help, false, &e), 0);
	assert_int_equal(settings_describe(&document, true, &e), 0);
	for (size_t i = 0; i < settings_rows_len; i++) {
		assert_non_null(strstr(buf_cstr(&help), settings_rows[i].variable));
		assert_non_null(strstr(buf_cstr(&document), settings_rows[i].meaning));
	}
	assert_null(strchr(buf_cstr(&help), '`'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_come_from_the_table),
		cmocka_unit_test(flags_go_before_variables),
		cmocka_unit_test(refusals_name_flag_and_variable),
		cmocka_unit_test(running_needs_an_image_and_a_cluster),
		cmocka_unit_test(each_row_is_described),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
