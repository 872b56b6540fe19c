#include "boot/fatal.h"

#include <fcntl.h>
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
#include "tests/support/tempdir.h"

/* The same table as docs/exit-codes.md. */
static void test_rows(void **state)
{
	static const struct {
		enum fatal_cause cause;
		int exit_code;
		bool after_startup;
		bool is_failure;
	} want[] = {
		{FATAL_STOP_REQUESTED, 0, true, false},
		{FATAL_KEY_REISSUED, 0, false, false},
		{FATAL_SETTINGS, 1, false, true},
		{FATAL_BOOT_STEP, 1, false, true},
		{FATAL_BOOT_DEADLINE, 1, false, true},
		{FATAL_DAEMON_NEVER_RAN, 1, false, true},
		{FATAL_CRASH_BUDGET, 3, true, true},
		{FATAL_LOOP, 4, true, true},
	};
	(void)state;
	assert_int_equal(ARRAY_LEN(want), FATAL_CAUSE_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const struct fatal_row *row = fatal_row(want[i].cause);
		assert_int_equal(row->exit_code, want[i].exit_code);
		assert_int_equal(row->after_startup, want[i].after_startup);
		assert_int_equal(row->is_failure, want[i].is_failure);
		assert_int_equal(row->is_failure, row->exit_code != 0);
		assert_true(strlen(row->name) > 0);
	}
}

static void write_and_expect(const char *dir, const char *sentence, const char *want)
{
	AUTO(mem_free) char *path = tempdir_path(dir, "log");
	fatal_write_termination(path, sentence);
	AUTO(mem_free) char *text = tempdir_read(dir, "log");
	assert_string_equal(text, want);
}

static void test_message_is_replaced(void **state)
{
	(void)state;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	tempdir_write(dir, "log", "an older and longer message");
	write_and_expect(dir, "tailscaled crashed", "tailscaled crashed");
	write_and_expect(dir, "", "");
}

static void test_message_is_cut_between_characters(void **state)
{
	char sentence[6000];
	(void)state;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	tempdir_write(dir, "log", "");
	memset(sentence, 'x', sizeof(sentence));
	memcpy(sentence + 4095, "ü", strlen("ü"));
	sentence[sizeof(sentence) - 1] = '\0';
	char *want = xstrndup(sentence, 4095);
	write_and_expect(dir, sentence, want);
	free(want);
}

/* What most hosts have: nothing there, nothing made, nothing waited for. */
static void test_no_such_file(void **state)
{
	(void)state;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "log");
	fatal_write_termination(path, "x");
	assert_int_equal(access(path, F_OK), -1);
	fatal_write_termination(dir, "x");
	AUTO(mem_free) char *fifo = tempdir_path(dir, "fifo");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fatal_write_termination(fifo, "nobody reads");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_message_is_replaced),
		cmocka_unit_test(test_message_is_cut_between_characters),
		cmocka_unit_test(test_no_such_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
