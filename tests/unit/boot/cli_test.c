#include "boot/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/settings/settings_table.h"
#include "config.h"
#include "lib/base/mem.h"

static void words_become_commands(void **state)
{
	(void)state;
	static const struct {
		char *argv[5];
		enum cli_command want;
	} cases[] = {
		{{"tailboot"}, CLI_RUN},
		{{"/usr/local/bin/containerboot"}, CLI_RUN},
		{{"/tailscale/run.sh"}, CLI_RUN},
		{{NULL}, CLI_RUN},
		{{"tailboot", "check"}, CLI_CHECK},
		{{"containerboot", "check"}, CLI_CHECK},
		{{"tailboot", "--help"}, CLI_HELP},
		{{"tailboot", "-h"}, CLI_HELP},
		{{"tailboot", "help"}, CLI_HELP},
		{{"tailboot", "--version"}, CLI_VERSION},
		{{"tailboot", "version"}, CLI_VERSION},
		{{"tailboot", "docs", "settings"}, CLI_DOCS_SETTINGS},
		{{"tailboot", "docs"}, CLI_UNKNOWN},
		{{"tailboot", "docs", "other"}, CLI_UNKNOWN},
		{{"tailboot", "docs", "settings", "x"}, CLI_UNKNOWN},
		{{"tailboot", "check", "x"}, CLI_UNKNOWN},
		{{"tailboot", ""}, CLI_UNKNOWN},
		{{"tailboot", "--Help"}, CLI_UNKNOWN},
		{{"tailboot", "--nonsense"}, CLI_UNKNOWN},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int argc = 0;
		while (cases[i].argv[argc] != NULL)
			argc++;
		assert_int_equal(cli_parse(argc, cases[i].argv), cases[i].want);
	}
}

struct outcome {
	int code;
	char *out, *err_out;
};

static struct outcome execute(enum cli_command command)
{
	struct outcome o = {0};
	size_t out_len, err_len;
	char *env[] = {"PATH=/nowhere", NULL};
	FILE *out = open_memstream(&o.out, &out_len);
	FILE *err_out = open_memstream(&o.err_out, &err_len);
	o.code = cli_execute(command, env, out, err_out);
	fclose(out);
	fclose(err_out);
	return o;
}

static void end_outcome(struct outcome *o)
{
	free(o->out);
	free(o->err_out);
}

static void help_shows_every_setting(void **state)
{
	(void)state;
	struct outcome o = execute(CLI_HELP);
	assert_int_equal(o.code, 0);
	assert_string_equal(o.err_out, "");
	assert_int_equal(strncmp(o.out, "usage: tailboot ", 16), 0);
	for (size_t i = 0; i < settings_table_len; i++)
		assert_non_null(strstr(o.out, settings_table[i].name));
	end_outcome(&o);
}

static void version_names_the_capability_version(void **state)
{
	(void)state;
	struct outcome o = execute(CLI_VERSION);
	AUTO(mem_free)
	char *want = xasprintf("tailboot %s\ncapability version %d\nbuilt with ", TAILBOOT_VERSION,
		TAILBOOT_CAPVER);
	assert_int_equal(o.code, 0);
	assert_string_equal(o.err_out, "");
	assert_int_equal(strncmp(o.out, want, strlen(want)), 0);
	end_outcome(&o);
}

static void wrong_words_end_with_two(void **state)
{
	(void)state;
	struct outcome o = execute(CLI_UNKNOWN);
	assert_int_equal(o.code, 2);
	assert_string_equal(o.out, "");
	assert_non_null(strstr(o.err_out, "usage: "));
	end_outcome(&o);
}

static void settings_as_markdown(void **state)
{
	(void)state;
	struct outcome o = execute(CLI_DOCS_SETTINGS);
	assert_int_equal(o.code, 0);
	assert_int_equal(strncmp(o.out, "# Settings\n", 11), 0);
	end_outcome(&o);
}

static void full_disk_is_a_failure(void **state)
{
	(void)state;
	FILE *out = fopen("/dev/full", "w");
	char *text = NULL;
	size_t len;
	FILE *err_out = open_memstream(&text, &len);
	assert_non_null(out);
	assert_int_equal(cli_execute(CLI_VERSION, NULL, out, err_out), 1);
	fclose(out);
	fclose(err_out);
	assert_non_null(strstr(text, "cannot be written"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_commands),
		cmocka_unit_test(help_shows_every_setting),
		cmocka_unit_test(version_names_the_capability_version),
		cmocka_unit_test(wrong_words_end_with_two),
		cmocka_unit_test(settings_as_markdown),
		cmocka_unit_test(full_disk_is_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
