#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/settings/settings.h"
#include "boot/settings/settings_table.h"
#include "lib/base/mem.h"

#define HELP_WIDTH 96

static char *describe(bool markdown)
{
	struct err e;
	struct buf out = BUF_INIT(1024 * 1024);
	assert_int_equal(settings_describe(&out, markdown, &e), 0);
	return buf_take(&out);
}

static void rows_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_table_len; i++) {
		const struct settings_row *row = &settings_table[i];
		assert_non_null(row->meaning);
		assert_int_equal(row->meaning[strlen(row->meaning) - 1], '.');
		assert_null(strchr(row->meaning, '|'));
		assert_int_equal(settings_row_is_read(row), row->offset != 0);
		assert_int_equal(row->rule == SETTINGS_CHOICE, row->choices != NULL);
		if (row->group != SETTINGS_GROUP_CHILDREN)
			assert_non_null(row->since);
		if (row->rule == SETTINGS_BOOL || row->rule == SETTINGS_DURATION ||
			row->rule == SETTINGS_COUNT)
			assert_non_null(row->fallback);
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(settings_table[k].name, row->name);
			if (settings_row_is_read(row) && settings_row_is_read(&settings_table[k]))
				assert_int_not_equal(settings_table[k].offset, row->offset);
		}
	}
}

static void help_fits_its_width(void **state)
{
	(void)state;
	AUTO(mem_free) char *text = describe(false);
	AUTO(strv_fini) struct strv lines = {0};
	str_split(text, '\n', &lines);
	for (size_t i = 0; i < lines.len; i++) {
		bool is_heading = str_starts(lines.items[i], "  ") && lines.items[i][2] != ' ';
		if (!is_heading && strlen(lines.items[i]) > HELP_WIDTH)
			fail_msg("too long: %s", lines.items[i]);
		assert_null(strchr(lines.items[i], '`'));
	}
}

static void markdown_has_one_line_for_each_row(void **state)
{
	(void)state;
	AUTO(mem_free) char *text = describe(true);
	AUTO(strv_fini) struct strv lines = {0};
	size_t rows = 0;
	str_split(text, '\n', &lines);
	for (size_t i = 0; i < lines.len; i++) {
		size_t bars = 0;
		if (!str_starts(lines.items[i], "| `") || str_starts(lines.items[i], "| `true`"))
			continue;
		for (const char *p = lines.items[i]; *p != '\0'; p++)
			bars += *p == '|';
		assert_int_equal(bars, 7);
		rows++;
	}
	assert_int_equal(rows, settings_table_len);
	assert_non_null(
		strstr(text, "| `TS_SOCKET` | text | `/tmp/tailscaled.sock` | daemon restart |"));
	assert_non_null(strstr(text, "`TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR`"));
	/* Those of others have no release of ours. */
	assert_non_null(strstr(text, "| `SSL_CERT_FILE` | text |  | at boot |  | "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(help_fits_its_width),
		cmocka_unit_test(markdown_has_one_line_for_each_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
